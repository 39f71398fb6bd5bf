"""A month closes once and stays what it was; what later data make of it is a numbered revision."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from reminders import __version__
from reminders.domain.appointment import AppointmentRecord, Status
from reminders.domain.canonical import Plain, plain
from reminders.domain.holdout import Arm
from reminders.domain.report import Asked, Month
from reminders.domain.savings import MONTHLY, Component, UnitCost
from reminders.errors import ReminderError
from reminders.services import costs, months
from reminders.services.effect import take_look
from reminders.services.holdout import approve, propose, stop
from reminders.services.money import compute, kept, seen
from reminders.services.months import Closed, Why, close, close_due, find, newest_due, revise, told
from reminders.services.no_show_report import no_show_report
from reminders.services.purge import purge
from reminders.services.rules import rules_of
from reminders.store.engine import Store, open_engine, rows, run
from reminders.store.types import micros
from tests.services.test_rollup import at, tell
from tests.support.clinic import PARIS, Clinic, paris, settings_with, visit
from tests.support.comparison import CAME, MISSED, OPEN, Comparison

APRIL, MAY = Month(2026, 4), Month(2026, 5)
TENTH = datetime(2026, 5, 10, 6, tzinfo=UTC)
RULES = rules_of(settings_with())
SLOT = UnitCost(Component.SLOT, 80, 60, 110, "contrôle de gestion", date(2026, 1, 1))


@pytest.fixture
def trial(store: Store) -> Comparison:
    found = Comparison(store)
    april = datetime(2026, 4, 1, tzinfo=UTC) - timedelta(minutes=15)
    found.patients(Arm.REMINDED, [[CAME]] * 30 + [[MISSED]] * 6, since=april)
    found.patients(Arm.HELD, [[CAME]] * 8 + [[MISSED]] * 2, since=april)
    return found


def closed(trial: Comparison, month: Month = APRIL, now: datetime = TENTH) -> Closed:
    return close(trial.store, RULES, month, by="nadia", now=now)[0]


def missed(one: Closed | None) -> object:
    assert one is not None
    inputs = one.content["inputs"]
    assert isinstance(inputs, dict)
    return inputs["missed"]


def test_a_month_is_frozen_with_its_inputs_costs_and_version(trial: Comparison) -> None:
    costs.add(trial.store, [SLOT], actor="nadia", now=TENTH)
    found = closed(trial)
    assert (found.revision, found.by, found.version, found.intact) == (
        1,
        "nadia",
        __version__,
        True,
    )
    assert missed(found) == 8
    assert {"inputs", "costs", "report", "savings", "month", "code_version"} == set(found.content)
    held = found.content["costs"]
    assert isinstance(held, list)
    assert {"component": "slot", "value": 80.0, "source": SLOT.source}.items() <= next(
        one for one in held if isinstance(one, dict) and one["component"] == "slot"
    ).items()


def test_what_is_closed_does_not_change_and_later_data_are_a_revision(trial: Comparison) -> None:
    first = closed(trial)
    trial.change(1, status=MISSED)  # the agenda was corrected
    assert find(trial.store, APRIL, 1) == first
    again, mine = close(trial.store, RULES, APRIL, by="omar", now=TENTH)
    assert (again, mine) == (first, False)
    second = revise(trial.store, RULES, APRIL, by="omar", now=TENTH + timedelta(days=3))
    assert second is not None
    assert (second.revision, second.by, missed(second)) == (2, "omar", 9)
    assert ("inputs.missed", 8, 9) in second.changes
    assert find(trial.store, APRIL, 1) == first
    assert revise(trial.store, RULES, APRIL, by="omar", now=TENTH + timedelta(days=4)) is None


def closed_by_an_earlier_release(trial: Comparison, patch: pytest.MonkeyPatch) -> None:
    """Which told fewer figures, one of them under another name."""
    fresh = months.figures

    def earlier(*given: Any, **more: Any) -> dict[str, Plain]:
        found = fresh(*given, **more)
        for part in ("inputs", "report"):
            told = found[part]
            assert isinstance(told, dict)
            told["former"] = told.pop("messages" if part == "inputs" else "masked")
        return found

    with patch.context() as then:
        then.setattr(months, "__version__", "0.0.1")
        then.setattr(months, "figures", earlier)
        closed(trial)


def test_other_names_for_the_same_figures_are_no_revision(
    trial: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_by_an_earlier_release(trial, monkeypatch)
    assert revise(trial.store, RULES, APRIL, by="omar", now=TENTH) is None


def test_a_revision_says_whether_data_or_the_program_made_it(
    trial: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_by_an_earlier_release(trial, monkeypatch)
    with monkeypatch.context() as then:
        then.setattr(months, "__version__", "0.0.2")
        fresh = months.figures

        def otherwise(*given: Any, **more: Any) -> dict[str, Plain]:
            found = fresh(*given, **more)
            report = found["report"]
            assert isinstance(report, dict)
            return found | {"report": report | {"refilled": 99}}

        then.setattr(months, "figures", otherwise)
        program = revise(trial.store, RULES, APRIL, by="omar", now=TENTH)
    trial.change(1, status=MISSED)
    both = revise(trial.store, RULES, APRIL, by="omar", now=TENTH)
    trial.change(2, status=MISSED)
    data = revise(trial.store, RULES, APRIL, by="omar", now=TENTH)
    assert program is not None
    assert program.changes == (("report.refilled", 0, 99),)
    assert both is not None
    assert data is not None
    assert [one.why for one in (program, both, data)] == [Why.PROGRAM, Why.BOTH, Why.DATA]
    assert [one.why for one in months.listed(trial.store)[0]] == [
        Why.DATA, Why.BOTH, Why.PROGRAM, Why.FIRST,
    ]  # fmt: skip


def test_a_cost_entered_later_for_that_month_is_a_revision(trial: Comparison) -> None:
    closed(trial)
    costs.add(trial.store, [replace(SLOT, valid_from=date(2026, 6, 1))], actor="n", now=TENTH)
    assert revise(trial.store, RULES, APRIL, by="n", now=TENTH) is None  # it holds from June on
    costs.add(trial.store, [SLOT], actor="n", now=TENTH)
    found = revise(trial.store, RULES, APRIL, by="n", now=TENTH)
    assert found is not None
    assert any(place.startswith("costs.") for place, _, _ in found.changes)


def test_neither_a_month_nor_its_past_can_be_rewritten(trial: Comparison) -> None:
    first = closed(trial)
    for statement in ("UPDATE month_closing SET content = '{}'", "DELETE FROM month_closing"):
        with pytest.raises((DBAPIError, ReminderError)), trial.store.write() as connection:
            run(connection, statement)
    assert find(trial.store, APRIL) == first


def test_a_month_that_is_not_over_or_not_closed_or_purged_is_refused(trial: Comparison) -> None:
    with pytest.raises(ReminderError, match="pas fini"):
        close(trial.store, RULES, MAY, by="nadia", now=TENTH)
    with pytest.raises(ReminderError, match="pas clos"):
        revise(trial.store, RULES, APRIL, by="nadia", now=TENTH)
    closed(trial)
    with pytest.raises(ReminderError, match="effacés"):
        revise(trial.store, RULES, APRIL, by="nadia", now=TENTH + timedelta(days=400))
    with pytest.raises(ReminderError, match="effacés"):  # it would be frozen as one without any
        close(trial.store, RULES, Month(2026, 3), by="nadia", now=TENTH + timedelta(days=400))


# --- two processes -------------------------------------------------------------------------------


@pytest.fixture
def others(store: Store) -> Iterator[list[Store]]:
    """Two processes' own connections to the same database."""
    found = [Store(open_engine(store.engine.url.render_as_string(False))) for _ in range(2)]
    yield found
    for one in found:
        one.close()


