"""`reminders admin`: the accounts of the staff's pages, the first one above all."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from reminders.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    local,
    opened,
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.clock import SystemClock
from reminders.config import Settings
from reminders.domain.access import Grant, Role
from reminders.domain.sign_in import SPOKEN
from reminders.errors import ConfigurationError, Problem
from reminders.services import accounts
from reminders.services.accounts import Refused, Told

admin = typer.Typer(
    help="Les comptes des pages internes.", no_args_is_help=True, rich_markup_mode=None
)
STATES = {
    "open": "ouvert",
    "waiting": "jamais connecté",
    "locked": "bloqué",
    "disabled": "fermé",
}
MOST = 500  # accounts a table lists

LoginArgument = Annotated[str, typer.Argument(metavar="IDENTIFIANT")]


@admin.callback()
def _admin() -> None:
    """Les comptes des pages internes."""


@admin.command("create")
def create(
    login: LoginArgument,
    name: Annotated[str, typer.Option("--name", help="Le nom de la personne.")],
    role: Annotated[  # typer copies the list
        list[str],
        typer.Option(
            "--role",
            metavar="RÔLE[:LIEU]",
            help=f"Un rôle ({', '.join(Role)}), avec l'UF ou le site où il vaut : manager:4220. "
            "L'option peut revenir.",
        ),
    ] = [str(Role.ADMINISTRATOR)],  # noqa: B006
    site: Annotated[
        list[str], typer.Option("--site", help="Le site de chaque rôle donné sans lieu.")
    ] = [],  # noqa: B006
    uf: Annotated[
        list[str], typer.Option("--uf", help="L'UF de chaque rôle donné sans lieu.")
    ] = [],  # noqa: B006
    language: Annotated[
        str, typer.Option("--language", metavar="fr|en", help="La langue de ses pages.")
    ] = SPOKEN[0],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Crée un compte et donne le code de première connexion."""
    settings = settings_of(config)
    grants = _grants(settings, role, site, uf)
    with opened(settings) as store:
        try:
            code = accounts.create(
                store,
                login=login,
                name=name,
                grants=grants,
                actor=operator(),
                now=SystemClock().now(),
                language=language,
            )
        except Refused as refused:
            raise _wrong(refused) from None
    _tell(settings, login.strip().lower(), code, grants)


@admin.command("reset")
def reset(login: LoginArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Oublie mot de passe et second facteur, ferme les sessions, donne un nouveau code."""
    settings = settings_of(config)
    with opened(settings, create=False) as store:
        try:
            code = accounts.reset(store, login, actor=operator(), now=SystemClock().now())
        except Refused as refused:
            raise _wrong(refused) from None
    _tell(settings, login.strip().lower(), code)


@admin.command("unlock")
def unlock(login: LoginArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Rouvre tout de suite un compte bloqué par cinq essais."""
    settings = settings_of(config)
    with opened(settings, create=False) as store:
        try:
            accounts.unlock(store, login.strip().lower(), actor=operator(), now=SystemClock().now())
        except Refused as refused:
            raise _wrong(refused) from None
    out.print(f"Le compte « {login} » peut de nouveau se connecter.")


@admin.command("list")
def list_accounts(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Les comptes, leurs rôles et leur état."""
    settings = settings_of(config)
    with opened(settings, create=False) as store:
        found = accounts.everybody(store, after="", limit=MOST, now=SystemClock().now())
    if as_json:
        print_json({"accounts": [_plain(one) for one in found]})
        return
    if not found:
        out.print("Aucun compte. Créer le premier : reminders admin create IDENTIFIANT --name NOM")
        return
    table = Table("Identifiant", "Nom", "Rôles", "État", "Dernière connexion")
    for one in found:
        table.add_row(
            one.login, one.name, ", ".join(_said(grant) for grant in one.grants),
            STATES[one.state], local(one.signed_in_at, zone_of(settings)),
        )  # fmt: skip
    out.print(table)


def _said(grant: Grant) -> str:
    where = grant.uf or grant.site
    return f"{grant.role}@{where}" if where else str(grant.role)


def _plain(one: Told) -> dict[str, object]:
    return {
        "login": one.login,
        "name": one.name,
        "grants": [{"role": str(g.role), "site": g.site, "uf": g.uf} for g in one.grants],
        "language": one.language,
        "state": one.state,
        "second_factor": one.second_factor,
    }


def _grants(settings: Settings, roles: list[str], sites: list[str], ufs: list[str]) -> list[Grant]:
    """Raises ConfigurationError for an unknown role or site. A UF may be mapped later."""
    places = [(site, "") for site in sites] + [("", uf) for uf in ufs] or [("", "")]
    grants = []
    for role, _, place in (one.partition(":") for one in roles):
        if role not in set(Role):
            raise _unknown("--role", role, ", ".join(Role))
        own = [(place, "") if place in settings.sites else ("", place)] if place else places
        grants += [Grant(Role(role), *where) for where in own]
    if unknown := [site for site in sites if site not in settings.sites]:
        raise _unknown("--site", unknown[0], ", ".join(settings.sites) or "aucun")
    return grants


def _unknown(option: str, given: str, known: str) -> ConfigurationError:
    return ConfigurationError(
        [Problem(option, f"« {given} » est inconnu", f"choisir parmi : {known}")]
    )


def _wrong(refused: Refused) -> ConfigurationError:
    return ConfigurationError([Problem("compte", refused.sentence, "reminders admin list")])


def _tell(settings: Settings, login: str, code: str, grants: Sequence[Grant] = ()) -> None:
    web = settings.web
    address = web.internal_url or f"http://{web.internal_host}:{web.internal_port}"
    out.print(f"Compte : {login}")
    if grants:
        out.print(f"Rôles  : {', '.join(_said(grant) for grant in grants)}")
    out.print(f"Code   : {code}   (sert une fois, pendant 48 heures ; il n'est gardé nulle part)")
    out.print(f"À entrer sur {address}/connexion/premiere-fois")
