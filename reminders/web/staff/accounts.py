"""Accounts, for administrators: who may do what, where; new codes; shutting out."""

from collections.abc import Callable, Iterable, Sequence

from fastapi import Response

from reminders.domain.access import Grant, May, Role
from reminders.domain.marking import N_
from reminders.services import accounts
from reminders.services.accounts import Refused
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import DEFAULT

ROLES = {
    Role.AGENT: N_("Agent d’accueil ou de secrétariat"),
    Role.AUTHOR: N_("Rédacteur de modèles"),
    Role.APPROVER: N_("Valideur de modèles"),
    Role.MANAGER: N_("Cadre de service"),
    Role.ADMINISTRATOR: N_("Administrateur"),
    Role.READER: N_("Lecture seule"),
}
GIVES = {
    Role.AGENT: N_("les tâches, les appels, les patients et les rendez-vous"),
    Role.AUTHOR: N_("écrire et proposer des modèles et des consignes"),
    Role.APPROVER: N_("approuver ce que d’autres proposent"),
    Role.MANAGER: N_("tout le travail du service, ses réglages, ses rapports, les envois retenus"),
    Role.ADMINISTRATOR: N_("les comptes, le journal et les réglages, sans les noms des patients"),
    Role.READER: N_("l’accueil, les modèles, les services et les rapports, sans nom de patient"),
}
PAGE = 50
# Whoever may give rights somewhere could else give themselves all of them everywhere, or take over
# who has them.
WHOLE = N_(
    "Les comptes sont ceux de tout l’établissement : il faut un rôle d’administrateur qui vaut "
    "partout."
)


def everybody(visit: Visit) -> Response:
    return _list(visit)


def _list(visit: Visit, status: int = 200, problem: str = "", code: str = "") -> Response:
    after = visit.query.get("apres", "")
    found = accounts.everybody(visit.staff.store, after=after, limit=PAGE + 1, now=visit.now)
    return visit.page(
        "accounts/list.html",
        status,
        accounts=found[:PAGE],
        more=found[PAGE - 1].login if len(found) > PAGE else "",
        roles=ROLES,
        gives=GIVES,
        places=_places(visit),
        told=lambda grants: _told_grants(visit, grants),
        problem=problem,
        code=code,
        typed=visit.form if problem else {},
        chosen=visit.values("droit") if problem else [],
    )


def create(visit: Visit) -> Response:
    form = visit.form
    try:
        code = accounts.create(
            visit.staff.store,
            login=form.get("identifiant", ""),
            name=form.get("nom", ""),
            grants=_grants(visit),
            actor=visit.viewer.login,
            now=visit.now,
            language=form.get("langue", DEFAULT),
        )
    except Refused as refused:
        return _list(visit, 422, refused.sentence)
    return _told(visit, form.get("identifiant", "").lower(), code)


def one(visit: Visit) -> Response:
    return _one(visit)


def _one(visit: Visit, status: int = 200, problem: str = "") -> Response:
    account = accounts.account(visit.staff.store, str(visit.path["login"]), now=visit.now)
    if account is None:
        return visit.missing()
    return visit.page(
        "accounts/one.html",
        status,
        account=account,
        roles=ROLES,
        gives=GIVES,
        places=_places(visit, account.grants),
        problem=problem,
        chosen=visit.values("droit") if problem else [_ticked(one) for one in account.grants],
    )


def allow(visit: Visit) -> Response:
    return _changed(
        visit,
        N_("Les droits sont changés."),
        lambda login: accounts.allow(
            visit.staff.store, login, _grants(visit, login), actor=visit.viewer.login,
            now=visit.now,
        ),
    )  # fmt: skip


def disable(visit: Visit) -> Response:
    if visit.path["login"] == visit.viewer.login:
        return _one(visit, 422, N_("On ne ferme pas son propre compte."))
    return _changed(visit, N_("Le compte est fermé ; ses sessions aussi."), _enabled(visit, False))


def enable(visit: Visit) -> Response:
    return _changed(visit, N_("Le compte est ouvert de nouveau."), _enabled(visit, True))


