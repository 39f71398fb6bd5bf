"""The desk's day: who came, what was answered, and what nobody may conclude alone."""

from datetime import date, timedelta

import pytest

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.outcome import Attendance
from reminders.errors import RepairNeeded
from reminders.services.answer import Given, give, pass_on
from reminders.services.attendance import Presence, answers_of, day_of, mark, untreated
from reminders.services.writeback import next_job
from reminders.store.engine import Store
from tests.support.clinic import PARIS, Clinic, paris, visit

DAY = date(2026, 10, 13)
AT_NOON, EVENING = paris("2026-10-13 12:00"), paris("2026-10-13 17:30")


def opened(store: Store, count: int = 1, starts: str = "2026-10-13 09:30") -> Clinic:
    clinic = Clinic(store)
    clinic.read(*(visit(number, starts) for number in range(1, count + 1)))
    return clinic


def presences(clinic: Clinic, day: date = DAY) -> dict[str, str]:
    return {
        one.number: one.presence.value
        for one in day_of(clinic.store, clinic.rules, day, PARIS, now=clinic.now)
    }


def says(clinic: Clinic, number: int, kind: AnswerKind, *, channel: str = "sms") -> None:
    one = clinic.appointment(number)
    given = Given(kind, ((one.id, one.version),), channel, f"test:{number}:{kind}")
    with clinic.store.write() as connection:
        give(connection, given, now=clinic.now)


def marks(clinic: Clinic, number: int, word: str) -> None:
    mark(clinic.store, "agenda", f"R{number}", Attendance(word), by="c.accueil", now=clinic.now)


# --- who came ----------------------------------------------------------------------------------


def test_silence_is_a_question_once_the_service_has_closed_and_never_an_absence(
    store: Store,
) -> None:
    clinic = opened(store, 2)
    for moment in (paris("2026-10-13 08:00"), AT_NOON, EVENING - timedelta(seconds=1)):
        clinic.now = moment
        assert presences(clinic) == {"R1": "expected", "R2": "expected"}
    for moment in (EVENING, EVENING + timedelta(days=30)):
        clinic.now = moment
        assert presences(clinic) == {"R1": "to-validate", "R2": "to-validate"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.ARRIVED, Presence.CAME),
        (Status.CHECKED_IN, Presence.CAME),
        (Status.FULFILLED, Presence.CAME),
        (Status.NOSHOW, Presence.ABSENT),
        (Status.CANCELLED, Presence.CANCELLED),
    ],
)
def test_what_the_dpi_says_needs_nobody(store: Store, status: Status, expected: Presence) -> None:
    clinic = opened(store)
    clinic.now = EVENING
    marks(clinic, 1, "excused")
    clinic.read(visit(1, "2026-10-13 09:30", status=status), visit(9))
    assert presences(clinic) == {"R1": expected.value}


@pytest.mark.parametrize("word", ["came", "absent", "excused"])
def test_a_person_says_it_for_the_dpi_and_may_change_it(store: Store, word: str) -> None:
    clinic = opened(store)
    clinic.now = EVENING
    marks(clinic, 1, word)
    assert presences(clinic) == {"R1": word}
    (one,) = day_of(clinic.store, clinic.rules, DAY, PARIS, now=clinic.now)
    assert one.told_by == "c.accueil"
    assert clinic.appointment().attended_by == "c.accueil"

    marks(clinic, 1, "")
    assert presences(clinic) == {"R1": "to-validate"}
    assert clinic.appointment().attended_at is None


def test_nobody_marks_what_has_not_begun_or_is_unknown(store: Store) -> None:
    clinic = opened(store)
    clinic.now = paris("2026-10-13 09:29")
    for number in (1, 2):
        with pytest.raises(RepairNeeded, match=f"R{number}"):
            marks(clinic, number, "came")
    with pytest.raises(RepairNeeded, match="inconnu"):
        mark(store, "ailleurs", "R1", Attendance.CAME, by="x", now=EVENING)
    assert clinic.appointment().attendance == ""


def test_a_mark_survives_the_next_export(store: Store) -> None:
    clinic = opened(store)
    clinic.now = EVENING
    marks(clinic, 1, "absent")
    clinic.read(visit(1, "2026-10-13 09:30", agenda="autre"), visit(9))
    assert presences(clinic) == {"R1": "absent"}


def test_who_came_to_the_hour_before_says_nothing_of_the_new_one(store: Store) -> None:
    clinic = opened(store)
    clinic.now = EVENING
    marks(clinic, 1, "absent")
    clinic.read(visit(1, "2026-10-13 09:45"), visit(9))
    assert presences(clinic) == {"R1": "absent"}, "the same morning, told more exactly"
    clinic.read(visit(1, "2026-10-20 10:00"), visit(9))
    clinic.now = paris("2026-10-20 18:00")
    assert presences(clinic, date(2026, 10, 20)) == {"R1": "to-validate", "R9": "to-validate"}


def test_who_called_off_is_told_apart_from_who_did_not_come(store: Store) -> None:
    clinic = opened(store, 3)
    says(clinic, 1, AnswerKind.CANCELLED)
    says(clinic, 2, AnswerKind.CANCELLED)
    clinic.now = EVENING
    marks(clinic, 2, "came")
    noshow = visit(1, "2026-10-13 09:30", status=Status.NOSHOW)
    clinic.read(noshow, visit(2, "2026-10-13 09:30"), visit(3, "2026-10-13 09:30"))
    assert presences(clinic) == {"R1": "cancellation-asked", "R2": "came", "R3": "to-validate"}


