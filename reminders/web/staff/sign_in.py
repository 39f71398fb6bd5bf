"""The door: signing in, the second factor, the first sign-in, signing out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from reminders.domain.marking import N_
from reminders.services import accounts, signing_in
from reminders.services.accounts import Present, Refused
from reminders.services.signing_in import Ticket
from reminders.web.staff import forms
from reminders.web.staff.visit import Staff, environment
from reminders.web.staff.words import DEFAULT, LANGUAGES, Words

LANGUAGE = "langue"
CHOSEN = "langue_choisie"  # at the door, a moment ago, by whoever is about to sign in
A_MOMENT = 900


def cookie_name(staff: Staff) -> str:
    """Over https the browser keeps it from every other host and from plain http."""
    return "__Host-session" if staff.secure else "session"


def has_ended(staff: Staff, request: Request) -> bool:
    """Does the browser hold a session? Of somebody who is not present, one that has ended."""
    return cookie_name(staff) in request.cookies


def waiting_page(stage: str) -> str:
    return "/connexion/code" if stage == "code" else "/connexion/application"


@dataclass(slots=True)
class Door:
    """One request of somebody who may not be signed in."""

    staff: Staff
    request: Request
    fields: Sequence[tuple[str, str]]
    now: datetime
    present: Present | None
    told: str = ""  # the language of the account that just proved to be theirs

    @property
    def form(self) -> Mapping[str, str]:
        return {name: value.strip() for name, value in reversed(self.fields)}

    @property
    def language(self) -> str:
        chosen = self.request.cookies.get(CHOSEN, "")
        if chosen in LANGUAGES:
            return chosen
        if self.told:
            return self.told
        if self.present is not None:
            return self.present.viewer.language
        wished = self.request.cookies.get(LANGUAGE, DEFAULT)
        return wished if wished in LANGUAGES else DEFAULT

    @property
    def words(self) -> Words:
        return Words(self.language, self.staff.zone, self.now)

    @property
    def browser(self) -> str:
        return _browser(self.request.headers.get("user-agent", ""))

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        given = {"problem": "", "login": "", "field": "", "ended": False, "lost": False} | values
        site = self.staff.settings.site
        text = (
            environment(self.language)
            .get_template(f"staff/{template}")
            .render(
                w=self.words,
                languages=LANGUAGES,
                establishment=site[0].name if site else "",
                doors=self.staff.doors,
                mode=self.staff.mode,
                **given,
            )
        )
        return HTMLResponse(text, status)

    def enter(self, ticket: Ticket) -> Response:
        """Give the browser its session and go on: to what is still asked, or to the page."""
        waiting = ticket.stage != "open"
        back = forms.unpacked(self.request.cookies.get("retour", ""))
        address = waiting_page(ticket.stage) if waiting else _ours(back)
        response = RedirectResponse(address, 303)
        response.set_cookie(
            cookie_name(self.staff), ticket.token, httponly=True, samesite="lax",
            secure=self.staff.secure, path="/",
        )  # fmt: skip
        if not waiting:
            response.delete_cookie("retour", path="/connexion")
            self._speak_on(ticket)
            response.delete_cookie(CHOSEN)
        return response

    def _speak_on(self, ticket: Ticket) -> None:
        """Who chose a language at the door reads it behind the door too."""
        chosen = self.request.cookies.get(CHOSEN, "")
        staff = self.staff
        if chosen in LANGUAGES and (present := signing_in.present(
            staff.store, ticket.token, sites=staff.sites, lasting=staff.lasting, now=self.now
        )):  # fmt: skip
            accounts.set_language(staff.store, present.viewer, chosen)


def sign_in_page(door: Door) -> Response:
    if door.present is not None and door.present.stage == "open":
        return RedirectResponse("/", 303)
    ended = door.present is None and has_ended(door.staff, door.request)
    lost = ended and door.request.query_params.get("refuse") == "1"
    return door.page("sign_in/sign_in.html", ended=ended, lost=lost)


def sign_in(door: Door) -> Response:
    form = door.form
    password = dict(reversed(door.fields)).get("mot_de_passe", "")
    try:
        ticket = signing_in.sign_in(
            door.staff.store,
            form.get("identifiant", ""),
            password,
            second_factor=door.staff.second_factor,
            browser=door.browser,
            lasting=door.staff.lasting,
            now=door.now,
        )
    except Refused as refused:
        return door.page(
            "sign_in/sign_in.html", 403,
            problem=refused.sentence, login=form.get("identifiant", ""),
        )  # fmt: skip
    return door.enter(ticket)


def by_one_click(door: Door) -> Response:
    """The demo's doors; they exist nowhere else."""
    login = door.form.get("compte", "")
    if login not in door.staff.doors:
        return door.page("sign_in/sign_in.html", 404, problem=N_("Ce compte n’existe pas."))
    return door.enter(
        signing_in.enter_as(
            door.staff.store, login, browser=door.browser, lasting=door.staff.lasting, now=door.now
        )
    )


