"""One CSV file as a feed: what it is, its rows, and what is written beside it afterwards."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from adapters.dpi.csv_cells import Reading
from adapters.dpi.csv_encoding import encoding_of, scan
from adapters.dpi.csv_merge import Row, merged, repeated
from adapters.dpi.csv_pickup import Found, put_away, write_report
from adapters.dpi.csv_reader import Shape, Table
from adapters.dpi.csv_rows import Rows
from reminders.domain.appointment import RowProblem
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.ports import FeedInfo

REPORTED = 1_000  # lines a report names
AHEAD = timedelta(hours=1)  # clocks differ; a file dated further ahead is misdated

COMPOSITE = (
    "Pas de colonne NUM_RDV : un rendez-vous est reconnu à son IPP, sa date, son heure et son "
    "agenda. Un rendez-vous déplacé sera donc vu comme supprimé puis recréé, et le patient "
    "pourra recevoir un message d'annulation. Demander le numéro de rendez-vous dans l'export."
)


@dataclass(frozen=True, slots=True)
class Folders:
    archive: Path
    quarantine: Path
    marker: str = ""  # suffix of the files that say another is complete


def feed_of(
    found: Found,
    moment: datetime,
    mode: Literal["snapshot", "delta"],
    encoding: str,
    shape: Shape,
    reading: Reading,
    folders: Folders,
    older: Sequence[Found],
) -> "CsvFeed":
    """The feed of a file whose bytes were all read once. What is wrong with it waits for `rows`.

    Raises SourceUnavailable if it cannot be read at all.
    """
    table: Table | None = None
    refusal: FeedRefused | None = None
    layout = ""
    try:
        with found.path.open("rb") as file:
            scanned = scan(file)
        fingerprint = scanned.content_hash
        _check_date(found, moment, reading.now)
        _check_one_export(found, older)
        known = encoding_of(scanned, encoding, found.name)
        table = Table(found.path, known, shape, found.name)
        layout = table.layout.fingerprint
        if mode == "delta" and next(table.lines(), None) is None:
            fingerprint = ""  # "nothing changed" looks the same each time, and is news each time
    except FeedRefused as error:
        refusal = error
    except OSError as error:
        raise SourceUnavailable(
            "file",
            f"{found.name} ne peut pas être lu ({type(error).__name__}). Vérifier les droits du "
            "service sur le fichier.",
        ) from None
    numbered = table is None or "number" in table.layout.columns
    info = FeedInfo(
        found.name,
        min(moment, reading.now),
        mode,
        fingerprint,
        layout,
        notes=() if numbered else (COMPOSITE,),
    )
    return CsvFeed(info, found, table, refusal, reading, folders, older)


def _check_date(found: Found, moment: datetime, now: datetime) -> None:
    if moment > now + AHEAD and moment != found.changed_at:
        raise FeedRefused(
            "future",
            f"{found.name} porte dans son nom une date à venir. Vérifier l'horloge du DPI, ou "
            "écrire dated_by = \"file\" si ce n'est pas la date de l'export.",
        )


def _check_one_export(found: Found, older: Sequence[Found]) -> None:
    """Two different exports are two halves, each of which would make the other vanish."""
    names = {_words_of(one.name): one.name for one in (*older, found)}
    if len(names) > 1:
        raise FeedRefused(
            "several_exports",
            f"Plusieurs exports différents attendent ({', '.join(sorted(names.values())[:4])}) : "
            "chacun doit avoir son [[dpi]], avec un path qui ne désigne que lui. Retirer celui "
            "qui est de trop.",
        )


def _words_of(name: str) -> str:
    """A file's name without dates, numbers and signs."""
    return re.sub(r"(?:(?<=\d)[thmsz](?![a-z])|[\W\d_])+", "", name.lower())


@dataclass(slots=True)
class CsvFeed:
    info: FeedInfo
    found: Found
    table: Table | None
    refusal: FeedRefused | None
    reading: Reading
    folders: Folders
    older: Sequence[Found]  # snapshots this one replaces
    problems: list[RowProblem] = field(default_factory=list)
    problem_count: int = 0
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        if self.refusal is not None or self.table is None:
            raise self.refusal or FeedRefused("empty", f"{self.found.name} est vide.")
        self.problems, self.problem_count = [], 0
        rows = Rows(self.table.layout, self.reading)
        lines = repeated(self._numbers(self.table))
        for row in merged(self._read(self.table, rows), lines):
            if isinstance(row, RowProblem):
                self.problem_count += 1
                if len(self.problems) < REPORTED:
                    self.problems.append(row)
            yield row
        self._judge(rows)
        self.notes = self._notes(rows)

    def accept(self) -> None:
        day = self.reading.now.astimezone(self.reading.zone).date()
        for one in self.older:
            put_away(one, self.folders.archive, day, self.folders.marker)
        place = put_away(self.found, self.folders.archive, day, self.folders.marker)
        if place is not None and (self.problems or self.notes):
            write_report(place, self._report(["Fichier appliqué."]))

    def reject(self, reasons: Sequence[str]) -> None:
        if self.refusal is not None and self.refusal.code == "several_exports":
            return  # none of them is wrong: the configuration is
        day = self.reading.now.astimezone(self.reading.zone).date()
        place = put_away(self.found, self.folders.quarantine, day, self.folders.marker)
        if place is not None:
            listed = reasons[:1] if self.problems else reasons
            write_report(place, self._report(["Fichier refusé : rien n'est appliqué.", *listed]))

    def _numbers(self, table: Table) -> Iterator[str]:
        """The number of every line; a composite one takes reading the line."""
        rows = Rows(table.layout, self.reading)
        if "number" in table.layout.columns:
            return (rows.number_of(line.cells) for line in table.lines())
        return (row.external_id for row in self._read(table, rows))

    def _read(self, table: Table, rows: Rows) -> Iterator[Row]:
        for line in table.lines():
            if line.misfit:
                number = rows.number_of_misfit(line.cells)
                yield RowProblem(line.number, "", "columns", line.misfit, number)
            elif row := rows.read(line.cells, line.number):
                yield row

    def _judge(self, rows: Rows) -> None:
        """What only the whole file tells."""
        if not self.found.still():
            raise SourceUnavailable(
                "changing",
                f"{self.found.name} a changé pendant sa lecture : relu au prochain passage.",
            )
        if rows.month_first and not rows.day_first:
            raise FeedRefused(
                "month_first",
                f"{self.found.name} : des dates n'existent que si le mois est écrit avant le jour "
                "(10/14/2026). Exporter en jour/mois/année.",
            )

    def _notes(self, rows: Rows) -> list[str]:
        notes = list(self.info.notes)
        if rows.unknown_words:
            words = ", ".join(
                f"« {word} » ({count})" for word, count in list(rows.unknown_words.items())[:20]
            )
            notes.append(
                f"Statuts inconnus, sans rappel ; les traduire par l'option statuses : {words}."
            )
        return notes

    def _report(self, first: Sequence[str]) -> list[str]:
        lines = [self.found.name, *first, *self.notes]
        if self.problem_count:
            lines.append(f"{self.problem_count} lignes écartées, les autres sont bonnes :")
        for one in self.problems:
            column = f", colonne {one.column}" if one.column else ""
            lines.append(f"ligne {one.row}{column} : {one.sentence}")
        if self.problem_count > len(self.problems):
            lines.append(f"… et {self.problem_count - len(self.problems)} autres.")
        return lines
