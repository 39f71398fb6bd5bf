"""What kind of appointment it is, and how such ones were missed before."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.baseline import (
    AGES,
    LEADS,
    Past,
    band,
    cell_of,
    is_known,
    past_rates,
    rate_of,
    years,
)

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 6, 12, 12, 30, tzinfo=UTC)  # Friday, 14:30 in Paris
BOOKED = datetime(2026, 6, 1, 8, tzinfo=UTC)


def key(**changes: object) -> str:
    values = {"known": False, "zone": PARIS} | changes
    booked = values.pop("booked", BOOKED)
    born = values.pop("born", date(1979, 3, 28))
    return cell_of("4220", START, booked, born, **values).key  # type: ignore[arg-type]


def test_a_cell_names_the_kind_of_appointment() -> None:
    assert key() == "4220|new|7-13|5|pm|45-64"
    assert key(known=True, booked=None, born=None) == "4220|known|?|5|pm|?"


@pytest.mark.parametrize(
    ("earliest", "booked", "known"),
    [
        (None, BOOKED, False),
        (START, BOOKED, False),  # there is no other
        (BOOKED - timedelta(minutes=20), BOOKED, True),  # taken anew as the visit ended
        (BOOKED + timedelta(days=4), BOOKED, False),  # booked together with this one
        (START - timedelta(days=8), None, True),  # had started when its reminder was due
        (START - timedelta(days=6), None, False),
        (START - timedelta(days=6), START + timedelta(days=1), False),  # nonsense tells nothing
    ],
)
def test_known_is_who_had_started_there_when_this_one_was_booked(
    earliest: datetime | None, booked: datetime | None, known: bool
) -> None:
    assert is_known(earliest, START, booked, 7) is known


def test_hours_are_the_sites() -> None:
    assert key(zone=ZoneInfo("America/Guadeloupe")).split("|")[4] == "am"


@pytest.mark.parametrize(
    ("value", "ends", "name"),
    [(0, LEADS, "<1"), (1, LEADS, "1-2"), (7, LEADS, "7-13"), (13, LEADS, "7-13"),
     (56, LEADS, "56+"), (900, LEADS, "56+"), (-3, LEADS, "<1"), (80, AGES, "80+")],
)  # fmt: skip
def test_bands_have_their_lower_end(value: int, ends: tuple[int, ...], name: str) -> None:
    assert band(value, ends) == name


@pytest.mark.parametrize(("on", "age"), [("2026-03-27", 46), ("2026-03-28", 47)])
def test_a_year_older_on_the_birthday(on: str, age: int) -> None:
    assert years(date(1979, 3, 28), date.fromisoformat(on)) == age


def test_a_small_cell_is_pulled_towards_its_service() -> None:
    past = {"a|x": Past(980, 98), "a|y": Past(20, 10), "b|x": Past(1_000, 50)}
    rates = past_rates(past)
    assert rates[""] == pytest.approx(158 / 2_000)
    assert rates["a"] == pytest.approx(0.108, abs=0.001)
    assert rates["a|x"] == pytest.approx(0.100, abs=0.001)
    assert rates["a|y"] == pytest.approx((10 + 20 * rates["a"]) / 40)
    assert rate_of("a|never", rates) == rates["a"]
    assert rate_of("c|never", rates) == rates[""]
    assert past_rates({}) == {}
    assert rate_of("a|x", {}) == 0.0


@given(
    st.dictionaries(
        st.sampled_from(["a|1", "a|2", "b|1", "b|2", "c|1"]),
        st.integers(0, 500).flatmap(
            lambda n: st.integers(0, n).map(lambda missed: Past(n, missed))
        ),
    )
)
def test_every_past_rate_is_a_rate(past: dict[str, Past]) -> None:
    for rate in past_rates(past).values():
        assert 0 <= rate <= 1
