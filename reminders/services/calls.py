"""Patients' telephone calls: read from a file, noted by a person, counted with appointments.

Nothing of a file is kept but the day, the service, a motive and our own ids.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from reminders.domain.calls import AFTER, UNTOLD, Motive, Near, about, moment_of, motive_of
from reminders.domain.search import identifier_key
from reminders.errors import Problem
from reminders.services.rules import Rules
from reminders.services.spreadsheet import Sheet, columns, open_sheet
from reminders.services.startup import secret_of
from reminders.store import calls as stored
from reminders.store import facts
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.types import MINUTE, instant, micros

T = TypeVar("T")
BATCH = 1_000
MOST_PROBLEMS = 200  # told one by one; more are counted
OLDEST = timedelta(days=3_653)
AHEAD = timedelta(days=400)  # appointments a call may be about
TITLES = {
    "date": ("date", "jour", "date appel", "date de l'appel"),
    "hour": ("heure", "hour", "heure appel"),
    "service": ("service", "uf", "code uf"),
    "motive": ("motif", "motive", "objet", "raison"),
    "appointment": ("rendez vous", "rdv", "num rdv", "numero rdv", "appointment"),
    "patient": ("ipp", "patient", "identifiant", "identifier"),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's lines. `already`: this very file had been read at that moment."""

    lines: int = 0
    kept: int = 0
    repeated: int = 0  # the line of another file, or of this one's earlier version
    unlinked: int = 0  # of the kept: about no appointment we know
    refused: int = 0
    problems: tuple[Problem, ...] = ()
    already: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One line that could be read."""

    day: date
    at: datetime
    uf: str
    motive: Motive
    appointment: str  # its number in the records system; "" unknown
    patient: str  # plain identifier; "" unknown
    key: str


@dataclass(slots=True)
class _Reading:
    place: str
    rules: Rules
    zone: ZoneInfo
    key: bytes
    now: datetime
    where: Mapping[str, int]
    lines: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def calls(self, sheet: Sheet) -> Iterator[Call]:
        for number, cells in sheet.lines:
            if not any(cells):
                continue
            self.lines += 1
            found = self._call({n: cells[at] for n, at in self.where.items() if at < len(cells)})
            if isinstance(found, Call):
                yield found
                continue
            self.refused += 1
            if len(self.problems) < MOST_PROBLEMS:
                what, remedy = found
                self.problems.append(Problem(f"{self.place}, ligne {number}", what, remedy))

    def _call(self, told: Mapping[str, str]) -> Call | tuple[str, str]:
        """The call, or (what is wrong, the remedy)."""
        moment = moment_of(told.get("date", ""), told.get("hour", ""))
        if moment is None:
            return "date ou heure illisible", "écrire par exemple 01/10/2026 et 9:30"
        day, clock = moment
        hour = time.fromisoformat(clock) if clock else UNTOLD
        today = self.now.astimezone(self.zone).date()
        if day > today:
            return "appel à venir", "vérifier l'année de la date"
        if today - day > OLDEST:
            return "appel de plus de dix ans", "vérifier l'année de la date"
        at = datetime.combine(day, hour, self.zone).astimezone(UTC)
        uf = self._uf(told.get("service", ""))
        appointment, patient = told.get("appointment", ""), told.get("patient", "")
        if uf is None:
            return "service inconnu", "écrire le code de l'UF, ou son nom tel qu'à la page Services"
        if not (uf or appointment or patient):
            return "ni service, ni rendez-vous, ni IPP", "en donner un"
        return Call(
            day, at, uf, motive_of(told.get("motive", "")), appointment,
            identifier_key(patient) if patient else "", self._key(told),
        )  # fmt: skip

    def _uf(self, text: str) -> str | None:
        """The UF of its code or label; "" where nothing is said; None for what is neither."""
        if not text or text in self.rules.desks:
            return text
        named = [uf for uf, desk in self.rules.desks.items() if desk.label.lower() == text.lower()]
        return named[0] if len(named) == 1 else None

    def _key(self, told: Mapping[str, str]) -> str:
        """The same for the same line of another file. Two equal lines of one file are two calls."""
        said = "\x1f".join(f"{name}={' '.join(told.get(name, '').split())}" for name in TITLES)
        count = self.seen[said] = self.seen.get(said, 0) + 1
        return keyed(self.key, f"{said}\x1f{count}")


def keyed(key: bytes, text: str) -> str:
    return blake2b(text.encode(), key=key, digest_size=16).hexdigest()


def import_calls(
    store: Store, rules: Rules, file: Path, zone: ZoneInfo, *, actor: str, now: datetime
) -> Imported:
    """Keep a file's calls, each once. Raises RepairNeeded for what is no table of calls.

    Interrupted, it is resumed by the same command: a line that is known is not counted twice.
    """
    content, sheet = open_sheet(file)
    key = secret_of(store, "calls_key")
    digest = blake2b(content, key=key, digest_size=32).hexdigest()
    with store.read() as connection:
        if (before := stored.file_of(connection, digest)) is not None:
            return _already(before)
    where = columns(sheet, TITLES, ["date"], file.name)
    reading = _Reading(file.name, rules, zone, key, now, where)
    with store.write() as connection:
        number = reserve(connection, "call_file", 1)
    repeated = 0
    for batch in _batches(reading.calls(sheet)):
        with store.write() as connection:
            known = stored.known_keys(connection, [one.key for one in batch])
            fresh = [one for one in batch if one.key not in known]
            repeated += len(batch) - len(fresh)
            stored.add(connection, _entries(connection, fresh, number, zone, actor, now))
    return _finish(store, reading, number, digest, repeated, actor, now)


def _already(row: Record) -> Imported:
    return Imported(
        row.lines, row.kept, row.repeated, row.unlinked, row.refused, already=instant(row.at)
    )


def _finish(
    store: Store, reading: _Reading, number: int, digest: str, repeated: int, actor: str,
    now: datetime,
) -> Imported:  # fmt: skip
    """A file without one readable line is not remembered: correct it and bring it again."""
    with store.write() as connection:
        counted = stored.kept_of(connection, number)
        found = Imported(
            reading.lines, counted.kept, repeated, counted.unlinked, reading.refused,
            tuple(reading.problems),
        )  # fmt: skip
        if found.lines > found.refused:
            stored.finish(
                connection, number, digest, at=micros(now), author=actor, lines=found.lines,
                kept=found.kept, repeated=repeated, unlinked=found.unlinked,
                refused=found.refused,
            )  # fmt: skip
        facts.audit(
            connection, at=micros(now), actor=actor, action="calls.import",
            lines=found.lines, kept=found.kept, refused=found.refused,
        )  # fmt: skip
    return found


def _batches(calls: Iterator[Call]) -> Iterator[list[Call]]:
    batch: list[Call] = []
    for one in calls:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# --- which appointment ---------------------------------------------------------------------------


def _entries(
    connection: Connection, calls: Sequence[Call], file: int, zone: ZoneInfo, actor: str,
    now: datetime,
) -> list[dict[str, object]]:  # fmt: skip
    """Each call with its appointment and patient, 0 where they are not known or not certain."""
    numbers = _alone(
        (row.external_id, row)
        for row in stored.appointments_by_number(
            connection, sorted({one.appointment for one in calls} - {""})
        )
    )
    patients = _alone(
        (row.identifier, row.patient_id)
        for row in stored.patients_by_identifier(
            connection, sorted({one.patient for one in calls} - {""})
        )
    )
    near = _near(connection, calls, sorted(set(patients.values())), zone)
    found = []
    for one in calls:
        told = numbers.get(one.appointment)
        patient = told.patient_id if told is not None else patients.get(one.patient, 0)
        appointment = told.id if told is not None else 0
        if told is None and patient:
            appointment = about(one.at, one.uf, one.day, near.get(patient, ()))
        uf = one.uf or (told.uf if told is not None else "") or _uf_of(near, patient, appointment)
        found.append(
            {
                "file_id": file, "line_key": one.key, "at": micros(one.at),
                "day": one.day.isoformat(), "uf": uf, "motive": one.motive.value,
                "patient_id": patient, "appointment_id": appointment, "recorded_at": micros(now),
                "author": actor,
            }
        )  # fmt: skip
    return found


def _alone(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """By name, those that only one has: a number two sources use says nothing."""
    found: dict[str, T] = {}
    twice: set[str] = set()
    for name, value in pairs:
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def _near(
    connection: Connection, calls: Sequence[Call], patients: Sequence[int], zone: ZoneInfo
) -> dict[int, list[Near]]:
    found: dict[int, list[Near]] = {}
    if not patients:
        return found
    first, last = min(one.at for one in calls), max(one.at for one in calls)
    for row in stored.appointments_of(
        connection, patients, start=micros(first - AFTER - timedelta(days=1)),
        end=micros(last + AHEAD),
    ):  # fmt: skip
        starts = instant(row.starts_at)
        one = Near(row.id, row.uf, starts, starts.astimezone(zone).date())
        found.setdefault(row.patient_id, []).append(one)
    return found


def _uf_of(near: Mapping[int, Sequence[Near]], patient: int, appointment: int) -> str:
    return next((one.uf for one in near.get(patient, ()) if one.id == appointment), "")


# --- noted by a person ---------------------------------------------------------------------------


def note(
    store: Store, appointment: int, patient: int | None, uf: str, motive: Motive, zone: ZoneInfo,
    *, actor: str, now: datetime,
) -> None:  # fmt: skip
    """Somebody took a call about an appointment. The button pressed twice is one call."""
    minute = micros(now) // MINUTE
    with store.write() as connection:
        stored.add(
            connection,
            [
                {
                    "file_id": 0, "line_key": f"note:{appointment}:{actor}:{minute}",
                    "at": micros(now), "day": now.astimezone(zone).date().isoformat(), "uf": uf,
                    "motive": motive.value, "patient_id": patient or 0,
                    "appointment_id": appointment, "recorded_at": micros(now), "author": actor,
                }
            ],
        )  # fmt: skip
