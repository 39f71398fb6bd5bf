"""Commands that look and change nothing: check, why, report."""

import stat
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from reminders.bootstrap import callback_paths, check_adapters, open_store
from reminders.cli.common import (
    DEFAULT_CONFIG,
    MODES,
    AtOption,
    ConfigOption,
    JsonOption,
    clock_of,
    local,
    opened,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.config import Settings
from reminders.domain.outcome import Outcome
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services.notice import blanks
from reminders.services.report import Line as ReportLine
from reminders.services.report import MonthReport, month_report
from reminders.services.rules import rules_in
from reminders.services.story import Story, stories_of

REPORTED = (
    Outcome.ATTENDED,
    Outcome.NO_SHOW,
    Outcome.CANCELLED_EARLY,
    Outcome.CANCELLED_LATE,
    Outcome.CANCELLED_BY_HOSPITAL,
    Outcome.UNKNOWN,
)


def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Vérifier la configuration, sans rien envoyer."""
    settings = settings_of(config)
    problems = check_adapters(settings)
    if problems:
        raise ConfigurationError(problems)
    out.print(f"Configuration correcte : {config}")
    out.print(f"Mode {MODES[settings.mode]}")
    for warning in (
        *_sensitive(settings),
        *_readable_by_others(settings),
        *_listeners(settings),
        *_audit(settings),
    ):
        out.print(Text(f"Attention : {warning}"))
    out.print(
        f"{len(settings.site)} site(s), {len(settings.service)} UF, {len(settings.dpi)} source(s), "
        f"{len(settings.sms)} opérateur(s) SMS, courriel : {'oui' if settings.email else 'non'}"
    )
    _print_blanks(settings)
    _print_callbacks(settings)


def _print_blanks(settings: Settings) -> None:
    """What the patients' notice and the accessibility statement still need."""
    found = list(blanks(settings))
    if found:
        out.print("Attention : la notice d'information des patients est incomplète. Renseigner :")
    for one in found:
        out.print(Text(f"  • {one.place} : {one.what}, par exemple « {one.example} »"))


def _sensitive(settings: Settings) -> list[str]:
    return [
        f"UF {service.uf} exclue d'office, son libellé évoque un soin sensible. Écrire "
        "sensitivity = « normal », « neutral » ou « excluded »."
        for service in settings.service
        if service.sensitivity is None and service.effective_sensitivity == "excluded"
    ]


def _readable_by_others(settings: Settings) -> list[str]:
    """Secret files anybody on the machine can read."""
    return [
        f"{file.name} ({path[0]} › {path[-1]}_file) est lisible par d'autres comptes : "
        f"chmod 600 {file.name}"
        for path, file in settings.secret_files.items()
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]


def _listeners(settings: Settings) -> list[str]:
    inside = settings.web.internal_host
    if inside in ("127.0.0.1", "::1", "localhost"):
        return []
    return [
        f"les pages internes écoutent sur {inside} : elles montrent le travail de l'hôpital "
        "sans mot de passe, ne pas les laisser sortir de son réseau."
    ]


def _audit(settings: Settings) -> list[str]:
    """The CNIL's advice on logs: six months to a year, up to three with a reason."""
    days = settings.retention.audit_days
    if 180 <= days <= 366:
        return []
    return [
        f"le journal est gardé {days} jours (retention › audit_days). La CNIL conseille de six "
        "mois à un an ; une autre durée se justifie par écrit."
    ]


def _print_callbacks(settings: Settings) -> None:
    """The secret addresses to copy into the providers' consoles; they are made with the base."""
    if not settings.web.public_url or not settings.sms:
        return
    store = open_store(settings)
    known = store.exists
    store.close()
    if not known:
        out.print("Adresses de retour des opérateurs : montrées ici après reminders migrate")
        return
    with opened(settings) as store:
        for name, path in callback_paths(settings, store).items():
            out.print(Text(f"Retours de « {name} » : {settings.web.public_url}{path}"))


def why(
    appointment: Annotated[str, typer.Argument(metavar="RENDEZ-VOUS", help="Numéro dans le DPI.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Toute l'histoire d'un rendez-vous, avec ses raisons."""
    settings = settings_of(config)
    with opened(settings, create=False) as store:
        found = stories_of(store, appointment, zone_of(settings))
    if not found:
        raise RepairNeeded(
            Problem(
                f"rendez-vous « {appointment} »",
                "inconnu",
                "vérifier le numéro tel que le DPI l'écrit",
            )
        )
    zone = zone_of(settings)
    for story in found:
        if as_json:
            print_json(_story_json(story))
            continue
        out.print(
            Text(
                f"Rendez-vous {story.external_id} (source « {story.source} »), "
                f"{local(story.starts_at, zone)}, UF {story.uf}, statut « {story.status} », "
                f"version {story.version}"
            )
        )
        for entry in story.entries:
            reason = f" — {entry.why}" if entry.why else ""
            out.print(Text(f"  {local(entry.at, zone)}  {entry.what}{reason}"))


def _story_json(story: Story) -> dict[str, object]:
    return {
        "source": story.source,
        "appointment": story.external_id,
        "status": story.status,
        "answer": story.answer,
        "starts_at": story.starts_at.isoformat(),
        "uf": story.uf,
        "version": story.version,
        "entries": [
            {
                "at": entry.at.isoformat() if entry.at else None,
                "what": entry.what,
                "why": entry.why,
                "code": entry.code,
            }
            for entry in story.entries
        ],
    }


def report(
    month: Annotated[str, typer.Option("--month", metavar="AAAA-MM")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Les non-venues d'un mois, par service."""
    settings = settings_of(config)
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone_of(settings))
    except ValueError:
        raise ConfigurationError(
            [Problem("--month", "mois illisible", "écrire par exemple 2026-10")]
        ) from None
    clock = clock_of(settings, at, harmless=True)
    with opened(settings, create=False) as store:
        found = month_report(
            store,
            rules_in(store, settings),
            first.year,
            first.month,
            zone_of(settings),
            now=clock.now(),
        )
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
    title = f"Non-venues, {found.month:02d}/{found.year}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("Service")
    for name in ("Venus", "Non\nvenus", "Ann.\n≥ 48 h", "Ann.\n< 48 h", "Hôp.", "Inc."):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Taux de non-venue\n(IC 95 %)", justify="right", no_wrap=True)
    for line in (*found.lines, found.total):
        table.add_row(
            line.label,
            *(str(line.tally[outcome]) for outcome in REPORTED),
            _rate(line),
        )
    out.print(table)
    out.print(
        "Ann. : annulés, au moins ou moins de 48 h avant ; Hôp. : par l'hôpital ; Inc. : issue "
        "inconnue.\nTaux = non venus / (venus + non venus), intervalle de Wilson à 95 % ; les "
        "issues inconnues n'y sont pas."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f}".replace(".", ",")


def _rate(line: ReportLine) -> str:
    rate = line.tally.no_show_rate
    if rate is None or line.interval is None:
        return "—"
    low, high = _percent(line.interval.low), _percent(line.interval.high)
    return f"{_percent(rate)} % ({low} à {high})"
