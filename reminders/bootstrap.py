"""The composition root: the one place where adapters, store and services meet."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from reminders import __version__
from reminders.clock import Clock
from reminders.config import AdapterTable, DpiTable, Settings, read
from reminders.domain.outbox import REFERENCES, reference
from reminders.engine.pump import Pump, Submit
from reminders.engine.tasks import Parts, Tasks
from reminders.engine.writer import Writer, again
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.ports import (
    Accepted,
    AppointmentWriter,
    Email,
    EmailSender,
    FileSource,
    PastFeed,
    PastSource,
    Sms,
    SmsSender,
    Wiring,
)
from reminders.rendering import Renderer
from reminders.services.compose import Composer, Route
from reminders.services.deliver import Delivery, Envelope
from reminders.services.rules import Rules, rules_of
from reminders.services.startup import prepare, secret_of
from reminders.store.engine import Store, open_engine
from reminders.store.migrate import migrate

GROUPS = {"dpi": "reminders.dpi", "sms": "reminders.sms", "email": "reminders.email"}


@dataclass(slots=True)
class Application:
    """A working process. Close it when done."""

    settings: Settings
    rules: Rules
    store: Store
    clock: Clock
    secret: bytes
    tasks: Tasks
    composer: Composer
    routes: tuple[Route, ...]
    sms: Mapping[str, SmsSender]
    email: Mapping[str, EmailSender]
    callback_paths: Mapping[str, str]
    writer: Writer

    async def aclose(self) -> None:
        for text in self.sms.values():
            await text.aclose()
        for mail in self.email.values():
            await mail.aclose()
        self.writer.close()
        self.store.close()


def configured(path: Path) -> Settings:
    """The settings of a file. Raises ConfigurationError naming every mistake at once, those of
    the adapters' own keys included."""
    found = read(path)
    if found.settings is not None:
        return found.settings
    problems = [*found.problems]
    numbers: Counter[str] = Counter()
    for group, table in found.adapters:
        _create(group, numbers[group], table, found.fallback, problems, {})
        numbers[group] += 1
    raise ConfigurationError(problems)


def open_store(settings: Settings) -> Store:
    """The database of the configuration; a relative SQLite path starts at the file's folder."""
    return Store(open_engine(settings.store.url, settings.base_dir))


def build(
    settings: Settings, clock: Clock, *, store: Store | None = None, keep_inputs: bool = False
) -> Application:
    """Put a process together. Raises ConfigurationError naming every adapter's mistakes at once.

    A new or older database is brought to this release's schema.
    """
    if problems := check_adapters(settings):
        raise ConfigurationError(problems)  # before a database is made for nothing
    store = store or open_store(settings)
    migrate(store)
    rules = rules_of(settings)
    secret = secret_of(store, "address_key")
    paths = callback_paths(settings, store)
    sources = [
        (table, adapter)
        for number, table in enumerate(settings.dpi)
        if (adapter := _create("dpi", number, table, settings, problems, paths)) is not None
    ]
    sms: dict[str, SmsSender] = {
        table.id: adapter
        for number, table in enumerate(settings.sms)
        if (adapter := _create("sms", number, table, settings, problems, paths)) is not None
    }
    email: dict[str, EmailSender] = {}
    if settings.email is not None:
        adapter = _create("email", 0, settings.email, settings, problems, paths)
        if adapter is not None:
            email[settings.email.id] = adapter
    if problems:
        raise ConfigurationError(problems)
    routes = routes_of(settings)
    providers = [route.id for route in routes]
    again(lambda: prepare(store, rules, providers, __version__, now=clock.now()))
    composer = Composer(rules, Renderer())
    delivery = Delivery(store, rules, composer, settings.delivery, secret, new_reference)
    writer = Writer()
    pump = Pump(
        delivery,
        routes,
        _submitters(sms, email),
        clock,
        writer,
        in_flight=settings.delivery.in_flight,
        pause_seconds=settings.delivery.provider_pause_seconds,
    )
    parts = Parts(
        settings,
        rules,
        store,
        clock,
        secret,
        sources,
        sms,
        delivery,
        keep_inputs=keep_inputs,
        mail=next(iter(email.values()), None),
    )
    tasks = Tasks(parts, pump, writer)
    return Application(
        settings,
        rules,
        store,
        clock,
        secret,
        tasks,
        composer,
        tuple(routes),
        sms,
        email,
        paths,
        writer,
    )


