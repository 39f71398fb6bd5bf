"""What may be said of the effect, and when nothing may."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from reminders.domain.baseline import Past
from reminders.domain.canonical import canonical
from reminders.domain.holdout import Arm
from reminders.domain.outcome import Denominator, Outcome
from reminders.services.draw import running
from reminders.services.effect import (
    Measured,
    Verdict,
    earlier_ones,
    effect,
    take_final_looks,
    take_look,
)
from reminders.services.effect_kept import effect_of, effect_told
from reminders.services.effect_said import said
from reminders.services.holdout import approve, propose, stop
from reminders.services.observed import observe, outcome_of_row
from reminders.services.savings import wasted_by
from reminders.statistics.clustered import itt, units
from reminders.statistics.normal import Z
from reminders.store import effects as stored
from reminders.store.calls import of_units
from reminders.store.engine import Record, Store, run
from reminders.store.types import DAY, HOUR, micros
from tests.support.clinic import PARIS, Clinic
from tests.support.comparison import CAME, CANCELLED, ENDS, MISSED, NOW, OPEN, SINCE, Comparison
from tests.support.stores import SqliteFiles


def first_line(found: Measured) -> str:
    return said(found, PARIS)[0].replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
def trial(store: Store) -> Comparison:
    return Comparison(store)


def enough(trial: Comparison, reminded: float = 0.07, held: float = 0.13) -> None:
    """8,000 against 2,000 patients, an appointment each."""
    trial.arm(Arm.REMINDED, 8_000, round(8_000 * reminded))
    trial.arm(Arm.HELD, 2_000, round(2_000 * held))


# --- when nothing may be said --------------------------------------------------------------------


def test_without_an_approved_hold_out_the_first_line_says_so(store: Store) -> None:
    clinic = Clinic(store)
    assert effect(store, now=clinic.now).verdict is Verdict.NO_HOLDOUT
    propose(store, clinic.rules, now=clinic.now, by="nadia")
    found = effect(store, now=clinic.now)
    assert (found.verdict, found.estimate) == (Verdict.NO_HOLDOUT, None)
    assert first_line(found).startswith("Aucun groupe témoin approuvé :")


@pytest.mark.parametrize(
    ("reminded", "held"),
    [((116, 20), (29, 20)), ((400, 60), (100, 9)), ((400, 9), (100, 20)), ((0, 0), (0, 0))],
)
def test_a_small_arm_is_not_measured(
    trial: Comparison, reminded: tuple[int, int], held: tuple[int, int]
) -> None:
    trial.arm(Arm.REMINDED, *reminded)
    trial.arm(Arm.HELD, *held)
    found = effect(trial.store, now=NOW)
    assert (found.verdict, found.estimate, found.avoided) == (Verdict.TOO_SMALL, None, None)
    assert first_line(found).startswith("Pas encore mesurable : moins de 30 patients")
    assert ("Plus petit effet détectable :" in first_line(found)) == bool(reminded[0])


def everything(found: Measured) -> str:
    """All that pages, tiles, exports and closed months make of it."""
    return canonical(effect_told(found)) + "".join(said(found, PARIS))


@pytest.mark.parametrize("arm", list(Arm))
@pytest.mark.parametrize("came", [False, True])
def test_what_is_told_is_the_same_whoever_of_the_few_missed(
    sqlite_files: SqliteFiles, tmp_path: Path, arm: Arm, came: bool
) -> None:
    """One to four who missed, or came, of forty: nothing computed from them is told."""
    sizes = {Arm.REMINDED: 160, Arm.HELD: 40}
    told = set()
    for few in range(1, 5):
        place = tmp_path / str(few)
        place.mkdir()
        with sqlite_files.migrated(place) as store:
            trial = Comparison(store)
            for one, size in sizes.items():
                number = few if one is arm else 20
                trial.arm(one, size, size - number if came else number)
            told.add(everything(effect(store, now=NOW)))
    assert len(told) == 1
    assert "Pas encore mesurable\xa0: trop peu de patients." in told.pop()


def test_ten_missed_by_three_patients_are_few(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 160, 20)
    trial.patients(Arm.HELD, [[MISSED] * 4] * 3 + [[CAME]] * 37)
    found = effect(trial.store, now=NOW)
    assert (found.verdict, found.hidden, found.smallest) == (Verdict.TOO_SMALL, True, None)
    assert [one.missed for one in found.arms.values()] == [0, 0]
    assert effect_of(json.loads(canonical(effect_told(found)))) == found


def test_one_service_tells_no_rate_beside_the_hospitals(trial: Comparison) -> None:
    """Twenty of the hospital's 23 would leave three to the other service."""
    for uf, missed in (("4220", 20), ("4230", 3)):
        trial.arm(Arm.REMINDED, 160, 20, uf=uf)
        trial.arm(Arm.HELD, 40, missed, uf=uf)
    assert effect(trial.store, now=NOW).smallest is not None
    found = effect(trial.store, now=NOW, uf="4220")
    assert (found.verdict, found.smallest, found.expected) == (Verdict.UNDERPOWERED, None, None)


