"""The patient's page on the public listener: `/r/<token>`.

GET and HEAD change nothing, whoever follows the link; a tap is a POST. Nothing is cached, sent
as a referrer or indexed, and no address holds anything but the token.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast, get_args

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FunctionLoader
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from reminders.services.page import (
    CHECKED_SECONDS,
    REASONS,
    Deed,
    Page,
    calendar_of,
    check_birth_date,
    checked_until,
    choose_language,
    do,
    is_checked,
    open_page,
)
from reminders.services.rules import Rules
from reminders.store.engine import Store
from reminders.web.shown import heading, shown, subject, typed
from reminders.web.words import Words, catalogues, choose

CSP = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}
LONGEST_FORM = 4 * 1024
TOKEN_LENGTH = 22  # 128 bits, base64url
DEEDS = frozenset(get_args(Deed))
A_MINUTE = 60.0
LOST_A_MINUTE = 30  # wrong links from one address
# Small pictures beside the words, for readers who need them: each stands for one word.
PICTOGRAMS = {
    name: Markup('<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>').format(
        Markup(f'<path d="{path}"/>')  # noqa: S704  our own paths
    )
    for name, path in {
        "day": "M4 6h16v14H4zM4 11h16M8 3v5M16 3v5",
        "hour": "M12 3a9 9 0 1 0 .1 0zM12 7v5l4 2",
        "phone": "M7 2h10v20H7zM11 18h2",
        "place": "M12 21c5-6 7-9 7-12a7 7 0 0 0-14 0c0 3 2 6 7 12zM12 7v4",
        "check": "M4 13l5 5L20 6",
        "cross": "M5 5l14 14M19 5L5 19",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who speaks when a link says nothing: the first site."""

    short_name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Public:
    """What the patient's page works with. `changed` is rung after a deed: plan again."""

    store: Store
    rules: Rules
    secret: bytes  # of address keys: an objection is kept under one
    page_key: bytes  # signs the proof that a birth date was given
    desk: Desk
    now: Callable[[], datetime]
    changed: Callable[[], Awaitable[object]]
    secure: bool = True  # the public address is https
    replies: bool = False  # an SMS of ours can be answered: START brings messages back


def patient_router(public: Public) -> APIRouter:
    router = APIRouter()
    door = _Door(public)

    @router.api_route("/r/style.css", methods=["GET", "HEAD"])
    def style() -> Response:
        return Response(
            _asset("style.css"), media_type="text/css", headers={"Cache-Control": "max-age=3600"}
        )

    @router.api_route("/r/{token}", methods=["GET", "HEAD"])
    async def show(request: Request, token: str) -> Response:
        return await door.show(request, token)

    @router.post("/r/{token}")
    async def act(request: Request, token: str) -> Response:
        return await door.act(request, token)

    @router.api_route("/r/{token}/agenda-{number}.ics", methods=["GET", "HEAD"])
    async def agenda(token: str, number: int) -> Response:
        return await door.agenda(token, number)

    return router


