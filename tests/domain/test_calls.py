"""What a call was about, and which appointment it is counted with."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.calls import AFTER, Motive, Near, about, moment_of, motive_of

DAY = date(2026, 10, 12)
NOON = datetime(2026, 10, 12, 10, tzinfo=UTC)


def near(id: int, days: float, uf: str = "4220") -> Near:
    starts = NOON + timedelta(days=days)
    return Near(id, uf, starts, starts.date())


@pytest.mark.parametrize(
    ("text", "motive"),
    [
        ("", Motive.UNKNOWN), ("Annulation", Motive.CANCEL), ("Report de RDV", Motive.MOVE),
        ("Décalage", Motive.MOVE), ("Faut-il être à jeun ?", Motive.PREPARATION),
        ("Adresse", Motive.PLACE), ("Confirmation", Motive.CONFIRM), ("en retard", Motive.LATE),
        ("Réclamation", Motive.OTHER), ("cancel", Motive.CANCEL), ("PLACE", Motive.PLACE),
    ],
)  # fmt: skip
def test_a_motive_is_read_from_usual_words(text: str, motive: Motive) -> None:
    assert motive_of(text) is motive


@pytest.mark.parametrize(
    ("text", "hour", "found"),
    [
        ("2026-10-01", "", (date(2026, 10, 1), "")),
        ("01/10/2026", "9h30", (date(2026, 10, 1), "09:30")),
        ("1.10.2026 9:05", "", (date(2026, 10, 1), "09:05")),
        ("2026-10-01T23:59:59", "", (date(2026, 10, 1), "23:59")),
        ("01/10/2026", "14h", (date(2026, 10, 1), "14:00")),
        ("31/02/2026", "", None),
        ("01/10/2026", "25:00", None),
        ("01/10/2026", "matin", None),
        ("hier", "", None),
        ("", "", None),
    ],
)
def test_a_moment_is_read_as_telephony_writes_it(
    text: str, hour: str, found: tuple[date, str] | None
) -> None:
    assert moment_of(text, hour) == found


def test_a_call_is_about_the_next_appointment_else_a_recent_one() -> None:
    those = [near(1, -40), near(2, -3), near(3, 2), near(4, 9)]
    assert about(NOON, "", DAY, those) == 3
    assert about(NOON, "", DAY, those[:2]) == 2
    assert about(NOON, "", DAY, those[:1]) == 0


def test_one_of_the_same_day_is_still_to_come() -> None:
    assert about(NOON, "", DAY, [near(1, -0.1), near(2, 5)]) == 1


def test_the_service_called_is_the_one_it_is_about() -> None:
    those = [near(1, 1, "4230"), near(2, 5)]
    assert about(NOON, "4220", DAY, those) == 2
    assert about(NOON, "", DAY, those) == 1
    assert about(NOON, "9999", DAY, those) == 0


@given(st.lists(st.tuples(st.integers(-60, 60), st.sampled_from(["4220", "4230"])), max_size=8))
def test_it_is_always_one_of_theirs_and_never_an_old_one(told: list[tuple[int, str]]) -> None:
    those = [near(n, days, uf) for n, (days, uf) in enumerate(told, 1)]
    found = about(NOON, "4220", DAY, those)
    mine = {one.id: one for one in those if one.uf == "4220"}
    if found:
        assert mine[found].starts_at >= NOON - AFTER
    else:
        assert all(one.starts_at < NOON - AFTER for one in mine.values())
