"""Commands that do the work: run, serve, demo, check, migrate, report."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from reminders.bootstrap import Application, build, check_adapters, open_store
from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    clock_of,
    local,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.cli.errors import DONE, HELD, REPAIR, errors
from reminders.config import Settings
from reminders.domain.mask import mask_address
from reminders.domain.outcome import Outcome
from reminders.engine.tasks import Pass
from reminders.errors import ConfigurationError, Problem
from reminders.services.preview import Line, planned_lines, suppressed_lines
from reminders.services.report import Line as ReportLine
from reminders.services.report import MonthReport, month_report
from reminders.services.rules import rules_of
from reminders.services.runs import remember_run
from reminders.services.story import CHANNELS, REASONS
from reminders.store.copies import throw_away
from reminders.store.migrate import migrate as migrate_store

REPORTED = (
    Outcome.ATTENDED,
    Outcome.NO_SHOW,
    Outcome.CANCELLED_EARLY,
    Outcome.CANCELLED_LATE,
    Outcome.CANCELLED_BY_HOSPITAL,
    Outcome.UNKNOWN,
)
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Montrer le plan sans rien envoyer ni changer.")
]


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Le passage du jour : lire le DPI, prévoir, envoyer, résumer. Peut être répété."""
    settings = settings_of(config)
    clock = clock_of(settings, at, harmless=dry_run)
    if dry_run:
        raise typer.Exit(_dry_run(settings, at, as_json))
    application = build(settings, clock)
    started = clock.now()

    async def one() -> Pass:
        try:
            return await application.tasks.one_pass()
        finally:
            await application.aclose()

    done = asyncio.run(one())
    code = exit_code(done)
    store = open_store(settings)
    try:
        remember_run(store, started, clock.now(), settings.mode, code, summary_of(done, settings))
    finally:
        store.close()
    if as_json:
        print_json(summary_of(done, settings) | {"exit_code": code})
    else:
        _print_summary(done, settings)
    raise typer.Exit(code)


def exit_code(done: Pass) -> int:
    """3 held, 1 an administrator must repair something, 0 done (tasks are in the summary)."""
    if done.held:
        return HELD
    broken = any(feed.status in ("refused", "unavailable") for feed in done.feeds)
    return REPAIR if broken or done.misconfigured else DONE


def summary_of(done: Pass, settings: Settings) -> dict[str, object]:
    """Counts and codes only: nothing here names anybody."""
    return {
        "mode": settings.mode,
        "feeds": [
            {
                "source": feed.source,
                "name": feed.name,
                "status": feed.status,
                "code": feed.code,
                "rows": feed.rows,
                "problems": feed.problem_count,
                "created": feed.created,
                "changed": feed.changed,
                "vanished": feed.vanished,
            }
            for feed in done.feeds
        ],
        "patients_planned": done.plan.patients,
        "messages_planned": done.plan.planned,
        "withdrawn": done.plan.withdrawn,
        "suppressed": dict(done.plan.suppressed),
        "answers": dict(done.sent.answers),
        "rehearsed": done.sent.rehearsed,
        "repaired": done.repaired,
        "messages_today": done.today,
        "tasks_open": done.tasks_open,
        "held": [{"source": one.source_id, "code": one.code} for one in done.held],
        "purged": done.purged.total if done.purged else 0,
    }


STATUSES = {
    "accepted": "appliqué",
    "known": "déjà appliqué",
    "refused": "REFUSÉ",
    "held": "RETENU",
    "unavailable": "INACCESSIBLE",
}
ANSWERS = {
    "ACCEPTED": "pris par l'opérateur",
    "REFUSED": "refusés",
    "NOT_SENT": "pas partis (seront retentés)",
    "UNKNOWN": "peut-être partis",
}
MODES = {
    "rehearsal": "RÉPÉTITION : rien ne part",
    "test": "TEST : seulement vers les adresses de only_to",
    "live": "réel",
}


