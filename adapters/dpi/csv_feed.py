"""One CSV file as a feed: what it is, its rows, and what is written beside it afterwards."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal

from adapters.dpi.csv_cells import Reading
from adapters.dpi.csv_encoding import encoding_of, scan
from adapters.dpi.csv_merge import Row, merged, repeated
from adapters.dpi.csv_pickup import Dated, Found, put_away, write_report
from adapters.dpi.csv_reader import Shape, Table
from adapters.dpi.csv_rows import Rows
from reminders.domain.appointment import RowProblem
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.ports import FeedInfo

REPORTED = 1_000  # lines a report names
WORDS_SHOWN = 20
AHEAD = timedelta(hours=1)  # clocks differ; a file dated further ahead is misdated

COMPOSITE = (
    "Pas de colonne NUM_RDV : un rendez-vous est reconnu à son IPP, sa date, son heure et son "
    "agenda. Un rendez-vous déplacé sera donc vu comme supprimé puis recréé, et le patient "
    "pourra recevoir un message d'annulation. Demander le numéro de rendez-vous dans l'export."
)


@dataclass(frozen=True, slots=True)
class Export:
    """What a site says of one export."""

    mode: Literal["snapshot", "delta"]
    encoding: str  # "" = found out
    shape: Shape
    archive: Path
    quarantine: Path
    marker: str = ""  # suffix of the files that say another is complete


def feed_of(
    dated: Dated, export: Export, reading: Reading, older: Sequence[Found]
) -> "CsvFeed | None":
    """The feed of a file whose bytes were all read once. What is wrong with it waits for `rows`.

    None if another process put it away meanwhile. Raises SourceUnavailable if it cannot be read.
    """
    found = dated.found
    table: Table | None = None
    refusal: FeedRefused | None = None
    try:
        with found.path.open("rb") as file:
            scanned = scan(file)
        _check_date(dated, reading.now)
        _check_one_export(found, older)
        encoding = encoding_of(scanned, export.encoding, found.name)
        table = Table(found.path, encoding, export.shape, found.name)
    except FileNotFoundError:
        return None
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
        min(dated.as_of, reading.now),
        export.mode,
        _fingerprint(scanned.content_hash, dated, export.mode),
        table.layout.fingerprint if table else "",
        notes=() if numbered else (COMPOSITE,),
    )
    return CsvFeed(info, found, table, refusal, reading, export, older)


def _fingerprint(content: str, dated: Dated, mode: str) -> str:
    """What makes an input the same as one that was applied.

    Its bytes; and the instant its name vouches for, since an export that did not change over a
    weekend is news all the same. Of a delta its own time too: the same change may be told
    twice, with its contrary in between.
    """
    said = dated.told or (dated.as_of.isoformat() if mode == "delta" else "")
    return sha256(f"{content} {said}".encode()).hexdigest() if said else content


def _check_date(dated: Dated, now: datetime) -> None:
    if dated.told and dated.as_of > now + AHEAD:
        raise FeedRefused(
            "future",
            f"{dated.found.name} porte dans son nom une date à venir. Vérifier l'horloge du DPI, "
            "ou écrire dated_by = \"file\" si ce n'est pas la date de l'export.",
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
    export: Export
    older: Sequence[Found]  # snapshots this one replaces
    problems: list[RowProblem] = field(default_factory=list)
    problem_count: int = 0
    notes: list[str] = field(default_factory=list)
    unknown_words: Mapping[str, int] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        self.problems, self.problem_count = [], 0
        for row in self._judged(
            lambda table, rows: merged(self._read(table, rows), repeated(self._numbers(table)))
        ):
            if isinstance(row, RowProblem):
                self._note(row)
            yield row

    def lines(self) -> Iterator[Row]:
        """As `rows`, but an appointment on several lines stays several: nothing is remembered."""
        return self._judged(self._read)

    def _judged(self, read: Callable[[Table, Rows], Iterator[Row]]) -> Iterator[Row]:
        if self.table is None:
            raise self.refusal or FeedRefused("empty", f"{self.found.name} est vide.")
        rows = Rows(self.table.layout, self.reading)
        try:
            yield from read(self.table, rows)
        except OSError as error:  # taken by another process, or its disk is gone
            raise self._changed() from error
        self._judge(rows)
        self.notes, self.unknown_words = self._notes(rows), rows.unknown_words

    def _note(self, problem: RowProblem) -> None:
        self.problem_count += 1
        if len(self.problems) < REPORTED:
            self.problems.append(problem)

    def accept(self) -> None:
        day = self.reading.now.astimezone(self.reading.zone).date()
        for one in self.older:
            put_away(one, self.export.archive, day, self.export.marker)
        place = put_away(self.found, self.export.archive, day, self.export.marker)
        if place is not None and (self.problems or self.notes):
            write_report(place, self._report(["Fichier appliqué."]))

    def reject(self, reasons: Sequence[str]) -> None:
        if self.refusal is not None and self.refusal.code == "several_exports":
            return  # none of them is wrong: the configuration is
        day = self.reading.now.astimezone(self.reading.zone).date()
        place = put_away(self.found, self.export.quarantine, day, self.export.marker)
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
            raise self._changed()
        if rows.month_first and not rows.day_first:
            raise FeedRefused(
                "month_first",
                f"{self.found.name} : des dates n'existent que si le mois est écrit avant le jour "
                "(10/14/2026). Exporter en jour/mois/année.",
            )

    def _changed(self) -> SourceUnavailable:
        return SourceUnavailable(
            "changing",
            f"{self.found.name} a changé pendant sa lecture : relu au prochain passage.",
        )

    def _notes(self, rows: Rows) -> list[str]:
        notes = list(self.info.notes)
        if rows.unknown_words:
            # A word told once may be no status at all, in a column that is none.
            often = [item for item in rows.unknown_words.items() if item[1] > 1]
            shown = [f"« {word} » ({count})" for word, count in often[:WORDS_SHOWN]]
            if more := len(rows.unknown_words) - len(shown):
                shown.append(f"{more} autre{'s' if more > 1 else ''}")
            words = ", ".join(shown)
            notes.append(
                f"Statuts inconnus, sans rappel ; les traduire par l'option statuses : {words}."
            )
        return notes

    def _report(self, first: Sequence[str]) -> list[str]:
        lines = [self.found.name, *first, *self.notes]
        if self.problem_count == 1:
            lines.append("1 ligne écartée, les autres sont bonnes :")
        elif self.problem_count:
            lines.append(f"{self.problem_count} lignes écartées, les autres sont bonnes :")
        for one in self.problems:
            column = f", colonne {one.column}" if one.column else ""
            lines.append(f"ligne {one.row}{column} : {one.sentence}")
        if self.problem_count > len(self.problems):
            lines.append(f"… et {self.problem_count - len(self.problems)} autres.")
        return lines
