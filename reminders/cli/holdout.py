"""`reminders holdout`: the randomised comparison, from its proposal to its end."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    amount,
    clock_of,
    opened,
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.domain.holdout import PROPOSED_SHARE, Arm, Excluded
from reminders.domain.report import HIDDEN_BELOW
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services import holdout as service
from reminders.services.effect import Measured
from reminders.services.effect import effect as measure
from reminders.services.effect_said import said
from reminders.services.holdout import Standing, State
from reminders.services.holdout_protocol import protocol_text
from reminders.services.rules import rules_in
from reminders.services.voices import French, day, number, percent, rare, typeset
from reminders.statistics.design import Balance

holdout = typer.Typer(
    help="Le groupe témoin : mesurer ce que les rappels apportent.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
STATES = {
    State.NONE: "Aucun groupe témoin n'est proposé : tout le monde reçoit ses rappels.",
    State.PROPOSED: "Groupe témoin proposé, pas encore approuvé : rien n'est retenu.",
    State.APPROVED: "Groupe témoin en cours.",
    State.ENDED: "Groupe témoin terminé : sa date finale est passée, plus personne n'y entre.",
    State.STOPPED: "Groupe témoin arrêté : tout le monde reçoit ses rappels.",
}
ARMS = {Arm.REMINDED: "avec rappels", Arm.HELD: "sans rappels"}
LEFT_OUT = {
    Excluded.SERVICE: "service laissé de côté",
    Excluded.NEUTRAL: "service sensible",
    Excluded.PREPARATION: "consignes à suivre",
    Excluded.PROTECTED: "majeur protégé",
    Excluded.INTERPRETER: "autre langue",
}


@holdout.callback()
def _holdout() -> None:
    """Le groupe témoin : mesurer ce que les rappels apportent."""


@holdout.command()
def propose(
    share: Annotated[
        float, typer.Option("--share", metavar="POURCENT", help="Part des patients, en pourcent.")
    ] = 100 * PROPOSED_SHARE,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="UF", help="Une UF à laisser de côté ; répétable."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="AAAA-MM-JJ", help="Date finale ; dans un an sinon."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Proposer un groupe témoin. Rien ne change avant son approbation."""
    settings = settings_of(config)
    now, zone = clock_of(settings, at).now(), zone_of(settings)
    with opened(settings) as store:
        found = service.propose(
            store,
            rules_in(store, settings),
            share=share / 100,
            ufs=frozenset(without or ()),
            until=_date(until, zone),
            kept=timedelta(days=settings.retention.appointments_days),
            now=now,
            by=operator(),
        )
    _tell(found, zone)
    out.print("À faire lire : reminders holdout protocol")
    out.print("Pour commencer : reminders holdout approve --by « nom de la personne »")


