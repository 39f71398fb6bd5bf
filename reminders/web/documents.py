"""The patients' notice and the accessibility statement, on the public listener."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from fastapi import APIRouter, Request, Response
from markupsafe import escape
from starlette.responses import HTMLResponse

from reminders import __version__
from reminders.services.notice import Notice
from reminders.web.patient import HEADERS
from reminders.web.staff.visit import environment
from reminders.web.staff.words import DEFAULT, LANGUAGES, Words
from reminders.web.words import accepted

READ = ["GET", "HEAD"]
PAGES = {"/information": "information.html", "/accessibilite": "accessibility.html"}
AN_HOUR = {"Cache-Control": "public, max-age=3600"}  # they name nobody


def documents_router(notice: Notice, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter()

    def page(request: Request) -> Response:
        path = request.url.path
        words = Words(_language(request), ZoneInfo("UTC"), now())
        pages = environment(words.language)
        template = pages.get_template(f"documents/{PAGES[path]}")
        text = template.render(
            w=words,
            here=path,
            languages=LANGUAGES,
            tel=_tel,
            **about(notice, words, links_out=True),
        )
        return HTMLResponse(text, headers=HEADERS | AN_HOUR)

    for path in PAGES:
        router.add_api_route(path, page, methods=READ, response_class=HTMLResponse)
    return router


def about(notice: Notice, words: Words, *, links_out: bool) -> dict[str, object]:
    """What both documents are made with, here and inside the hospital."""
    names = Locale(words.language).territories
    return {
        "notice": notice,
        "country": lambda code: names.get(code, code),
        "version": __version__,
        "links_out": links_out,
    }


def _tel(phone: str) -> str:
    return escape("".join(one for one in phone if one in "+0123456789"))


def _language(request: Request) -> str:
    """The one asked for, else the browser's first that there is, else French."""
    wishes = [request.query_params.get("lang", "")]
    if not wishes[0]:
        wishes = [
            one.partition("-")[0] for one in accepted(request.headers.get("accept-language", ""))
        ]
    return next((one for one in wishes if one in LANGUAGES), DEFAULT)
