"""Answers reach the DPI once, or a person is told: whatever fails, dies or changes meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest

from reminders.domain.answer import SLIP, AnswerKind
from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import Attendance
from reminders.engine.writeback import write_answers
from reminders.engine.writer import Writer
from reminders.errors import Misconfigured, NotSent, Refused, Throttled, Unknown
from reminders.ports import Change, Written
from reminders.services.answer import Given, give, pass_on
from reminders.services.attendance import mark
from reminders.services.story import stories_of
from reminders.services.writeback import LEASE, WAITS, Job, close_entered, next_job, settle
from reminders.store.engine import Store
from tests.support.clinic import paris, visit
from tests.support.mailroom import Mailroom

SOURCES = ["agenda"]
START = "2026-10-16 15:00"


@dataclass
class ScriptedDpi:
    """Answers by its script, then takes everything. `asked` is its ledger."""

    script: list[Written | Exception] = field(default_factory=list)
    asked: list[Change] = field(default_factory=list)

    async def write(self, change: Change, *, now: object) -> Written:
        self.asked.append(change)
        ended = self.script.pop(0) if self.script else Written.DONE
        if isinstance(ended, Exception):
            raise ended
        return ended


def opened(store: Store, *numbers: int) -> Mailroom:
    room = Mailroom(store)
    room.read(*(visit(number, starts=START) for number in numbers or (1,)))
    room.release()
    room.plan()
    return room


def answered(room: Mailroom, kind: AnswerKind, number: int = 1, *, channel: str = "sms") -> None:
    """The patient answers; what can no longer be undone is passed on."""
    one = room.appointment(number)
    with room.store.write() as connection:
        origin = f"test:{kind}:{number}:{room.now:%d%H%M%S}"
        give(connection, Given(kind, ((one.id, one.version),), channel, origin), now=room.now)
    pass_on(room.store, now=room.now, writes=SOURCES)
    room.plan()


def write(room: Mailroom, dpi: ScriptedDpi) -> dict[str, int]:
    async def run() -> dict[str, int]:
        writer = Writer()
        try:
            return dict(
                await write_answers(room.store, {"agenda": dpi}, writer, room.clock, lambda: False)
            )
        finally:
            writer.close()

    return asyncio.run(run())


def taken(room: Mailroom) -> Job:
    job = next_job(room.store, SOURCES, now=room.now)
    assert job is not None
    return job


def states(room: Mailroom) -> list[str]:
    return [row.state for row in room.rows("SELECT state FROM write_back ORDER BY id")]


def test_a_confirmation_and_a_cancellation_are_each_written_once(store: Store) -> None:
    room, dpi = opened(store, 1, 2), ScriptedDpi()
    answered(room, AnswerKind.CONFIRMED, 1)
    answered(room, AnswerKind.CANCELLED, 2)

    assert write(room, dpi) == {"done": 2}
    room.pass_days(1)
    assert write(room, dpi) == {}

    at = paris(START)
    assert dpi.asked == [
        Change("R1", "0000001", at, "confirmed"),
        Change("R2", "0000002", at, "cancelled"),
    ]
    assert "answer_cancelled" not in room.tasks()


def test_without_write_back_the_desk_gets_a_line(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    one = room.appointment()
    with store.write() as connection:
        about = ((one.id, one.version),)
        give(connection, Given(AnswerKind.CANCELLED, about, "sms", "x"), now=room.now)
    pass_on(store, now=room.now)

    assert room.tasks() == ["answer_cancelled"]
    assert write(room, dpi) == {}


def test_the_desk_ends_its_line_without_opening_another(store: Store) -> None:
    room = opened(store, 1, 2)
    for number, channel in ((1, "sms"), (1, "staff"), (2, "staff")):
        one = room.appointment(number)
        about = ((one.id, one.version),)
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE task SET state = 'done'")
            given = Given(AnswerKind.CANCELLED, about, channel, f"{number}:{channel}")
            give(connection, given, now=room.now)
        pass_on(store, now=room.now + SLIP)
        expected = [] if (number, channel) == (1, "staff") else ["answer_cancelled"]
        assert room.tasks() == expected


def test_a_cancellation_on_the_page_waits_for_the_end_of_its_undo(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    answered(room, AnswerKind.CANCELLED, channel="page")
    assert write(room, dpi) == {}

    room.at(room.now + timedelta(minutes=15))
    pass_on(store, now=room.now, writes=SOURCES)
    assert write(room, dpi) == {"done": 1}


@pytest.mark.parametrize(
    "kind", [AnswerKind.QUESTION, AnswerKind.RESCHEDULE, AnswerKind.READ, AnswerKind.NOT_ME]
)
def test_what_is_neither_yes_nor_no_is_for_people(store: Store, kind: AnswerKind) -> None:
    room, dpi = opened(store), ScriptedDpi()
    answered(room, kind)
    assert write(room, dpi) == {}


# --- until the DPI agrees ----------------------------------------------------------------------


def test_a_snapshot_that_still_says_booked_plans_nothing_again(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    answered(room, AnswerKind.CANCELLED)
    write(room, dpi)
    planned = room.states()

    for minutes in (5, 10, 15):
        room.at(room.now + timedelta(minutes=minutes))
        room.read(visit(1, starts=START))
        room.plan()

    assert room.appointment().answer == "cancelled"
    assert "PLANNED" not in room.states()
    assert room.states() == planned
    room.pass_days(2)
    room.deliver()
    assert room.sent == []


def test_the_patient_gets_no_notice_of_the_cancellation_they_asked_for(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()
    assert len(room.sent) == 1
    answered(room, AnswerKind.CANCELLED)
    write(room, dpi)

    off = visit(1, starts=START, status=Status.CANCELLED, cancelled_by=CancelledBy.PATIENT)
    room.read(off, visit(9))
    room.plan()
    room.pass_days(1)
    room.deliver()

    assert len(room.sent) == 1
    assert [task for task in room.tasks() if task.startswith("call_")] == []


# --- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [Written.CHANGED, Written.CLOSED])
def test_an_appointment_that_changed_in_the_dpi_is_told_to_a_person(
    store: Store, ended: Written
) -> None:
    room, dpi = opened(store), ScriptedDpi([ended])
    answered(room, AnswerKind.CANCELLED)
    assert write(room, dpi) == {ended.value: 1}
    assert room.tasks() == ["write_back_changed"]
    assert room.value("SELECT priority FROM task") == 2
    assert states(room) == ["failed"]


def test_an_appointment_that_moved_here_is_not_even_asked_about(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    answered(room, AnswerKind.CANCELLED)
    room.read(visit(1, starts="2026-10-19 15:00"))
    assert write(room, dpi) == {}
    assert dpi.asked == []
    assert "write_back_changed" in room.tasks()


@pytest.mark.parametrize("error", [Misconfigured("fhir 401"), Refused("fhir 422")])
def test_a_refusal_is_told_at_once(store: Store, error: Exception) -> None:
    room, dpi = opened(store), ScriptedDpi([error])
    answered(room, AnswerKind.CONFIRMED)
    write(room, dpi)
    assert room.tasks() == ["write_back_failed"]
    room.pass_days(1)
    assert write(room, dpi) == {}


@pytest.mark.parametrize("error", [NotSent("fhir ConnectError"), Unknown("fhir ReadTimeout")])
def test_a_dpi_that_stays_away_is_told_after_some_tries_and_no_more(
    store: Store, error: Exception
) -> None:
    room, dpi = opened(store), ScriptedDpi([error] * 50)
    answered(room, AnswerKind.CANCELLED)
    moments = []
    for _ in range(300):
        if write(room, dpi):
            moments.append(room.now)
        room.at(room.now + timedelta(minutes=1))

    gaps = [after - before for before, after in pairwise(moments)]
    assert gaps == list(WAITS)
    assert room.tasks() == ["write_back_failed"]
    assert states(room) == ["failed"]


def test_a_dpi_that_asks_for_time_gets_it(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi([Throttled("fhir 429", 600.0)])
    answered(room, AnswerKind.CANCELLED)
    write(room, dpi)
    room.at(room.now + timedelta(minutes=9))
    assert write(room, dpi) == {}
    room.at(room.now + timedelta(minutes=1))
    assert write(room, dpi) == {"done": 1}


def test_only_a_try_that_may_have_arrived_leaves_a_doubt(store: Store) -> None:
    room = opened(store)
    dpi = ScriptedDpi([NotSent("a"), Unknown("b"), NotSent("c")])
    answered(room, AnswerKind.CANCELLED)
    for wait in WAITS[:4]:
        write(room, dpi)
        room.at(room.now + wait)
    assert [change.doubtful for change in dpi.asked] == [False, False, True, True]


def test_one_that_fails_does_not_stop_the_others(store: Store) -> None:
    room, dpi = opened(store, 1, 2), ScriptedDpi([ValueError("odd"), Written.DONE])
    answered(room, AnswerKind.CONFIRMED, 1)
    answered(room, AnswerKind.CONFIRMED, 2)
    assert write(room, dpi) == {"Unknown": 1, "done": 1}


# --- never twice -------------------------------------------------------------------------------


def test_two_processes_never_write_the_same_answer(store: Store) -> None:
    room = opened(store, 1, 2)
    answered(room, AnswerKind.CONFIRMED, 1)
    answered(room, AnswerKind.CONFIRMED, 2)
    first, second = taken(room), taken(room)
    assert {first.change.external_id, second.change.external_id} == {"R1", "R2"}
    assert next_job(store, SOURCES, now=room.now) is None


def test_what_a_dead_process_began_is_looked_at_again_after_its_lease(store: Store) -> None:
    room = opened(store)
    answered(room, AnswerKind.CANCELLED)
    assert not taken(room).change.doubtful  # and it dies

    room.at(room.now + LEASE - timedelta(seconds=1))
    assert next_job(store, SOURCES, now=room.now) is None
    room.at(room.now + timedelta(seconds=1))
    assert taken(room).change.doubtful


def test_a_writer_that_was_slow_does_not_overrule_the_one_after_it(store: Store) -> None:
    room = opened(store)
    answered(room, AnswerKind.CANCELLED)
    slow = taken(room)
    room.at(room.now + LEASE)
    second = taken(room)

    settle(store, slow, Refused("fhir 400"), now=room.now)
    assert room.tasks() == []
    assert next_job(store, SOURCES, now=room.now) is None

    settle(store, second, Written.ALREADY, now=room.now)
    settle(store, slow, Refused("fhir 400"), now=room.now)
    assert states(room) == ["done"]
    assert room.tasks() == []


def test_what_the_patient_no_longer_says_is_not_written(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    answered(room, AnswerKind.CONFIRMED)
    room.at(room.now + timedelta(minutes=1))
    answered(room, AnswerKind.CANCELLED)
    write(room, dpi)
    assert [change.answer for change in dpi.asked] == ["cancelled"]
    assert states(room) == ["dropped", "done"]


def test_a_second_answer_waits_for_the_first_one_on_its_way(store: Store) -> None:
    room, dpi = opened(store), ScriptedDpi()
    answered(room, AnswerKind.CONFIRMED)
    first = taken(room)
    room.at(room.now + timedelta(minutes=1))
    answered(room, AnswerKind.CANCELLED)
    assert next_job(store, SOURCES, now=room.now) is None

    settle(store, first, Written.DONE, now=room.now)
    assert write(room, dpi) == {"done": 1}
    assert states(room) == ["done", "done"]


def test_each_cancellation_that_fails_is_told(store: Store) -> None:
    room = opened(store)
    kinds: Sequence[AnswerKind] = (
        AnswerKind.CANCELLED, AnswerKind.CONFIRMED, AnswerKind.CANCELLED
    )  # fmt: skip
    for kind in kinds:
        answered(room, kind)
        write(room, ScriptedDpi([Refused("fhir 400")]))
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE task SET state = 'done'")
        room.at(room.now + timedelta(hours=1))
    assert room.value("SELECT COUNT(*) FROM task WHERE kind = 'write_back_failed'") == 3


# --- when the DPI agrees -----------------------------------------------------------------------


def test_lines_of_other_appointments_stay(store: Store) -> None:
    room = opened(store, 1, 2)
    for number in (1, 2):
        answered(room, AnswerKind.CANCELLED, number)
    write(room, ScriptedDpi([Refused("fhir 400"), Refused("fhir 400")]))
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE task SET subject = 'provider:main', kind = 'quarantined' "
            "WHERE id = (SELECT MAX(id) FROM task)"
        )
    room.read(visit(1, starts=START, status=Status.CANCELLED), visit(2, starts=START))
    assert close_entered(store, now=room.now) == 1
    assert room.tasks() == ["quarantined"]


def test_a_line_for_the_desk_closes_once_the_dpi_says_cancelled(store: Store) -> None:
    room = opened(store)
    answered(room, AnswerKind.CANCELLED)
    write(room, ScriptedDpi([Refused("fhir 400")]))
    assert close_entered(store, now=room.now) == 0

    room.read(visit(1, starts=START, status=Status.CANCELLED), visit(9))

    assert close_entered(store, now=room.now) == 1
    assert room.tasks() == []
    assert close_entered(store, now=room.now) == 0


# --- what is told of it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "what", "why"),
    [
        (Written.DONE, "réponse écrite dans le DPI", ""),
        (Written.ALREADY, "réponse écrite dans le DPI", "il le disait déjà"),
        (Written.CHANGED, "réponse non écrite dans le DPI", "le rendez-vous y a changé"),
        (Refused("fhir 422"), "réponse non écrite dans le DPI", "code « fhir 422 »"),
        (
            Unknown("fhir ReadTimeout"),
            "réponse à écrire dans le DPI",
            "elle y est peut-être : il sera relu avant tout nouvel essai",
        ),
    ],
)
def test_the_story_of_an_appointment_tells_what_the_dpi_was_told(
    store: Store, ended: Written | Exception, what: str, why: str
) -> None:
    room = opened(store)
    answered(room, AnswerKind.CANCELLED)
    write(room, ScriptedDpi([ended]))
    (story,) = stories_of(store, "R1")
    told = {entry.what: entry.why for entry in story.entries}
    assert "le patient annule (par SMS)" in told
    assert told[what] == why


def test_the_story_tells_who_noted_that_the_patient_came(store: Store) -> None:
    room = opened(store)
    room.at(paris(START))
    mark(store, "agenda", "R1", Attendance.CAME, by="c.accueil", now=room.now)
    (story,) = stories_of(store, "R1")
    assert "noté venu par c.accueil" in [entry.what for entry in story.entries]
