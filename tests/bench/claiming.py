"""Taking a window of due messages, in tables of very different sizes.

The same number of messages is due each time; what grows is everything else: messages long
delivered, and messages planned for later, which the index of due ones holds too.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from reminders.bootstrap import new_reference, routes_of
from reminders.config import Settings
from reminders.rendering import Renderer
from reminders.services.compose import Composer
from reminders.services.deliver import Delivery
from reminders.services.plan import plan
from reminders.services.rules import rules_of
from reminders.services.startup import secret_of
from reminders.store import outbox
from reminders.store.engine import Store, insert_rows, reserve
from reminders.store.planning import MESSAGE_COLUMNS
from reminders.store.types import DAY, MINUTE, micros
from tests.bench.hospital import NOW, Agenda, let_send, open_store, read_agenda, settings
from tests.bench.measure import Figure, Size, short, slope, stopwatch, syncs_per_second
from tests.support.postgres import serve

SIZES = {
    "tiny": (1_000, 3_000, 10_000),
    "quick": (10_000, 31_623, 100_000),
    "full": (10_000, 100_000, 1_000_000),
}
ROUNDS = {"tiny": 2, "quick": 20, "full": 40}
WINDOW = 100
GOAL = 0.05
BLOCK = 20_000


def measure_claim(size: Size) -> Iterator[Figure]:
    """A slope is no ratio of speeds: `ours` and `baseline` are the seconds in the largest and
    the smallest table, `slope` the exponent fitted through all."""
    with TemporaryDirectory() as place, serve() as server:
        urls = {
            "sqlite": [f"sqlite:///{place}/{rows}.db" for rows in SIZES[size]],
            "postgresql": [server.create_database() for _ in SIZES[size]],
        }
        for engine, addresses in urls.items():
            yield from _slopes(engine, addresses, size, Path(place))


def _slopes(engine: str, urls: list[str], size: Size, folder: Path) -> Iterator[Figure]:
    configured = settings(folder)
    with _hospitals(urls, size, configured) as stores:
        leases: list[list[float]] = [[] for _ in stores]
        windows: list[list[float]] = [[] for _ in stores]
        openers = [_delivery(store, configured) for store in stores]
        for turn in range(ROUNDS[size] + 1):  # the first of each does not count
            for n, store in enumerate(stores):
                seconds = _lease(store), _open(openers[n], configured)
                if turn:
                    leases[n].append(seconds[0])
                    windows[n].append(seconds[1])
    for name, taken in (("claim", leases), ("window", windows)):
        middle = [statistics.median(seconds) for seconds in taken]
        exponent = slope(SIZES[size], middle)
        yield Figure(
            f"{name}-{engine}", middle[-1] * 1000, middle[0] * 1000, middle[-1] / middle[0],
            f"ms for {WINDOW} messages", GOAL, exponent <= GOAL,
            {
                "slope": round(exponent, 4),
                "rows": list(SIZES[size]),
                "ms": [short(seconds * 1000) for seconds in middle],
                "syncs_per_second": round(syncs_per_second(folder)),
            },
        )  # fmt: skip


@contextmanager
def _hospitals(urls: list[str], size: Size, configured: Settings) -> Iterator[list[Store]]:
    stores = []
    due = WINDOW * 2 * (ROUNDS[size] + 1)
    try:
        for url, rows in zip(urls, SIZES[size], strict=True):
            table = configured.store.model_copy(update={"url": url})
            here = configured.model_copy(update={"store": table, "base_dir": Path("/")})
            store = open_store(Path("/"), here)
            stores.append(store)
            read_agenda(store, here, Agenda(due, first=date(2026, 10, 13), days=1))
            plan(store, rules_of(here), secret_of(store, "address_key"), now=NOW)
            let_send(store)
            _pad(store, rows - due)
        yield stores
    finally:
        for store in stores:
            store.close()


def _pad(store: Store, rows: int) -> None:
    """Messages of other days: half of them delivered, half planned for the months to come."""
    at = micros(NOW)
    for start in range(0, rows, BLOCK):
        with store.write() as connection:
            count = min(BLOCK, rows - start)
            first = reserve(connection, "message", count)
            insert_rows(
                connection,
                "message",
                MESSAGE_COLUMNS,
                [_other(first + n, (start + n) % 2 == 0, at) for n in range(count)],
            )
    with store.engine.connect() as connection:
        if not store.is_sqlite:  # its own daemon does it there, some time later
            connection.exec_driver_sql("ANALYZE")
            connection.commit()


def _other(number: int, delivered: bool, at: int) -> tuple[object, ...]:
    day = number % 90 + 1
    opens = at - day * DAY if delivered else at + day * DAY
    return (
        number, f"reminder:bench:{number}", "reminder", "sms",
        "DELIVERED" if delivered else "PLANNED", -number, f"+3363998{number % 10_000:04}",
        number.to_bytes(16), "", "sud", "short", "fr", opens, opens + number % 600 * MINUTE,
        opens + DAY, at, at,
    )  # fmt: skip


def _delivery(store: Store, configured: Settings) -> Delivery:
    rules = rules_of(configured)
    secret = secret_of(store, "address_key")
    composer = Composer(rules, Renderer())
    return Delivery(store, rules, composer, configured.delivery, secret, new_reference)


def _lease(store: Store) -> float:
    at = micros(NOW)
    with stopwatch() as taken, store.write() as connection:
        _, found = outbox.lease(connection, "sms", now=at, until=at + MINUTE, limit=WINDOW)
    assert len(found) == WINDOW
    return taken.seconds


def _open(delivery: Delivery, configured: Settings) -> float:
    """Lease, compose and commit the intent: everything before the first byte leaves."""
    with stopwatch() as taken:
        window = delivery.open_window(routes_of(configured), WINDOW, now=NOW)
    assert len(window.envelopes) == WINDOW
    return taken.seconds