def test_two_who_close_at_once_close_once(trial: Comparison, others: list[Store]) -> None:
    def one(store: Store) -> bool:
        return close(store, RULES, APRIL, by="", now=TENTH)[1]

    with ThreadPoolExecutor(2) as pool:
        mine = list(pool.map(one, others))
    assert sorted(mine) == [False, True]
    assert [one.revision for those in months.listed(trial.store) for one in those] == [1]
    with trial.store.read() as connection:
        assert len(rows(connection, "SELECT 1 FROM audit WHERE action = 'month.close'")) == 1


def test_revisions_are_numbered_without_gap_whoever_writes_them(
    trial: Comparison, others: list[Store]
) -> None:
    closed(trial)

    def one(store: Store) -> Closed | None:
        return revise(store, RULES, APRIL, by="", now=TENTH)

    for appointment in (1, 2, 3):
        trial.change(appointment, status=MISSED)
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(one, others))
        assert sum(one is not None for one in found) == 1  # one change, one revision
    (those,) = months.listed(trial.store)
    assert [one.revision for one in those] == [4, 3, 2, 1]
    assert [missed(find(trial.store, APRIL, n)) for n in (1, 2, 3, 4)] == [8, 9, 10, 11]


# --- by itself -----------------------------------------------------------------------------------