def code_page(door: Door) -> Response:
    if door.present is None:
        return RedirectResponse("/connexion", 303)
    return door.page("sign_in/code.html", login=door.present.viewer.login)


def application_page(door: Door) -> Response:
    """Set up the second factor: a picture to scan, or its key to type."""
    return _application(door, "")


def _application(door: Door, problem: str, status: int = 200) -> Response:
    if door.present is None:
        return RedirectResponse("/connexion", 303)
    if door.present.stage != "enrol":
        return RedirectResponse("/", 303)
    try:
        secret = signing_in.enrolment(door.staff.store, door.present)
    except Refused:
        return RedirectResponse("/connexion", 303)
    picture = segno.make(signing_in.otpauth(secret, door.present.viewer.login), micro=False)
    groups = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    return door.page(
        "sign_in/application.html",
        status,
        picture=picture.svg_data_uri(scale=5, border=2, dark="#1c2430", light="#ffffff"),
        secret=groups,
        problem=problem,
    )


def prove(door: Door) -> Response:
    if door.present is None:
        return RedirectResponse("/connexion", 303)
    try:
        ticket = signing_in.prove(
            door.staff.store,
            door.present,
            door.form.get("code", ""),
            browser=door.browser,
            lasting=door.staff.lasting,
            now=door.now,
        )
    except Refused as refused:
        if door.present.stage == "enrol":
            return _application(door, refused.sentence, 403)
        return door.page("sign_in/code.html", 403, problem=refused.sentence)
    return door.enter(ticket)


def first_page(door: Door) -> Response:
    return door.page("sign_in/first.html")


def first(door: Door) -> Response:
    form = door.form
    plain = dict(reversed(door.fields))
    try:
        if plain.get("mot_de_passe", "") != plain.get("encore", ""):
            raise Refused(N_("Les deux mots de passe ne sont pas les mêmes."), "again")
        door.told = signing_in.first_sign_in(
            door.staff.store, form.get("identifiant", ""), form.get("code", ""),
            plain.get("mot_de_passe", ""), now=door.now,
        )  # fmt: skip
    except Refused as refused:
        return door.page(
            "sign_in/first.html", 422, problem=refused.sentence, field=refused.field,
            login=form.get("identifiant", ""),
        )  # fmt: skip
    response = door.page("sign_in/sign_in.html", login=form.get("identifiant", ""), ready=True)
    _remember(response, door.told)
    return response


def speak(door: Door) -> Response:
    """Another language for who is not signed in yet."""
    wished = door.form.get("langue", DEFAULT)
    response = RedirectResponse("/connexion", 303)
    if wished in LANGUAGES:
        _remember(response, wished)
        response.set_cookie(CHOSEN, wished, max_age=A_MOMENT, httponly=True, samesite="lax")
    return response


def _remember(response: Response, language: str) -> None:
    """The language of this browser's next page at the door."""
    response.set_cookie(LANGUAGE, language, max_age=31_536_000, httponly=True, samesite="lax")


def _browser(agent: str) -> str:
    """« Firefox, Windows »: enough for a person to know their own."""
    names = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
    known = {"Edg": "Edge", "OPR": "Opera"}
    name = next((known.get(one, one) for one in names if one in agent), "Navigateur")
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
    system = next((one for one in systems if one in agent), "")
    return f"{name}, {system}" if system else name


def _ours(address: str) -> str:
    """An address of this site, else the first page."""
    if address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address:
        return address
    return "/"


DOOR: tuple[tuple[str, str, Callable[[Door], Response]], ...] = (
    ("/connexion", "GET", sign_in_page),
    ("/connexion", "POST", sign_in),
    ("/connexion/demo", "POST", by_one_click),
    ("/connexion/code", "GET", code_page),
    ("/connexion/code", "POST", prove),
    ("/connexion/application", "GET", application_page),
    ("/connexion/application", "POST", prove),
    ("/connexion/premiere-fois", "GET", first_page),
    ("/connexion/premiere-fois", "POST", first),
    ("/connexion/langue", "POST", speak),
)
