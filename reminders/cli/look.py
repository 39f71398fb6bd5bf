"""Commands that look and change nothing: check, why."""

import stat
from typing import Annotated

import typer
from rich.text import Text

from reminders.bootstrap import callback_paths, check_adapters, open_store
from reminders.cli.common import (
    DEFAULT_CONFIG,
    MODES,
    ConfigOption,
    JsonOption,
    local,
    opened,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.config import Settings
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services.notice import blanks
from reminders.services.story import Story, stories_of


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