def test_a_month_closes_by_itself_on_the_stated_day_and_not_before(trial: Comparison) -> None:
    ninth = TENTH - timedelta(days=1)
    assert close_due(trial.store, RULES, now=ninth) == ([], [])
    found, revised = close_due(trial.store, RULES, now=TENTH)
    assert [(one.month, one.by) for one in found] == [("2026-04", "")]
    assert revised == []
    assert close_due(trial.store, RULES, now=TENTH) == ([], [])


def test_a_closing_that_was_missed_is_made_up_for_and_earlier_months_are_looked_at_again(
    trial: Comparison,
) -> None:
    close_due(trial.store, RULES, now=TENTH)
    trial.patients(Arm.REMINDED, [[CAME]] * 4, since=datetime(2026, 5, 5, tzinfo=UTC))
    trial.change(1, status=MISSED)
    trial.patients(Arm.REMINDED, [[CAME]] * 4, since=datetime(2026, 6, 10, tzinfo=UTC))
    found, revised = close_due(trial.store, RULES, now=datetime(2026, 7, 20, tzinfo=UTC))
    assert [one.month for one in found] == ["2026-05", "2026-06"]
    assert [(one.month, one.revision) for one in revised] == [("2026-04", 2)]


def test_a_month_passed_over_by_hand_is_closed_all_the_same(trial: Comparison) -> None:
    for month in (5, 6):
        since = datetime(2026, month, 5, tzinfo=UTC)
        trial.patients(Arm.REMINDED, [[CAME]] * 4, since=since)
    close_due(trial.store, RULES, now=TENTH)
    close(trial.store, RULES, Month(2026, 6), by="nadia", now=datetime(2026, 7, 2, tzinfo=UTC))
    found, _ = close_due(trial.store, RULES, now=datetime(2026, 7, 3, tzinfo=UTC))
    assert [one.month for one in found] == ["2026-05"]
    assert close_due(trial.store, RULES, now=datetime(2026, 7, 20, tzinfo=UTC)) == ([], [])


def test_a_month_before_the_service_came_is_not_closed(store: Store) -> None:
    assert close_due(store, RULES, now=TENTH) == ([], [])
    assert months.listed(store) == []


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(1, 28))
def test_the_newest_month_that_is_due_is_the_last_whose_day_has_come(day: date, on: int) -> None:
    newest = newest_due(day, on)

    def closing_day(month: Month) -> date:
        return Month.of_number(month.number + 1).first_day.replace(day=on)

    assert closing_day(newest) <= day < closing_day(Month.of_number(newest.number + 1))


# --- the look at the effect ----------------------------------------------------------------------


def test_a_closing_takes_the_months_look_and_a_later_one_does_not_change_it(
    store: Store,
) -> None:
    trial = Comparison(store)
    trial.patients(Arm.REMINDED, [[MISSED]] * 160 + [[CAME]] * 1_440)
    trial.patients(Arm.HELD, [[MISSED]] * 100 + [[CAME]] * 300)
    trial.patients(Arm.REMINDED, [[CAME]] * 20, since=datetime(2026, 4, 20, tzinfo=UTC))
    free = [UnitCost(one, 0, 0, 0, "offert", date(2026, 1, 1)) for one in sorted(MONTHLY)]
    costs.add(store, [SLOT, *free], actor="nadia", now=TENTH)
    first = closed(trial)
    money = first.content["savings"]
    assert isinstance(money, dict)
    assert money["verdict"] == "measured"
    total = money["total"]
    assert isinstance(total, dict)
    assert isinstance(total["central"], float)
    closed(trial, MAY, datetime(2026, 6, 10, tzinfo=UTC))
    with store.read() as connection:
        looks = rows(connection, "SELECT name, treated FROM effect_look ORDER BY name")
    assert [one.name for one in looks] == ["2026-04", "2026-05"]
    assert looks[0].treated < looks[1].treated
    assert revise(store, RULES, APRIL, by="", now=datetime(2026, 6, 11, tzinfo=UTC)) is None


def over_in_april(store: Store, *, early: bool) -> Comparison:
    """A comparison of March and April, measured, that ended on its date or was stopped on it."""
    ends = APRIL.between(PARIS)[1] - timedelta(hours=1)
    trial = Comparison(store, ends=ends + timedelta(days=200 if early else 0))
    for n in range(4):  # all along, in both arms alike
        since = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=n)
        trial.arm(Arm.REMINDED, 2_000, 140, since=since)
        trial.arm(Arm.HELD, 500, 65, since=since)
    if early:
        stop(store, now=ends, by="nadia")
    monthly = [replace(SLOT, component=one, value=9, low=9, high=9) for one in MONTHLY]
    costs.add(store, [SLOT, *monthly], actor="nadia", now=TENTH - timedelta(days=60))
    return trial


