"""What every appointment source promises, whatever the DPI speaks.

An adapter writes appointments in its own wire and says how that wire breaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from reminders.domain.appointment import AppointmentRecord, RowProblem, Status
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.ports import AppointmentSource, Feed

NOW = datetime(2026, 10, 13, 7, 55, tzinfo=UTC)
FAMILY, GIVEN = "EXEMPLE", "Léa"
PHONE = "06 39 98 00 12"


@dataclass(frozen=True, slots=True)
class Told:
    """One appointment of the patient `ipp`, as the contract wants it told."""

    number: str
    days: float = 3
    status: Status = Status.BOOKED
    ipp: str = "0000001"

    @property
    def starts_at(self) -> datetime:
        return NOW.replace(minute=30) + timedelta(days=self.days)


TOLD = (
    Told("R000123"),
    Told("R000124", days=4, status=Status.CANCELLED, ipp="0000002"),
    Told("R000125", days=5, ipp="0000001"),
)


class AppointmentSourceContract:
    offers_again = True  # what was neither accepted nor rejected comes again

    def holding(self, told: Sequence[Told]) -> AppointmentSource:
        raise NotImplementedError

    def with_a_bad_row(self, good: Sequence[Told], bad: Told) -> AppointmentSource:
        """`bad` has its number, and something nobody can read."""
        raise NotImplementedError

    def cut(self, told: Sequence[Told]) -> AppointmentSource:
        """The input ends before its last appointment does."""
        raise NotImplementedError

    def unreachable(self) -> AppointmentSource:
        raise NotImplementedError

    # --- what is told ------------------------------------------------------------------------

    def test_it_tells_each_appointment_once_with_its_patient(self) -> None:
        found = {record.external_id: record for record in records(self.holding(TOLD))}
        assert len(found) == len(records(self.holding(TOLD))) == len(TOLD)
        for told in TOLD:
            record = found[told.number]
            assert record.patient is not None
            assert (record.starts_at, record.status, record.patient.identifier) == (
                told.starts_at,
                told.status,
                told.ipp,
            )
            assert (record.patient.family, record.patient.given) == (FAMILY, GIVEN)
            assert PHONE in [point.value for point in record.patient.contacts]

    def test_without_an_appointment_it_tells_none(self) -> None:
        assert [row for feed in feeds(self.holding([])) for row in feed.rows()] == []

    def test_what_a_feed_is_is_known_before_its_rows(self) -> None:
        for feed in feeds(self.holding(TOLD)):
            info = feed.info
            assert info.name
            assert info.as_of.utcoffset() is not None
            assert info.as_of <= NOW
            if info.window is not None:
                assert info.mode == "snapshot"
                assert info.window[0] < info.window[1]

    def test_the_same_input_gives_the_same_rows(self) -> None:
        first, second = self.holding(TOLD), self.holding(TOLD)
        assert records(first) == records(second)

    def test_reading_takes_nothing_away(self) -> None:
        if not self.offers_again:
            return
        source = self.holding(TOLD)
        assert records(source) == records(source)

    # --- what is wrong -----------------------------------------------------------------------

    def test_a_bad_row_names_its_appointment_and_the_rest_goes_on(self) -> None:
        bad = Told("R000199", ipp="0000003")
        rows = [row for feed in feeds(self.with_a_bad_row(TOLD, bad)) for row in feed.rows()]
        (problem,) = (row for row in rows if isinstance(row, RowProblem))
        assert problem.external_id == bad.number
        assert problem.code
        assert problem.row > 0
        good = {row.external_id for row in rows if isinstance(row, AppointmentRecord)}
        assert good == {told.number for told in TOLD}

    def test_a_problem_quotes_nobody(self) -> None:
        bad = Told("R000199", ipp="0000003")
        rows = [row for feed in feeds(self.with_a_bad_row(TOLD, bad)) for row in feed.rows()]
        for problem in rows:
            if isinstance(problem, RowProblem):
                assert_quotes_nobody(problem.sentence + problem.column + problem.code, bad)

    def test_an_input_that_was_cut_never_ends_like_a_whole_one(self) -> None:
        with pytest.raises((FeedRefused, SourceUnavailable)) as raised:
            records(self.cut(TOLD))
        error = raised.value
        assert isinstance(error, FeedRefused | SourceUnavailable)
        assert error.code
        assert error.sentence
        assert_quotes_nobody(error.sentence + error.code, *TOLD)

    def test_a_source_out_of_reach_says_so(self) -> None:
        with pytest.raises(SourceUnavailable) as raised:
            records(self.unreachable())
        assert raised.value.sentence

    def test_moments_without_a_zone_are_refused(self) -> None:
        naive = NOW.replace(tzinfo=None)
        with pytest.raises(ValueError, match="naive"):
            list(self.holding([]).feeds(now=naive, since=None))
        with pytest.raises(ValueError, match="naive"):
            list(self.holding([]).feeds(now=NOW, since=naive))

    # --- afterwards --------------------------------------------------------------------------

    def test_what_was_accepted_is_no_news(self) -> None:
        source = self.holding(TOLD)
        for feed in feeds(source):
            list(feed.rows())
            feed.accept()
        # a poll has no fingerprint: it may ask again, since applying it twice changes nothing
        assert [feed.info.name for feed in feeds(source) if feed.info.content_hash] == []

    def test_what_was_rejected_does_not_come_again(self) -> None:
        source = self.holding(TOLD)
        for feed in feeds(source):
            list(feed.rows())
            feed.reject(["Refusé pour essai."])
        assert [feed.info.name for feed in feeds(source) if feed.info.content_hash] == []

    def test_forgetting_spares_what_was_put_away_later(self) -> None:
        source = self.holding(TOLD)
        for feed in feeds(source):
            list(feed.rows())
            feed.accept()
        assert source.forget(before=NOW - timedelta(days=30)) == 0


def feeds(source: AppointmentSource) -> list[Feed]:
    return list(source.feeds(now=NOW, since=None))


def records(source: AppointmentSource) -> list[AppointmentRecord]:
    """Every row of every feed, none of them a problem."""
    rows = [row for feed in feeds(source) for row in feed.rows()]
    assert [row for row in rows if isinstance(row, RowProblem)] == []
    return [row for row in rows if isinstance(row, AppointmentRecord)]


def assert_quotes_nobody(text: str, *told: Told) -> None:
    for secret in (FAMILY, GIVEN, PHONE, PHONE.replace(" ", ""), *(one.ipp for one in told)):
        assert secret not in text
