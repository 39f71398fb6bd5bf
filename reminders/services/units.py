"""Services as the pages show them: those that send nothing yet first, and who owns each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.config import ServiceTable, Settings
from reminders.services.remembered import Measured
from reminders.services.rules import Book, Rules, Stored, book_of, content_of, table_of
from reminders.services.units_save import NotSaved, changing
from reminders.store import facts, units
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A UF of the appointments that nothing defines: no message is sent for it. Where the DPI
    says it is may help to know which service it is."""

    uf: str
    coming: int
    patients: int
    first: datetime
    agenda: str = ""
    place: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its settings. `line`: of the configuration file that owns it."""

    table: ServiceTable
    owned: bool  # by the pages
    coming: int = 0
    line: int | None = None
    number: int = 0  # of its version; 0: the file's
    author: str = ""
    at: datetime | None = None
    lost: bool = False  # its site or protocol is gone: it sends nothing until somebody looks

    @property
    def uf(self) -> str:
        return self.table.uf


@dataclass(frozen=True, slots=True)
class Overview:
    unmapped: tuple[Unmapped, ...]
    services: tuple[Service, ...]
    counted_at: datetime

    @property
    def waiting(self) -> int:
        """Appointments to come for which nobody has said what to do."""
        return sum(one.coming for one in self.unmapped)


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a service or protocol, as its history shows it."""

    number: int
    author: str
    at: datetime
    content: str


def line_of(settings: Settings, table: str, name: str, key: str = "uf") -> int | None:
    """The line of the configuration file that defines it; None if the file does not."""
    found = (n for n, one in enumerate(getattr(settings, table)) if getattr(one, key) == name)
    number = next(found, None)
    return None if number is None else settings.line_of(table, number)


def in_file(settings: Settings, uf: str) -> bool:
    return uf in settings.services


def coming(store: Store, *, now: datetime) -> Sequence[Record]:
    """Per UF, mapped or not: its booked appointments to come. Reads each of them."""
    with store.read() as connection:
        return units.coming(connection, micros(now))


def overview(
    store: Store,
    rules: Rules,
    *,
    now: datetime,
    ufs: frozenset[str] | None = None,
    counted: Measured[Sequence[Record]] | None = None,
) -> Overview:
    """Every service, unmapped ones first. `ufs`: only these, and nothing unmapped. `counted`:
    what is to come, as `coming` said."""
    counted = counted or Measured(now, coming(store, now=now))
    with store.read() as connection:
        rules.follow(connection)
        written = {row.name: row for row in units.services(connection)}
    book, counts = rules.book, {row.uf: row.coming for row in counted.value}
    known = [
        _service(rules.settings, book, uf, counts.get(uf, 0), written.get(uf))
        for uf in sorted({*book.services, *book.lost}, key=_by_label(book))
        if ufs is None or uf in ufs
    ]
    unmapped = [_unmapped(row) for row in counted.value if row.uf not in book.services]
    unmapped = [one for one in unmapped if one.uf not in book.lost]
    return Overview(
        tuple(sorted(unmapped, key=lambda one: -one.coming)) if ufs is None else (),
        tuple(one for one in known if one is not None),
        counted.at,
    )


def _by_label(book: Book) -> Callable[[str], tuple[str, str]]:
    return lambda uf: (book.services[uf].label.casefold() if uf in book.services else "", uf)


def _unmapped(row: Record) -> Unmapped:
    return Unmapped(
        row.uf, row.coming, row.patients, instant(row.first), row.agenda, row.place or "", row.site
    )


def _service(
    settings: Settings, book: Book, uf: str, coming: int, row: Record | None
) -> Service | None:
    lost = uf in book.lost
    if in_file(settings, uf):
        line = line_of(settings, "service", uf)
        return Service(settings.services[uf], owned=False, coming=coming, line=line, lost=lost)
    table = table_of(row.content, ServiceTable) if row is not None else None
    if row is None or table is None:
        return None
    return Service(
        table,
        owned=True,
        coming=coming,
        number=row.number,
        author=row.author,
        at=instant(row.at),
        lost=lost,
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One UF's page: `service` None while nothing defines it."""

    uf: str
    service: Service | None
    coming: int
    counted_at: datetime
    history: tuple[Revision, ...] = ()
    unmapped: Unmapped | None = None


def one(
    store: Store,
    rules: Rules,
    uf: str,
    *,
    now: datetime,
    counted: Measured[Sequence[Record]] | None = None,
) -> Page | None:
    """Everything about one UF; None for one that neither appointments nor rules know. `counted`:
    what is to come, as `coming` said; a UF that is not in it may have come since."""
    with store.read() as connection:
        rules.follow(connection)
        history = units.history(connection, "service_version", uf)
        found = [row for row in counted.value if row.uf == uf] if counted is not None else []
        if not found:
            counted = Measured(now, units.coming_of(connection, [uf], micros(now)))
            found = list(counted.value)
    told = found[0] if found else None
    coming = told.coming if told is not None else 0
    service = _service(rules.settings, rules.book, uf, coming, history[0] if history else None)
    if service is None and told is None:
        return None
    return Page(
        uf,
        service,
        coming,
        now if counted is None else counted.at,
        tuple(Revision(row.number, row.author, instant(row.at), row.content) for row in history),
        _unmapped(told) if told is not None and service is None else None,
    )


def save(
    store: Store, rules: Rules, table: ServiceTable, *, number: int, actor: str, now: datetime
) -> None:
    """Write how a UF is served from now on. `number`: the version the form was filled from.

    Raises NotSaved: the file owns it, or somebody saved another version since.
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, table.uf):
        raise NotSaved("file", line_of(settings, "service", table.uf))
    with changing(store, rules, now=now) as connection:
        present = _number(connection, table.uf)
        added = present == number and units.add(
            connection, "service_version", table.uf, number + 1, content_of(table),
            author=actor, at=at,
        )  # fmt: skip
        if not added:
            raise NotSaved("changed")
        units.close_unmapped(connection, table.uf, by=actor, at=at)
        facts.audit(
            connection, at=at, actor=actor, action="service.save", subject=f"uf:{table.uf}",
            version=number + 1, sensitivity=table.effective_sensitivity, protocol=table.protocol,
        )  # fmt: skip


def _number(connection: Connection, uf: str) -> int:
    found = units.history(connection, "service_version", uf, limit=1)
    return int(found[0].number) if found else 0


def with_service(rules: Rules, table: ServiceTable) -> Book:
    """The book as it would be: for a preview. Nothing is written, nobody follows it."""
    book = rules.book
    services = {**book.services, table.uf: table}  # the file's own stay its own
    return book_of(rules.settings, Stored(services, book.protocols, book.sheets), book.revision)


def names(book: Book, ufs: Sequence[str]) -> list[str]:
    return [book.services[uf].label if uf in book.services else uf for uf in ufs]
