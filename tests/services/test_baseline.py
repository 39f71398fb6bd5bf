"""The past comes in: counted as anybody would count it, and nothing else of it stays."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reminders.domain.appointment import STRONGEST, AppointmentRecord, Status
from reminders.domain.baseline import Cell, Past, cell_of
from reminders.domain.baseline_count import Split
from reminders.domain.holdout import Arm
from reminders.domain.outcome import AMONG, Denominator, Outcome, outcome_of
from reminders.errors import FeedRefused, RepairNeeded, SourceUnavailable
from reminders.services import baseline
from reminders.services.baseline_rates import kept, rates
from reminders.services.effect import Verdict, effect
from reminders.store.engine import Store, rows
from reminders.store.schema import metadata
from tests.support.clinic import MONDAY, PARIS, Clinic, paris
from tests.support.comparison import NOW, SINCE, Comparison
from tests.support.past import CAME, EARLY, HOSPITAL, LATE, MISSED, OPEN, imported, read, was, year

# --- counted as anybody would --------------------------------------------------------------------


@st.composite
def lines(draw: st.DrawFn) -> AppointmentRecord:
    patient = draw(st.integers(1, 3))
    day = draw(st.integers(0, 200))
    starts = paris("2026-03-02 08:00") + timedelta(
        days=day, hours=draw(st.sampled_from((0, 3, 4, 9)))
    )
    ahead = draw(st.sampled_from((None, -2, 0, 1, 6, 20, 60, 800)))
    how = draw(st.sampled_from((CAME, MISSED, LATE, EARLY, OPEN, HOSPITAL)))
    gone = {**how, "before": timedelta(days=9)} if draw(st.booleans()) and "before" in how else how
    born = draw(st.sampled_from((1979, 2022, 1931)))
    return was(
        patient,
        starts,
        external_id=f"N{draw(st.integers(1, 25))}-{patient}",
        uf=draw(st.sampled_from(("4220", "4230", "9999"))),
        booked_at=None if ahead is None else starts - timedelta(days=ahead),
        born=born,
        **gone,
    )


def counted(records: Sequence[AppointmentRecord]) -> dict[str, Past]:
    """The definitions, one appointment after the other."""
    strength = {status: place for place, status in enumerate(STRONGEST)}

    def order(one: AppointmentRecord) -> tuple[object, ...]:
        return strength[one.status], one.all_day, one.starts_at, one.row

    numbers: dict[str, AppointmentRecord] = {}
    for one in sorted(records, key=order, reverse=True):
        numbers[one.external_id] = one
    slots: dict[tuple[object, ...], AppointmentRecord] = {}
    first: dict[tuple[str, str], datetime] = {}
    for one in sorted(numbers.values(), key=lambda o: (strength[o.status], o.row), reverse=True):
        assert one.patient is not None
        slots[(one.patient.identifier, one.uf, one.starts_at)] = one
    for one in slots.values():
        assert one.patient is not None
        assert one.starts_at is not None
        who = (one.patient.identifier, one.uf)
        first[who] = min(first.get(who, one.starts_at), one.starts_at)
    numbers_of: Counter[str] = Counter()
    missed_of: Counter[str] = Counter()
    for one in slots.values():
        assert one.patient is not None
        assert one.starts_at is not None
        cancelled = one.modified_at if one.status is Status.CANCELLED else None
        outcome = outcome_of(one.status, one.starts_at, cancelled, one.cancelled_by, MONDAY)
        ahead = None
        if one.booked_at is not None:
            ahead = (
                one.starts_at.astimezone(PARIS).date() - one.booked_at.astimezone(PARIS).date()
            ).days
        reminded = 7 if ahead is None or ahead < 0 or ahead >= 10 else 3 if ahead >= 3 else 1
        if cancelled is not None and one.starts_at - cancelled > timedelta(days=reminded):
            continue  # before its first reminder would have left
        if outcome not in AMONG[Denominator.ELIGIBLE]:
            continue
        booked = one.booked_at if ahead is not None and 0 <= ahead <= 730 else None
        since = one.booked_at  # when it was booked, or would have been reminded of
        if since is None or since > one.starts_at:
            since = one.starts_at - timedelta(days=7)
        known = first[(one.patient.identifier, one.uf)] < since
        key = cell_of(
            one.uf, one.starts_at, booked, one.patient.birth_date, known=known, zone=PARIS
        ).key
        numbers_of[key] += 1
        missed_of[key] += outcome is Outcome.NO_SHOW
    return {key: Past(number, missed_of[key]) for key, number in numbers_of.items()}


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(records=st.lists(lines(), min_size=1, max_size=60))
def test_counts_by_cell_are_those_of_a_naive_count(
    store: Store, records: list[AppointmentRecord]
) -> None:
    wanted = counted(records)
    with read(store, *records) as found:
        if found.told:
            found.keep(now=MONDAY, by="nadia")
            assert baseline.past(store) == wanted
        else:
            assert wanted == {}


def test_an_appointment_on_several_lines_counts_once_as_its_strongest_says(store: Store) -> None:
    room = was(1, external_id="N1", status=Status.CANCELLED)
    nurse = was(1, external_id="N1", status=Status.FULFILLED)
    found = imported(store, room, nurse, *year())
    assert found.appointments == len(year()) + 1
    whole = rates(store, [Split.SERVICE])[Split.SERVICE][0].counted
    assert whole.tally[Outcome.ATTENDED] == 26 * 2 + 1


def test_who_came_before_is_known_though_the_line_stands_later(store: Store) -> None:
    later, earlier = was(7, "2026-06-09 09:30"), was(7, "2026-03-03 14:00")
    imported(store, later, earlier, was(7, "2026-06-09 09:30", uf="4230"))
    told = [
        (line.counted.uf, line.counted.known) for line in rates(store, [Split.KNOWN])[Split.KNOWN]
    ]
    assert told == [("4220", "new"), ("4220", "known"), ("4230", "new")]


def test_what_was_called_off_before_its_first_reminder_is_no_unit(store: Store) -> None:
    early = [was(n, status=Status.CANCELLED, before=timedelta(days=8)) for n in range(900, 905)]
    assert imported(store, *year(), *early).appointments == len(year())


def test_the_first_reminder_of_what_was_booked_late_is_the_one_it_would_have_had(
    store: Store,
) -> None:
    """Booked five days ahead it is reminded three days before: what is called off before that is
    no unit, in the past as in the report. Nobody could be reminded of what is booked the day
    itself, which counts all the same."""
    gone = {"status": Status.CANCELLED, "before": timedelta(days=4)}
    start = paris("2026-06-09 09:30")
    late = [was(n, start, booked_at=start - timedelta(days=5), **gone) for n in range(900, 905)]
    soon = {"status": Status.CANCELLED, "before": timedelta(hours=1)}
    same = [was(n, start, booked_at=start - timedelta(hours=4), **soon) for n in range(910, 913)]
    ahead = [was(n, start, **gone) for n in range(920, 924)]
    assert imported(store, *year(), *late, *same, *ahead).appointments == len(year()) + 3 + 4


def test_of_more_than_a_year_the_last_counts_and_the_rest_says_who_was_known(store: Store) -> None:
    old = [was(n, "2025-01-14 09:00") for n in range(1, 30)]
    found = imported(store, *old, *year())
    assert found.appointments == len(year())
    new, known = rates(store, [Split.KNOWN])[Split.KNOWN]
    assert (new.counted.appointments, known.counted.appointments) == (104 - 29, 29)


# --- what stays ----------------------------------------------------------------------------------


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with store.read() as connection:
        return {
            name: [tuple(row) for row in rows(connection, f"SELECT * FROM {name}")]
            for name in metadata.tables
        }


def test_past_appointments_never_cause_messages(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    before = everything(store)
    soon = [was(n, MONDAY + timedelta(days=3), status=Status.BOOKED) for n in range(500, 510)]
    imported(store, *year(), *soon)
    clinic.plan()
    after = everything(store)
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"run", "pacer"} <= {"baseline", "baseline_count", "audit", "sequence"}
    assert after["patient"] == after["appointment"] == after["message"] == []


def test_nothing_of_a_person_is_kept(store: Store) -> None:
    imported(store, *year(), unknown_words={"Madame EXEMPLE est venue": 3})
    told = repr(everything(store))
    for one in year()[:20]:
        assert isinstance(one, AppointmentRecord)
        assert one.patient is not None
        assert one.patient.identifier not in told
    for word in ("EXEMPLE", "Léa", "1979", "06 39", "Madame"):
        assert word not in told
    with store.session() as session, session.scratch() as connection, pytest.raises(Exception):  # noqa: B017
        rows(connection, "SELECT * FROM past_unit")


def test_reading_again_replaces(store: Store) -> None:
    imported(store, *year(each=8))
    first = baseline.past(store)
    imported(store, *year())
    again = baseline.past(store)
    assert sum(one.appointments for one in first.values()) == 26 * 8
    assert sum(one.appointments for one in again.values()) == 26 * 4
    imported(store, *year())
    assert baseline.past(store) == again
    assert len(everything(store)["baseline"]) == 1


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([], None),
        ([was(1, status=Status.BOOKED)], None),
        (year(), FeedRefused("month_first", "des dates n'existent pas")),
        (year(), SourceUnavailable("changing", "le fichier a changé")),
    ],
    ids=["empty", "no outcome", "refused", "unavailable"],
)
def test_a_wrong_file_changes_nothing(
    store: Store, records: list[AppointmentRecord], problem: Exception | None
) -> None:
    imported(store, *year())
    before = everything(store)
    with pytest.raises(RepairNeeded):
        imported(store, *records, fails_with=problem)
    assert everything(store) == before


def test_looking_at_a_file_writes_nothing(store: Store) -> None:
    before = everything(store)
    with read(store, *year()) as found:
        assert found.appointments == 104
        assert everything(store) == before
    assert everything(store) == before


def test_removing_leaves_nothing_and_is_written_down(store: Store) -> None:
    imported(store, *year())
    assert baseline.remove(store, now=MONDAY, by="nadia")
    assert not baseline.remove(store, now=MONDAY, by="nadia")
    assert (baseline.past(store), kept(store)) == ({}, None)
    written = {cell for row in everything(store)["audit"] for cell in row}
    assert {"baseline.import", "baseline.remove"} <= written


# --- what it is for ------------------------------------------------------------------------------


def test_the_effect_is_adjusted_on_what_was_imported(store: Store) -> None:
    """Two services, one missed four times as often; chance gave the held arm more of it."""
    often, seldom = (Cell(uf, "new", "28-55", "2", "am", "45-64").key for uf in ("4220", "4230"))
    trial = Comparison(store)
    for arm, uf, cell, size, missed in (
        (Arm.REMINDED, "4220", often, 4_000, 800),
        (Arm.REMINDED, "4230", seldom, 4_000, 160),
        (Arm.HELD, "4220", often, 1_100, 330),
        (Arm.HELD, "4230", seldom, 900, 54),
    ):
        trial.arm(arm, size, missed, uf=uf, cell=cell)
    plain = effect(store, now=NOW)
    assert (plain.verdict, plain.adjusted) == (Verdict.MEASURED, False)
    half = [was(n, "2025-10-14 09:30", **(MISSED if n % 10 < 3 else CAME)) for n in range(200)]
    rest = [
        was(n, "2025-10-14 09:30", uf="4230", **(MISSED if n % 20 == 0 else CAME))
        for n in range(200, 400)
    ]
    imported(store, *half, *rest, now=SINCE)
    found = effect(store, now=NOW)
    assert (found.verdict, found.adjusted) == (Verdict.MEASURED, True)
    assert found.estimate == effect(store, now=NOW, past=baseline.past(store)).estimate
    assert found.estimate != plain.estimate
    assert effect(store, now=NOW, past={}).estimate == plain.estimate
    # by service: (20 % - 30 %) and (4 % - 6 %), of equal shares: -6 points
    assert found.estimate == pytest.approx(-0.06, abs=0.004)


def test_what_began_after_the_launch_is_no_past(store: Store) -> None:
    Comparison(store)  # since March
    found = imported(
        store, *[was(n, "2026-01-13 09:30") for n in range(40)],
        *[was(n, "2026-04-14 09:30") for n in range(40, 60)],
    )  # fmt: skip
    assert found.appointments == 40