def _date(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a civil day
        return datetime.combine(found, time(0), zone).astimezone(UTC)
    except (ValueError, OverflowError):  # the calendar's first day has none before it
        raise ConfigurationError(
            [Problem("--until", "date illisible", "écrire par exemple 2027-10-01")]
        ) from None


@holdout.command()
def approve(
    by: Annotated[str, typer.Option("--by", metavar="NOM", help="La personne qui en répond.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Approuver la proposition : le tirage commence au prochain passage."""
    settings = settings_of(config)
    clock = clock_of(settings, at)
    with opened(settings) as store:
        found = service.approve(store, now=clock.now(), by=by, typed_by=operator())
    _tell(found, zone_of(settings))


@holdout.command()
def stop(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Arrêter : chacun retrouve ses rappels au prochain passage."""
    settings = settings_of(config)
    clock = clock_of(settings, at)
    with opened(settings) as store:
        stopped = service.stop(store, now=clock.now(), by=operator())
    out.print(
        "Groupe témoin arrêté : les rappels reprennent au prochain passage."
        if stopped
        else "Il n'y avait aucun groupe témoin."
    )


@holdout.command()
def status(
    config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False, at: AtOption = None
) -> None:
    """Où en est le groupe témoin, et si le tirage est juste."""
    settings = settings_of(config)
    clock = clock_of(settings, at, harmless=True)
    with opened(settings, create=False) as store:
        found = service.standing(store, now=clock.now())
    if as_json:
        print_json(_json(found))
    else:
        _tell(found, zone_of(settings))


@holdout.command()
def protocol(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Le protocole d'une page, pour le DPO et les usagers."""
    settings = settings_of(config)
    clock = clock_of(settings, at, harmless=True)
    with opened(settings, create=False) as store:
        found = service.standing(store, now=clock.now())
        rules = rules_in(store, settings)
    if found.state is State.NONE:
        remedy = "lancer d'abord : reminders holdout propose"
        raise RepairNeeded(Problem("groupe témoin", "aucun n'est proposé", remedy))
    out.print(protocol_text(found, rules, French(zone_of(settings))))


@holdout.command()
def effect(
    config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False, at: AtOption = None
) -> None:
    """Ce que les rappels changent, ou pourquoi on ne peut pas encore le dire."""
    settings = settings_of(config)
    clock = clock_of(settings, at, harmless=True)
    with opened(settings, create=False) as store:
        found = measure(store, now=clock.now())
    if as_json:
        print_json(_effect_json(found))
    else:
        for sentence in said(found, zone_of(settings)):
            out.print(sentence)


def _effect_json(found: Measured) -> dict[str, object]:
    return {
        "verdict": found.verdict.value,
        "measure": "no-show rate, reminded less held out",
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "method": found.method,
        "smallest_detectable": found.smallest,
        "final": found.final,
        "hidden": found.hidden,
        "arms": {
            arm.value: {
                "known": one.known,
                "no_shows": None if found.hidden else one.missed,
                "patients": _told(one.patients),
            }
            for arm, one in found.arms.items()
        },
    }


def _tell(found: Standing, zone: ZoneInfo) -> None:
    def say(text: str) -> None:
        out.print(typeset(text))

    say(STATES[found.state])
    if found.until is None or found.units is None or found.patients is None:
        return
    say(f"{percent(found.share)} des patients, jusqu'au {day(found.until, zone)}.")
    if found.approved_at is not None:
        say(f"Approuvé par {found.approved_by} le {day(found.approved_at, zone)}.")
    if found.stopped_at is not None:
        say(f"Arrêté par {found.stopped_by} le {day(found.stopped_at, zone)}.")
    written = found.written or {}
    for arm in Arm:
        say(
            f"  {ARMS[arm]} : {_amount(found.patients[arm])}, "
            f"{_number(found.units[arm])} rendez-vous entrés dans la comparaison, "
            f"un message est parti pour {_number(written.get(arm, 0))}."
        )
    for why, left in (found.excluded or {}).items():
        say(f"  exclus, {LEFT_OUT[why]} : {_number(left)} rendez-vous.")
    if found.balance is not None and found.balance.alarming:
        say(
            "ATTENTION : les groupes n'ont pas la taille que donne le tirage "
            f"(p {_p(found.balance)}). Aucun effet n'est affiché : prévenir le support."
        )


def _told(count: int) -> int | None:
    """Fewer than five are not told."""
    return None if 0 < count < HIDDEN_BELOW else count


def _number(count: int) -> str:
    return f"moins de {HIDDEN_BELOW}" if _told(count) is None else number(count)


def _amount(patients: int) -> str:
    few = _told(patients) is None
    return f"{_number(patients)} patients" if few else amount(patients, "patient", "patients")


def _p(balance: Balance) -> str:
    return "non donné" if balance.few else rare(balance.p)


def _json(found: Standing) -> dict[str, object]:
    return {
        "state": found.state.value,
        "share": found.share,
        "without": sorted(found.ufs),
        "approved_by": found.approved_by,
        "approved_at": found.approved_at.isoformat() if found.approved_at else None,
        "until": found.until.isoformat() if found.until else None,
        "patients": {arm.value: _told(n) for arm, n in (found.patients or {}).items()},
        "units": {arm.value: _told(n) for arm, n in (found.units or {}).items()},
        "written": {arm.value: _told(n) for arm, n in (found.written or {}).items()},
        "excluded": {why.value: _told(n) for why, n in (found.excluded or {}).items()},
        "sample_ratio_p": found.balance.p if found.balance and not found.balance.few else None,
    }
