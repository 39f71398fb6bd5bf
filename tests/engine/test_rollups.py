"""The bell of the counts: what changed is counted, and nothing is done while nothing does."""

from reminders.domain.appointment import Status
from reminders.services.rollup import is_behind
from reminders.store.engine import Store
from tests.support.clinic import paris, settings_with, visit, visits
from tests.support.mailroom import LIVE, Mailroom


def test_a_pass_leaves_nothing_to_count(store: Store) -> None:
    room = Mailroom(store, now=paris("2026-10-14 09:00"), settings=settings_with(**LIVE))
    room.feed(*visits(range(1, 8)))
    room.one_pass()
    assert not is_behind(store, room.rules, now=room.now)
    assert room.value("SELECT pending FROM rollup WHERE uf = '*' AND dim = 'all'") == 7
    room.at(paris("2026-10-20 12:00"))
    came = [visit(n, status=Status.FULFILLED) for n in range(1, 8)]
    room.feed(*came, visit(9, "2026-12-01 09:00"))
    room.release()
    room.one_pass()
    assert not is_behind(store, room.rules, now=room.now)
    assert room.value("SELECT attended FROM rollup WHERE uf = '*' AND dim = 'all'") == 7
