"""Sending with a durable intent and result, beside a bare loop of the same client.

Both post the same forms to the same sink, 100 in flight, over httpx on aiohttp's transport. The
baseline keeps nothing: no database, no lease, no text to compose.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl
from urllib.request import urlopen

import httpx
from httpx_aiohttp import AiohttpTransport

from adapters import wire
from reminders.bootstrap import build
from reminders.clock import OffsetClock
from reminders.config import Settings
from reminders.ports import Wiring
from reminders.services.plan import plan
from reminders.services.rules import rules_of
from reminders.services.startup import secret_of
from tests.bench.hospital import NOW, Agenda, let_send, open_store, read_agenda, settings
from tests.bench.measure import (
    Figure,
    Size,
    Taken,
    compare,
    short,
    stopwatch,
    syncs_per_second,
    take_turns,
)
from tests.bench.sink import sink

MESSAGES = {"tiny": 150, "quick": 2_000, "full": 10_000}
PAIRS = {"tiny": 1, "quick": 3, "full": 9}
IN_FLIGHT = 100
Form = dict[str, str]


def measure_deliver(size: Size) -> Iterator[Figure]:
    with TemporaryDirectory() as place, sink() as port:
        original = Path(place) / "original"
        original.mkdir()
        plan_for_today(original, settings(original, port), MESSAGES[size])
        forms: list[Form] = []

        def ours() -> Taken:
            with TemporaryDirectory(dir=place) as folder:
                shutil.copy(original / "hospital.db", folder)
                taken = asyncio.run(_deliver(settings(Path(folder), port)))
                sent = _ledger(port)
                assert len(sent) == MESSAGES[size], len(sent)
                check(Path(folder), sent)
                forms[:] = sent
            return taken

        bare: list[float] = []

        def baseline() -> Taken:
            taken = asyncio.run(_loop(_client_posts(port), forms))
            assert _counted(_ledger(port)) == _counted(forms)
            bare.append(asyncio.run(_loop(_transport_posts(port), forms)).seconds)
            assert _counted(_ledger(port)) == _counted(forms)
            return taken

        found = take_turns(ours, baseline, PAIRS[size])
        yield compare(
            "deliver", found, MESSAGES[size], "messages/s", 0.60, aim=0.80,
            beside_bare_transport=short(
                median(bare[-PAIRS[size] :]) / median(one.seconds for one in found.ours)
            ),
            in_flight=IN_FLIGHT, syncs_per_second=round(syncs_per_second(Path(place))),
        )  # fmt: skip


def plan_for_today(folder: Path, configured: Settings, messages: int) -> None:
    """Everybody has an appointment tomorrow: one short reminder each is due now."""
    agenda = Agenda(messages, first=date(2026, 10, 13), days=1)
    with closing(open_store(folder, configured)) as store:
        read_agenda(store, configured, agenda)
        plan(store, rules_of(configured), secret_of(store, "address_key"), now=NOW)
        let_send(store)


async def _deliver(configured: Settings) -> Taken:
    application = build(configured.model_copy(update={"dpi": ()}), OffsetClock(NOW))
    try:
        with stopwatch() as taken:
            summary = await application.tasks.deliver()
        # On a starved machine some are given up before a byte left, and sent a little later.
        assert set(summary.answers) <= {"ACCEPTED", "NOT_SENT"}, summary
        return taken
    finally:
        await application.aclose()


def check(folder: Path, sent: Sequence[Form]) -> None:
    """The provider's ledger and ours are the same, and nothing is left half-way."""
    with closing(sqlite3.connect(folder / "hospital.db")) as database:
        states = database.execute("SELECT DISTINCT state FROM message").fetchall()
        ours = database.execute(
            "SELECT address, body FROM attempt WHERE state = 'ACCEPTED' AND provider_id <> ''"
        ).fetchall()
    assert states == [("ACCEPTED",)], states
    assert Counter(ours) == _counted(sent)


def _counted(forms: Sequence[Form]) -> Counter[tuple[str, str]]:
    return Counter((form["To"], form["Body"]) for form in forms)


def _ledger(port: int) -> list[Form]:
    with urlopen(f"http://127.0.0.1:{port}/ledger") as answer:
        return [dict(parse_qsl(line)) for line in answer.read().decode().split("\n") if line]


Post = Callable[[Form], Awaitable[httpx.Response]]


async def _loop(posting: AbstractAsyncContextManager[Post], forms: Sequence[Form]) -> Taken:
    """The fastest loop there is: workers that take the next form as soon as they can."""
    waiting = iter(forms)
    async with posting as post:

        async def work() -> None:
            for form in waiting:
                answer = await post(form)
                assert answer.status_code == 201

        with stopwatch() as taken:
            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return taken


@asynccontextmanager
async def _client_posts(port: int) -> AsyncIterator[Post]:
    """The baseline: httpx's client over aiohttp's transport, as anybody would use it."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        auth=("AC00000000", "secret"),
        transport=_transport(),
        trust_env=False,
    ) as http:
        yield lambda form: http.post("/2010-04-01/Accounts/AC/Messages.json", data=form)


@asynccontextmanager
async def _transport_posts(port: int) -> AsyncIterator[Post]:
    """A harder one, for the record: our own exchange, without the client's detours."""
    wiring = Wiring("bench", connections=IN_FLIGHT)
    http = wire.client(wiring, f"http://127.0.0.1:{port}", auth=("AC00000000", "secret"))
    form_of = wire.Form(http, "/2010-04-01/Accounts/AC/Messages.json")
    async with http:
        yield lambda form: wire.exchange(http, form_of.request(form))


def _transport() -> AiohttpTransport:
    limits = httpx.Limits(max_connections=IN_FLIGHT, keepalive_expiry=4.0)
    return AiohttpTransport(trust_env=False, limits=limits)