def _enabled(visit: Visit, enabled: bool) -> Callable[[str], None]:
    return lambda login: accounts.set_enabled(
        visit.staff.store, login, enabled, actor=visit.viewer.login, now=visit.now
    )


def reset(visit: Visit) -> Response:
    login = str(visit.path["login"])
    try:
        code = accounts.reset(visit.staff.store, login, actor=visit.viewer.login, now=visit.now)
    except Refused:
        return visit.missing()
    return _told(visit, login, code)


def _told(visit: Visit, login: str, code: str) -> Response:
    """The one-time code is shown once, here: it is kept nowhere."""
    return visit.page("accounts/code.html", 200, login=login, code=code)


def _changed(visit: Visit, said: str, change: Callable[[str], None]) -> Response:
    login = str(visit.path["login"])
    try:
        change(login)
    except Refused as refused:
        return _one(visit, 422, refused.sentence)
    return visit.go(f"/comptes/{login}", visit.words.gettext(said))


def _grants(visit: Visit, login: str = "") -> list[Grant]:
    """One grant for each place ticked on a role's line. Raises Refused for none, or for a place
    that is neither known nor held."""
    held = accounts.account(visit.staff.store, login, now=visit.now) if login else None
    known = {address for address, _ in _places(visit, held.grants if held else ())}
    ticked = [one.partition("@") for one in dict.fromkeys(visit.values("droit"))]
    if not ticked or any(role not in set(Role) or not at for role, at, _ in ticked):
        raise Refused(N_("Choisir un rôle au moins."), "role")
    if any(place not in known for _, _, place in ticked):
        raise Refused(N_("Ce site ou ce service n’est pas connu."), "lieu")
    return [Grant(Role(role), *_place(place)) for role, _, place in ticked]


def _told_grants(visit: Visit, grants: Sequence[Grant]) -> list[tuple[str, list[str]]]:
    """(role, the names of its places; none: everywhere)."""
    named = dict(_places(visit, grants))
    return [
        (role, [] if "" in where else [named[one] for one in where])
        for role in Role
        if (where := [_where(grant) for grant in grants if grant.role == role])
    ]


def _place(text: str) -> tuple[str, str]:
    kind, _, name = text.partition(":")
    return (name, "") if kind == "site" else ("", name)


def _where(grant: Grant) -> str:
    return f"uf:{grant.uf}" if grant.uf else f"site:{grant.site}" if grant.site else ""


def _ticked(grant: Grant) -> str:
    return f"{grant.role}@{_where(grant)}"


def _places(visit: Visit, held: Iterable[Grant] = ()) -> list[tuple[str, str]]:
    """(as a form says it, name): everywhere, each site, each service, and where somebody already
    has a role though nobody knows the place any more: saving must not take it away."""
    settings, rules = visit.staff.settings, visit.staff.rules
    sites = [(f"site:{one.id}", one.name) for one in settings.site]
    units = sorted((desk.label, uf) for uf, desk in rules.desks.items())
    known = [("", ""), *sites, *((f"uf:{uf}", f"{label} ({uf})") for label, uf in units)]
    places = {_where(one): one.uf or one.site for one in held}
    return known + sorted(places.items() - {(one, places.get(one, "")) for one, _ in known})


_ACCOUNT = "/comptes/{login}"
ROUTES = (
    Route("GET", "/comptes", May.MANAGE_ACCOUNTS, everybody, WHOLE),
    Route("POST", "/comptes", May.MANAGE_ACCOUNTS, create, WHOLE),
    Route("GET", _ACCOUNT, May.MANAGE_ACCOUNTS, one, WHOLE),
    Route("POST", f"{_ACCOUNT}/droits", May.MANAGE_ACCOUNTS, allow, WHOLE),
    Route("POST", f"{_ACCOUNT}/fermer", May.MANAGE_ACCOUNTS, disable, WHOLE),
    Route("POST", f"{_ACCOUNT}/ouvrir", May.MANAGE_ACCOUNTS, enable, WHOLE),
    Route("POST", f"{_ACCOUNT}/code", May.MANAGE_ACCOUNTS, reset, WHOLE),
)
