"""The staff's pages at a hospital of ten million appointments, beside a page that does nothing.

The pages are served in a process of their own by the stack that serves them in earnest. Twenty
people use them at once, each opening a page, reading it for half a second, and opening another.
The static page has the weight of a full one and takes its turn among the others.

    python -m tests.bench.pages FOLDER   serves the hospital in FOLDER
"""

import asyncio
import random
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
from fastapi import FastAPI, Request, Response
from starlette.routing import Route as Address

from reminders.bootstrap import build
from reminders.cli.serving import inside_of, staff_of
from reminders.clock import OffsetClock
from reminders.config import PreparationTable, ProtocolTable
from reminders.domain.access import Grant, May, Role
from reminders.domain.sign_in import Lasting
from reminders.services import accounts, protocols, sheets_life, signing_in
from reminders.services.rules import Rules
from reminders.services.sheets_form import WARNINGS
from reminders.store.engine import Connection, Store, rows, run
from reminders.store.types import DAY, HOUR, micros
from reminders.web.internal import internal_app
from reminders.web.staff.visit import warm
from tests.bench.hospital import NOW, SERVICES, settings
from tests.bench.measure import Figure, Size, quiet, short
from tests.bench.running import cpu_seconds
from tests.support.every_page import PAGES, address_of
from tests.support.served import served

APPOINTMENTS = {"tiny": 2_000, "quick": 300_000, "full": 10_000_000}
CROWDED = {"tiny": 2_000, "quick": 100_000, "full": 1_000_000}
BACKLOG = 2_500  # open tasks, and open calls
LISTS = ("/", "/a-traiter", "/appels", "/services")
SECONDS = {"tiny": 4, "quick": 40, "full": 150}
USERS = 20
THINKS = 0.5  # seconds between what one person opens
GOAL_MS = 60
LONG = Lasting(timedelta(days=365), timedelta(days=365))
STATIC = "/statique"
NAMES = 400  # families
PAST_DAYS = 1_400
WRITTEN_DAYS = 45  # messages are kept a while; older ones are purged


def measure_pages(size: Size) -> Iterator[Figure]:
    yield from _measure("page", APPOINTMENTS[size], SECONDS[size])


def measure_backlog(size: Size) -> Iterator[Figure]:
    """The lists of what is to do where nobody did any of it: 2,500 open tasks and as many calls."""
    yield from _measure("backlog", CROWDED[size], SECONDS[size], only=LISTS, backlog=BACKLOG)


def _measure(
    name: str, appointments: int, seconds: float, *, only: Collection[str] = (), backlog: int = 0
) -> Iterator[Figure]:
    with TemporaryDirectory() as place:
        folder = Path(place)
        token = prepare(folder, appointments, backlog)
        with serving(folder) as (process, address):
            used = cpu_seconds(process.pid)
            found = asyncio.run(use(address, token, seconds, only))
            used = cpu_seconds(process.pid) - used
        static = found.pop(STATIC)
        asked = sum(map(len, found.values())) + len(static)
        for path, times in sorted(found.items()):
            yield Figure(
                f"{name} {path}", p95(times), p95(static), p95(times) / p95(static), "ms, p95",
                GOAL_MS, p95(times) <= GOAL_MS,
                {"median": short(statistics.median(times)), "visits": len(times),
                 "appointments": appointments, "users": USERS,
                 "cpu_ms_a_page": short(1_000 * used / asked)},
            )  # fmt: skip


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]


# --- the hospital ---------------------------------------------------------------------------------


def prepare(folder: Path, appointments: int, backlog: int = 0) -> str:
    """A hospital with this many appointments, and open tasks and calls; the token of a session
    that opens every page."""
    application = build(settings(folder), OffsetClock(NOW))
    store = application.store
    with store.write() as connection:
        fill(connection, appointments)
        _fill_backlog(connection, backlog)
        _fill_by_hand(connection)
    _fill_sheets(store, application.rules)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    accounts.create(
        store, login="all", name="Tous les droits", actor="bench", now=NOW,
        grants=[Grant(role) for role in Role],
    )  # fmt: skip
    ticket = signing_in.enter_as(store, "all", browser="bench", lasting=LONG, now=NOW)
    store.close()
    return ticket.token


