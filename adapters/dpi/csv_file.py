"""Appointments from CSV files a DPI drops into a folder (DOMAIN 7).

A *snapshot* holds every appointment of its period: the newest file is read, older ones that wait
are put away with it. A *delta* holds changes: every file is read, oldest first.

A file is read twice: all bytes, for its fingerprint and encoding; then its lines, streaming. What
is accepted goes to `archive/`, what is refused to `quarantaine/`, with a report a person can read
beside it. Nothing is moved unless the caller says so (`accept`, `reject`).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.dpi import csv_pickup as pickup
from adapters.dpi.csv_cells import Reading
from adapters.dpi.csv_feed import Export, feed_of
from adapters.dpi.csv_layout import field_of, key_of
from adapters.dpi.csv_options import CsvOptions
from adapters.dpi.csv_past import past_of
from adapters.dpi.csv_pickup import Found
from adapters.dpi.csv_reader import Shape
from adapters.dpi.csv_words import site_words
from adapters.options import parse_options
from reminders.ports import AppointmentSource, Feed, PastFeed, Wiring


def create(options: Mapping[str, Any], wiring: Wiring) -> AppointmentSource:
    return CsvSource(parse_options(CsvOptions, options), wiring)


class CsvSource:
    """`sleep` waits for a file that may still be growing; tests give their own."""

    def __init__(
        self, options: CsvOptions, wiring: Wiring, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._options = options
        self._id = wiring.id
        self._pattern = wiring.base_dir / options.path
        self._zone = ZoneInfo(options.timezone) if options.timezone else wiring.zone
        folder = self._pattern.parent
        headers = {
            key_of(theirs): (field_of(ours) or "") if ours else ""
            for theirs, ours in options.headers.items()
        }
        self._export = Export(
            options.mode,
            options.encoding,
            Shape(options.separator, options.columns, headers),
            folder / options.archive,
            folder / options.quarantine,
            options.marker,
        )
        self._statuses = site_words(options.statuses)
        self._sleep = sleep

    def feeds(self, *, now: datetime, since: datetime | None) -> Iterator[Feed]:
        """Of snapshots the newest; of deltas all, oldest first. `since` changes nothing."""
        if now.tzinfo is None or (since is not None and since.tzinfo is None):
            raise ValueError("naive datetime refused: an instant needs its zone")
        now = now.astimezone(UTC)
        by_name = self._options.dated_by == "name"
        waiting = sorted(
            (pickup.dated(one, self._zone, by_name=by_name) for one in self._ready(now)),
            key=lambda one: (one.as_of, one.found.name),
        )
        older: list[Found] = []
        if self._options.mode == "snapshot":
            older = [one.found for one in waiting[:-1]]
            waiting = waiting[-1:]
        for one in waiting:
            feed = feed_of(one, self._export, self._reading(now), older)
            if feed is not None:
                yield feed

    def file(self, path: Path, *, now: datetime) -> PastFeed:
        """Any file, read as this source's own."""
        return past_of(path, self._export, self._reading(now.astimezone(UTC)))

    def _reading(self, now: datetime) -> Reading:
        return Reading(self._zone, now, self._statuses, self._options.ipp_width)

    def forget(self, *, before: datetime) -> int:
        folders = (self._export.archive, self._export.quarantine)
        return pickup.forget(folders, self._zone, before)

    def _ready(self, now: datetime) -> list[Found]:
        """Without a marker a young file is looked at twice: one that grows is left alone."""
        options = self._options
        found = pickup.listed(self._pattern, options.marker, self._id)
        settle = timedelta(seconds=options.settle_seconds)
        if options.marker or not any(abs(now - one.changed_at) < settle for one in found):
            return found
        self._sleep(options.settle_seconds)
        return [one for one in found if one.still()]