def new_reference() -> str:
    return reference(secrets.randbelow(REFERENCES))


def check_adapters(settings: Settings) -> list[Problem]:
    """Every mistake of every adapter's table, without touching a database or the network."""
    problems: list[Problem] = []
    for kind, tables in (("dpi", settings.dpi), ("sms", settings.sms)):
        for number, table in enumerate(tables):
            _create(kind, number, table, settings, problems, {})
    if settings.email is not None:
        _create("email", 0, settings.email, settings, problems, {})
    return problems


def past_of_file(settings: Settings, file: Path, source: str = "", *, now: datetime) -> PastFeed:
    """A file of past appointments, read as the source's own are; without one of this kind, as a
    CSV of usual words. Raises RepairNeeded, and what reading a file raises."""
    tables = [table for table in settings.dpi if not source or table.id == source]
    if source and not tables:
        raise _no_source(settings, source)
    readers = [(t.id, one) for t, one in _sources(settings, tables) if isinstance(one, FileSource)]
    if not readers:
        plain = DpiTable.model_validate({"id": "passe", "kind": "csv", "path": file.name})
        readers = [
            (t.id, one) for t, one in _sources(settings, [plain]) if isinstance(one, FileSource)
        ]
    if len(readers) > 1:
        names = ", ".join(name for name, _ in readers)
        what = f"plusieurs sources lisent des fichiers ({names})"
        raise RepairNeeded(Problem("--source", what, "dire laquelle, pour ses mots et colonnes"))
    return readers[0][1].file(file.resolve(), now=now)


def past_of_dpi(
    settings: Settings, source: str = "", *, since: datetime, now: datetime
) -> tuple[str, PastFeed]:
    """What a source tells of a period that is over, and its name. Raises RepairNeeded where none
    can."""
    tables = [table for table in settings.dpi if not source or table.id == source]
    if source and not tables:
        raise _no_source(settings, source)
    found = [(t.id, one) for t, one in _sources(settings, tables) if isinstance(one, PastSource)]
    if not found:
        what = "aucune source ne peut redonner le passé : un dossier d'exports n'a que ses fichiers"
        remedy = "exporter 3 à 12 mois du DPI, puis reminders baseline import FICHIER"
        raise RepairNeeded(Problem("--dpi", what, remedy))
    if len(found) > 1:
        names = ", ".join(name for name, _ in found)
        problem = Problem("--source", f"plusieurs sources le peuvent ({names})", "dire laquelle")
        raise RepairNeeded(problem)
    return found[0][0], found[0][1].past(since, now, now=now)


def _no_source(settings: Settings, source: str) -> RepairNeeded:
    known = ", ".join(table.id for table in settings.dpi) or "aucune"
    return RepairNeeded(Problem("--source", f"« {source} » est inconnue", f"choisir : {known}"))


def _sources(settings: Settings, tables: Sequence[DpiTable]) -> list[tuple[DpiTable, Any]]:
    problems: list[Problem] = []
    found = [
        (table, _create("dpi", number, table, settings, problems, {}))
        for number, table in enumerate(tables)
    ]
    if problems:
        raise ConfigurationError(problems)
    return found


