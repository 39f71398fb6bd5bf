"""The JSON API: tasks and calls on the internal listener, answers on the public one.

docs/api.md is its manual. Reading changes nothing; errors are JSON with a code and a sentence, in
French or the language asked for; no address, log line or error holds a name, a number or a text.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from reminders.domain.marking import N_, Filled, filled
from reminders.domain.worklist import Ending
from reminders.errors import RepairNeeded
from reminders.services import worklist
from reminders.services.elsewhere import FOR_PATIENTS, is_signed, refusal, take_answer
from reminders.services.elsewhere import Response as Answered
from reminders.services.rules import Rules
from reminders.services.worklist import START, SYSTEM, TaskRefused
from reminders.services.worklist_context import calls, line, whole, zone_of
from reminders.store.engine import Store
from reminders.web.staff.words import DEFAULT, LANGUAGES, translations
from reminders.web.words import accepted

log = structlog.get_logger()

READ = ["GET", "HEAD"]
LONGEST = 8 * 1024
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
STATUS = {"unknown": 404, "invalid": 422, "which": 422}  # any other refusal is a conflict
NO_STORE = {"Cache-Control": "no-store"}
TONGUES = NO_STORE | {"Vary": "Accept-Language"}  # of what is told in the caller's language
STATES = ("open", "free", "taken", "done")

Changed = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Worklist:
    """What tasks and calls work with. `changed` is rung after an ending that has an effect."""

    store: Store
    rules: Rules
    secret: bytes  # of address keys
    token: str
    now: Callable[[], datetime]
    changed: Changed


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What answers from elsewhere work with. `systems`: id -> its secrets in use."""

    store: Store
    rules: Rules
    secret: bytes
    systems: Mapping[str, Sequence[str]]
    now: Callable[[], datetime]
    changed: Changed


class Bad(Exception):
    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(code)
        self.status, self.code, self.sentence = status, code, sentence


def _error(request: Request, status: int, code: str, sentence: str) -> JSONResponse:
    return JSONResponse({"error": code, "sentence": _told(request, sentence)}, status, TONGUES)


def _told(request: Request, sentence: str) -> str:
    """In the first language asked for that there is, else in French."""
    asked = accepted(request.headers.get("accept-language", ""))
    known = (one.lower().partition("-")[0] for one in asked)
    language = next((one for one in known if one in LANGUAGES), DEFAULT)
    if language == DEFAULT:
        return str(sentence)
    catalogue = translations(language)
    if not isinstance(sentence, Filled):
        return catalogue.gettext(sentence)
    return catalogue.gettext(sentence.form) % sentence.values


