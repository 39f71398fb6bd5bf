"""Each promise once, as small as it can be said: what tests/mutants breaks, these tests see.

The long proofs of the same promises are beside this file; the rules behind them have tests of
their own. Every test runs on SQLite and on PostgreSQL.
"""

import re
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from reminders.domain.appointment import CancelledBy, Status
from reminders.services.deliver import Answer
from reminders.store import outbox
from reminders.store.engine import Record, Store
from reminders.store.types import SECOND, micros
from tests.support.clinic import paris, someone, visit, visits
from tests.support.mailroom import Mailroom, receipt

TUESDAY = "2026-10-13 15:00"  # its short reminder may leave on Monday, from 10:00 to 20:00
LEASE = timedelta(minutes=2)  # longer than one


def due(store: Store, *numbers: int) -> Mailroom:
    """Patients whose reminder may leave now."""
    room = Mailroom(store)
    room.read(*visits(numbers or (1,), starts=TUESDAY))
    room.release()
    room.at(paris("2026-10-12 10:30"))
    room.plan()
    assert room.states() == ["PLANNED"] * len(numbers or (1,))
    return room


def leased(room: Mailroom) -> tuple[int, list[int]]:
    """(token, messages) of a lease that has not come to its intent yet."""
    at = micros(room.now)
    with room.store.write() as connection:
        token, rows = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=100)
    return token, [row.id for row in rows]


def permitted(room: Mailroom, lease: tuple[int, list[int]], now: datetime | None = None) -> int:
    token, messages = lease
    with room.store.write() as connection:
        return len(outbox.permit(connection, token, messages, now=micros(now or room.now)))


# --- R1: at most one submission ---------------------------------------------------------------


def test_r1_a_message_whose_sender_died_in_its_intent_is_not_sent_again(store: Store) -> None:
    room = due(store)
    assert len(room.window().envelopes) == 1  # its intent is committed; then kill -9
    room.at(room.now + LEASE)
    room.one_pass()
    assert room.sent == []
    assert room.states() == ["UNKNOWN"]


def test_r1_a_lease_that_was_taken_over_permits_nothing(store: Store) -> None:
    room = due(store)
    slow = leased(room)
    room.at(room.now + LEASE)
    room.tidy()
    fast = leased(room)
    assert permitted(room, slow) == 0
    assert permitted(room, fast) == 1


def test_r1_planning_again_writes_to_nobody_again(store: Store) -> None:
    room = due(store, 1, 2)
    room.deliver()
    room.plan_everybody()
    room.deliver()
    assert len(room.sent) == 2


def test_r1_an_answer_is_written_under_its_own_token_only(store: Store) -> None:
    """The first submission was certainly not sent, its answer is late: the second one counts."""
    room = due(store)
    first = room.window().envelopes
    room.record(first, Answer.NOT_SENT)
    room.at(room.now + timedelta(minutes=30))
    second = room.window().envelopes
    assert len(second) == 1
    room.record(first, Answer.REFUSED)
    assert room.states() == ["SENDING"]
    room.record(second, Answer.ACCEPTED)
    assert room.states() == ["ACCEPTED"]


# --- R2: nothing due is lost ------------------------------------------------------------------


def test_r2_a_lease_whose_process_died_is_planned_again(store: Store) -> None:
    room = due(store)
    leased(room)
    room.at(room.now + LEASE)
    room.one_pass()
    assert [sent.to for sent in room.sent] == ["+33639980001"]


def test_r2_what_stays_undecided_becomes_a_line_of_the_staff_list(store: Store) -> None:
    room = due(store)
    room.window()
    room.at(room.now + LEASE)
    room.one_pass()
    room.at(room.now + timedelta(minutes=20))
    room.one_pass()
    assert "call_not_reached" in room.tasks()


def test_r2_a_row_that_kills_its_process_each_time_is_set_aside_for_a_person(store: Store) -> None:
    room = due(store)
    for _ in range(3):
        assert leased(room)[1]
        room.at(room.now + LEASE)
        room.tidy()
    assert room.states() == ["QUARANTINED"]
    assert "quarantined" in room.tasks()


# --- R3: nothing after a cancellation, a move, a death ------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.CANCELLED, "cancelled_by": CancelledBy.HOSPITAL},
        {"starts_at": paris("2026-10-14 09:00")},
        {"patient": someone(1, deceased=True)},
        {"patient": someone(1, identity_status="DOUA")},
    ],
    ids=["cancelled", "moved", "deceased", "blocked"],
)
def test_r3_the_intent_sees_what_became_known_since_the_lease(
    store: Store, changes: dict[str, Any]
) -> None:
    room = due(store, 1, 2)
    lease = leased(room)
    assert len(lease[1]) == 2
    feed = room.read(visit(1, **({"starts": TUESDAY} | changes)), visit(2, TUESDAY))
    assert (feed.status, room.holds()) == ("accepted", [])
    assert permitted(room, lease) == 1


# --- R4: nothing after an objection ------------------------------------------------------------


def test_r4_the_intent_sees_an_objection_made_since_the_lease(store: Store) -> None:
    room = due(store)
    lease = leased(room)
    room.object("06 39 98 00 01")
    assert permitted(room, lease) == 0


# --- R5: nothing after the deadline -------------------------------------------------------------


def test_r5_an_intent_that_comes_too_late_permits_nothing(store: Store) -> None:
    room = due(store)
    room.at(paris("2026-10-12 19:59:59"))
    lease = leased(room)
    assert permitted(room, lease, paris("2026-10-12 20:00")) == 0


