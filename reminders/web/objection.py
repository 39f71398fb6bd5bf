"""The pages on which a patient stops our messages, and starts them again.

`/r/<token>/stop` is reached from the patient's page. `/u/<token>` is in each e-mail's
List-Unsubscribe header: a mail program POSTs `List-Unsubscribe=One-Click` to it, without cookie,
login or redirect, and that stops e-mails to this address, nothing else (RFC 8058). GET and HEAD
change nothing on either, whoever follows the link.
"""

from collections.abc import Mapping
from typing import Any, cast, get_args

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from reminders.services.objections import BY_EMAIL, BY_PAGE
from reminders.services.stop import Choice, Stop, decide, look
from reminders.web.patient import (
    HEADERS,
    LONGEST_FORM,
    TOKEN_LENGTH,
    Public,
    _common,
    _environment,
)
from reminders.web.words import Words, catalogues, choose

READ = ["GET", "HEAD"]
CHOICES = frozenset(get_args(Choice))
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
ONE_CLICK = ("List-Unsubscribe", "One-Click")
# What may still be stopped, by what is stopped already.
WIDER: Mapping[str, tuple[str, ...]] = {
    "": ("appointment", "channel", "all"),
    "appointment": ("channel", "all"),
    "channel": ("all",),
    "all": (),
}


def objection_router(public: Public) -> APIRouter:
    router = APIRouter()
    door = _Door(public)

    @router.api_route("/r/{token}/stop", methods=READ)
    async def show(request: Request, token: str) -> Response:
        return await door.show(request, token, "answer")

    @router.post("/r/{token}/stop")
    async def act(request: Request, token: str) -> Response:
        return await door.act(request, token)

    @router.api_route("/u/{token}", methods=READ)
    async def show_mail(request: Request, token: str) -> Response:
        return await door.show(request, token, "objection")

    @router.post("/u/{token}")
    async def one_click(request: Request, token: str) -> Response:
        return await door.one_click(request, token)

    return router


class _Door:
    def __init__(self, public: Public) -> None:
        self._public = public

    async def show(self, request: Request, token: str, purpose: str) -> Response:
        public = self._public
        if len(token) != TOKEN_LENGTH:
            return self._lost(request, 404)
        stop = await run_in_threadpool(
            look, public.store, public.rules, public.secret, token, purpose, now=public.now()
        )
        if stop is None:
            return self._lost(request, 404)
        return self._page(request, token, stop, mail=purpose == "objection")

    async def act(self, request: Request, token: str) -> Response:
        form = await _fields(request)
        if form is None or form.get("do") not in CHOICES:
            return self._lost(request, 400)
        stop = await self._decide(token, "answer", cast(Choice, form["do"]), BY_PAGE)
        if stop is None:
            return self._lost(request, 404)
        lang = form.get("lang", "")
        query = f"?lang={lang}" if lang in catalogues() and form.get("chosen") else ""
        return RedirectResponse(f"/r/{token}/stop{query}", 303, HEADERS)

    async def one_click(self, request: Request, token: str) -> Response:
        form = await _fields(request) or {}
        if form.get(ONE_CLICK[0]) == ONE_CLICK[1]:
            choice: Choice = "channel"
        elif form.get("do") == "resume":
            choice = "resume"
        else:
            return self._lost(request, 400)
        stop = await self._decide(token, "objection", choice, BY_EMAIL)
        if stop is None:
            return self._lost(request, 404)
        return self._page(request, token, stop, mail=True, lang=form.get("lang", ""))

    async def _decide(self, token: str, purpose: str, choice: Choice, origin: str) -> Stop | None:
        public = self._public
        if len(token) != TOKEN_LENGTH:
            return None
        stop = await run_in_threadpool(
            decide, public.store, public.rules, public.secret, token, purpose, choice,
            origin=origin, now=public.now(),
        )  # fmt: skip
        if stop is not None:
            await public.changed()
        return stop

    def _page(
        self, request: Request, token: str, stop: Stop, *, mail: bool, lang: str = ""
    ) -> Response:
        asked = lang or request.query_params.get("lang", "")
        words = choose(asked, stop.language, header=request.headers.get("accept-language", ""))
        desk = self._public.desk
        body = _environment().get_template("objection.html").render(
            _common(words),
            short_name=stop.short_name or desk.short_name,
            phone=stop.phone or desk.phone,
            here=f"/u/{token}" if mail else f"/r/{token}/stop",
            back="" if mail else f"/r/{token}",
            query=f"?lang={words.code}" if asked in catalogues() else "",
            chosen=asked in catalogues(),
            mail=mail,
            stop=stop,
            said=words[_said(stop)] if stop.stopped else "",
            choices=_choices(stop, words, mail=mail),
            start=self._public.replies and stop.channel == "sms",
        )  # fmt: skip
        return HTMLResponse(body, 200, HEADERS)

    def _lost(self, request: Request, status: int) -> Response:
        lang = request.query_params.get("lang", "")
        words = choose(lang, header=request.headers.get("accept-language", ""))
        desk = self._public.desk
        body = _environment().get_template("lost.html").render(
            _common(words), title=words["lost_title"], sentence=words["lost"],
            short_name=desk.short_name, phone=desk.phone,
        )  # fmt: skip
        return HTMLResponse(body, status, HEADERS)


def _said(stop: Stop) -> str:
    widest = stop.channel if stop.stopped == "channel" else stop.stopped
    several = stop.stopped == "appointment" and len(stop.appointments) > 1
    return f"said_stop_{widest}" + ("s" if several else "")


def _choices(stop: Stop, words: Words, *, mail: bool) -> list[dict[str, Any]]:
    """(what is sent, what is read) of each button that would stop more than is stopped."""
    found = []
    for choice in WIDER[stop.stopped]:
        if mail and choice != "channel":
            continue
        if choice == "appointment" and not stop.appointments:
            continue
        several = choice == "appointment" and len(stop.appointments) > 1
        name = stop.channel if choice == "channel" else choice
        found.append({"do": choice, "text": words[f"stop_{name}" + ("s" if several else "")]})
    return found


async def _fields(request: Request) -> Mapping[str, str] | None:
    """The fields of a form of either kind, None for one larger than ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    if kind not in FORMS or not length.isascii() or not length.isdigit():
        return None
    if int(length) > LONGEST_FORM:
        return None
    async with request.form(max_fields=20, max_files=0) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}
