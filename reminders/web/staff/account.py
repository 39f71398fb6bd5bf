"""One's own account: name, telephone for tests, language, password, sessions; signing out."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from reminders.domain.marking import N_
from reminders.services import accounts, signing_in
from reminders.services.accounts import Refused
from reminders.web.staff.sign_in import cookie_name
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import LANGUAGES


def own_page(visit: Visit) -> Response:
    return _own(visit)


def _own(visit: Visit, status: int = 200, problem: str = "", field: str = "") -> Response:
    own = accounts.own(visit.staff.store, visit.present, now=visit.now)
    typed = visit.form if status != 200 else {}
    return visit.page(
        "accounts/own.html", status, own=own, problem=problem, field=field, typed=typed
    )


def save(visit: Visit) -> Response:
    form = visit.form
    try:
        accounts.set_profile(
            visit.staff.store,
            visit.viewer,
            name=form.get("nom", ""),
            phone=form.get("telephone", ""),
            language=form.get("langue", ""),
            now=visit.now,
        )
    except Refused as refused:
        return _own(visit, 422, refused.sentence, refused.field)
    return visit.go("/compte", visit.words.gettext("C’est enregistré."))


def password(visit: Visit) -> Response:
    plain = dict(reversed(visit.fields))
    try:
        if plain.get("nouveau", "") != plain.get("encore", ""):
            raise Refused(N_("Les deux mots de passe ne sont pas les mêmes."), "again")
        signing_in.change_password(
            visit.staff.store,
            visit.present,
            plain.get("actuel", ""),
            plain.get("nouveau", ""),
            now=visit.now,
        )
    except Refused as refused:
        return _own(visit, 422, refused.sentence, refused.field)
    said = N_("Le mot de passe est changé ; les autres sessions sont fermées.")
    return visit.go("/compte", visit.words.gettext(said))


def close(visit: Visit) -> Response:
    """End another of one's own sessions."""
    signing_in.sign_out(visit.staff.store, visit.present, int(visit.path["session"]), now=visit.now)
    return visit.go("/compte", visit.words.gettext("La session est fermée."))


def speak(visit: Visit) -> Response:
    wished = visit.form.get("langue", "")
    if wished in LANGUAGES:
        accounts.set_language(visit.staff.store, visit.viewer, wished)
    return visit.go(_back(visit))


def _back(visit: Visit) -> str:
    """The page one was on, if it is one of ours."""
    address = visit.form.get("retour", "")
    ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if ours else "/"


def leave(visit: Visit) -> Response:
    signing_in.sign_out(visit.staff.store, visit.present, now=visit.now)
    response = RedirectResponse("/connexion", 303)
    response.delete_cookie(cookie_name(visit.staff), path="/", secure=visit.staff.secure)
    return response


ROUTES = (
    Route("GET", "/compte", None, own_page),
    Route("POST", "/compte", None, save),
    Route("POST", "/compte/mot-de-passe", None, password),
    Route("POST", "/compte/sessions/{session:int}/fermer", None, close),
    Route("POST", "/compte/langue", None, speak),
    Route("POST", "/deconnexion", None, leave),
)