class _Door:
    def __init__(self, public: Public) -> None:
        self._public = public
        self._crowd = _Crowd()

    async def show(self, request: Request, token: str) -> Response:
        page = await self._open(token)
        if page is None:
            return self._nobody(request)
        return self._answer(request, token, page)

    def _nobody(self, request: Request) -> Response:
        """No such link. Whoever tries many is slowed down; a patient's own link never is."""
        if self._crowd.refuses(_from(request), self._public.now()):
            return self._lost(request, "too_many", 429)
        return self._lost(request, "lost", 404)

    async def act(self, request: Request, token: str) -> Response:
        form = await _form(request)
        page = await self._open(token) if form is not None else None
        if form is None or page is None:
            return self._nobody(request)
        if form.get("do") == "birth":
            return await self._check(request, token, page, form)
        if form.get("do") not in DEEDS:
            return self._lost(request, "lost", 400)
        hidden = page.neutral and not self._checked(request, token)
        done = False if hidden and form["do"] != "not-me" else await self._do(token, form)
        if not done:
            fresh = await self._open(token)
            if fresh is None:
                return self._lost(request, "lost", 404)
            return self._answer(request, token, fresh, notice="changed_meanwhile", status=409)
        await self._remember_language(token, page, form)
        await self._public.changed()
        return RedirectResponse(f"/r/{token}{_language_query(form)}", 303, HEADERS)

    async def agenda(self, token: str, number: int) -> Response:
        page = await self._open(token)
        if page is None or page.neutral or not 1 <= number <= len(page.visits):
            return PlainTextResponse("", 404, HEADERS)
        content = calendar_of(page, page.visits[number - 1], now=self._public.now())
        return Response(
            content,
            media_type="text/calendar; charset=utf-8",
            headers=HEADERS | {"Content-Disposition": 'attachment; filename="rendez-vous.ics"'},
        )

    async def _open(self, token: str) -> Page | None:
        if len(token) != TOKEN_LENGTH:
            return None
        public = self._public
        return await run_in_threadpool(
            open_page, public.store, public.rules, token, now=public.now()
        )

    async def _do(self, token: str, form: Mapping[str, str]) -> bool:
        public = self._public
        try:
            about = int(form.get("appointment", "")), int(form.get("cycle", ""))
        except ValueError:
            return False
        return await run_in_threadpool(
            do, public.store, public.rules, public.secret, token, cast(Deed, form["do"]),
            about=about, form=form.get("form", "")[:32], reason=form.get("reason", ""),
            now=public.now(),
        )  # fmt: skip

    async def _remember_language(self, token: str, page: Page, form: Mapping[str, str]) -> None:
        """Only a language the patient chose, and answered in, changes what is sent later."""
        lang = form.get("lang", "")
        if lang in catalogues() and lang != page.language[:2].lower() and form.get("chosen"):
            public = self._public
            await run_in_threadpool(choose_language, public.store, token, lang, now=public.now())

    async def _check(
        self, request: Request, token: str, page: Page, form: Mapping[str, str]
    ) -> Response:
        public, now = self._public, self._public.now()
        right = await run_in_threadpool(
            check_birth_date, public.store, public.rules, token,
            form.get("day", ""), form.get("month", ""), form.get("year", ""), now=now,
        )  # fmt: skip
        if not right:
            fresh = await self._open(token) or page
            return self._answer(request, token, fresh, wrong=form)
        until = int((now + timedelta(seconds=CHECKED_SECONDS)).timestamp())
        response = RedirectResponse(f"/r/{token}{_language_query(form)}", 303, HEADERS)
        response.set_cookie(
            "checked", checked_until(public.page_key, token, until), max_age=CHECKED_SECONDS,
            path=f"/r/{token}", secure=public.secure, httponly=True, samesite="strict",
        )  # fmt: skip
        return response

    def _checked(self, request: Request, token: str) -> bool:
        """Was the birth date given on this telephone, for this link, not long ago?"""
        proof = request.cookies.get("checked", "")
        return is_checked(self._public.page_key, token, proof, now=self._public.now())

    def _answer(
        self,
        request: Request,
        token: str,
        page: Page,
        *,
        notice: str = "",
        wrong: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """The page as it stands; `wrong` is the birth date that was not the patient's."""
        asked, words = self._words(request, page, wrong or {})
        checked = self._checked(request, token)
        visits = shown(page, words, checked)
        step = "" if status != 200 else request.query_params.get("step", "")
        about = subject(visits, step, request.query_params.get("visit", ""))
        body = _environment().get_template("page.html").render(
            _common(words), page=page, short_name=page.short_name, phone=page.phone, privacy=True,
            visits=[about] if about else visits, several=len(visits) > 1,
            step=step if about else "",
            heading=heading(words, page, visits, step if about else ""),
            here=f"/r/{token}", query=f"?lang={words.code}" if asked else "", chosen=asked,
            keep=f"&step={step}&visit={about['number']}" if about else "",
            open=any(one.state == "open" for one in page.visits),
            coming=any(one.state == "open" and one.answer != "cancelled" for one in page.visits),
            reasons=("", *REASONS),
            checked=checked, failed=wrong is not None, typed=typed(wrong or {}),
            notice=words[notice] if notice else "",
            hidden_visits=page.neutral and not checked, hidden=_hidden(words.code, chosen=asked),
        )  # fmt: skip
        return HTMLResponse(body, status, HEADERS)

    def _words(self, request: Request, page: Page, form: Mapping[str, str]) -> tuple[bool, Words]:
        """(did the patient choose it, the language): their choice, the record's, the browser's."""
        asked = request.query_params.get("lang", "") or form.get("lang", "")
        chosen = asked in catalogues() and ("chosen" in form or not form)
        header = request.headers.get("accept-language", "")
        return chosen, choose(asked, page.language, header=header)

    def _lost(self, request: Request, key: str, status: int) -> Response:
        words = choose(
            request.query_params.get("lang", ""),
            header=request.headers.get("accept-language", ""),
        )
        body = _environment().get_template("lost.html").render(
            _common(words), title=words["lost_title" if key == "lost" else "title"],
            sentence=words[key], short_name=self._public.desk.short_name,
            phone=self._public.desk.phone,
        )  # fmt: skip
        return HTMLResponse(body, status, HEADERS)


def _language_query(form: Mapping[str, str]) -> str:
    lang = form.get("lang", "")
    return f"?lang={lang}" if lang in catalogues() and form.get("chosen") else ""


def _common(words: Words) -> dict[str, Any]:
    """What every page of a patient is made with."""

    def icon(name: str) -> Markup:
        return PICTOGRAMS[name] if words["pictograms"] else Markup("")

    return {"w": words, "icon": icon, "languages": _languages()}


def _hidden(code: str, *, chosen: bool) -> Callable[[Mapping[str, Any], str], Markup]:
    """The hidden fields of one form: what is tapped, about what, from which sheet."""

    def fields(visit: Mapping[str, Any], deed: str) -> Markup:
        values = {
            "do": deed,
            "appointment": str(visit["appointment"]),
            "cycle": str(visit["cycle"]),
            "form": secrets.token_hex(8),
            "lang": code,
        } | ({"chosen": "1"} if chosen else {})
        return Markup("").join(
            Markup('<input type="hidden" name="{}" value="{}">').format(name, value)
            for name, value in values.items()
        )

    return fields


def _languages() -> list[dict[str, str]]:
    return [
        {"code": one.code, "name": one["own_name"], "lang": one["lang"], "dir": one["dir"]}
        for one in catalogues().values()
    ]


class _Crowd:
    """How often one address came with a wrong link this minute; nothing is kept longer."""

    def __init__(self) -> None:
        self._minute = 0
        self._seen: dict[str, int] = {}

    def refuses(self, address: str, now: datetime) -> bool:
        minute = int(now.timestamp() // A_MINUTE)
        if minute != self._minute:
            self._minute, self._seen = minute, {}
        self._seen[address] = self._seen.get(address, 0) + 1
        return self._seen[address] > LOST_A_MINUTE


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


async def _form(request: Request) -> Mapping[str, str] | None:
    """The fields of a form, None for one larger than ours or of another kind."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    if int(request.headers.get("content-length") or LONGEST_FORM + 1) > LONGEST_FORM:
        return None
    async with request.form(max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _asset(name: str) -> str:
    return (files("templates") / "pages" / "patient" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tel"] = lambda phone: escape(
        "".join(c for c in phone if c in "+0123456789")
    )
    return environment