def _print_summary(done: Pass, settings: Settings) -> None:
    out.print(f"Mode {MODES[settings.mode]}")
    if not done.feeds:
        out.print("Sources      rien de neuf à lire")
    for feed in done.feeds:
        counts = f"{feed.rows} rendez-vous, {feed.created} nouveaux, {feed.changed} modifiés"
        if feed.vanished:
            counts += f", {feed.vanished} disparus"
        detail = feed.sentence or counts
        out.print(
            Text(f"Source       {feed.source} {feed.name} : {STATUSES[feed.status]} — {detail}")
        )
        for problem in feed.problems[:10]:
            place = f"ligne {problem.row}" + (f", {problem.column}" if problem.column else "")
            out.print(Text(f"             {place} : {problem.sentence}"))
        if feed.problem_count > 10:
            out.print(f"             … et {feed.problem_count - 10} autres lignes écartées")
    out.print(
        f"Plan         {done.plan.planned} messages prévus ou revus, {done.plan.withdrawn} retirés"
    )
    sent = [f"{number} {ANSWERS[name]}" for name, number in sorted(done.sent.answers.items())]
    if done.sent.rehearsed:
        sent.append(f"{done.sent.rehearsed} répétés sans partir")
    out.print("Envois       " + (", ".join(sent) or "rien à envoyer maintenant"))
    if done.today:
        words = ", ".join(f"{number} {state}" for state, number in done.today.items())
        out.print(f"Aujourd'hui  {words}")
    out.print(f"À traiter    {done.tasks_open} tâches ouvertes")
    for one in done.held:
        source = f"source « {one.source_id} »" if one.source_id else "tous les envois"
        errors.print(Text(f"RETENU       {source} : {one.sentence}"))
    if done.held:
        errors.print("             Voir et reprendre : reminders release")


def _dry_run(settings: Settings, at: str | None, as_json: bool) -> int:
    """The same code on a throw-away copy; nothing is picked up, renamed, archived or sent."""
    original = open_store(settings)
    with throw_away(original) as copy:
        clock = clock_of(settings, at, harmless=True)
        application = build(settings, clock, store=copy, keep_inputs=True)
        tasks = application.tasks
        feeds = tasks.sync()
        tasks.plan()
        now = clock.now()
        counts: Counter[str] = Counter()
        for line in _plan_lines(application, now):
            counts[line.state] += 1
            _print_line(line, zone_of(settings), as_json)
        holds = [one for one in tasks.holds() if one.code != "first_run"]
        if not as_json:
            out.print(
                f"{counts['planned'] + counts['held']} messages prévus, "
                f"{counts['blocked']} impossibles à composer, {counts['suppressed']} écartés."
            )
            for feed in feeds:
                if feed.sentence:
                    errors.print(Text(f"Source {feed.source} {feed.name} : {feed.sentence}"))
            for one in holds:
                errors.print(Text(f"Serait retenu : {one.sentence}"))
        asyncio.run(application.aclose())
    original.close()
    if holds:
        return HELD
    return REPAIR if any(feed.status in ("refused", "unavailable") for feed in feeds) else DONE


def _plan_lines(application: Application, now: datetime) -> Iterator[Line]:
    yield from planned_lines(application.store, application.composer, application.routes, now=now)
    yield from suppressed_lines(application.store, now=now)


def _print_line(line: Line, zone: ZoneInfo, as_json: bool) -> None:
    recipient = mask_address(line.address) if line.address else ""
    if as_json:
        print_json(
            {
                "moment": line.moment.isoformat() if line.moment else None,
                "until": line.closes_at.isoformat() if line.closes_at else None,
                "recipient": recipient,
                "channel": line.channel,
                "step": line.step,
                "template": line.purpose,
                "template_version": line.template,
                "segments": line.segments,
                "appointments": list(line.appointments),
                "state": line.state,
                "reason": line.reason,
            }
        )
        return
    about = f"{line.step} rdv {', '.join(line.appointments)}"
    if line.state == "suppressed":
        reason = REASONS.get(line.reason, line.reason)
        out.print(Text(f"—                 pas de message · {about} · {reason}"))
        return
    channel = CHANNELS.get(line.channel, line.channel)
    size = f"{line.segments} segment{'s' if line.segments > 1 else ''}" if line.segments else "—"
    tail = f" · {REASONS.get(line.reason, line.reason)}" if line.reason else ""
    out.print(
        Text(
            f"{local(line.moment, zone)}  {recipient} · {channel} · {line.purpose} "
            f"v{line.template} · {size} · {about}{tail}"
        )
    )


