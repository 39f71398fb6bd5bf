"""An appointment source that holds its records: for tests of what comes after reading."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.ports import FeedInfo


@dataclass
class MemoryFeed:
    info: FeedInfo
    records: Sequence[AppointmentRecord | RowProblem]
    fails_with: Exception | None = None  # raised after the last row: a truncated feed
    accepted: bool = False
    rejected: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[AppointmentRecord | RowProblem]:
        yield from self.records
        if self.fails_with is not None:
            raise self.fails_with

    def accept(self) -> None:
        self.accepted = True

    def reject(self, reasons: Sequence[str]) -> None:
        self.rejected = list(reasons)


@dataclass
class MemorySource:
    waiting: list[MemoryFeed] = field(default_factory=list)
    asked_since: list[datetime | None] = field(default_factory=list)
    archived: list[datetime] = field(default_factory=list)  # when each input was put away

    def feeds(self, *, now: datetime, since: datetime | None) -> Iterator[MemoryFeed]:
        if now.tzinfo is None or (since is not None and since.tzinfo is None):
            raise ValueError("naive datetime refused: an instant needs its zone")
        self.asked_since.append(since)
        waiting, self.waiting = self.waiting, []
        yield from waiting

    def forget(self, *, before: datetime) -> int:
        kept = [moment for moment in self.archived if moment >= before]
        forgotten = len(self.archived) - len(kept)
        self.archived = kept
        return forgotten
