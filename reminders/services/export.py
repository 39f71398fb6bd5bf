"""Everything a hospital has here, in formats any program reads: CSV, JSON Lines, a data package.

One reading of one moment, written row by row: memory does not grow with what is kept. Secrets
never leave; what says who a patient is leaves only for those who may see it. Each export is a line
of the audit, written before the first row leaves.

CSV follows RFC 4180 in UTF-8. A text that a spreadsheet could run, or that begins with an
apostrophe, stands behind one apostrophe; taking one off each text that begins with one gives back
what was kept (`domain.cells.unguarded`). JSON Lines has no guard: it is for programs.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import IO, Protocol, cast
from zoneinfo import ZoneInfo

import msgspec

from reminders.domain.cells import guarded
from reminders.services.export_words import data_package, read_me
from reminders.store import exporting, facts
from reminders.store.catalogue import Column
from reminders.store.engine import Connection, Store
from reminders.store.exporting import Part
from reminders.store.types import SECOND, micros

PACKAGE, READ_ME = "datapackage.json", "LISEZ-MOI.md"


class Sink(Protocol):
    """Where the files of an export go, one after the other."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `names`: with what says who a patient is; `ufs`: these services only;
    `patient`: what is held about one, for that person (art. 15)."""

    names: bool = True
    ufs: frozenset[str] | None = None
    patient: int | None = None


@dataclass(frozen=True, slots=True)
class File:
    name: str
    size: int  # bytes
    hash: str  # SHA-256
    rows: int


@dataclass(frozen=True, slots=True)
class Held:
    """One table of an export, with the two files it is in."""

    part: Part
    csv: File
    lines: File


@dataclass(slots=True)
class Exported:
    at: datetime
    wanted: Wanted
    tables: list[Held] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(one.csv.rows for one in self.tables)


def export(
    store: Store, sink: Sink, wanted: Wanted, zone: ZoneInfo, *, now: datetime, by: str
) -> Exported:
    """Write every file of an export; `zone`: whose offset the moments carry.

    Raises LookupError for a patient nobody knows.
    """
    _note(store, wanted, now=now, by=by)
    done = Exported(now, wanted)
    with store.read() as connection:
        for part in _parts(connection, wanted):
            done.tables.append(
                Held(
                    part,
                    _written(sink, f"data/{part.table.name}.csv", connection, part, _Csv(zone)),
                    _written(sink, f"data/{part.table.name}.jsonl", connection, part, _Lines(zone)),
                )
            )
    with sink.open(PACKAGE) as stream:
        stream.write(data_package(done))
    with sink.open(READ_ME) as stream:
        stream.write(read_me(done, zone))
    return done


def whole_for(store: Store, patient: int, ufs: frozenset[str] | None) -> bool | None:
    """May who sees these services (None: all) hand over what is held about a patient? None: they
    know no such patient.

    It is given whole or not at all: who sees only a part cannot answer a request for access.
    """
    with store.read() as connection:
        people = exporting.merged_into(connection, patient)
        if not people or ufs is None:
            return bool(people) or None
        theirs = exporting.services_of(connection, people)
    return theirs <= ufs if theirs & ufs else None


def _note(store: Store, wanted: Wanted, *, now: datetime, by: str) -> None:
    detail: dict[str, object] = {"names": int(wanted.names)}
    if wanted.ufs is not None:
        detail["ufs"] = ",".join(sorted(wanted.ufs))
    subject = f"patient:{wanted.patient}" if wanted.patient is not None else ""
    action = "export.patient" if subject else "export"
    with store.write() as connection:
        facts.audit(connection, at=micros(now), actor=by, action=action, subject=subject, **detail)


def _parts(connection: Connection, wanted: Wanted) -> list[Part]:
    people = None
    if wanted.patient is not None:
        people = exporting.merged_into(connection, wanted.patient)
        if not people:
            raise LookupError(wanted.patient)
    ufs = None if wanted.ufs is None else sorted(wanted.ufs)
    return exporting.parts(names=wanted.names, ufs=ufs, people=people)


# --- one file -----------------------------------------------------------------------------------


class _Format(Protocol):
    def begin(self, stream: IO[bytes], columns: Sequence[Column]) -> None: ...

    def write(self, rows: Sequence[Sequence[object]]) -> None: ...


def _written(sink: Sink, name: str, connection: Connection, part: Part, form: _Format) -> File:
    count = 0
    with sink.open(name) as stream:
        measured = _Measured(stream)
        form.begin(cast("IO[bytes]", measured), part.columns)
        for rows in exporting.batches(connection, part):
            form.write(rows)
            count += len(rows)
    return File(name, measured.size, measured.digest.hexdigest(), count)


class _Measured:
    """A file that says how long it became, and its hash."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = 0
        self.digest = sha256()

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        self.digest.update(piece)
        return self._stream.write(piece)


class _Csv:
    def __init__(self, zone: ZoneInfo) -> None:
        self._moment = _moments(zone)

    def begin(self, stream: IO[bytes], columns: Sequence[Column]) -> None:
        self._stream = stream
        self._changes = _changes(columns, {"string": _guarded}, self._moment)
        self._put([[one.name for one in columns]])

    def write(self, rows: Sequence[Sequence[object]]) -> None:
        """What nobody knows is an empty cell; no text is ever unknown."""
        self._put(zip(*_changed(rows, self._changes), strict=True))

    def _put(self, lines: Iterable[Sequence[object]]) -> None:
        kept = io.StringIO()
        csv.writer(kept, lineterminator="\r\n").writerows(lines)
        self._stream.write(kept.getvalue().encode())


class _Lines:
    """JSON Lines: one object a row, numbers as numbers, null where nothing is known."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._moment = _moments(zone)
        self._encoder = msgspec.json.Encoder()

    def begin(self, stream: IO[bytes], columns: Sequence[Column]) -> None:
        self._stream = stream
        self._changes = _changes(columns, {}, self._moment)
        self._line = msgspec.defstruct("Line", [(one.name, object) for one in columns])

    def write(self, rows: Sequence[Sequence[object]]) -> None:
        lines = list(map(self._line, *_changed(rows, self._changes)))
        self._stream.write(self._encoder.encode_lines(lines))


_Change = Callable[[object], object]


def _changes(
    columns: Sequence[Column], others: Mapping[str, _Change], moment: _Change
) -> list[_Change | None]:
    """How each column's values are written; None: as they are."""
    known: dict[str, _Change] = {
        "datetime": moment,
        "hex": lambda value: bytes(cast(bytes, value)).hex(),
        **others,
    }
    return [known.get(one.kind) for one in columns]


def _changed(
    rows: Sequence[Sequence[object]], changes: Sequence[_Change | None]
) -> list[Iterable[object]]:
    """Column by column: most need no change, and the others none a row in Python."""
    return [
        column if change is None else map(change, column)
        for column, change in zip(zip(*rows, strict=True), changes, strict=True)
    ]


# Most texts are codes that come again and again.
@lru_cache(maxsize=16_384)
def _guarded(text: object) -> str:
    return guarded(cast(str, text))


def _moments(zone: ZoneInfo) -> _Change:
    """Microseconds as ISO 8601 with the offset the hospital's clocks had then."""

    @lru_cache(maxsize=16_384)
    def written(value: int | None) -> str | None:
        if value is None:
            return None
        seconds, rest = divmod(value, SECOND)
        at = datetime.fromtimestamp(seconds, zone)
        return (at.replace(microsecond=rest) if rest else at).isoformat()

    return cast(_Change, written)


__all__ = ["PACKAGE", "READ_ME", "Exported", "Sink", "Wanted", "export", "whole_for"]