def savings_of(one: Closed | None) -> Mapping[str, Any]:
    assert one is not None
    found = one.content["savings"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("early", [False, True])
def test_months_after_a_comparison_tell_what_its_last_one_told(store: Store, early: bool) -> None:
    """Its appointments are purged one by one meanwhile: what is left of them measures nothing."""
    trial = over_in_april(store, early=early)
    told = savings_of(closed(trial))
    assert told["verdict"] == "measured"
    assert told["total"]["central"] > 0
    compute(store, RULES, now=TENTH)
    shown, measured = kept(store).value, seen(store, now=TENTH)
    assert measured is not None
    for month in (Month(2027, 3), Month(2027, 4), Month(2027, 6)):
        now = month.between(PARIS)[1] + timedelta(days=9)
        purge(store, RULES.settings.retention, now=now)
        assert savings_of(closed(trial, month, now)) == told
        assert compute(store, RULES, now=now) == shown
        assert seen(store, now=now) == measured


def test_the_month_in_which_one_comparison_follows_another_tells_the_one_that_ended(
    store: Store,
) -> None:
    """Its final look is taken once, in that month; of the next one nothing can be said yet."""
    trial = over_in_april(store, early=False)
    with store.write() as connection:
        over = micros(datetime(2026, 4, 28, tzinfo=UTC))
        run(connection, "UPDATE holdout SET ends_at = :at", at=over)
    begins = datetime(2026, 4, 29, tzinfo=UTC)
    stop(store, now=begins, by="nadia")
    propose(store, RULES, now=begins, by="nadia")
    approve(store, now=begins, by="Claire")
    told = savings_of(closed(trial))
    assert (told["verdict"], told["final"]) == ("measured", True)
    assert told["taken_at"] is not None
    assert told["total"]["central"] > 0
    trial.patients(Arm.REMINDED, [[CAME]] * 9, since=datetime(2026, 5, 5, tzinfo=UTC))
    assert savings_of(closed(trial, MAY, datetime(2026, 6, 10, tzinfo=UTC)))["final"] is False


def test_the_page_tells_the_final_look_though_the_first_appointments_are_gone(store: Store) -> None:
    """Those of the first days leave before the month of the end is closed; once."""
    over_in_april(store, early=False)
    days = RULES.settings.retention.appointments_days
    compute(store, RULES, now=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days - 1))
    assert (kept(store).value or {})["taken_at"] is None
    late = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days + 2)
    take_look(store, "2026-04", now=late, until=APRIL.between(PARIS)[1])
    final = compute(store, RULES, now=late)
    assert final["taken_at"] is not None
    purge(store, RULES.settings.retention, now=late + timedelta(days=30))
    assert compute(store, RULES, now=late + timedelta(days=30)) == final


def test_a_revision_keeps_the_savings_of_what_was_purged_since(store: Store) -> None:
    trial = over_in_april(store, early=False)
    told = savings_of(closed(trial))
    later = datetime(2027, 4, 30, tzinfo=UTC)  # of April nothing is purged yet, of March most
    purge(store, RULES.settings.retention, now=later)
    trial.change(4_000, status=OPEN)
    again = revise(store, RULES, APRIL, by="omar", now=later)
    assert again is None or savings_of(again) == told


def test_an_outcome_noted_late_makes_unknown_ones_known(trial: Comparison) -> None:
    april = datetime(2026, 4, 2, tzinfo=UTC)
    (late,) = trial.patients(Arm.HELD, [[OPEN]], since=april)
    closed(trial)
    trial.change(late, status=CAME)
    found = revise(trial.store, RULES, APRIL, by="", now=TENTH)
    assert found is not None
    assert ("inputs.unknown", 1, 0) in found.changes


# --- what is hidden ------------------------------------------------------------------------------

OCTOBER, NOVEMBER = Month(2026, 10), paris("2026-11-05 09:00")


def hospital(
    store: Store, sizes: dict[str, int], unknown: Sequence[int] = ()
) -> tuple[Clinic, list[AppointmentRecord]]:
    """October of services of so many patients, followed and over; every fourth did not come, of
    those `unknown` nobody knows."""
    services = [{"uf": uf, "site": "sud", "label": uf} for uf in sizes]
    clinic = Clinic(store, now=paris("2026-10-05 09:00"), settings=settings_with(service=services))
    every = [uf for uf, size in sizes.items() for _ in range(size)]
    found = [visit(n, uf=uf, status=attended(n)) for n, uf in enumerate(every, 1)]
    tell(clinic, *(replace(one, status=Status.BOOKED) for one in found))
    at(clinic, "2026-10-14 09:00")
    at(clinic, "2026-10-25 09:00")
    tell(clinic, *(one for n, one in enumerate(found, 1) if n not in unknown))
    clinic.now = NOVEMBER
    return clinic, found


