"""The managers' daily e-mail: once a day and service, counts only, never when in doubt."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from reminders.engine.letters import send_letters
from reminders.engine.writer import Writer
from reminders.errors import NotSent, Unknown
from reminders.services.worklist import tend
from reminders.store.engine import Store
from tests.support.clinic import paris
from tests.support.mailroom import Mailroom, Provider, Sent
from tests.support.worklist import hospital, reply


def ring(room: Mailroom, post: Provider, *, times: int = 1) -> int:
    """The bell, so many times at the same moment."""

    async def run() -> int:
        writer = Writer()
        try:
            tend(room.store, room.rules, now=room.now)
            bells = [
                send_letters(room.store, room.rules, post, writer, room.clock) for _ in range(times)
            ]
            return sum(await asyncio.gather(*bells))
        finally:
            writer.close()

    return asyncio.run(run())


def late(store: Store, **changes: Any) -> tuple[Mailroom, Provider, list[Sent]]:
    """A hospital with one task past its deadline, at 14:00 on Monday."""
    room = hospital(store, **changes)
    reply(room, "Où se garer, Madame Zorglub ?")
    room.at(paris("2026-10-12 14:00"))
    box: list[Sent] = []
    return room, Provider("mail", room.clock, box), box


def test_a_manager_reads_counts_and_kinds_and_no_patient(store: Store) -> None:
    room, post, box = late(store)

    assert ring(room, post) == 1
    (letter,) = box
    assert letter.to == "c@example.org"
    assert "   1  Pose une question." in letter.text
    assert "lundi 12 octobre" in letter.text
    assert "cadre-nord" in letter.text
    for kept in ("Zorglub", "EXEMPLE", "Léa", "639980001", "garer"):
        assert kept not in letter.text


def test_one_leaves_a_day_whatever_rings(store: Store) -> None:
    room, post, box = late(store)
    ring(room, post, times=5)
    room.at(paris("2026-10-12 16:00"))
    ring(room, post)
    assert len(box) == 1

    room.at(paris("2026-10-13 08:29"))
    ring(room, post)
    assert len(box) == 1
    room.at(paris("2026-10-13 08:30"))
    ring(room, post)
    assert len(box) == 2
    assert box[0].reference != box[1].reference


def test_what_certainly_did_not_leave_leaves_later(store: Store) -> None:
    room, post, box = late(store)
    post.script["c@example.org"] = [NotSent("dns"), Unknown("reset")]

    assert ring(room, post) == 0
    room.at(room.now + timedelta(minutes=5))
    assert ring(room, post) == 0  # perhaps it left: never twice
    assert ring(room, post) == 0
    assert len(box) == 2


@pytest.mark.parametrize("moment", ["2026-10-17 10:00", "2026-10-18 10:00", "2026-11-11 10:00"])
def test_nothing_leaves_on_a_day_the_desk_is_closed(store: Store, moment: str) -> None:
    room, post, box = late(store)
    room.at(paris(moment))
    assert ring(room, post) == 0
    assert box == []


def test_without_delay_there_is_no_letter(store: Store) -> None:
    room = hospital(store)
    reply(room, "Où se garer ?")
    box: list[Sent] = []
    assert ring(room, Provider("mail", room.clock, box)) == 0
    assert box == []


@pytest.mark.parametrize(
    ("mode", "only_to", "letters"),
    [("rehearsal", [], 0), ("test", ["+33639980001"], 0),
     ("test", ["+33639980001", "c@example.org"], 1)],
)  # fmt: skip
def test_a_rehearsal_writes_to_nobody_and_a_test_to_its_own(
    store: Store, mode: str, only_to: list[str], letters: int
) -> None:
    room, post, box = late(store)
    changed = {"mode": mode, "only_to": tuple(only_to)}
    room.settings = room.settings.model_copy(update=changed)
    assert ring(room, post) == letters
    assert len(box) == letters
