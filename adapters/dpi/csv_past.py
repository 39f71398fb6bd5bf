"""A CSV file of appointments that are over, read where it lies and left there."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.dpi.csv_cells import Reading
from adapters.dpi.csv_feed import CsvFeed, Export, feed_of
from adapters.dpi.csv_merge import Row
from adapters.dpi.csv_pickup import Dated, Found
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.ports import FeedInfo

WORKBOOK = b"PK\x03\x04"  # how an .xlsx begins


class CsvPast:
    def __init__(self, feed: CsvFeed) -> None:
        self._feed = feed
        self.info: FeedInfo = feed.info

    @property
    def unknown_words(self) -> Mapping[str, int]:
        return self._feed.unknown_words

    def rows(self) -> Iterator[Row]:
        return self._feed.lines()


def past_of(path: Path, export: Export, reading: Reading) -> CsvPast:
    """Raises FeedRefused for what is no CSV, SourceUnavailable where it cannot be read."""
    try:
        known = path.stat()
        with path.open("rb") as file:
            head = file.read(len(WORKBOOK))
    except OSError as error:
        raise SourceUnavailable(
            "file",
            f"{path.name} ne peut pas être lu ({type(error).__name__}). Vérifier le chemin et les "
            "droits du service sur le fichier.",
        ) from None
    if head == WORKBOOK:
        raise FeedRefused(
            "workbook",
            f"{path.name} est un classeur Excel : l'enregistrer au format CSV UTF-8.",
        )
    found = Found(path, known.st_size, known.st_mtime_ns)
    feed = feed_of(Dated(found, found.changed_at, ""), export, reading, ())
    if feed is None:
        raise SourceUnavailable("file", f"{path.name} a disparu. Vérifier le chemin.")
    return CsvPast(feed)