def test_r5_a_process_that_slept_while_rendering_judges_its_intents_by_the_hour_it_wakes(
    store: Store,
) -> None:
    room = due(store)
    asleep, awake = paris("2026-10-12 19:59:50"), paris("2026-10-12 20:00:10")
    window = room.delivery().open_window(room.routes, 10, now=asleep, still=lambda: awake)
    assert window.envelopes == []


def test_r5_a_restart_the_next_morning_releases_nothing_stale(store: Store) -> None:
    room = due(store, *range(1, 6))
    room.at(paris("2026-10-13 09:30"))
    room.one_pass()
    assert room.sent == []
    assert set(room.states()) == {"EXPIRED"}


# --- R6: receipts in any order, any number of times ---------------------------------------------


def test_r6_every_order_of_receipts_ends_in_the_same_state(store: Store) -> None:
    orders = list(permutations(["accepted", "undelivered", "delivered", "delivered"]))
    room = due(store, *range(1, len(orders) + 1))
    room.deliver()
    for order, sent in zip(orders, room.sent, strict=True):
        for word in order:
            room.receive(receipt(sent.reference, word))
    assert set(room.states()) == {"DELIVERED"}
    told = room.rows("SELECT COUNT(*) FROM receipt GROUP BY attempt_id")
    assert [row[0] for row in told] == [3] * len(orders)


# --- R7: an odd feed cancels nothing -------------------------------------------------------------


def booked(room: Mailroom) -> list[Record]:
    return list(room.rows("SELECT id FROM appointment WHERE status = 'booked'"))


def test_r7_an_empty_feed_cancels_nothing(store: Store) -> None:
    room = due(store, 1, 2, 3)
    assert room.read().status == "held"
    assert len(booked(room)) == 3


def test_r7_yesterdays_feed_cancels_nothing(store: Store) -> None:
    room = due(store, 1, 2, 3)
    before = room.now - timedelta(hours=20)
    assert room.read(visit(1, TUESDAY), as_of=before, content_hash="b").status == "refused"
    assert len(booked(room)) == 3


def test_r7_a_feed_too_old_to_act_on_stops_what_is_due(store: Store) -> None:
    room = due(store)
    room.settings = room.settings.model_copy(
        update={
            "dpi": tuple(t.model_copy(update={"max_age_minutes": 60.0}) for t in room.settings.dpi)
        }
    )
    room.at(room.now + timedelta(hours=3))
    room.one_pass()
    assert room.sent == []
    assert room.holds() == ["stale"]


# --- R8: the recipient's civil time --------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "opens"),
    [
        ("2026-10-19 15:00", "2026-10-17 10:00"),  # Monday: the day before is a Sunday
        ("2026-11-12 15:00", "2026-11-10 10:00"),  # the day before is the 11th of November
        ("2026-10-14 15:00", "2026-10-13 10:00"),
        ("2026-10-27 15:00", "2026-10-26 10:00"),  # the clocks have changed in between
    ],
)
def test_r8_a_forbidden_day_moves_the_reminder_to_the_one_before(
    store: Store, starts: str, opens: str
) -> None:
    room = Mailroom(store)
    room.read(visit(1, starts))
    room.plan()
    found = room.value("SELECT opens_at FROM message WHERE purpose = 'short'")
    assert found == micros(paris(opens))


def test_r8_a_number_of_the_antilles_is_not_woken(store: Store) -> None:
    """06 90 00 is Guadeloupe's: 10:00 in Paris is 4:00 there."""
    room = Mailroom(store)
    contact = someone(1).contacts[0]
    there = someone(1, contacts=(type(contact)("phone", "06 90 00 12 34"),))
    room.read(visit(1, "2026-10-14 15:00", patient=there))
    room.plan()
    opens = room.value("SELECT opens_at FROM message WHERE purpose = 'short'")
    assert opens >= micros(paris("2026-10-13 15:00"))  # 9:00 in Guadeloupe


# --- R15: the right person gets the right text ----------------------------------------------------

NAME = re.compile(r"\b(?:Anna|Bruno|Léa)\b")
HOUR = re.compile(r"mar\. 13/10 à (\d+h\d*)\b.*01 99 00 12 34")


def test_r15_everybody_reads_their_own_name_and_hour(store: Store) -> None:
    """What a text says, worked out by other means from what the DPI told."""
    room = Mailroom(store)
    shared = someone(50).contacts  # one telephone, two patients: only there is a first name needed
    told = [
        *(visit(n, f"2026-10-13 {8 + n}:{5 * n:02}") for n in range(5, 12)),
        visit(30, "2026-10-13 14:10", patient=someone(30, given="Anna", contacts=shared)),
        visit(31, "2026-10-13 16:20", patient=someone(31, given="Bruno", contacts=shared)),
    ]
    room.read(*told)
    room.release()
    room.at(paris("2026-10-12 10:30"))
    room.plan()
    room.deliver()
    read = [(sent.to, NAME.findall(sent.text), HOUR.findall(sent.text)) for sent in room.sent]
    assert sorted(read) == [
        *((f"+336399800{n:02}", [], [f"{8 + n}h{5 * n:02}"]) for n in range(5, 12)),
        ("+33639980050", ["Anna"], ["14h10"]),
        ("+33639980050", ["Bruno"], ["16h20"]),
    ]
