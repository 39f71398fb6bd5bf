"""What became of an appointment, and the rate one may tell."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import (
    CAME,
    NEVER_ONE,
    OPEN,
    Attendance,
    Denominator,
    Outcome,
    Tally,
    outcome_of,
)

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


# --- the patient and the staff speak too -------------------------------------------------------

EARLY_OR_LATE = [(49 * HOURS, Outcome.CANCELLED_EARLY), (3 * HOURS, Outcome.CANCELLED_LATE)]
MOMENTS = st.none() | st.timedeltas(-72 * HOURS, 24 * HOURS).map(lambda apart: START + apart)
CASES = st.fixed_dictionaries(
    {
        "status": st.sampled_from(Status),
        "cancelled_at": MOMENTS,
        "cancelled_by": st.sampled_from(CancelledBy),
        "asked_at": MOMENTS,
        "marked": st.sampled_from(Attendance),
        "now": st.timedeltas(-72 * HOURS, 72 * HOURS).map(lambda apart: START + apart),
    }
)


def said(
    status: Status,
    asked: timedelta | None = None,
    marked: Attendance = Attendance.UNMARKED,
    **more: Any,
) -> Outcome | None:
    values = {"cancelled_at": None, "cancelled_by": CancelledBy.UNKNOWN, "now": AFTER} | more
    asked_at = None if asked is None else START - asked
    return outcome_of(status, START, **values, asked_at=asked_at, marked=marked)


@pytest.mark.parametrize(("ahead", "expected"), EARLY_OR_LATE)
@pytest.mark.parametrize("status", [Status.BOOKED, Status.NOSHOW, Status.UNKNOWN, Status.CANCELLED])
def test_a_cancellation_given_to_us_counts_whatever_became_of_it(
    status: Status, ahead: timedelta, expected: Outcome
) -> None:
    assert said(status, ahead) is expected
    assert said(status, ahead, Attendance.ABSENT) is expected


def test_who_came_after_all_attended() -> None:
    for status in CAME:
        assert said(status, 49 * HOURS, Attendance.ABSENT) is Outcome.ATTENDED
    assert said(Status.BOOKED, 49 * HOURS, Attendance.CAME) is Outcome.ATTENDED


def test_a_word_after_the_start_cancels_nothing() -> None:
    assert said(Status.NOSHOW, timedelta(0)) is Outcome.NO_SHOW
    assert said(Status.BOOKED, -HOURS) is Outcome.UNKNOWN


def test_the_hospitals_cancellation_is_its_own_unless_the_patient_spoke_first() -> None:
    hospital: dict[str, Any] = {
        "cancelled_by": CancelledBy.HOSPITAL,
        "cancelled_at": START - 60 * HOURS,
    }
    assert said(Status.CANCELLED, 59 * HOURS, **hospital) is Outcome.CANCELLED_BY_HOSPITAL
    assert said(Status.CANCELLED, 61 * HOURS, **hospital) is Outcome.CANCELLED_EARLY


def test_a_cancellation_entered_late_counts_from_when_the_patient_told_us() -> None:
    late: dict[str, Any] = {"cancelled_at": START - HOURS}
    assert said(Status.CANCELLED, 60 * HOURS, **late) is Outcome.CANCELLED_EARLY
    assert said(Status.CANCELLED, 1 * HOURS, cancelled_at=START - 60 * HOURS) is (
        Outcome.CANCELLED_EARLY
    )


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        (Attendance.CAME, Outcome.ATTENDED),
        (Attendance.ABSENT, Outcome.NO_SHOW),
        (Attendance.EXCUSED, Outcome.CANCELLED_LATE),
        (Attendance.UNMARKED, Outcome.UNKNOWN),
    ],
)
def test_a_mark_counts_where_the_dpi_says_nothing(marked: Attendance, expected: Outcome) -> None:
    for status in OPEN:
        assert said(status, marked=marked) is expected
        assert said(status, marked=marked, now=BEFORE) is None


@given(CASES)
def test_the_dpis_last_word_wins_over_every_mark(case: dict[str, Any]) -> None:
    unmarked = outcome_of(starts_at=START, **{**case, "marked": Attendance.UNMARKED})
    if case["status"] not in OPEN:
        assert outcome_of(starts_at=START, **case) is unmarked


@given(CASES)
def test_a_no_show_is_told_by_the_dpi_or_by_a_person(case: dict[str, Any]) -> None:
    found = outcome_of(starts_at=START, **case)
    if found is Outcome.NO_SHOW:
        assert case["asked_at"] is None or case["asked_at"] >= START
        told = case["status"] is Status.NOSHOW
        marked = case["status"] in OPEN and case["marked"] is Attendance.ABSENT
        assert told or marked


@given(CASES)
def test_who_told_us_before_the_start_is_never_a_no_show_nor_unknown(case: dict[str, Any]) -> None:
    if case["asked_at"] is not None and case["asked_at"] < START:
        found = outcome_of(starts_at=START, **case)
        assert found not in (Outcome.NO_SHOW, Outcome.UNKNOWN)
        assert (found is None) == (case["status"] in NEVER_ONE)


@given(CASES)
def test_without_word_or_mark_it_is_the_dpis_own(case: dict[str, Any]) -> None:
    quiet = {**case, "asked_at": None, "marked": Attendance.UNMARKED}
    found = outcome_of(starts_at=START, **quiet)
    if case["status"] in CAME:
        assert found is Outcome.ATTENDED
    elif case["status"] is Status.NOSHOW:
        assert found is Outcome.NO_SHOW
    elif case["status"] in OPEN:
        assert found is (Outcome.UNKNOWN if case["now"] >= START else None)


def test_a_naive_moment_is_refused() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        outcome_of(Status.BOOKED, START, None, CancelledBy.UNKNOWN, AFTER, asked_at=naive)
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


def test_reports_lead_with_all_eligible_appointments_whose_outcome_is_known() -> None:
    """Leaving cancellations out would hide what reminders do: they turn no-shows into them."""
    tally = Tally(
        {
            Outcome.ATTENDED: 90,
            Outcome.NO_SHOW: 10,
            Outcome.UNKNOWN: 50,
            Outcome.CANCELLED_EARLY: 40,
            Outcome.CANCELLED_LATE: 5,
            Outcome.CANCELLED_BY_HOSPITAL: 5,
        }
    )
    assert tally.among(Denominator.ELIGIBLE) == 150
    assert tally.rate(Denominator.ELIGIBLE) == pytest.approx(10 / 150)
    assert tally.bounds_of(Denominator.ELIGIBLE) == (0.05, 0.30)
    assert tally.rate(Denominator.EXPECTED) == tally.no_show_rate == 0.1
    assert tally.unknown_share == 0.25
    assert (Tally({}).rate(Denominator.ELIGIBLE), Tally({}).unknown_share) == (None, None)