def fill(connection: Connection, appointments: int) -> None:
    people = max(100, appointments // 5)
    _fill_patients(connection, people)
    _fill_appointments(connection, appointments, people)
    _fill_messages(connection)


COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "


def _fill_patients(connection: Connection, people: int) -> None:
    at = micros(NOW)
    run(
        connection,
        COUNT + "INSERT INTO patient (id, authority, identifier, family, given, birth_date, phone, "
        "dirty, refuses_sms, first_seen_at, updated_at) "
        "SELECT i, 'ipp', printf('%07d', i), 'FAMILLE' || "
        f"(i % {NAMES}), 'Prenom' || (i % 97), printf('%d-%02d-%02d', 1930 + i % 90, 1 + i % 12, "
        "1 + i % 28), printf('+3363998%04d', i % 10000), 0, 0, :at, :at FROM n",
        count=people,
        at=at,
    )
    run(
        connection,
        "INSERT INTO patient_key (patient_id, family, given, identifier, birth_date) "
        "SELECT id, lower(family), lower(given), identifier, birth_date FROM patient",
    )


def _fill_appointments(connection: Connection, count: int, people: int) -> None:
    """Spread over four years, a tenth of a workday ahead: the future is booked two months long."""
    run(
        connection,
        COUNT + "INSERT INTO appointment (id, source_id, external_id, patient_id, uf, site_id, "
        "agenda, kind, starts_at, duration_minutes, status, version_at, first_seen_at, "
        "last_seen_at, first_starts_at) SELECT i, 'agenda', 'R' || i, 1 + (i * 7919) % :people, "
        f"printf('42%02d', i % {len(SERVICES)}), 'sud', 'Dr ' || (i % 60), 'consultation', s, 20, "
        "CASE WHEN s < :now THEN CASE i % 12 WHEN 0 THEN 'noshow' WHEN 1 THEN 'cancelled' "
        "ELSE 'fulfilled' END ELSE 'booked' END, :long_ago, :long_ago, :long_ago, s FROM "
        f"(SELECT i, :now - {PAST_DAYS} * {DAY} + (i * {PAST_DAYS + 60} / :count) * {DAY} "
        f"+ (i % 40) * {HOUR // 4} AS s FROM n)",
        count=count,
        people=people,
        now=micros(NOW),
        long_ago=micros(NOW - timedelta(days=PAST_DAYS)),
    )


def _fill_messages(connection: Connection) -> None:
    """One reminder for what starts within a month or so of now, with a twelfth in trouble."""
    span = {
        "begin": micros(NOW - timedelta(days=WRITTEN_DAYS)),
        "end": micros(NOW + timedelta(days=5)),
        "now": micros(NOW),
    }
    those = "FROM appointment a WHERE a.starts_at BETWEEN :begin AND :end"
    before = f"a.starts_at - 3 * {DAY}"
    for sql in (
        "INSERT INTO decision (id, appointment_id, step, cycle, state, purpose, opens_at, "
        f"closes_at, decided_at) SELECT a.id, a.id, 'J-3', 1, 'PLANNED', 'confirm', {before}, "
        f"{before} + 8 * {HOUR}, {before} - {DAY} {those}",
        "INSERT INTO message (id, dedupe_key, kind, channel, state, reason, patient_id, recipient, "
        "recipient_key, relation, site_id, purpose, language, earliest_at, opens_at, closes_at, "
        "created_at, updated_at) SELECT a.id, 'reminder:' || a.id, 'reminder', 'sms', CASE WHEN "
        f"{before} > :now THEN 'PLANNED' WHEN a.id % 12 = 0 THEN 'UNDELIVERED' ELSE 'DELIVERED' "
        "END, '', a.patient_id, '+33639980000', x'00', '', 'sud', 'confirm', 'fr', "
        f"{before}, {before}, {before} + 8 * {HOUR}, {before} - {DAY}, {before} {those}",
        "INSERT INTO message_item (decision_id, channel, message_id) SELECT a.id, 'sms', a.id "
        f"{those}",
        "INSERT INTO attempt (id, message_id, reference, provider, channel, address, body, state, "
        "segments, price_eur, started_at) SELECT a.id, a.id, 'ref' || a.id, 'main', 'sms', "
        "'+33639980000', 'Rappel RDV', CASE WHEN a.id % 12 = 0 THEN 'UNDELIVERED' ELSE 'DELIVERED' "
        f"END, 1, 0.06, {before} {those} AND {before} <= :now",
        "INSERT INTO told (attempt_id, appointment_id, cycle, starts_at) SELECT a.id, a.id, 1, "
        f"a.starts_at {those} AND {before} <= :now",
        "INSERT INTO answer (id, appointment_id, kind, channel, origin, actor, given_at, "
        f"effective_at) SELECT a.id, a.id, 'confirmed', 'sms', 'bench:' || a.id, 'patient', "
        f"{before} + {HOUR}, {before} + {HOUR} {those} AND a.id % 3 = 0 AND {before} <= :now",
        "INSERT INTO task (id, kind, subject, uf, state, priority, created_at, deadline_at, "
        "appointment_id) SELECT a.id, 'reply_question', 'appointment:' || a.id, a.uf, "
        f"CASE WHEN a.starts_at > :now THEN 'open' ELSE 'done' END, 3, :now - {DAY}, "
        f":now + {HOUR}, a.id {those} AND a.id % 40 = 0",
    ):
        run(connection, sql, **{k: v for k, v in span.items() if f":{k}" in sql})


def _fill_backlog(connection: Connection, count: int) -> None:
    """This many questions and this many calls, all open, about the next appointments."""
    coming = "FROM (SELECT id, uf FROM appointment WHERE starts_at > :now ORDER BY starts_at, id)"
    for n, kind in enumerate(("reply_reschedule", "call_not_reached"), start=1):
        run(
            connection,
            "INSERT INTO task (id, kind, subject, uf, state, priority, sentence, created_at, "
            f"deadline_at, appointment_id) SELECT {n} * 100000000 + id, :kind, 'appointment:' || "
            f"id, uf, 'open', 2, 'À appeler.', :now - {DAY}, :now + {HOUR}, id {coming} "
            "LIMIT :count",
            kind=kind,
            now=micros(NOW),
            count=count,
        )


def _fill_by_hand(connection: Connection) -> None:
    """What somebody wrote to a session, objects to, and holds back."""
    at = micros(NOW)
    run(
        connection,
        "INSERT INTO hold (id, source_id, code, sentence, placed_at, placed_by) "
        "VALUES (1, 'agenda', 'first_run', 'Première lecture', :at, 'reminders')",
        at=at,
    )
    run(
        connection,
        "INSERT INTO writing (id, request, purpose, uf, starts_at, ends_at, patients, created_at, "
        f"created_by, late_minutes) VALUES (1, 'bench', 'session_late', :uf, :at, :at + {DAY}, "
        "200, :at, 'all', 30)",
        uf=SERVICES[0],
        at=at,
    )
    run(
        connection,
        "INSERT INTO writing_line (writing_id, appointment_id, cycle, patient_id, decision_id, "
        "message_id, reason) SELECT 1, t.appointment_id, t.cycle, m.patient_id, m.id, m.id, '' "
        "FROM told t JOIN message m ON m.id = t.attempt_id ORDER BY t.appointment_id LIMIT 200",
    )
    run(
        connection,
        "INSERT INTO objection (id, address_key, patient_id, origin, recorded_at, recorded_by) "
        "SELECT 1, x'00', patient_id, 'staff', :at, 'all' FROM message ORDER BY id LIMIT 1",
        at=at,
    )


def _fill_sheets(store: Store, rules: Rules) -> None:
    """A sheet with a version in service and the next one, and a protocol of the pages' own."""
    steps = [{"day": "booking", "template": "booking"}, {"day": "J-2", "template": "confirm"}]
    bloc = ProtocolTable.model_validate({"id": "bloc", "step": steps})
    protocols.save(store, rules, bloc, number=0, actor="all", now=NOW)
    for number, text in enumerate(("Venir à jeun.", "Venir à jeun depuis minuit.")):
        told = PreparationTable.model_validate(
            {"id": "imagerie", "service": SERVICES[0], "sms": text, "arrival_point": "Accueil B2",
             "instructions": "Ne rien manger après minuit.", "documents": ["Carte Vitale"]}
        )  # fmt: skip
        sheets_life.propose(store, rules, told, base=number, actor="all", now=NOW)
        if not number:
            read = [*WARNINGS]
            sheets_life.approve(store, rules, "imagerie", 1, actor="bench", ticked=read, now=NOW)


def addresses(store: Store) -> list[str]:
    """The address of every page but those of a closed month, which reads what was frozen."""
    with store.read() as connection:

        def first(sql: str) -> list[object]:
            return [row.id for row in rows(connection, f"{sql} LIMIT 1")]

        return [
            address_of(route, first)
            for route in PAGES
            if route.may != May.EXPORT and "{month}" not in route.path
        ]


# --- served and used ------------------------------------------------------------------------------


@contextmanager
def serving(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.pages", str(folder)],
        stdin=subprocess.PIPE,  # it serves until this ends
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


async def use(
    address: str, token: str, seconds: float, only: Collection[str] = ()
) -> dict[str, list[float]]:
    """What each page took, in milliseconds, by its path; the first visits do not count. `only`:
    these pages, all of them by default."""
    found: dict[str, list[float]] = defaultdict(list)
    async with httpx.AsyncClient(
        base_url=address, cookies={"session": token}, timeout=60,
        # a server lets a connection go after five seconds: never ask on one it is closing
        limits=httpx.Limits(keepalive_expiry=2),
    ) as http:  # fmt: skip
        paths = [*(await http.get("/_paths")).text.splitlines(), STATIC]
        paths = [one for one in paths if not only or one in (*only, STATIC)]
        for path in paths:
            await _opened(http, path)
        end = perf_counter() + seconds
        await asyncio.gather(*(_user(http, n, paths, end, found) for n in range(USERS)))
    return found


async def _user(
    http: httpx.AsyncClient,
    number: int,
    paths: list[str],
    end: float,
    found: dict[str, list[float]],
) -> None:
    wishes = random.Random(number)
    while perf_counter() < end:
        await asyncio.sleep(wishes.expovariate(1 / THINKS))
        path = wishes.choice(paths)
        found[path].append(await _opened(http, path))


async def _opened(http: httpx.AsyncClient, path: str) -> float:
    started = perf_counter()
    answer = await http.get(path)
    assert answer.status_code in (200, 303), (path, answer.status_code)
    return 1_000 * (perf_counter() - started)


def serve(folder: Path) -> None:
    application = build(settings(folder), OffsetClock(NOW))
    app = internal_app(inside_of(application), replace(staff_of(application), lasting=LONG))
    _add(app, application.store)
    warm()  # as a started service has done
    with served(app) as address:
        print(address, flush=True)
        sys.stdin.read()


def _add(app: FastAPI, store: Store) -> None:
    words = random.Random(1)
    line = "".join(words.choice("abcdefghijklmnopqrstuvwxyz    ") for _ in range(200))
    page = "<!doctype html><title>Statique</title>" + f"<p>{line}</p>" * 120  # 25 kB

    async def static(_request: Request) -> Response:
        return Response(page, media_type="text/html")

    async def paths(_request: Request) -> Response:
        return Response("\n".join(addresses(store)), media_type="text/plain")

    app.router.routes[:0] = [Address(STATIC, static), Address("/_paths", paths)]


if __name__ == "__main__":
    quiet()
    serve(Path(sys.argv[1]))
