"""The public listener: the patient's page and provider callbacks, both under unguessable paths."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse

from reminders.errors import Forged
from reminders.ports import Callback, Received, SmsSender
from reminders.services.notice import Notice
from reminders.services.receive import Taken
from reminders.web.documents import documents_router
from reminders.web.objection import objection_router
from reminders.web.patient import Public, patient_router

log = structlog.get_logger()

LONGEST_BODY = 64 * 1024  # a callback is a few hundred bytes

Take = Callable[[str, Received], Awaitable[Taken]]
Hinted = Callable[[str, Received], Awaitable[None]]


def public_app(
    senders: Mapping[str, SmsSender],
    paths: Mapping[str, str],
    public_url: str,
    take: Take,
    hinted: Hinted,
    patient: Public | None = None,
    notice: Notice | None = None,
) -> FastAPI:
    """`paths`: provider id -> secret path. `take` is durable when it returns: only then 2xx.

    `patient`: what the patient's page works with; None serves no page. `notice`: what patients are
    told of their data, on pages of their own.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for provider, path in paths.items():
        app.add_api_route(
            path + "{rest:path}",
            _endpoint(provider, senders[provider], public_url, take, hinted),
            methods=["GET", "POST"],
            response_class=Response,
        )
    if patient is not None:
        app.include_router(patient_router(patient))
        app.include_router(objection_router(patient))
        if notice is not None:
            app.include_router(documents_router(notice, patient.now))
    app.add_middleware(BaseHTTPMiddleware, dispatch=_quiet_headers)
    return app


def _endpoint(
    provider: str, sender: SmsSender, public_url: str, take: Take, hinted: Hinted
) -> Callable[[Request], Awaitable[Response]]:
    async def callback(request: Request) -> Response:
        try:
            body = await _body(request)
            if body is None:
                return PlainTextResponse("too large", 413)
            received = sender.receive(_asked(request, body, public_url))
            await take(provider, received)
        except Forged:
            log.warning("callback forged", provider=provider)
            return PlainTextResponse("forbidden", 403)
        except Exception as error:  # not stored, so not acknowledged: the provider comes back
            log.error("callback failed", provider=provider, error=type(error).__name__)
            return PlainTextResponse("try again", 503)
        # Asking takes as long as the provider takes; it must not wait for its own answer.
        later = BackgroundTask(_ask, hinted, provider, received) if received.hints else None
        return Response(status_code=204, background=later)

    return callback


def _asked(request: Request, body: bytes, public_url: str) -> Callback:
    query = f"?{request.url.query}" if request.url.query else ""
    return Callback(
        request.method,
        f"{public_url}{request.url.path}{query}",
        {name.lower(): value for name, value in request.headers.items()},
        body,
    )


async def _ask(hinted: Hinted, provider: str, received: Received) -> None:
    try:
        await hinted(provider, received)
    except Exception as error:  # the next poll asks again
        log.warning("hint not followed", provider=provider, error=type(error).__name__)


async def _body(request: Request) -> bytes | None:
    """The body, None if it is larger than any callback."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LONGEST_BODY:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def _quiet_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
