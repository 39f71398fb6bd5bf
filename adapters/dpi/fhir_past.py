"""A period that is over, as a FHIR server tells it: for counting."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.ports import Feed, FeedInfo

MONTH = timedelta(days=30)


def months(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Windows of 30 days, half-open, the last one shorter."""
    found = []
    while since < until:
        found.append((since, min(since + MONTH, until)))
        since += MONTH
    return found


@dataclass(slots=True)
class FhirPast:
    info: FeedInfo
    feeds: Sequence[Feed]  # one a window: what one query may hold is limited
    unknown_words: Mapping[str, int] = field(default_factory=dict)  # FHIR's words are all known

    def rows(self) -> Iterator[AppointmentRecord | RowProblem]:
        for feed in self.feeds:
            yield from feed.rows()
