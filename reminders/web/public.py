"""The public listener: provider callbacks under unguessable paths, and nothing else (yet)."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request, Response
from starlette.responses import PlainTextResponse

from reminders.errors import Forged, RepairNeeded
from reminders.ports import Callback, Received, SmsSender
from reminders.services.receive import Taken

LONGEST_BODY = 64 * 1024  # a callback is a few hundred bytes

Take = Callable[[str, Received], Awaitable[Taken]]
Hinted = Callable[[str, Received], Awaitable[None]]


def public_app(
    senders: Mapping[str, SmsSender],
    paths: Mapping[str, str],
    public_url: str,
    take: Take,
    hinted: Hinted,
) -> FastAPI:
    """`paths`: provider id -> secret path. `take` is durable when it returns: only then 2xx."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for provider, path in paths.items():
        sender = senders[provider]
        app.add_api_route(
            path + "{rest:path}",
            _endpoint(provider, sender, public_url, take, hinted),
            methods=["GET", "POST"],
            response_class=Response,
        )
    app.middleware("http")(_quiet_headers)
    return app


def _endpoint(
    provider: str, sender: SmsSender, public_url: str, take: Take, hinted: Hinted
) -> Callable[[Request], Awaitable[Response]]:
    async def callback(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        query = f"?{request.url.query}" if request.url.query else ""
        asked = Callback(
            request.method,
            f"{public_url}{request.url.path}{query}",
            {name.lower(): value for name, value in request.headers.items()},
            body,
        )
        try:
            received = sender.receive(asked)
        except Forged:
            return PlainTextResponse("forbidden", 403)
        try:
            await take(provider, received)
        except RepairNeeded:
            return PlainTextResponse("try again", 503)  # the provider keeps it and comes back
        if received.hints:
            await hinted(provider, received)
        return Response(status_code=204)

    return callback


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
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