class _Route(APIRoute):
    """Every failure is JSON with a sentence; the log has its class alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Bad as bad:
                return _error(request, bad.status, bad.code, bad.sentence)
            except TaskRefused as refused:
                status = STATUS.get(refused.code, 409)
                return _error(request, status, refused.code, refused.sentence)
            except RepairNeeded as error:
                log.error("api unavailable", place=error.problem.where)
                return _error(
                    request, 503, "unavailable", N_("Base de données indisponible : réessayer.")
                )
            except Exception as error:
                log.error("api failed", error=type(error).__name__)
                return _error(request, 500, "failed", N_("Erreur inattendue ; le journal dit où."))

        return guarded


# --- tasks and calls, inside ---------------------------------------------------------------------


def worklist_router(inside: Worklist) -> APIRouter:
    router = APIRouter(prefix="/api", route_class=_Route)
    _reading(router, inside)
    _acting(router, inside)
    return router


def _reading(router: APIRouter, inside: Worklist) -> None:
    @router.api_route("/tasks", methods=READ)
    def listing(request: Request) -> JSONResponse:
        _check(request, inside)
        asked, now = request.query_params, inside.now()
        found = worklist.tasks(
            inside.store,
            inside.rules,
            state=_one_of(asked.get("state", "open"), STATES, "state"),
            uf=asked.get("uf", ""),
            late=_one_of(asked.get("late", "false"), ("true", "false"), "late") == "true",
            after=_cursor(asked.get("after", "")),
            limit=_number(asked.get("limit", str(worklist.MOST)), "limit"),
            now=now,
        )
        after = None if found.after is None else ".".join(str(part) for part in found.after)
        shown = [line(inside.rules, row, now=now) for row in found.tasks]
        return JSONResponse({"tasks": shown, "after": after}, headers=NO_STORE)

    @router.api_route("/tasks/{task}", methods=READ)
    def one(request: Request, task: str) -> JSONResponse:
        _check(request, inside)
        return _shown(inside, _number(task, "task"))

    @router.api_route("/calls", methods=READ)
    def listed(request: Request) -> JSONResponse:
        _check(request, inside)
        asked = request.query_params
        uf = asked.get("uf", "")
        day = _day(asked.get("day", ""), inside, uf)
        found = [
            call.plain() for call in calls(inside.store, inside.rules, day, uf=uf, now=inside.now())
        ]
        return JSONResponse({"day": day.isoformat(), "calls": found}, headers=NO_STORE)


def _acting(router: APIRouter, inside: Worklist) -> None:
    store, rules = inside.store, inside.rules

    @router.post("/tasks/{task}/{verb}")
    async def act(request: Request, task: str, verb: str) -> JSONResponse:
        _check(request, inside)
        actor, body, now = _actor(request), await _object(request), inside.now()
        key = _number(task, "task")

        def do() -> None:
            match verb:
                case "take":
                    worklist.take(store, key, actor, now=now)
                case "release":
                    worklist.release(store, key, actor, now=now)
                case "reopen":
                    worklist.reopen(store, inside.secret, key, actor, now=now)
                case "hand-over":
                    to, uf = _account(body.get("to", "")), _text(body.get("uf", ""))
                    worklist.hand_over(store, rules, key, actor, to=to, uf=uf, now=now)
                case "resolve":
                    ending = _one_of(body.get("as"), tuple(Ending), "as")
                    about, read = _named(body, "appointment"), _named(body, "version")
                    if read is None and Ending(ending) in worklist.GIVEN:
                        raise Bad(
                            422, "invalid", N_("Il manque « version » : celle qui a été lue.")
                        )
                    worklist.resolve(
                        store, inside.secret, key, Ending(ending), actor,
                        appointment=about, version=read, now=now,
                    )  # fmt: skip
                case _:
                    raise Bad(404, "unknown", N_("Ce verbe n'existe pas."))

        await run_in_threadpool(do)
        if verb == "resolve":
            await _ring(inside.changed)
        else:
            await run_in_threadpool(worklist.tend, store, rules, now=now)
        return await run_in_threadpool(_shown, inside, key)


def _shown(inside: Worklist, task: int) -> JSONResponse:
    found = whole(inside.store, inside.rules, task, now=inside.now())
    if found is None:
        raise Bad(404, "unknown", N_("Cette tâche n'existe pas, ou a été effacée."))
    return JSONResponse(found, headers=NO_STORE)


def _check(request: Request, inside: Worklist) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode(), inside.token.encode())
    if scheme.lower() != "bearer" or not right:
        raise Bad(401, "token", N_("Jeton absent ou faux."))


def _actor(request: Request) -> str:
    actor = request.headers.get("x-actor", "")
    if not ACCOUNT.fullmatch(actor) or actor.lower() == SYSTEM:
        raise Bad(400, "actor", N_("X-Actor doit nommer le compte de qui agit."))
    return actor


def _named(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    return None if value is None else _number(str(value), name)


def _account(value: object) -> str:
    if value and (not isinstance(value, str) or not ACCOUNT.fullmatch(value)):
        raise Bad(422, "invalid", N_("« to » : un nom de compte est attendu."))
    return str(value or "")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Bad(422, "invalid", N_("Un texte est attendu."))
    return value


async def _object(request: Request) -> dict[str, Any]:
    raw = await _body(request)
    if not raw:
        return {}
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Bad(422, "invalid", N_("Corps JSON illisible.")) from None
    if not isinstance(found, dict):
        raise Bad(422, "invalid", N_("Un objet JSON est attendu."))
    return found


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > LONGEST:
            raise Bad(413, "too-large", N_("Demande trop longue."))
        pieces.append(piece)
    return b"".join(pieces)


def _one_of(value: object, known: Sequence[str], name: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise Bad(
            422,
            "invalid",
            filled(N_("« %(name)s » : %(known)s."), name=name, known=", ".join(known)),
        )
    return value


def _number(value: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise Bad(
            422, "invalid", filled(N_("« %(name)s » : un nombre entier est attendu."), name=name)
        )
    return int(value)


def _cursor(value: str) -> tuple[int, int, int]:
    """What the page before gave as `after`."""
    if not value:
        return START
    if not re.fullmatch(r"[0-9]\.[0-9]{1,19}\.[0-9]{1,18}", value):
        raise Bad(422, "invalid", N_("« after » : reprendre celui de la page d'avant."))
    priority, deadline, task = (int(part) for part in value.split("."))
    return priority, min(deadline, 2**63 - 1), task


def _day(value: str, inside: Worklist, uf: str) -> date:
    if not value:
        return inside.now().astimezone(zone_of(inside.rules, uf)).date()
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Bad(422, "invalid", N_("« day » : une date comme 2026-10-13 est attendue.")) from None


async def _ring(changed: Changed) -> None:
    """What was recorded takes effect at once; if it cannot, the next bell does it."""
    try:
        await changed()
    except Exception as error:
        log.error("not planned yet", error=type(error).__name__)


# --- answers, outside ----------------------------------------------------------------------------


def answers_router(outside: Elsewhere) -> APIRouter:
    router = APIRouter(route_class=_Route)

    @router.post("/api/answers")
    async def answer(request: Request) -> Response:
        body, now = await _body(request), outside.now()
        system = request.headers.get("x-reminders-system", "")
        # An unknown system costs the same time as a wrong signature.
        secrets = outside.systems.get(system) or ["\0"]
        signed = is_signed(
            secrets,
            request.headers.get("x-reminders-timestamp", ""),
            request.headers.get("x-reminders-signature", ""),
            body,
            now=now,
        )
        if not signed or system not in outside.systems:
            log.warning("answer forged")
            given = refusal(401, "signature", N_("Signature absente, fausse ou périmée."))
            return _response(request, given)
        given = await run_in_threadpool(
            take_answer, outside.store, outside.rules, outside.secret, system, body, now=now
        )
        log.info("answer taken", system=system, status=given.status, result=given.body["result"])
        response = _response(request, given)
        if given.changed:
            response.background = BackgroundTask(_ring, outside.changed)
        return response

    return router


def _response(request: Request, given: Answered) -> JSONResponse:
    """What became of an answer is for the patient, in French; an error is for whoever calls."""
    body = dict(given.body)
    if body["result"] not in FOR_PATIENTS:
        body["sentence"] = _told(request, body["sentence"])
    return JSONResponse(body, given.status, TONGUES)
