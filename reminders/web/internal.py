"""The internal listener: the staff's pages, health, metrics."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Route as Address

from reminders.errors import RepairNeeded
from reminders.services.today import Census, Today, today_of
from reminders.store.engine import Store
from reminders.web.staff.frame import HEADERS, add_staff, asset
from reminders.web.staff.visit import Staff

log = structlog.get_logger()

READ = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class Inside:
    """What the internal pages look at."""

    store: Store
    zone: ZoneInfo
    mode: str
    now: Callable[[], datetime]
    resting: Callable[[], dict[str, datetime]]
    is_current: Callable[[], bool]


def internal_app(inside: Inside, staff: Staff | None = None) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.router.routes.append(Address("/assets/{name}", asset, methods=READ))

    @app.api_route("/healthz", methods=READ)
    def healthz() -> PlainTextResponse:
        """The process answers; nothing else is asked."""
        return PlainTextResponse("ok")

    @app.api_route("/readyz", methods=READ)
    def readyz() -> JSONResponse:
        """Ready: the database answers and has this release's schema."""
        try:
            ready = inside.is_current()
        except Exception:
            ready = False
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    census = Census()

    @app.api_route("/metrics", methods=READ)
    def metrics() -> Response:
        today = today_of(inside.store, inside.zone, now=inside.now())
        return Response(_metrics(today, census, inside), media_type="text/plain; version=0.0.4")

    if staff is not None:
        add_staff(app, staff)
    app.add_exception_handler(Exception, _unavailable)
    app.add_exception_handler(RepairNeeded, _unavailable)
    app.add_middleware(BaseHTTPMiddleware, dispatch=_headers)
    return app


async def _unavailable(_request: Request, error: Exception) -> Response:
    """A page whose data cannot be read says what to repair, and nothing of what it held."""
    if isinstance(error, RepairNeeded):
        log.error("page unavailable", place=error.problem.where)
        return PlainTextResponse(f"{error.problem}\n", 503)
    log.error("page failed", error=type(error).__name__)
    return PlainTextResponse("Erreur inattendue ; le journal dit où.\n", 500)


async def _headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _metrics(today: Today, census: Census, inside: Inside) -> bytes:
    """Counts only: no label ever holds a name, a number or a text."""
    registry = CollectorRegistry()
    messages = Gauge("reminders_messages", "Messages by state", ["state"], registry=registry)
    counted, ago = census.of(inside.store, inside.now)
    for state, number in counted.items():
        messages.labels(state).set(number)
    for name, help_text, value in (
        ("reminders_messages_age_seconds", "Age of those counts", ago.total_seconds()),
        ("reminders_holds", "Holds in force", len(today.holds)),
        ("reminders_tasks_open", "Tasks waiting for a person", today.tasks_open),
        ("reminders_overdue", "Messages past due by more than two minutes", today.overdue),
        ("reminders_providers_resting", "Providers left alone", len(inside.resting())),
    ):
        Gauge(name, help_text, registry=registry).set(value)
    age = Gauge("reminders_feed_age_seconds", "Age of each source", ["source"], registry=registry)
    for source in today.sources:
        if source.as_of is not None:
            age.labels(source.id).set((inside.now() - source.as_of).total_seconds())
    return generate_latest(registry)
