"""What became of an appointment, and the rate one may tell."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import Outcome, Tally, outcome_of

START = datetime(2026, 6, 12, 7, tzinfo=UTC)
AFTER, BEFORE = START + timedelta(days=1), START - timedelta(days=1)
HOURS = timedelta(hours=1)


def outcome(
    status: Status,
    cancelled_at: datetime | None = None,
    by: CancelledBy = CancelledBy.UNKNOWN,
    now: datetime = AFTER,
) -> Outcome | None:
    return outcome_of(status, START, cancelled_at, by, now)


@pytest.mark.parametrize("status", [Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED])
def test_who_came_attended(status: Status) -> None:
    assert outcome(status) is Outcome.ATTENDED


def test_a_no_show_is_what_the_dpi_says_and_never_what_silence_suggests() -> None:
    assert outcome(Status.NOSHOW) is Outcome.NO_SHOW
    for status in (Status.BOOKED, Status.PENDING, Status.UNKNOWN):
        for later in (0, 1, 400):
            assert outcome(status, now=START + timedelta(days=later)) is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [Status.BOOKED, Status.PENDING, Status.UNKNOWN])
def test_what_is_to_come_has_no_outcome(status: Status) -> None:
    assert outcome(status, now=BEFORE) is None


@pytest.mark.parametrize("status", [Status.ENTERED_IN_ERROR, Status.PROPOSED, Status.WAITLIST])
def test_what_never_was_an_appointment_has_none_either(status: Status) -> None:
    assert outcome(status) is None
    assert outcome(status, now=BEFORE) is None


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (49 * HOURS, Outcome.CANCELLED_EARLY),
        (48 * HOURS, Outcome.CANCELLED_EARLY),
        (48 * HOURS - timedelta(seconds=1), Outcome.CANCELLED_LATE),
        (0 * HOURS, Outcome.CANCELLED_LATE),
        (-2 * HOURS, Outcome.CANCELLED_LATE),
    ],
)
def test_forty_eight_hours_divide_early_from_late(ahead: timedelta, expected: Outcome) -> None:
    for by in (CancelledBy.PATIENT, CancelledBy.UNKNOWN):
        assert outcome(Status.CANCELLED, START - ahead, by) is expected


def test_a_cancellation_nobody_dated_counts_as_late() -> None:
    assert outcome(Status.CANCELLED) is Outcome.CANCELLED_LATE


@pytest.mark.parametrize("moment", [None, START - 100 * HOURS, START])
def test_the_hospitals_own_cancellation_is_its_own(moment: datetime | None) -> None:
    found = outcome(Status.CANCELLED, moment, CancelledBy.HOSPITAL)
    assert found is Outcome.CANCELLED_BY_HOSPITAL


def test_a_naive_moment_is_refused() -> None:
    naive = START.replace(tzinfo=None)
    for moments in ((naive, None, AFTER), (START, naive, AFTER), (START, None, naive)):
        starts_at, cancelled_at, now = moments
        with pytest.raises(ValueError, match="naive"):
            outcome_of(Status.BOOKED, starts_at, cancelled_at, CancelledBy.UNKNOWN, now)


def test_the_rate_counts_only_what_is_known() -> None:
    tally = Tally(
        {
            Outcome.ATTENDED: 90,
            Outcome.NO_SHOW: 10,
            Outcome.UNKNOWN: 100,
            Outcome.CANCELLED_EARLY: 40,
            Outcome.CANCELLED_LATE: 5,
            Outcome.CANCELLED_BY_HOSPITAL: 7,
        }
    )
    assert (tally.total, tally.known, tally.no_show_rate) == (252, 100, 0.1)
    assert tally.bounds == (0.05, 0.55)


def test_a_month_without_known_outcomes_has_no_rate() -> None:
    assert Tally({}).no_show_rate is None
    assert Tally({}).bounds is None
    assert Tally({Outcome.CANCELLED_EARLY: 3}).no_show_rate is None
    unknown = Tally({Outcome.UNKNOWN: 3})
    assert (unknown.no_show_rate, unknown.bounds) == (None, (0.0, 1.0))


@given(st.dictionaries(st.sampled_from(Outcome), st.integers(0, 1_000)))
def test_the_rate_lies_within_its_bounds(counts: dict[Outcome, int]) -> None:
    tally = Tally(counts)
    if tally.no_show_rate is not None:
        assert tally.bounds is not None
        low, high = tally.bounds
        assert 0 <= low <= tally.no_show_rate <= high <= 1