def test_an_evening_appointment_is_not_asked_about_before_it_begins(store: Store) -> None:
    clinic = opened(store, starts="2026-10-13 18:30")
    clinic.now = paris("2026-10-13 18:29")
    assert presences(clinic) == {"R1": "expected"}
    clinic.now = paris("2026-10-13 18:30")
    assert presences(clinic) == {"R1": "to-validate"}


def test_a_service_nobody_configured_closes_at_midnight(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 09:30", uf="9999"))
    clinic.now = paris("2026-10-13 23:59")
    assert presences(clinic) == {"R1": "expected"}
    clinic.now = paris("2026-10-14 00:00")
    assert presences(clinic) == {"R1": "to-validate"}


def test_a_day_is_the_sites_own(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, "2026-10-12 23:59"),
        visit(2, "2026-10-13 00:00"),
        visit(3, "2026-10-13 23:59"),
        visit(4, "2026-10-14 00:00"),
    )
    assert list(presences(clinic)) == ["R2", "R3"]


# --- what was answered -------------------------------------------------------------------------


def agreements(clinic: Clinic, day: date = date(2026, 10, 12)) -> dict[str, str]:
    found = answers_of(clinic.store, day, PARIS, now=clinic.now)
    return {one.number: one.agreement.value for one in found}


def open_cancellations(clinic: Clinic) -> list[str]:
    return [one.number for one in untreated(clinic.store, now=clinic.now)]


def test_the_days_answers_say_who_by_which_way_and_what_is_left_to_do(store: Store) -> None:
    clinic = opened(store, 3)
    says(clinic, 1, AnswerKind.CONFIRMED)
    says(clinic, 2, AnswerKind.CANCELLED)
    says(clinic, 3, AnswerKind.QUESTION, channel="page")
    found = answers_of(clinic.store, date(2026, 10, 12), PARIS, now=clinic.now)
    assert [(one.number, one.answer.value, one.channel) for one in found] == [
        ("R1", "confirmed", "sms"),
        ("R2", "cancelled", "sms"),
        ("R3", "question", "page"),
    ]
    assert agreements(clinic) == {"R1": "", "R2": "no", "R3": ""}
    assert agreements(clinic, DAY) == {}


def test_a_cancellation_is_treated_when_the_dpi_says_so_whoever_entered_it(store: Store) -> None:
    clinic = opened(store, 2)
    says(clinic, 1, AnswerKind.CANCELLED)
    says(clinic, 2, AnswerKind.CANCELLED)
    assert open_cancellations(clinic) == ["R1", "R2"]
    off = visit(1, "2026-10-13 09:30", status=Status.CANCELLED)
    clinic.read(off, visit(2, "2026-10-13 09:30"))
    assert open_cancellations(clinic) == ["R2"]
    assert agreements(clinic) == {"R1": "yes", "R2": "no"}


def test_a_cancellation_nobody_entered_stays_listed_after_a_no_show(store: Store) -> None:
    clinic = opened(store, 1)
    says(clinic, 1, AnswerKind.CANCELLED)
    clinic.now = EVENING
    clinic.read(visit(1, "2026-10-13 09:30", status=Status.NOSHOW), visit(9))
    assert open_cancellations(clinic) == ["R1"]
    assert agreements(clinic) == {"R1": "no"}


def test_a_patient_who_comes_to_what_the_dpi_cancelled_stands_out(store: Store) -> None:
    clinic = opened(store)
    says(clinic, 1, AnswerKind.CONFIRMED)
    clinic.read(visit(1, "2026-10-13 09:30", status=Status.CANCELLED), visit(9))
    assert agreements(clinic) == {"R1": "against"}


def test_an_answer_that_may_still_be_taken_back_is_not_to_do_yet(store: Store) -> None:
    clinic = opened(store)
    says(clinic, 1, AnswerKind.CANCELLED, channel="page")
    assert agreements(clinic) == {"R1": "undo"}
    assert open_cancellations(clinic) == []
    clinic.now += timedelta(minutes=15)
    assert agreements(clinic) == {"R1": "no"}


def test_an_answer_about_another_hour_is_past(store: Store) -> None:
    clinic = opened(store)
    says(clinic, 1, AnswerKind.CANCELLED)
    clinic.read(visit(1, "2026-10-14 09:30"))
    assert agreements(clinic) == {"R1": "past"}
    assert open_cancellations(clinic) == []


def test_only_the_last_answer_of_an_appointment_is_listed(store: Store) -> None:
    clinic = opened(store)
    says(clinic, 1, AnswerKind.CANCELLED)
    says(clinic, 1, AnswerKind.CONFIRMED)
    found = answers_of(clinic.store, date(2026, 10, 12), PARIS, now=clinic.now)
    assert [one.answer for one in found] == [AnswerKind.CONFIRMED]


def test_an_answer_on_its_way_to_the_dpi_is_said_to_be(store: Store) -> None:
    clinic = opened(store)
    says(clinic, 1, AnswerKind.CONFIRMED)
    pass_on(store, now=clinic.now, writes=["agenda"])
    assert agreements(clinic) == {"R1": "writing"}
    job = next_job(store, ["agenda"], now=clinic.now)
    assert job is not None
