"""The send brake: a loop stops within one batch, whatever made it; a busy hour does not."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.guard import BRAKE_DAYS, BRAKE_KNOWN, REPEATS, Brake, hourly_limit
from reminders.rendering import Renderer
from reminders.services.compose import Composer
from reminders.services.deliver import Answer
from reminders.services.hold import release_holds
from reminders.services.resend import resend
from reminders.services.writing_survey import Means
from reminders.store.engine import Store, run
from reminders.store.types import DAY, HOUR, micros
from tests.support.clinic import PARIS, paris, settings_with, visit, visits
from tests.support.mailroom import LIVE, Mailroom

NOON = "2026-10-13 12:10"
BRAKE = {"brake_least": 20, "brake_times": 3.0}


def room_with(store: Store, number: int, *, usual: int = 8, days: int = BRAKE_DAYS) -> Mailroom:
    """So many reminders due at once; `usual` left at noon of each of the last days."""
    settings = settings_with(**{**LIVE, "delivery": BRAKE})
    room = Mailroom(store, now=paris("2026-10-06 08:00"), settings=settings)
    room.read(*visits(range(number), starts="2026-10-16 10:00"))
    room.release()
    room.plan()
    room.at(paris(NOON))
    known(room, "12:00", usual, days)
    return room


def known(room: Mailroom, clock: str, number: int, days: int = BRAKE_DAYS) -> None:
    today = paris(f"{room.now:%Y-%m-%d} {clock}")
    with room.store.write() as connection:
        for n in range(1, days + 1):
            civil = (today.astimezone(PARIS) - timedelta(days=n)).replace(tzinfo=PARIS)
            hour = micros(civil) // HOUR * HOUR
            run(connection, "INSERT INTO send_hour (hour, number) VALUES (:hour, :number) "
                "ON CONFLICT (hour) DO UPDATE SET number = excluded.number",
                hour=hour, number=number)  # fmt: skip


def counted(room: Mailroom) -> int:
    return int(
        room.value(f"SELECT COALESCE(SUM(number), 0) FROM send_hour WHERE hour >= "
                   f"{micros(room.now) - 2 * HOUR}")
    )  # fmt: skip


# --- too many within an hour ----------------------------------------------------------------------


def test_more_than_three_times_the_usual_holds_everything_and_tells_why(store: Store) -> None:
    room = room_with(store, 60)
    room.deliver(in_flight=10)
    assert len(room.sent) == 24  # three times eight
    assert room.holds() == ["brake"]
    (hold,) = room.rows("SELECT source_id, sentence, placed_by FROM hold WHERE code = 'brake'")
    assert hold.source_id == ""
    assert "24 messages sont partis en une heure, pour 24 au plus" in hold.sentence
    room.at(room.now + timedelta(hours=3))
    room.deliver()
    assert len(room.sent) == 24  # another hour changes nothing: somebody must look
    states = Counter(state for kind, _, state in room.messages() if kind == "confirm")
    assert states == {"ACCEPTED": 24, "HELD": 36}


def test_what_a_person_releases_goes_on_with_twice_as_much(store: Store) -> None:
    room = room_with(store, 60)
    room.deliver(in_flight=10)
    release_holds(store, now=room.now, by="nadia")
    room.deliver(in_flight=10)
    assert len(room.sent) == 48
    assert room.holds() == ["brake"]
    release_holds(store, now=room.now, by="nadia")
    room.deliver(in_flight=10)
    assert (len(room.sent), room.holds()) == (60, [])


def test_a_release_doubles_once_whatever_it_let_through(store: Store) -> None:
    """The hour it let through makes the next one no busier."""
    room = room_with(store, 160)
    room.deliver(in_flight=10)
    release_holds(store, now=room.now, by="nadia")
    room.deliver(in_flight=10)
    release_holds(store, now=room.now, by="nadia")
    assert len(room.sent) == 48
    room.at(paris("2026-10-13 13:05"))
    room.deliver(in_flight=10)
    assert len(room.sent) == 48 + 80  # 20 an hour are never too many, doubled twice
    assert room.holds() == ["brake"]


@pytest.mark.parametrize(
    ("usual", "days", "clock"),
    [
        (8, BRAKE_KNOWN - 1, "12:00"),  # too little is known
        (20, BRAKE_DAYS, "12:00"),  # three times twenty
        (60, BRAKE_KNOWN, "18:00"),  # as many as in the busiest hour: a delay made up for
    ],
)
def test_a_busy_hour_is_no_loop(store: Store, usual: int, days: int, clock: str) -> None:
    room = room_with(store, 60, usual=0)
    known(room, clock, usual, days)
    room.deliver()
    assert (len(room.sent), room.holds()) == (60, [])
    assert counted(room) == 60


def test_few_are_never_too_many(store: Store) -> None:
    room = room_with(store, 20, usual=1)
    room.deliver()
    assert (len(room.sent), room.holds()) == (20, [])


def test_what_certainly_did_not_leave_is_not_counted(store: Store) -> None:
    """A provider that is down all hour brakes nobody."""
    room = room_with(store, 10)
    for _ in range(9):
        window = room.window()
        room.record(window.envelopes, Answer.NOT_SENT, elsewhere=True)
    assert (counted(room), room.holds()) == (0, [])
    room.deliver()
    assert (counted(room), len(room.sent)) == (10, 10)


def test_all_processes_count_together(store: Store) -> None:
    room = room_with(store, 60)
    processes = [room.delivery() for _ in range(3)]
    left = 0
    for _ in range(10):
        for one in processes:
            left += len(one.open_window(room.routes, 7, now=room.now).envelopes)
    assert left == 24
    assert room.holds() == ["brake"]


def test_a_rehearsal_learns_what_is_usual(store: Store) -> None:
    settings = settings_with(**{**LIVE, "mode": "rehearsal", "delivery": BRAKE})
    room = Mailroom(store, now=paris("2026-10-06 08:00"), settings=settings)
    room.settings = settings
    room.read(*visits(range(6), starts="2026-10-16 10:00"))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 12:00"))
    room.deliver()
    assert room.sent == []
    assert room.value("SELECT SUM(number) FROM send_hour") == 6


def test_counts_older_than_four_weeks_go(store: Store) -> None:
    room = room_with(store, 3)
    old = micros(room.now) // HOUR * HOUR - 40 * DAY
    with store.write() as connection:
        run(connection, "INSERT INTO send_hour (hour, number) VALUES (:hour, 5)", hour=old)
    room.deliver()
    assert room.value("SELECT MIN(hour) FROM send_hour") > old


@given(
    st.lists(st.integers(0, 10_000), min_size=BRAKE_DAYS, max_size=BRAKE_DAYS),
    st.lists(st.integers(1, 10_000), max_size=BRAKE_DAYS),
    st.integers(0, 3),
)
def test_the_limit_is_what_four_weeks_make_likely(
    same: list[int], busiest: list[int], released: int
) -> None:
    brake = Brake(least=100, times=3.0)
    limit = hourly_limit(same, busiest, brake, released=released)
    if len(busiest) < BRAKE_KNOWN:
        assert limit is None
        return
    assert limit == max(100, 3 * max(same), max(busiest)) * 2**released


def test_days_are_compared_at_their_civil_hour(store: Store) -> None:
    """Noon of the days before the clocks change is another hour in UTC."""
    room = room_with(store, 60, usual=0)
    room.at(paris("2026-10-27 12:10"))  # the clocks went back two days ago
    with store.write() as connection:
        run(connection, "UPDATE message SET opens_at = :now, closes_at = :later",
            now=micros(room.now), later=micros(room.now) + DAY)  # fmt: skip
        run(connection, "UPDATE appointment SET starts_at = :later",
            later=micros(room.now) + 3 * DAY)  # fmt: skip
        run(connection, "UPDATE told SET starts_at = :later", later=micros(room.now) + 3 * DAY)
    known(room, "12:00", 10)
    known(room, "11:00", 1)
    known(room, "13:00", 1)
    with store.write() as connection:  # nothing since, as over a week-end
        run(connection, "DELETE FROM send_hour WHERE hour >= :since",
            since=micros(room.now) - 3 * DAY)  # fmt: skip
    window = room.window()
    assert len(window.envelopes) == 30


# --- one text, again and again --------------------------------------------------------------------


def looped(room: Mailroom, kind: str = "") -> None:
    """A bug that plans again what has left."""
    with room.store.write() as connection:
        run(connection, "UPDATE message SET state = 'PLANNED', opens_at = :now, leases = 0, "
            "lease_until = NULL, closes_at = :later WHERE state IN ('ACCEPTED', 'DELIVERED') "
            "AND (:kind = '' OR kind = :kind)",
            now=micros(room.now), later=micros(room.now) + 2 * DAY, kind=kind)  # fmt: skip


def test_a_loop_reaches_nobody_a_third_time(store: Store) -> None:
    room = room_with(store, 5)
    for _ in range(6):
        room.deliver()
        looped(room)
        room.at(room.now + timedelta(minutes=20))
    assert Counter(one.to for one in room.sent) == {one.to: REPEATS for one in room.sent}
    assert room.tasks() == ["repeated"] * 5
    assert room.value("SELECT COUNT(*) FROM message WHERE reason = 'repeated'") == 5


def test_what_somebody_asked_for_is_not_counted_against_a_reminder(store: Store) -> None:
    room = room_with(store, 1)
    room.deliver()
    appointment = room.value("SELECT id FROM appointment")
    tools = Means(room.rules, Composer(room.rules, Renderer()), room.routes, room.secret, PARIS)
    for request in ("once", "twice"):
        room.at(room.now + timedelta(minutes=10))
        resend(store, tools, appointment, request=request, by="nadia", now=room.now)
        room.deliver()
    assert len(room.sent) == 3
    looped(room, "reminder")
    room.deliver()
    assert (len(room.sent), room.tasks()) == (4, [])


def test_a_day_later_it_may_leave_again(store: Store) -> None:
    room = room_with(store, 1)
    for _ in range(2):
        room.deliver()
        looped(room)
    room.at(room.now + timedelta(hours=24, minutes=1))
    room.deliver()
    assert len(room.sent) == 3


def test_what_was_refused_or_did_not_leave_is_no_repetition(store: Store) -> None:
    room = room_with(store, 1)
    for _ in range(4):
        window = room.window()
        assert len(window.envelopes) == 1
        room.record(window.envelopes, Answer.NOT_SENT, elsewhere=True)
    room.deliver()
    assert len(room.sent) == 1


def test_a_moved_appointment_is_another_text(store: Store) -> None:
    """Three moves of a day tell three starts."""
    room = room_with(store, 1)
    room.deliver()
    for hour in (11, 12, 14):
        room.at(room.now + timedelta(minutes=30))
        room.read(visit(0, starts=f"2026-10-16 {hour}:00"))
        room.plan()
        room.at(room.now + timedelta(minutes=10))
        room.deliver()
    assert len({one.text for one in room.sent}) == 4
    assert room.tasks() == []
