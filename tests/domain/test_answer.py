"""What one reply does, given what it answers and what became of it since."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.answer import (
    AnswerKind,
    History,
    Priority,
    Subject,
    Verdict,
    decide_reply,
    effective_at,
)
from reminders.domain.reply import interpret

NOW = datetime(2026, 10, 13, 8, tzinfo=UTC)
FRESH = History()


def visit(
    number: int = 1,
    *,
    patient: int = 1,
    days: float = 3,
    told: int = 1,
    cycle: int = 1,
    status: str = "booked",
    answer: str = "none",
    settled: bool = False,
) -> Subject:
    return Subject(
        number, patient, "4220", told, cycle, status, NOW + timedelta(days=days), answer, settled
    )


def verdict(text: str, *subjects: Subject, history: History = FRESH) -> Verdict:
    return decide_reply(interpret(text), subjects, history, now=NOW)


def test_a_yes_confirms_the_appointment_it_answers() -> None:
    found = verdict("Oui", visit(7, cycle=2, told=2))

    assert found.answers == ((7, 2, AnswerKind.CONFIRMED),)
    assert (found.task, found.acknowledgement) == ("", "ack_confirmed")


def test_a_yes_to_one_message_confirms_all_it_told() -> None:
    found = verdict("OUI", visit(1), visit(2))

    assert [answer[0] for answer in found.answers] == [1, 2]


def test_a_no_cancels_one_appointment() -> None:
    found = verdict("Non, je ne peux pas venir", visit())

    assert found.answers == ((1, 1, AnswerKind.CANCELLED),)
    assert found.acknowledgement == "ack_cancelled"


def test_a_no_to_two_appointments_goes_to_a_person() -> None:
    found = verdict("NON", visit(1), visit(2))

    assert (found.answers, found.task) == ((), "reply_which")


def test_a_number_of_two_patients_decides_nothing() -> None:
    found = verdict("OUI", visit(1, patient=1), visit(2, patient=2))

    assert (found.answers, found.task) == ((), "reply_which")


@pytest.mark.parametrize("text", ["OUI", "NON"])
def test_an_answer_after_the_start_goes_to_a_person(text: str) -> None:
    found = verdict(text, visit(days=-0.1))

    assert (found.answers, found.task) == ((), "reply_after")


def test_a_yes_to_a_cancelled_appointment_hears_that_it_is_cancelled() -> None:
    found = verdict("OUI", visit(status="cancelled"))

    assert (found.answers, found.acknowledgement) == ((), "ack_cancelled_already")
    assert found.task == "reply_cancelled"


def test_a_yes_to_an_hour_that_changed_hears_the_new_one() -> None:
    found = verdict("OUI", visit(told=1, cycle=2))

    assert (found.answers, found.acknowledgement, found.task) == ((), "ack_moved", "")


def test_a_no_to_an_hour_that_changed_cancels_nothing() -> None:
    found = verdict("NON", visit(told=1, cycle=2))

    assert (found.answers, found.task) == ((), "reply_moved")


def test_a_yes_after_a_no_still_counts_while_nothing_was_passed_on() -> None:
    found = verdict("OUI", visit(answer="cancelled"))

    assert found.answers == ((1, 1, AnswerKind.CONFIRMED),)


def test_a_yes_after_a_cancellation_passed_on_goes_to_a_person() -> None:
    found = verdict("OUI", visit(answer="cancelled", settled=True))

    assert (found.answers, found.task) == ((), "reply_changed_mind")


def test_a_stop_objects_and_leaves_the_appointment() -> None:
    found = verdict("STOP", visit())

    assert found.objects
    assert (found.answers, found.acknowledgement) == ((), "ack_stop")


def test_a_wrong_number_learns_nothing_from_us() -> None:
    found = verdict("Vous avez le mauvais numéro", visit())

    assert found.suspends
    assert (found.answers, found.acknowledgement) == ((), "")


def test_a_symptom_is_the_first_task_of_all() -> None:
    found = verdict("J'ai très mal à la poitrine", visit())

    assert (found.task, found.priority) == ("reply_alert", Priority.ALERT)


def test_a_question_about_tomorrow_comes_before_one_about_next_week() -> None:
    assert verdict("A quelle heure ?", visit(days=0.5)).priority is Priority.TODAY
    assert verdict("A quelle heure ?", visit(days=5)).priority is Priority.REST


def test_the_same_intent_again_is_not_acknowledged_twice() -> None:
    before = History("confirm", NOW - timedelta(hours=3))

    assert verdict("OUI", visit(), history=before).acknowledgement == ""
    assert verdict("NON", visit(), history=before).acknowledgement == "ack_cancelled"


def test_two_robots_stop_talking() -> None:
    assert verdict("OUI", visit(), history=History(acknowledged_today=5)).acknowledgement == ""


def test_a_short_code_is_never_answered() -> None:
    assert verdict("OUI", visit(), history=History(reachable=False)).acknowledgement == ""


def test_a_reply_to_nothing_we_know_goes_to_a_person() -> None:
    assert verdict("OUI").task == "reply_unbound"


def test_a_cancellation_on_the_page_waits_before_it_counts() -> None:
    assert effective_at(AnswerKind.CANCELLED, "page", NOW) == NOW + timedelta(minutes=15)
    assert effective_at(AnswerKind.CANCELLED, "sms", NOW) == NOW
    assert effective_at(AnswerKind.CONFIRMED, "page", NOW) == NOW


@pytest.mark.parametrize("kind", AnswerKind)
def test_a_wrong_key_of_staff_can_be_taken_back_before_it_counts(kind: AnswerKind) -> None:
    waits = kind in (AnswerKind.CONFIRMED, AnswerKind.CANCELLED)
    assert effective_at(kind, "staff", NOW) == (NOW + timedelta(minutes=2) if waits else NOW)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        Subject(1, 1, "4220", 1, 1, "booked", datetime(2026, 10, 14, 9))  # noqa: DTZ001


SUBJECTS = st.lists(
    st.builds(
        visit,
        st.integers(1, 5),
        patient=st.integers(1, 2),
        days=st.floats(-3, 10),
        told=st.integers(1, 2),
        cycle=st.integers(1, 2),
        status=st.sampled_from(["booked", "cancelled", "noshow", "fulfilled"]),
        answer=st.sampled_from(["none", "confirmed", "cancelled"]),
        settled=st.booleans(),
    ),
    max_size=3,
)
TEXTS = st.sampled_from(
    ["Oui", "Non", "STOP", "peut-être", "Autre date svp", "C'est où ?", "merci", "Il est décédé"]
)


@given(TEXTS, SUBJECTS)
def test_answers_only_concern_what_stands_as_it_was_told(
    text: str, subjects: list[Subject]
) -> None:
    found = verdict(text, *subjects)

    for appointment, cycle, kind in found.answers:
        one = next(s for s in subjects if (s.appointment, s.cycle) == (appointment, cycle))
        assert one.status == "booked"
        assert one.starts_at > NOW
        if kind in (AnswerKind.CONFIRMED, AnswerKind.CANCELLED):
            assert len({s.patient for s in subjects}) == 1
    cancelled = [a for a in found.answers if a[2] is AnswerKind.CANCELLED]
    assert len(cancelled) <= 1


@given(TEXTS, SUBJECTS)
def test_what_is_not_clear_always_reaches_somebody(text: str, subjects: list[Subject]) -> None:
    found = verdict(text, *subjects)

    if text not in ("merci", "STOP") and not found.answers:
        assert found.task or found.acknowledgement == "ack_moved"
