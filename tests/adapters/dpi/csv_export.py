"""Writing exports as hospitals do, and reading them back."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.dpi.csv_file import CsvSource
from adapters.dpi.csv_options import CsvOptions
from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.ports import Feed, Wiring

NOW = datetime(2026, 10, 13, 7, 55, tzinfo=UTC)
HEADERS = (
    "NUM_RDV", "STATUT", "DATE_RDV", "HEURE_RDV", "DUREE", "IPP", "NOM_NAISSANCE", "NOM_USAGE",
    "PRENOM", "DATE_NAISSANCE", "SEXE", "TEL_FIXE", "TEL_PORTABLE", "EMAIL", "CODE_UF",
    "LIBELLE_UF", "CODE_AGENDA", "LIBELLE_AGENDA", "PRATICIEN", "TYPE_RDV", "LIEU", "SITE",
    "NUM_VENUE", "DATE_CREATION", "DATE_MODIF", "MOTIF_ANNULATION", "CONSENT_SMS", "LANGUE",
    "COMMENTAIRE",
)  # fmt: skip
CELLS = (
    "R000123", "Confirmé", "14/10/2026", "9h30", "20", "0001234", "EXEMPLE", "", "Léa",
    "28/03/1979", "F", "01 99 00 12 34", "06.39.98.00.12", "lea.test@example.org", "4220",
    "CS CARDIOLOGIE", "AG12", "Dr TEST lundi", "TEST Paul", "Consultation", "Bât B niv 2",
    "Site Sud", "", "01/09/2026 10:12", "", "", "O", "FR", "",
)  # fmt: skip
EXEMPLE = dict(zip(HEADERS, CELLS, strict=True))

Cells = dict[str, str]


def cells(**changes: str) -> Cells:
    """The line of DOMAIN 7, changed."""
    return EXEMPLE | changes


def line(row: Iterable[str], separator: str = ";", *, quoted: bool = True) -> str:
    if not quoted:
        return separator.join(row)
    return separator.join('"' + cell.replace('"', '""') + '"' for cell in row)


def export(*rows: Cells, separator: str = ";", quoted: bool = True, end: str = "\r\n") -> str:
    """A file of these lines; its columns are those of the first."""
    header = list(rows[0] if rows else EXEMPLE)
    lines = [separator.join(header)]
    lines += [line(row.values(), separator, quoted=quoted) for row in rows]
    return "".join(one + end for one in lines)


@dataclass
class Folder:
    """An export folder, and a source that reads it."""

    base: Path
    slept: list[float] = field(default_factory=list)
    while_asleep: Callable[[], None] = lambda: None

    @property
    def path(self) -> Path:
        return self.base / "export"

    def drop(
        self,
        content: str | bytes,
        name: str = "agenda.csv",
        *,
        age: timedelta = timedelta(hours=1),
        encoding: str = "utf-8",
    ) -> Path:
        """A file that was last written `age` ago."""
        self.path.mkdir(exist_ok=True)
        file = self.path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        moment = (NOW - age).timestamp()
        os.utime(file, (moment, moment))
        return file

    def source(self, **options: Any) -> CsvSource:
        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.while_asleep()

        settings = CsvOptions.model_validate({"path": "export/*.csv", **options})
        return CsvSource(settings, Wiring(id="agenda", base_dir=self.base), sleep=sleep)

    def feeds(self, *, now: datetime = NOW, **options: Any) -> list[Feed]:
        return list(self.source(**options).feeds(now=now, since=None))

    def rows(self, content: str | bytes, **options: Any) -> list[AppointmentRecord | RowProblem]:
        encoding = options.pop("written_in", "utf-8")
        file = self.drop(content, encoding=encoding)
        (feed,) = self.feeds(**options)
        rows = list(feed.rows())
        file.unlink()
        return rows

    def records(self, content: str | bytes, **options: Any) -> list[AppointmentRecord]:
        rows = self.rows(content, **options)
        assert [row for row in rows if isinstance(row, RowProblem)] == []
        return [row for row in rows if isinstance(row, AppointmentRecord)]

    def problems(self, content: str | bytes, **options: Any) -> list[RowProblem]:
        return [row for row in self.rows(content, **options) if isinstance(row, RowProblem)]

    def only(self, content: str | bytes, **options: Any) -> AppointmentRecord:
        (record,) = self.records(content, **options)
        return record

    def files(self) -> list[str]:
        return sorted(
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.is_file()
        )
