"""A link opens its own message and nothing else: neighbours, guesses and exchanged parts do not."""

import string
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reminders.services.page import (
    Deed,
    check_birth_date,
    checked_until,
    do,
    is_checked,
    open_page,
)
from tests.support.clinic import someone, visit
from tests.support.stores import SqliteFiles
from tests.support.telephone import Telephone

NOW = datetime(2026, 10, 13, 8, 5, tzinfo=UTC)
LATER = 9_000_000_000
TOKEN = st.text(string.ascii_letters + string.digits + "-_", min_size=22, max_size=22)
DEEDS = st.sampled_from(sorted(get_args(Deed)))


@given(token=TOKEN, other=TOKEN, secret=st.binary(min_size=16, max_size=32), until=st.just(LATER))
def test_a_birth_date_given_for_one_link_opens_that_one(
    token: str, other: str, secret: bytes, until: int
) -> None:
    proof = checked_until(secret, token, until)

    assert is_checked(secret, token, proof, now=NOW)
    assert is_checked(secret, other, proof, now=NOW) == (other == token)
    assert not is_checked(secret + b"x", token, proof, now=NOW)


@given(token=TOKEN, text=st.text(max_size=60))
def test_no_text_is_a_proof(token: str, text: str) -> None:
    assert not is_checked(b"k" * 32, token, text, now=NOW)
    assert not is_checked(b"k" * 32, token, f"{LATER}.{text}", now=NOW)


def test_no_other_token_opens_or_answers_anything(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    """Neighbours of a real token as well as any other; and what they send changes nothing."""
    with sqlite_files.migrated(tmp_path) as store:
        telephone = Telephone(
            store, visit(1, starts="2026-10-16 09:30"), visit(2, starts="2026-10-16 11:30")
        )
        room, own = telephone.room, telephone.path.removeprefix("/r/")
        appointments = [(room.appointment(n).id, 1) for n in (1, 2)]

        @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
        @given(token=TOKEN | _neighbours(own), deed=DEEDS, about=st.sampled_from(appointments))
        def guess(token: str, deed: Deed, about: tuple[int, int]) -> None:
            assert open_page(store, room.rules, token, now=room.now) is None
            assert not do(
                store, room.rules, room.secret, token, deed, about=about, form="x", now=room.now
            )
            assert not check_birth_date(store, room.rules, token, "28", "3", "1979", now=room.now)

        guess()
        assert room.value("SELECT COUNT(*) FROM answer") == 0
        assert room.value("SELECT SUM(tries) FROM link") == 0


def _neighbours(own: str) -> st.SearchStrategy[str]:
    """One letter changed, the case of all, cut short, longer."""

    def change(place: int, letter: str) -> str:
        return own[:place] + letter + own[place + 1 :]

    changed = st.builds(change, st.integers(0, 21), st.sampled_from("AaZz09-_"))
    others = st.sampled_from([own.swapcase(), own[:-1], own + "A", "", own[::-1], own.lower()])
    return (changed | others).filter(lambda token: token != own)


def test_a_link_answers_no_appointment_of_somebody_else(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        telephone = Telephone(
            store,
            visit(1, starts="2026-10-16 09:30"),
            visit(2, starts="2026-10-16 11:30", patient=someone(2)),
        )
        room, own = telephone.room, telephone.path.removeprefix("/r/")
        shown = open_page(store, room.rules, own, now=room.now)
        assert shown is not None
        mine = {one.appointment for one in shown.visits}
        theirs = [room.appointment(n).id for n in (1, 2) if room.appointment(n).id not in mine]
        assert theirs

        for deed in get_args(Deed):
            assert not do(
                store, room.rules, room.secret, own, deed, about=(theirs[0], 1), form="x",
                now=room.now,
            )  # fmt: skip
        assert room.value("SELECT COUNT(*) FROM answer") == 0
        assert room.value("SELECT COUNT(*) FROM task WHERE kind LIKE 'reply_%'") == 0