def test_an_arm_of_two_patients_tells_no_number_of_them(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 160, 20)
    trial.arm(Arm.HELD, 2, 1)
    found = effect(trial.store, now=NOW)
    assert found.verdict is Verdict.UNBALANCED
    assert first_line(found).startswith("Aucun effet affiché : un groupe compte si peu")
    assert not any(" 2 " in one.replace("\u00a0", " ") for one in said(found, PARIS))


def test_below_power_the_smallest_effect_is_told_and_nothing_else(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 800, 40)
    trial.arm(Arm.HELD, 200, 40)  # a difference of 15 points: still not shown
    found = effect(trial.store, now=NOW)
    assert (found.verdict, found.estimate) == (Verdict.UNDERPOWERED, None)
    assert found.smallest is not None
    assert found.expected is not None
    assert found.smallest > found.expected == pytest.approx(80 / (200 + 800 * 0.66) * 0.34)
    assert "Plus petit effet détectable : 7,0 points." in first_line(found)


def test_whether_an_effect_is_told_does_not_depend_on_how_large_it_is(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    """As many missed in all: what differs is which arm they were in. Told of large differences
    only, the effect of a hospital of this size would be a third too large."""
    found = []
    for held in (66, 54, 30):
        place = tmp_path / str(held)
        place.mkdir()
        with sqlite_files.migrated(place) as store:
            trial = Comparison(store, share=0.1)
            trial.arm(Arm.REMINDED, 5_400, 450 - held)
            trial.arm(Arm.HELD, 600, held)
            found.append(effect(store, now=NOW))
    assert len({one.verdict for one in found}) == 1
    assert [one.smallest for one in found] == pytest.approx([found[0].smallest] * 3, rel=1e-3)
    assert [one.expected for one in found] == pytest.approx([found[0].expected] * 3)


def test_where_most_miss_an_effect_can_be_told(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 1_600, 1_120)
    trial.arm(Arm.HELD, 400, 300)
    found = effect(trial.store, now=NOW)
    assert found.verdict is Verdict.MEASURED
    assert found.expected == pytest.approx(0.71 * 0.34)


def test_outcomes_missing_more_in_one_arm_show_no_effect(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 8_000, 560, unknown=400)
    trial.arm(Arm.HELD, 2_000, 260, unknown=180)
    found = effect(trial.store, now=NOW)
    assert (found.verdict, found.estimate) == (Verdict.UNKNOWN_DIFFERS, None)
    assert found.unknown_p is not None
    assert found.unknown_p < 0.001
    assert "l'issue manque pour 5 % des rendez-vous avec rappels et 9 %" in first_line(found)


def test_a_small_arm_that_misses_none_by_chance_is_no_alarm(trial: Comparison) -> None:
    """16 of 1,600 and none of 400: one such pair of arms in twenty parts them as unevenly."""
    trial.arm(Arm.REMINDED, 1_600, 160, unknown=16)
    trial.arm(Arm.HELD, 400, 100)
    found = effect(trial.store, now=NOW)
    assert found.verdict is Verdict.MEASURED
    assert found.unknown_p is not None
    assert found.unknown_p > 0.02


def test_outcomes_missing_alike_are_left_out_and_bounded(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 8_000, 560, unknown=400)
    trial.arm(Arm.HELD, 2_000, 260, unknown=104)
    found = effect(trial.store, now=NOW)
    assert found.verdict is Verdict.MEASURED
    held = found.arms[Arm.HELD]
    assert (held.known, held.rate) == (1_896, 260 / 1_896)
    assert held.tally.bounds_of(Denominator.ELIGIBLE) == (260 / 2_000, 364 / 2_000)
    assert found.estimate == pytest.approx(560 / 7_600 - 260 / 1_896)


def test_arms_the_draw_does_not_give_show_no_effect(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 8_000, 560)
    trial.arm(Arm.HELD, 1_800, 234)
    found = effect(trial.store, now=NOW)
    assert (found.verdict, found.estimate) == (Verdict.UNBALANCED, None)
    assert first_line(found).startswith("Aucun effet affiché : les groupes comptent 1 800 et 8 000")


# --- what is measured ----------------------------------------------------------------------------


def test_the_difference_is_by_intention_to_treat(trial: Comparison) -> None:
    enough(trial)
    found = effect(trial.store, now=NOW)
    assert found.verdict is Verdict.MEASURED
    assert found.estimate == pytest.approx(-0.06)
    assert found.avoided is not None
    assert found.avoided[0] == pytest.approx(480)
    assert found.low is not None
    assert found.high is not None
    assert found.avoided == pytest.approx((480, -8_000 * found.high, -8_000 * found.low))
    assert not found.final
    assert "valable à chaque regard" in found.method
    assert first_line(found).startswith("Du 01/03/2026 au 01/06/2026, 480 non-venues évitées (")
    told = [one.replace("\u00a0", " ").replace("\u202f", " ") for one in said(found, PARIS)]
    assert len(told) == 6
    assert told[4] == (
        "p < 0,001 ; effet de grappe (plusieurs rendez-vous d'un même patient) : 1,0."
    )
    assert told[5].startswith("Méthode : en intention de traiter (ITT), variance par patient ; ")


def test_no_effect_is_said_as_such_and_never_cut_at_nothing(trial: Comparison) -> None:
    enough(trial, 0.128, 0.13)
    found = effect(trial.store, now=NOW)
    assert found.avoided is not None
    assert found.avoided[1] < 0 < found.avoided[2]
    assert ", aucun effet établi : entre −" in first_line(found)


def test_harm_is_said_too(trial: Comparison) -> None:
    enough(trial, 0.19, 0.13)
    assert ", 480 non-venues de plus avec les rappels (" in first_line(effect(trial.store, now=NOW))


def test_a_patient_with_many_appointments_is_one_patient(trial: Comparison) -> None:
    lot = [[MISSED] * 10] * 60 + [[CAME] * 10] * 740
    trial.patients(Arm.REMINDED, lot)
    trial.patients(Arm.HELD, [[MISSED] * 10] * 26 + [[CAME] * 10] * 174)
    found = effect(trial.store, now=NOW)
    assert found.design_effect == pytest.approx(10, rel=0.02)
    assert found.verdict is Verdict.UNDERPOWERED  # of ten thousand appointments, so alike


def test_merged_patients_are_one_patient(trial: Comparison) -> None:
    enough(trial)
    trial.patients(Arm.HELD, [[MISSED], [MISSED]], merged_into=1)
    found = effect(trial.store, now=NOW)
    assert found.arms[Arm.HELD].patients == 2_001
    assert found.arms[Arm.HELD].units == 2_002


def test_the_past_of_each_cell_sharpens_it(trial: Comparison) -> None:
    """Two services, missed at 2 and 24 %: knowing which says a lot about an appointment."""
    for uf, held, reminded in (("a", 30, 60), ("b", 240, 720)):
        trial.arm(Arm.REMINDED, 4_000, reminded, uf=uf)
        trial.arm(Arm.HELD, 1_000, held, uf=uf)
    plain = effect(trial.store, now=NOW)
    past = {"a": Past(5_000, 100), "b": Past(5_000, 1_200)}
    sharp = effect(trial.store, now=NOW, past=past)
    assert (plain.adjusted, sharp.adjusted) == (False, True)
    assert plain.error is not None
    assert sharp.error is not None
    assert sharp.error < 0.97 * plain.error
    assert sharp.estimate == pytest.approx(plain.estimate, abs=1e-3)


def test_the_final_look_is_at_its_date_and_narrower(trial: Comparison) -> None:
    enough(trial)
    monthly = effect(trial.store, now=ENDS - timedelta(days=1))
    final = effect(trial.store, now=ENDS)
    assert (monthly.final, final.final) == (False, True)
    assert final.until == ENDS
    assert monthly.error is not None
    assert monthly.high is not None
    assert final.high is not None
    assert final.high == pytest.approx(-0.06 + Z * monthly.error)
    assert monthly.high > final.high


def test_the_final_look_stays_when_it_is_stopped_after_its_end(trial: Comparison) -> None:
    """As one must, to propose another."""
    enough(trial)
    final = effect(trial.store, now=ENDS)
    later = ENDS + timedelta(days=3)
    stop(trial.store, now=later, by="nadia")
    found = effect(trial.store, now=later)
    assert found.final
    assert (found.until, found.low, found.high) == (ENDS, final.low, final.high)
    assert "regard final" in found.method


def test_the_final_look_is_what_is_said_whatever_is_corrected_afterwards(
    trial: Comparison,
) -> None:
    """Its interval holds for one look: one more each day would be one more chance to be wrong."""
    trial.arm(Arm.REMINDED, 1_600, 224)
    missed = trial.patients(Arm.HELD, [[MISSED]] * 104 + [[CAME]] * 296)
    taken = take_look(trial.store, "2027-02", now=ENDS + timedelta(days=2))
    for one in missed[:40]:
        trial.change(one, status=CAME)
    found = effect(trial.store, now=ENDS + timedelta(days=30))
    assert (found.verdict, found.taken_at) == (Verdict.MEASURED, ENDS + timedelta(days=2))
    assert (found.estimate, found.p) == (taken.estimate, taken.p)
    assert (found.low, found.high) == pytest.approx((taken.low, taken.high))
    assert found.avoided == pytest.approx(taken.avoided)
    assert found.arms[Arm.HELD].missed == 64
    assert "Regard final pris le 03/03/2027" in " ".join(said(found, PARIS))


def test_a_past_month_is_judged_by_what_had_entered_then(trial: Comparison) -> None:
    """And by the hold-out of that time: neither a later draw nor a later hold-out changes it."""
    trial.arm(Arm.REMINDED, 160, 20)
    trial.arm(Arm.HELD, 40, 12)
    until = datetime(2026, 5, 31, tzinfo=UTC)  # what starts in August enters later
    before = effect(trial.store, now=NOW, until=until)
    august = datetime(2026, 8, 1, tzinfo=UTC)
    trial.arm(Arm.REMINDED, 30, 3, since=august)
    trial.arm(Arm.HELD, 60, 3, since=august)
    later = datetime(2026, 9, 1, tzinfo=UTC)
    assert effect(trial.store, now=later).verdict is Verdict.UNBALANCED
    stop(trial.store, now=later, by="nadia")
    propose(trial.store, Clinic(trial.store).rules, now=later, by="nadia")
    approve(trial.store, now=later, by="Claire")
    found = effect(trial.store, now=later + timedelta(days=9), until=until)
    assert (found.verdict, found.balance) == (before.verdict, before.balance)
    assert found.arms == before.arms


def test_a_hold_out_another_one_followed_keeps_its_final_look(trial: Comparison) -> None:
    enough(trial)
    final = effect(trial.store, now=ENDS)
    later = ENDS + timedelta(days=3)
    stop(trial.store, now=later, by="nadia")
    propose(trial.store, Clinic(trial.store).rules, now=later, by="nadia")
    approve(trial.store, now=later, by="Claire")
    (before,) = earlier_ones(trial.store)
    assert (before.until, before.early, before.measured) == (ENDS, False, None)
    month = {"since": ENDS, "until": ENDS + timedelta(days=31)}
    take_final_looks(trial.store, **month, now=later + timedelta(days=40))
    (before,) = earlier_ones(trial.store)
    assert before.measured is not None
    told = (before.measured.estimate, before.measured.low, before.measured.high)
    assert told == pytest.approx((final.estimate, final.low, final.high))
    take_final_looks(trial.store, **month, now=later + timedelta(days=41))
    names = Clinic(trial.store).rows("SELECT holdout_id, name FROM effect_look")
    assert [tuple(row) for row in names] == [(1, "final")]


def test_one_stopped_early_gets_no_final_look(trial: Comparison) -> None:
    enough(trial)
    middle = SINCE + timedelta(days=40)
    stop(trial.store, now=middle, by="nadia")
    take_final_looks(trial.store, since=SINCE, until=ENDS + timedelta(days=31), now=ENDS)
    assert Clinic(trial.store).rows("SELECT 1 FROM effect_look") == []


def test_one_that_was_stopped_counts_until_then(trial: Comparison) -> None:
    """Afterwards everybody is reminded: what starts later compares nothing."""
    enough(trial)
    middle = SINCE + timedelta(days=40)
    stop(trial.store, now=middle, by="nadia")
    found = effect(trial.store, now=NOW)
    assert found.until == middle
    assert 3_000 < found.units < 6_000
    assert not found.final
    propose(trial.store, Clinic(trial.store).rules, now=NOW, by="nadia")  # the next one
    assert effect(trial.store, now=NOW).units == found.units


def test_looks_are_remembered_and_the_smallest_p_is_shown(trial: Comparison) -> None:
    enough(trial, 0.105, 0.13)
    first = take_look(trial.store, "2026-05", now=NOW)
    assert first.verdict is Verdict.MEASURED
    again = take_look(trial.store, "2026-05", now=NOW + timedelta(minutes=1))
    assert again.p == first.p
    trial.arm(Arm.HELD, 500, 10)
    trial.arm(Arm.REMINDED, 2_000, 260)  # a bad month
    later = effect(trial.store, now=NOW + timedelta(days=1))
    assert later.p == first.p
    rows = Clinic(trial.store).rows("SELECT name, p, treated, held FROM effect_look")
    assert [(row.name, row.treated, row.held) for row in rows] == [("2026-05", 8_000, 2_000)]


def test_a_look_that_gives_no_effect_is_not_written(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 800, 40)
    trial.arm(Arm.HELD, 200, 20)
    take_look(trial.store, "2026-05", now=NOW)
    assert Clinic(trial.store).rows("SELECT 1 FROM effect_look") == []


# --- units ---------------------------------------------------------------------------------------


def kept(trial: Comparison) -> dict[int, Record]:
    """Unit -> what became of it, as status and start."""
    pages = stored.units(trial.store, 1, before=micros(NOW), now=micros(NOW))
    return {row.appointment_id: row for page in pages for row in page}


def test_a_move_stays_with_its_origin(trial: Comparison) -> None:
    """Moved by a cancellation and a new appointment: one unit, whose outcome is where it went."""
    first, second = trial.patients(Arm.HELD, [[CANCELLED, CAME]])
    at = micros(SINCE) + 20 * DAY
    trial.change(first, cancelled_at=at, starts_at=at + 5 * DAY)
    trial.change(second, booked_at=at + HOUR, first_seen_at=at + HOUR, starts_at=at + 30 * DAY)
    units = kept(trial)
    assert set(units) == {first}
    assert outcome_of_row(units[first], micros(NOW)) is Outcome.ATTENDED
    trial.change(second, booked_at=at + 9 * DAY, first_seen_at=at + 9 * DAY)  # another matter
    assert set(kept(trial)) == {first, second}


def test_a_refill_is_credited_to_the_freed_slot_and_is_no_unit(trial: Comparison) -> None:
    (freed,) = trial.patients(Arm.REMINDED, [[CANCELLED]])
    (filler,) = trial.patients(Arm.HELD, [[CAME]])
    slot, gone = micros(SINCE) + 40 * DAY, micros(SINCE) + 35 * DAY
    with trial.store.write() as connection:
        run(connection, "UPDATE unit_entry SET starts_at = :slot, entered_at = :entered",
            slot=slot, entered=gone - DAY)  # fmt: skip
    trial.change(freed, starts_at=slot, cancelled_at=gone)
    trial.change(filler, starts_at=slot, booked_at=gone + HOUR)
    units = kept(trial)
    assert set(units) == {freed}
    assert (units[freed].freed, units[freed].refilled) == (1, 1)
    for unused in ({"status": MISSED}, {"status": OPEN, "attendance": "absent"}):
        trial.change(filler, **unused)
        assert kept(trial)[freed].refilled == 0  # the slot was wasted all the same
    trial.change(filler, status=OPEN, attendance="")
    assert kept(trial)[freed].refilled == 1  # nobody knows; in both arms alike
    trial.change(filler, booked_at=gone - 30 * DAY)  # booked before: side by side, not a refill
    units = kept(trial)
    assert set(units) == {freed, filler}
    assert (units[freed].freed, units[freed].refilled) == (1, 0)


def reading(store: Store, patients: int, slots: int) -> int:
    """Everybody in so many hours of one agenda, a tenth given back, with a task each: SQLite's
    work to read it."""
    trial = Comparison(store)
    lot = [[CANCELLED if n % 10 == 0 else CAME] for n in range(patients)]
    trial.patients(Arm.REMINDED, lot[: patients * 4 // 5])
    trial.patients(Arm.HELD, lot[patients * 4 // 5 :])
    slot, steps = micros(SINCE) + 40 * DAY, count()
    with store.write() as connection:
        run(connection, "UPDATE unit_entry SET starts_at = :at + appointment_id % :slots, "
            "entered_at = :entered", at=slot, slots=slots, entered=slot - 7 * DAY)  # fmt: skip
        run(connection, "UPDATE appointment SET starts_at = :at + id % :slots, "
            "booked_at = :booked, "
            "cancelled_at = CASE WHEN cancelled_at IS NULL THEN NULL ELSE :gone END",
            at=slot, slots=slots, booked=slot - 8 * DAY, gone=slot - 5 * DAY)  # fmt: skip
        run(connection, "INSERT INTO task (id, kind, subject, appointment_id, state, created_at, "
            "resolved_at, resolved_by) SELECT id, 'call_unreachable', CAST(id AS text), id, "
            "'done', :at, :at, 'nadia' FROM appointment", at=slot - 6 * DAY)  # fmt: skip

    def watched(connection: Any, *_: object) -> None:
        connection.set_progress_handler(lambda: 0 * next(steps), 1_000)

    event.listen(store.engine, "checkout", watched)
    read = sum(len(page) for page in stored.units(store, 1, before=micros(NOW), now=micros(NOW)))
    event.remove(store.engine, "checkout", watched)
    assert read == patients
    return next(steps)


@pytest.mark.parametrize("alone", [False, True])
def test_units_are_read_in_proportion_whether_in_one_slot_or_each_in_its_own(
    alone: bool, sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    """An export with one hour for all made each appointment look at all of the others, and each
    looked at all tasks that were done."""
    work = []
    for patients in (500, 2_000):
        folder = tmp_path / str(patients)
        folder.mkdir()
        with sqlite_files.migrated(folder) as store:
            work.append(reading(store, patients, patients if alone else 1))
    assert work[1] < 6 * work[0]  # four times as many: 16 times the work, before


def test_of_many_in_one_slot_each_refill_is_found(trial: Comparison) -> None:
    """Each who came took one, that which had been free for longest; nobody is credited twice."""
    freed = trial.patients(Arm.REMINDED, [[CANCELLED]] * 4)
    fillers = trial.patients(Arm.HELD, [[CAME]] * 3)
    slot, gone = micros(SINCE) + 40 * DAY, micros(SINCE) + 35 * DAY
    with trial.store.write() as connection:
        run(connection, "UPDATE unit_entry SET starts_at = :slot, entered_at = :entered",
            slot=slot, entered=gone - DAY)  # fmt: skip
    for place, one in enumerate(freed):
        trial.change(one, starts_at=slot, cancelled_at=gone + place * HOUR, booked_at=gone - DAY)
    for place, one in enumerate(fillers):
        trial.change(one, starts_at=slot, booked_at=gone + (2 * place + 1) * HOUR)
    units = kept(trial)
    assert set(units) == set(freed)
    assert [units[one].refilled for one in freed] == [1, 1, 1, 0]
    trial.change(fillers[2], booked_at=gone - 20 * DAY)
    assert [kept(trial)[one].refilled for one in freed] == [1, 1, 0, 0]
    trial.change(fillers[1], booked_at=gone - 20 * DAY)
    units = kept(trial)
    assert set(units) == {*freed, *fillers[1:]}
    assert [units[one].refilled for one in freed] == [1, 0, 0, 0]


@pytest.mark.parametrize("arm", Arm)
def test_a_slot_left_by_a_move_and_the_next_one_are_looked_at_in_both_arms(
    arm: Arm, trial: Comparison
) -> None:
    """The first was free before the cancellation, the second since: each may have been taken."""
    (moved,) = trial.patients(arm, [[CANCELLED]])
    (off,) = trial.patients(arm, [[CANCELLED]])
    first, second = trial.patients(Arm.REMINDED, [[CAME], [CAME]])
    slot, gone = micros(SINCE) + 40 * DAY, micros(SINCE) + 35 * DAY
    other = slot + 3 * DAY
    with trial.store.write() as connection:
        run(connection, "UPDATE unit_entry SET starts_at = CASE WHEN appointment_id = :second "
            "THEN :other ELSE :slot END, entered_at = :entered",
            second=second, other=other, slot=slot, entered=gone - DAY)  # fmt: skip
    trial.change(off, starts_at=slot, cancelled_at=gone + 9 * DAY, booked_at=gone - 9 * DAY)
    trial.change(moved, starts_at=other, version_at=gone, cancelled_at=gone + DAY,
                 booked_at=gone - 9 * DAY)  # fmt: skip
    trial.change(first, starts_at=slot, booked_at=gone + HOUR)
    trial.change(second, starts_at=other, booked_at=gone + 2 * DAY)
    units = kept(trial)
    assert set(units) == {moved, off}
    assert (units[moved].refilled, units[moved].refilled_again) == (1, 1)
    assert wasted_by(units[moved], Outcome.CANCELLED_EARLY) == 0
    trial.change(second, booked_at=gone + HOUR)  # it stood there before
    units = kept(trial)
    assert set(units) == {moved, off, second}
    assert (units[moved].refilled, units[moved].refilled_again) == (1, 0)
    assert wasted_by(units[moved], Outcome.CANCELLED_EARLY) == 1


@pytest.mark.parametrize("arm", Arm)
@pytest.mark.parametrize("first", [CANCELLED, MISSED, CAME])
def test_of_a_series_booked_at_one_sitting_each_session_is_a_unit(
    arm: Arm, first: str, trial: Comparison
) -> None:
    """Whatever became of the first: cancelling is what reminders do, and must lose no unit."""
    series = trial.patients(arm, [[first, CAME, MISSED, MISSED]])
    for place, one in enumerate(series):
        booked = micros(SINCE) + DAY + place * 60_000_000
        trial.change(one, starts_at=micros(SINCE) + (5 + 3 * place) * DAY, booked_at=booked)
    if first == CANCELLED:
        trial.change(series[0], cancelled_at=micros(SINCE) + 2 * DAY)
    assert set(kept(trial)) == set(series)
    statuses = {one.appointment_id: one.status for one in kept(trial).values()}
    assert [statuses[one] for one in series] == [first, CAME, MISSED, MISSED]


def test_one_cancellation_moves_one_appointment(trial: Comparison) -> None:
    series = trial.patients(Arm.REMINDED, [[CANCELLED, MISSED, CAME]])
    gone = micros(SINCE) + 20 * DAY
    with trial.store.write() as connection:
        run(connection, "UPDATE unit_entry SET entered_at = :at", at=gone - DAY)
    trial.change(series[0], cancelled_at=gone, booked_at=gone - 9 * DAY)
    for one in series[1:]:
        trial.change(one, starts_at=gone + 9 * DAY, booked_at=gone + HOUR)
    assert {key: one.status for key, one in kept(trial).items()} == {
        series[0]: MISSED, series[2]: CAME,
    }  # fmt: skip


def test_what_is_sent_and_done_about_a_move_is_its_units(trial: Comparison) -> None:
    first, second = trial.patients(Arm.REMINDED, [[CANCELLED, CAME]])
    gone = micros(SINCE) + 20 * DAY
    trial.change(first, cancelled_at=gone, booked_at=gone - 9 * DAY)
    trial.change(second, starts_at=gone + 9 * DAY, booked_at=gone + HOUR)
    with trial.store.write() as connection:
        for key, one in ((1, first), (2, second)):
            run(connection, "INSERT INTO task (id, kind, subject, appointment_id, state, "
                "created_at, resolved_at, resolved_by) VALUES (:key, 'call_unreachable', "
                "CAST(:key AS text), :one, 'done', :at, :at, 'nadia')",
                key=key, one=one, at=gone)  # fmt: skip
    assert kept(trial)[first].tasks == 2
    found = [tuple(row) for page in of_units(trial.store, 1, before=micros(NOW)) for row in page]
    assert (first, 2, 2) in [(row[0], int(row[1]), int(row[2])) for row in found]


def test_work_counts_up_to_the_end_of_a_comparison_as_calls_do(trial: Comparison) -> None:
    (one,) = trial.patients(Arm.REMINDED, [[MISSED]])
    end = micros(NOW) - 10 * DAY
    with trial.store.write() as connection:
        for key, at in ((1, end - DAY), (2, end)):
            run(connection, "INSERT INTO task (id, kind, subject, appointment_id, state, "
                "created_at, resolved_at, resolved_by) VALUES (:key, 'call_unreachable', "
                "CAST(:key AS text), :one, 'done', :at, :at, 'nadia')",
                key=key, one=one, at=at)  # fmt: skip
            run(connection, "INSERT INTO task_event (id, task_id, at, actor, action) "
                "VALUES (:key, :key, :at, 'nadia', 'try')", key=key, at=at)  # fmt: skip
    found = [
        row.tasks
        for page in stored.units(trial.store, 1, before=end, now=micros(NOW))
        for row in page
    ]
    called = [int(row.calls) for page in of_units(trial.store, 1, before=end) for row in page]
    assert (found, called) == ([2], [2])


def test_what_is_left_out_or_still_to_come_is_in_no_arm(trial: Comparison) -> None:
    trial.patients(Arm.HELD, [[MISSED]], excluded="neutral")
    (moved,) = trial.patients(Arm.HELD, [[OPEN]])
    trial.change(moved, starts_at=micros(NOW) + DAY)
    with trial.store.read() as connection:
        holdout = running(connection)
    assert holdout is not None
    found = observe(trial.store, holdout, until=NOW, now=NOW, past={})
    assert (len(found.sample), found.pending) == (0, {Arm.HELD: 1})


def test_every_page_is_read_once(trial: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    trial.arm(Arm.REMINDED, 80, 8)
    trial.arm(Arm.HELD, 20, 2)
    with monkeypatch.context() as patch:
        patch.setattr(stored, "PAGE", 7)
        pages = [len(page) for page in stored.units(
            trial.store, 1, before=micros(NOW), now=micros(NOW), refills=False
        )]  # fmt: skip
    assert sum(pages) == 100
    assert max(pages) == 7


def test_the_difference_is_the_estimators(trial: Comparison) -> None:
    enough(trial)
    found = effect(trial.store, now=NOW)
    treated = [True] * 8_000 + [False] * 2_000
    missed = [1.0] * 560 + [0.0] * 7_440 + [1.0] * 260 + [0.0] * 1_740
    direct = itt(np.array(missed), units(treated, range(10_000)))
    assert (found.estimate, found.error) == pytest.approx((direct.estimate, direct.error))
