"""The demo's pages on the internal listener: today's run, simulated telephones and mailboxes.

Everything works by forms and reloading; `assets/demo.js` only spares the reloading.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Protocol
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FunctionLoader

from reminders.services.census import latest_replies
from reminders.services.today import today_of
from reminders.simulation.client import World
from reminders.simulation.wording import phone
from reminders.web.internal import Inside

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
METHODS = {"GET": ["GET", "HEAD"], "POST": ["POST"]}
MESSAGES = 25  # on a page
REPLIES = 4
LINES = 8  # of the hospital's journal
LONGEST_FORM = 8_000
PATIENT_LINK = re.compile(r"https?://[^\s/]+/r/[A-Za-z0-9_-]{22}")


class Stage(Protocol):
    """What moves the demo's time."""

    @property
    def paused(self) -> bool: ...

    @property
    def opened(self) -> float:
        """How much of the fortnight is lived; 1 once the demo is open."""

    def next_due(self) -> datetime | None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def next_event(self) -> None: ...


@dataclass(frozen=True, slots=True)
class DemoPages:
    inside: Inside
    world: World
    stage: Stage

    def extend(self, app: FastAPI) -> None:
        """Add the demo's routes to the internal listener."""
        pages: list[tuple[str, Callable[[Request], Awaitable[Response]], str]] = [
            ("/demo", self.home, "GET"),
            ("/demo/pause", self.pause, "POST"),
            ("/demo/reprise", self.resume, "POST"),
            ("/demo/suite", self.next_event, "POST"),
            ("/demo/boite/{box}", self.box, "GET"),
            ("/demo/boite/{box}", self.answer, "POST"),
        ]
        ours = [
            APIRoute(path, page, methods=METHODS[method], response_class=HTMLResponse)
            for path, page, method in pages
        ]
        app.router.routes[:0] = ours

    async def home(self, request: Request) -> Response:
        inside, stage = self.inside, self.stage
        if stage.opened < 1:
            return self._page(
                "demo_preparing.html", now=self._local(inside.now()), share=int(100 * stage.opened)
            )
        before = _number(request.query_params.get("avant", ""))
        inbox = await self.world.inbox(before=before, limit=MESSAGES)
        due = stage.next_due()
        return self._page(
            "demo.html",
            today=today_of(inside.store, inside.zone, now=inside.now()),
            mode=inside.mode,
            resting=inside.resting(),
            paused=stage.paused,
            due=due and self._local(due),
            replies=[
                {
                    "at": self._local(one.at),
                    "text": one.text,
                    "sender": phone(one.sender),
                    "understood": one.understood,
                    "done": one.done,
                }
                for one in latest_replies(inside.store, REPLIES)
            ],
            journal=[self._dated(line) for line in inbox["journal"][:LINES]],
            messages=[self._dated(one) for one in inbox["messages"]],
            total=inbox["total"],
            more=inbox["more"],
            before=before,
        )

    async def pause(self, request: Request) -> Response:
        return self._moved(request, self.stage.pause)

    async def resume(self, request: Request) -> Response:
        return self._moved(request, self.stage.resume)

    async def next_event(self, request: Request) -> Response:
        if _from_elsewhere(request):
            return self._lost("Refusé", "Cette demande ne vient pas de la démonstration.", 403)
        if self.stage.opened >= 1:
            await self.stage.next_event()
        return RedirectResponse("/demo", 303)

    async def box(self, request: Request) -> Response:
        return await self._box(request.path_params["box"])

    async def answer(self, request: Request) -> Response:
        """Answer as the patient; what was typed is never lost with a refusal."""
        name = request.path_params["box"]
        if _from_elsewhere(request):
            return self._lost("Refusé", "Cette demande ne vient pas de la démonstration.", 403)
        body = await request.body()
        if len(body) > LONGEST_FORM:
            return await self._box(name, "Réponse trop longue : 480 caractères au plus.", "", 413)
        text = parse_qs(body.decode("utf-8", "replace")).get("texte", [""])[0].strip()
        if not text:
            return await self._box(name, "Écrire d’abord une réponse.", "", 422)
        if not await self.world.reply(name, text):
            return await self._box(
                name, "La réponse n’est pas partie : ce numéro n’en prend plus.", text, 409
            )
        return RedirectResponse(f"/demo/boite/{name}#reponse", 303)

    async def _box(
        self, name: str, problem: str = "", typed: str = "", status: int = 200
    ) -> Response:
        box = await self.world.box(name)
        if box is None:
            return self._lost(
                "Boîte inconnue", "Ce téléphone ou cette boîte n’existe pas dans cet hôpital.", 404
            )
        messages = [
            self._dated(one) | {"sender_name": _sender(one["sender"])}
            for one in reversed(box["messages"])
        ]
        return self._page(
            "demo_box.html",
            status,
            box=box,
            address=phone(box["address"]),
            messages=messages,
            reason=_why_not(box, messages),
            problem=problem,
            typed=typed,
            now=self._local(self.inside.now()),
        )

    def _moved(self, request: Request, move: Callable[[], None]) -> Response:
        if _from_elsewhere(request):
            return self._lost("Refusé", "Cette demande ne vient pas de la démonstration.", 403)
        if self.stage.opened >= 1:
            move()
        return RedirectResponse("/demo", 303)

    def _lost(self, title: str, sentence: str, status: int) -> Response:
        return self._page("demo_lost.html", status, title=title, sentence=sentence)

    def _page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        text = PAGES.get_template(template).render(**values)
        return HTMLResponse(text, status, {"Content-Security-Policy": CSP})

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.inside.zone)

    def _dated(self, told: dict[str, Any]) -> dict[str, Any]:
        link = PATIENT_LINK.search(told.get("text", ""))
        return told | {
            "at": self._local(datetime.fromisoformat(told["at"])),
            "link": link[0] if link else "",
        }


def _why_not(box: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    """Why nobody can answer here, as one would tell the patient."""
    if box["kind"] == "mail":
        return "Personne ne lit les réponses aux courriels : ils donnent le téléphone de l’accueil."
    sent = [one for one in messages if not one["mine"]]
    if not sent:
        return "L’hôpital n’a encore rien écrit à ce numéro."
    name = sent[-1]["sender_name"]
    return (
        f"Le dernier message vient de « {name} » : un nom ne reçoit pas de réponse. "
        "Le message donne le téléphone de l’accueil."
    )


def _sender(sender: str) -> str:
    """A number as one dials it, the address of a mail, or the name that stands for a number."""
    if "<" in sender:
        return sender.partition("<")[0].strip() or sender.strip("<>")
    return phone(sender)


def _from_elsewhere(request: Request) -> bool:
    """Did another site's page send this form? Browsers say so."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _load(name: str) -> str:
    return (files("templates") / "pages" / name).read_text(encoding="utf-8")


PAGES = Environment(loader=FunctionLoader(_load), autoescape=True)
PAGES.filters["nombre"] = lambda value: f"{value:,}".replace(",", "\u202f")