def serve(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Le service permanent : envois à leur heure, accusés, pages internes."""
    from reminders.cli.serving import serve_until_stopped  # the web is loaded for nobody else

    settings = settings_of(config)
    serve_until_stopped(settings, clock_of(settings, at))


def demo(
    once: Annotated[bool, typer.Option("--once", help="Vivre d'un trait et finir.")] = False,
    days: Annotated[int, typer.Option("--days", min=1, max=60)] = 14,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    port: Annotated[int, typer.Option("--port", help="Port de la page.")] = 8000,
) -> None:
    """Un hôpital simulé, de vrais protocoles : tout le service, sans rien installer."""
    from reminders.cli.showing import run_demo  # its simulation is loaded for nobody else

    raise typer.Exit(run_demo(once=once, days=days, seed=seed, port=port))


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Vérifier la configuration : toutes les erreurs d'un coup, sans rien envoyer."""
    settings = settings_of(config)
    problems = check_adapters(settings)
    if problems:
        raise ConfigurationError(problems)
    out.print(f"Configuration correcte : {config}")
    out.print(f"Mode {MODES[settings.mode]}")
    for service in settings.service:
        if service.sensitivity is None and service.effective_sensitivity == "excluded":
            out.print(
                Text(
                    f"Attention : UF {service.uf} exclue d'office, son libellé évoque un soin "
                    "sensible. Écrire sensitivity = « normal », « neutral » ou « excluded »."
                )
            )
    out.print(
        f"{len(settings.site)} site(s), {len(settings.service)} UF, {len(settings.dpi)} source(s), "
        f"{len(settings.sms)} opérateur(s) SMS, courriel : {'oui' if settings.email else 'non'}"
    )


def migrate(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Mettre la base au schéma de cette version."""
    store = open_store(settings_of(config))
    try:
        before, after = migrate_store(store)
    finally:
        store.close()
    if before == after:
        out.print(f"Base déjà à jour ({after}).")
    else:
        out.print(f"Base migrée : {before or 'vide'} → {after}.")


def report(
    month: Annotated[str, typer.Option("--month", metavar="AAAA-MM")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Les non-venues d'un mois, par service, avec leur intervalle."""
    settings = settings_of(config)
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone_of(settings))
    except ValueError:
        raise ConfigurationError(
            [Problem("--month", "mois illisible", "écrire par exemple 2026-10")]
        ) from None
    clock = clock_of(settings, at, harmless=True)
    store = open_store(settings)
    try:
        migrate_store(store)
        found = month_report(
            store, rules_of(settings), first.year, first.month, zone_of(settings), now=clock.now()
        )
    finally:
        store.close()
    if as_json:
        print_json(_report_json(found))
    else:
        _print_report(found)


def _report_json(found: MonthReport) -> dict[str, object]:
    return {
        "month": f"{found.year:04d}-{found.month:02d}",
        "services": [_line_json(line) for line in found.lines],
        "total": _line_json(found.total),
    }


def _line_json(line: ReportLine) -> dict[str, object]:
    return {
        "uf": line.uf,
        "label": line.label,
        "counts": {outcome.value: number for outcome, number in line.tally.counts.items()},
        "known": line.tally.known,
        "no_show_rate": line.tally.no_show_rate,
        "low": line.interval.low if line.interval else None,
        "high": line.interval.high if line.interval else None,
        "method": "Wilson 95 %",
    }


def _print_report(found: MonthReport) -> None:
    table = Table(title=f"Non-venues, {found.month:02d}/{found.year}", title_justify="left")
    table.add_column("Service")
    for title in ("Venus", "Non venus", "Annulés ≥ 48 h", "Annulés < 48 h", "Par l'hôpital"):
        table.add_column(title, justify="right")
    table.add_column("Inconnus", justify="right")
    table.add_column("Taux de non-venue (IC 95 %)", justify="right")
    for line in (*found.lines, found.total):
        table.add_row(
            line.label,
            *(str(line.tally[outcome]) for outcome in REPORTED),
            _rate(line),
        )
    out.print(table)
    out.print(
        "Taux = non venus / (venus + non venus) ; les issues inconnues n'y sont pas. "
        "Intervalle de Wilson à 95 %."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f}".replace(".", ",")


def _rate(line: ReportLine) -> str:
    rate = line.tally.no_show_rate
    if rate is None or line.interval is None:
        return "—"
    low, high = _percent(line.interval.low), _percent(line.interval.high)
    return f"{_percent(rate)} % ({low} à {high})"
