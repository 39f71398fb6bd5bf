"""From an address to a page: who it is, whether they may, and what every answer carries.

A route exists only as a `Route`, which names its permission; `tests/web/staff/test_routes.py`
walks them all. Pages are plain functions run in a thread; the store is never asked on the loop.
"""

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import cast
from urllib.parse import SplitResult, urlsplit

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route as Address

from reminders.domain.marking import N_
from reminders.services import signing_in
from reminders.services.accounts import Present
from reminders.services.visits import remember
from reminders.web.staff import forms
from reminders.web.staff.routes import ROUTES
from reminders.web.staff.sign_in import DOOR, Door, has_ended, waiting_page
from reminders.web.staff.visit import Route, Staff, Visit, opened

log = structlog.get_logger()

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
ASSETS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
YEAR = "private, max-age=31536000, immutable"


def add_staff(app: FastAPI, staff: Staff, routes: Sequence[Route] = ROUTES) -> None:
    """Put the staff's pages on the internal listener."""
    for route in routes:
        methods = ["GET", "HEAD"] if route.method == "GET" else ["POST"]
        app.router.routes.append(Address(route.path, _signed_in(staff, route), methods=methods))
    for path, method, run in DOOR:
        methods = ["GET", "HEAD"] if method == "GET" else ["POST"]
        app.router.routes.append(Address(path, _at_the_door(staff, run), methods=methods))
    for status in NOWHERE:
        app.add_exception_handler(status, _nowhere(staff, status))
    app.add_middleware(GZipMiddleware, minimum_size=800, compresslevel=5)