def attended(n: int) -> Status:
    return Status.FULFILLED if n % 4 else Status.NOSHOW


def test_one_appointment_nobody_followed_is_not_told_beside_the_others(store: Store) -> None:
    """All of them less those of the report: the one taken an hour before, who did not come."""
    clinic, _ = hospital(store, {"4220": 30})
    booked = paris("2026-10-29 08:30")
    tell(clinic, visit(99, "2026-10-29 10:00", status=Status.NOSHOW, booked_at=booked))
    found, _ = close(store, clinic.rules, OCTOBER, by="nadia", now=NOVEMBER)
    inputs, report = found.content["inputs"], found.content["report"]
    assert isinstance(inputs, dict)
    assert isinstance(report, dict)
    figures = report["figures"]
    assert isinstance(figures, dict)
    primary = figures["primary"]
    assert isinstance(primary, dict)
    assert (inputs["known"], inputs["missed"]) == (primary["among"], primary["missed"]) == (30, 7)


def test_a_month_of_three_patients_tells_no_outcome(store: Store) -> None:
    clinic, _ = hospital(store, {"4220": 3})
    found, _ = close(store, clinic.rules, OCTOBER, by="nadia", now=NOVEMBER)
    assert found.content["inputs"] == {"hidden": True}


def test_a_month_closed_by_an_earlier_release_tells_what_the_report_does(store: Store) -> None:
    clinic, _ = hospital(store, {"4220": 30})
    found, _ = close(store, clinic.rules, OCTOBER, by="nadia", now=NOVEMBER)
    before = {"known": 31, "missed": 8, "unknown": 0, "messages": 0}
    inputs = told(found.content | {"inputs": dict(before)})["inputs"]
    assert isinstance(inputs, dict)
    assert (inputs["known"], inputs["missed"]) == (30, 7)
    arms = {"reminded": {"known": 60, "missed": 20}, "held": {"known": 40, "missed": 3}}
    savings: Any = {"verdict": "too-small", "arms": arms, "smallest": 0.12, "calls": {"linked": {}}}
    fit: Any = told({"inputs": dict(before), "report": {"figures": None}, "savings": savings})
    assert fit["inputs"] == {"hidden": True}
    assert [one["missed"] for one in fit["savings"]["arms"].values()] == [None, None]
    assert (fit["savings"]["hidden"], fit["savings"]["smallest"]) == (True, None)


def service_lines(content: Mapping[str, Any]) -> dict[str, Any]:
    found = next(one for one in content["report"]["breakdowns"] if one["dimension"] == "service")
    return {one["value"]: one.get("figures") for one in found["lines"]}


def test_what_a_revision_hid_stays_hidden_in_the_next_one(store: Store) -> None:
    """Of a service of four, a fifth patient's outcome comes late: told then, the service and the
    one hidden with it would tell the four, by what the whole had been."""
    clinic, found = hospital(store, {"4220": 30, "4230": 12, "4240": 5}, unknown=(47,))
    first, _ = close(store, clinic.rules, OCTOBER, by="nadia", now=NOVEMBER)
    assert {uf for uf, told in service_lines(first.content).items() if told} == {"4220"}
    tell(clinic, replace(found[-1], status=Status.NOSHOW))
    second = revise(store, clinic.rules, OCTOBER, by="nadia", now=NOVEMBER + timedelta(days=3))
    assert second is not None
    assert {uf for uf, told in service_lines(second.content).items() if told} == {"4220"}
    assert not [one for one in second.changes if "4230" in one[0] or "4240" in one[0]]
    live = no_show_report(store, clinic.rules, Asked(OCTOBER, OCTOBER), ufs=None, now=NOVEMBER)
    assert service_lines({"report": plain(live)}) == service_lines(second.content)


def test_arms_a_revision_hid_stay_hidden_in_the_next_one(trial: Comparison) -> None:
    first = closed(trial)
    assert first.content["savings"]["hidden"]  # type: ignore[call-overload,index]
    more = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(days=1)
    trial.patients(Arm.HELD, [[MISSED]] * 4, since=more)
    second = revise(trial.store, RULES, APRIL, by="omar", now=TENTH + timedelta(days=3))
    assert second is not None
    savings: Any = second.content["savings"]
    assert savings["hidden"]
    assert [one["missed"] for one in savings["arms"].values()] == [None, None]