def _create(
    group: str,
    number: int,
    table: Any,
    settings: Settings,
    problems: list[Problem],
    paths: Mapping[str, str],
) -> Any:
    """One adapter by its entry point; None, and its mistakes in `problems`, if it cannot be."""

    def place(key: str) -> str:
        path = ("email",) if group == "email" else (group, number)
        line = settings.line_of(*path, key)
        name = group if group == "email" else f"{group} « {table.id} »"
        return f"{name} › {key}" + (f" (ligne {line})" if line else "")

    found = {entry.name: entry for entry in entry_points(group=GROUPS[group])}
    if table.kind not in found:
        known = ", ".join(sorted(found)) or "aucun"
        problems.append(
            Problem(place("kind"), f"« {table.kind} » est inconnu", f"choisir parmi : {known}")
        )
        return None
    try:
        create = found[table.kind].load()
    except (ImportError, AttributeError) as error:
        reason = f"l'adaptateur « {table.kind} » ne se charge pas ({type(error).__name__})"
        problems.append(Problem(place("kind"), reason, "réinstaller le paquet qui l'apporte"))
        return None
    try:
        adapter = create(table.options, _wiring(table, settings, paths))
    except ConfigurationError as error:
        problems += [Problem(place(one.where), one.what, one.remedy) for one in error.problems]
        return None
    if getattr(table, "write_back", False) and not isinstance(adapter, AppointmentWriter):
        problems.append(
            Problem(
                place("write_back"),
                f"une source « {table.kind} » ne peut pas recevoir les réponses",
                "retirer write_back ; les réponses se lisent avec reminders answers list",
            )
        )
        return None
    return adapter


def _wiring(table: AdapterTable, settings: Settings, paths: Mapping[str, str]) -> Wiring:
    network = settings.network
    identifier = str(getattr(table, "id", ""))
    path, public = paths.get(identifier), settings.web.public_url
    zone = settings.site[0].zone if settings.site else ZoneInfo("Europe/Paris")
    return Wiring(
        id=identifier,
        base_dir=settings.base_dir,
        zone=zone,
        proxy=network.proxy,
        ca_file=settings.base_dir / network.ca_file if network.ca_file else None,
        callback_url=f"{public}{path}" if path and public else None,
        timeout_seconds=settings.delivery.send_timeout_seconds,
        connections=settings.delivery.in_flight,
    )


def callback_paths(settings: Settings, store: Store) -> dict[str, str]:
    """provider id -> the unguessable path its callbacks come to; made once per database."""
    return {
        table.id: f"/callbacks/{table.id}/{secret_of(store, f'callback:{table.id}').hex()[:32]}"
        for table in settings.sms
    }


def routes_of(settings: Settings) -> list[Route]:
    """The configured senders in order. A rehearsal without any still renders and counts."""
    routes = [
        Route(table.id, "sms", table.family, table.max_per_second, table.price_per_segment_eur)
        for table in settings.sms
    ]
    if settings.email is not None:
        routes.append(Route(settings.email.id, "email", "link", settings.email.max_per_second))
    if settings.mode == "rehearsal":
        present = {route.channel for route in routes}
        routes += [
            Route(f"rehearsal-{channel}", channel)
            for channel in ("sms", "email")
            if channel not in present
        ]
    return routes


def _submitters(
    sms: Mapping[str, SmsSender], email: Mapping[str, EmailSender]
) -> dict[str, Submit]:
    return {name: _text(sender) for name, sender in sms.items()} | {
        name: _mail(sender) for name, sender in email.items()
    }


def _text(sender: SmsSender) -> Submit:
    async def submit(envelope: Envelope, now: datetime) -> Accepted:
        composed = envelope.composed
        valid = max(timedelta(seconds=1), composed.closes_at - now)
        return await sender.send(Sms(envelope.reference, composed.address, composed.text, valid))

    return submit


def _mail(sender: EmailSender) -> Submit:
    async def submit(envelope: Envelope, _now: datetime) -> Accepted:
        composed = envelope.composed
        return await sender.send(
            Email(
                envelope.reference,
                composed.address,
                composed.subject,
                composed.text,
                composed.html,
                composed.calendar,
                composed.unsubscribe,
            )
        )

    return submit


def on_loopback(settings: Settings) -> bool:
    """Is every address that is written to this machine's own, the DPI's too? Then nothing can
    reach a patient or change an agenda."""
    written = [table for table in settings.dpi if table.write_back]
    addresses = [str(table.options.get("base_url", "")) for table in (*settings.sms, *written)]
    if settings.email is not None:
        addresses.append(f"//{settings.email.options.get('host', '')}")
    return all(_is_loopback(urlsplit(address).hostname or "") for address in addresses)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