def _signed_in(staff: Staff, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            fields = await forms.read(request) if route.method == "POST" else ()
        except forms.TooLong:
            return Response("Formulaire trop long.\n", 413, media_type="text/plain")
        return await run_in_threadpool(_answer, staff, route, request, fields)

    return answer


# (title, what to do), for an address that opens nothing.
NOWHERE = {
    404: (N_("Cette page n’existe pas"), N_("L’adresse est peut-être incomplète.")),
    405: (
        N_("Cette adresse ne s’ouvre pas"),
        N_("Elle sert seulement à enregistrer un formulaire. Revenir à la page d’avant."),
    ),
}
PROGRAMS = ("/api/", "/assets/", "/callbacks/")  # answered as programs are


def _nowhere(staff: Staff, status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    def page(request: Request) -> Response:
        present = present_of(staff, request)
        if present is None or present.stage != "open":
            return RedirectResponse("/connexion", 303)
        title, sentence = NOWHERE[status]
        visit = Visit(staff, present, request, (), staff.now())
        return visit.page(
            "trouble.html", status, title=title, sentence=visit.words.gettext(sentence), typed=()
        )

    async def answer(request: Request, error: Exception) -> Response:
        if request.url.path.startswith(PROGRAMS) or request.method not in ("GET", "HEAD", "POST"):
            return await http_exception_handler(request, cast(HTTPException, error))
        return await run_in_threadpool(page, request)

    return answer


def _answer(
    staff: Staff, route: Route, request: Request, fields: Sequence[tuple[str, str]]
) -> Response:
    now = staff.now()
    present = present_of(staff, request)
    if present is None:
        return _to_the_door(staff, route, request, fields)
    visit = Visit(staff, present, request, fields, now)
    if present.stage != "open":
        return RedirectResponse(waiting_page(present.stage), 303)
    if route.method == "POST" and not _may_post(visit):
        return visit.refuse(
            visit.words.gettext(
                "Ce formulaire ne vient pas de cette page, ou la page est restée ouverte trop "
                "longtemps. Revenir à la page, la recharger et recommencer : rien n’a changé."
            ),
            () if forms.from_elsewhere(request) else route.typed_in(fields),
        )
    if route.may is not None and not visit.viewer.may(route.may):
        return visit.refuse(
            visit.words.gettext("Votre rôle ne le permet pas. Un administrateur peut le changer.")
        )
    if route.everywhere and route.may is not None and not visit.viewer.everywhere(route.may):
        return visit.refuse(visit.words.gettext(route.everywhere))
    if any(isinstance(one, int) and one >= 2**63 for one in visit.path.values()):
        return visit.missing()  # no key is that large
    response = route.run(visit)
    remember(
        staff.store,
        staff.notebook,
        visit.notes,
        actor=visit.viewer.login,
        session=present.session if present.stale else None,
        now=now,
    )
    return response


def _may_post(visit: Visit) -> bool:
    token = dict(visit.fields).get(forms.FIELD, "")
    return not forms.from_elsewhere(visit.request) and forms.is_ours(token, visit.present.form_key)


def _to_the_door(
    staff: Staff, route: Route, request: Request, fields: Sequence[tuple[str, str]]
) -> Response:
    """Sign in, then come back to the page that was asked for, or on which the form was.

    A long text that was sent is shown again, to be copied: it would be lost with the page.
    """
    ended, posted = has_ended(staff, request), request.method == "POST"
    back = "/" if posted and forms.from_elsewhere(request) else _page_asked(request)
    typed = route.typed_in(fields) if ended and not forms.from_elsewhere(request) else []
    if typed:
        door = Door(staff, request, fields, staff.now(), None)
        response = door.page("sign_in/kept.html", 401, typed=typed)
    else:
        response = RedirectResponse(
            "/connexion?refuse=1" if ended and posted else "/connexion", 303
        )
    if back != "/" and request.headers.get("sec-fetch-mode", "navigate") == "navigate":
        response.set_cookie("retour", forms.packed(back[:300]), max_age=900, httponly=True,
                            samesite="lax", path="/connexion")  # fmt: skip
    return response


def _page_asked(request: Request) -> str:
    """The page to be read: this one, or the one around a form, with its filters if the browser
    says which it was."""
    asked = urlsplit(str(request.url))
    if request.method == "POST":
        before = urlsplit(request.headers.get("referer", ""))
        ours = (
            before.netloc == request.headers.get("host", "") and opened(before.path) == before.path
        )
        asked = before if ours else SplitResult("", "", opened(asked.path), "", "")
    return f"{asked.path}?{asked.query}" if asked.query else asked.path


def _at_the_door(
    staff: Staff, run: Callable[[Door], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            fields = await forms.read(request) if request.method == "POST" else ()
        except forms.TooLong:
            return Response("Formulaire trop long.\n", 413, media_type="text/plain")
        return await run_in_threadpool(_at_door, staff, run, request, fields)

    return answer


def _at_door(
    staff: Staff,
    run: Callable[[Door], Response],
    request: Request,
    fields: Sequence[tuple[str, str]],
) -> Response:
    door = Door(staff, request, fields, staff.now(), present_of(staff, request))
    if request.method == "POST" and forms.from_elsewhere(request):
        return door.page("sign_in/sign_in.html", 403, problem=N_("Cette demande vient d’ailleurs."))
    return run(door)


def present_of(staff: Staff, request: Request) -> Present | None:
    from reminders.web.staff.sign_in import cookie_name

    token = request.cookies.get(cookie_name(staff))
    if not token:
        return None
    return signing_in.present(
        staff.store, token, sites=staff.sites, lasting=staff.lasting, now=staff.now()
    )


async def asset(request: Request) -> Response:
    """A file of assets/, for as long as the browser likes: its address changes with it."""
    name = str(request.path_params["name"])
    suffix = name[name.rfind(".") :] if "." in name else ""
    folder = files("templates") / "pages" / "assets"
    known = {child.name for child in folder.iterdir()}
    if suffix not in ASSETS or name not in known:
        return Response("Introuvable.\n", 404, media_type="text/plain")
    content = (folder / name).read_bytes()
    headers = {"Cache-Control": YEAR} if request.query_params.get("v") else {}
    return Response(content, media_type=f"{ASSETS[suffix]}; charset=utf-8", headers=headers)
