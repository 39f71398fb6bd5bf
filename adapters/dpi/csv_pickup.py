"""Files of an export folder: which may be taken, how old they are, where they go afterwards.

What is put away goes to a folder a day (`archive/2026-10-14/`), so that its age does not depend
on what a copy or a restore did to the files' own times.
"""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from reminders.errors import Problem, RepairNeeded, SourceUnavailable

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
REPORT = ".rapport.txt"


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it stood when it was listed."""

    path: Path
    size: int
    changed_ns: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def changed_at(self) -> datetime:
        return datetime.fromtimestamp(self.changed_ns / 1e9, UTC)

    def still(self) -> bool:
        """Is it there, and as it was?"""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.size, self.changed_ns)


def listed(pattern: Path, marker: str, source: str) -> list[Found]:
    """Finished files whose name fits, upper and lower case alike. Raises SourceUnavailable."""
    wanted = pattern.name.lower()
    found = []
    try:
        with os.scandir(pattern.parent) as entries:
            for entry in entries:
                name = entry.name.lower()
                if (
                    fnmatchcase(name, wanted)
                    and not name.startswith(".")
                    and not name.endswith(UNFINISHED)
                    and not (marker and name.endswith(marker.lower()))
                    and entry.is_file()
                    and (not marker or marker_of(Path(entry.path), marker))
                ):
                    known = entry.stat()
                    found.append(Found(Path(entry.path), known.st_size, known.st_mtime_ns))
    except OSError as error:
        raise SourceUnavailable(
            "folder",
            f"Source « {source} » : le dossier des exports ne peut pas être lu ({_reason(error)}). "
            "Vérifier path, le montage et les droits.",
        ) from None
    return found


def marker_of(path: Path, marker: str) -> Path | None:
    """The file that says this one is complete: `a.csv.ok` or `a.ok`."""
    for candidate in (path.with_name(path.name + marker), path.with_suffix(marker)):
        if candidate.is_file():
            return candidate
    return None


# --- how old ---------------------------------------------------------------------------------

_STAMP = re.compile(
    r"(?<!\d)(?:(?P<y>20\d\d)(?P<s>[-_.]?)(?P<m>\d\d)(?P=s)(?P<d>\d\d)"
    r"|(?P<d2>\d\d)(?P<s2>[-_.]?)(?P<m2>\d\d)(?P=s2)(?P<y2>20\d\d))"
    r"(?:[-_T. ]?(?:a_)?(?P<hh>[01]\d|2[0-3])[-_.:hH]?(?P<mm>[0-5]\d)"
    r"(?:[-_.:mM]?(?P<ss>[0-5]\d))?(?P<z>Z?))?(?!\d)"
)


def stamp_in(name: str, zone: ZoneInfo) -> datetime | date | None:
    """The one timestamp a file's name carries, or the one date; None for none, or for several
    that differ (a period tells no age)."""
    found = {stamp for match in _STAMP.finditer(name) if (stamp := _stamp(match, zone))}
    return found.pop() if len(found) == 1 else None


def _stamp(match: re.Match[str], zone: ZoneInfo) -> datetime | date | None:
    part = match.groupdict()
    try:
        day = date(
            int(part["y"] or part["y2"]), int(part["m"] or part["m2"]), int(part["d"] or part["d2"])
        )
    except ValueError:
        return None
    if part["hh"] is None:
        return day
    hour = time(int(part["hh"]), int(part["mm"]), int(part["ss"] or 0))
    return datetime.combine(day, hour, UTC if part["z"] else zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Dated:
    """A file and the instant it describes. `told`: what its name says of that, "" = nothing."""

    found: Found
    as_of: datetime
    told: str


def dated(found: Found, zone: ZoneInfo, *, by_name: bool) -> Dated:
    """The instant a file describes: what its name says, else when it was last written.

    A name that tells the day only is that day's file: written that day, the file's own time
    counts; written on another (a copy of yesterday's), midnight of the named day.
    """
    stamp = stamp_in(found.name, zone) if by_name else None
    if stamp is None:
        return Dated(found, found.changed_at, "")
    if isinstance(stamp, datetime):
        return Dated(found, stamp, stamp.isoformat())
    if found.changed_at.astimezone(zone).date() == stamp:
        return Dated(found, found.changed_at, stamp.isoformat())
    midnight = datetime.combine(stamp, time(), zone).astimezone(UTC)
    return Dated(found, midnight, stamp.isoformat())


# --- putting away ----------------------------------------------------------------------------


def put_away(found: Found, folder: Path, day: date, marker: str) -> Path | None:
    """Move a file into a day's folder: where it is now, None if another process did or if it
    changed since it was listed (it is left for the next pass). Raises SourceUnavailable."""
    if not found.still():
        return None
    target = folder / day.isoformat()
    try:
        target.mkdir(parents=True, exist_ok=True)
        place = _free(target / found.name)
        ready = marker_of(found.path, marker) if marker else None
        shutil.move(found.path, place)  # a rename, unless the archive is on another disk
        if ready is not None:
            ready.unlink(missing_ok=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceUnavailable(
            "archive",
            f"{found.name} a été lu mais ne peut pas être rangé dans « {folder.name} » "
            f"({_reason(error)}). Donner au service le droit d'écrire dans le dossier des exports.",
        ) from None
    return place


def _free(wanted: Path) -> Path:
    place, number = wanted, 1
    while place.exists():
        number += 1
        place = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return place


def write_report(beside: Path, lines: Sequence[str]) -> None:
    """Best effort: the file itself is already put away. Windows reads the mark as UTF-8."""
    try:
        beside.with_name(beside.name + REPORT).write_text(
            "\r\n".join((*lines, "")), encoding="utf-8-sig", newline=""
        )
    except OSError:
        return


def forget(folders: Sequence[Path], zone: ZoneInfo, before: datetime) -> int:
    """Delete the days' folders that ended before: how many inputs. Other folders are not ours.

    Raises RepairNeeded, once everything else is gone, for what could not be deleted.
    """
    deleted, failed = 0, ""
    for folder in folders:
        for day in sorted(folder.glob("????-??-??")):
            if not day.is_dir() or not _ended(day.name, zone, before):
                continue
            try:
                for file in list(day.iterdir()):
                    file.unlink(missing_ok=True)
                    deleted += not file.name.endswith(REPORT)
                day.rmdir()
            except OSError as error:
                failed = f"{folder.name}/{day.name} ({_reason(error)})"
    if failed:
        raise RepairNeeded(
            Problem(
                failed,
                "des fichiers de patients n'ont pas pu être effacés à leur échéance",
                "donner au service le droit d'écrire dans ce dossier",
            )
        )
    return deleted


def _ended(name: str, zone: ZoneInfo, before: datetime) -> bool:
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return False
    return datetime.combine(day + timedelta(days=1), time(), zone) <= before


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
