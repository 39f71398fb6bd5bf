"""How the world is driven and looked at: a small HTTP API on loopback, for this program only."""

from collections import Counter
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reminders.clock import aware
from reminders.simulation.boxes import Box, Message
from reminders.simulation.hospital import PARIS
from reminders.simulation.ledger import instant
from reminders.simulation.life import Life
from reminders.simulation.script import open_demo
from reminders.simulation.sms_servers import Callbacks, SmsProviders

MOST = 200  # messages in one answer
LONGEST_REPLY = 480


class Control:
    def __init__(self, life: Life, providers: SmsProviders) -> None:
        self._life = life
        self._providers = providers

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/control/state", self.state),
                Route("/control/advance", self.advance, methods=["POST"]),
                Route("/control/callbacks", self.callbacks, methods=["POST"]),
                Route("/control/opening", self.opening, methods=["POST"]),
                Route("/control/inbox", self.inbox),
                Route("/control/box/{box}", self.box),
                Route("/control/reply", self.reply, methods=["POST"]),
                Route("/control/ledger-summary", self.ledger_summary),
                Route("/control/outcomes", self.outcomes),
                Route("/control/truth", self.truth),
            ],
            exception_handlers={ClientDisconnect: _gone},
        )

    async def state(self, _request: Request) -> Response:
        return JSONResponse(self._state())

    async def advance(self, request: Request) -> Response:
        """{"to": instant}: play everything up to then."""
        await self._life.advance(_moment((await request.json())["to"]))
        return JSONResponse(self._state())

    async def callbacks(self, request: Request) -> Response:
        """The addresses a hospital sets in its providers' consoles."""
        self._providers.callbacks = Callbacks(**await request.json())
        return JSONResponse({})

    async def opening(self, request: Request) -> Response:
        """{"at": instant}: what the demo makes happen from then on."""
        open_demo(self._life, _moment((await request.json())["at"]))
        return JSONResponse(self._state())

    async def inbox(self, request: Request) -> Response:
        """?before=number&limit=50: messages newest first, and the latest events."""
        query = request.query_params
        before, limit = int(query.get("before", "0")), min(int(query.get("limit", "50")), MOST)
        found = self._life.boxes.page(before=before, limit=limit + 1)
        return JSONResponse(
            {
                "messages": [_message(one) for one in found[:limit]],
                "more": len(found) > limit,
                "total": len(self._life.boxes.messages),
                "journal": self._journal(12),
            }
        )

    async def box(self, request: Request) -> Response:
        """One telephone or mailbox, whole."""
        box = self._life.boxes.by_id.get(request.path_params["box"])
        if box is None:
            return JSONResponse({"error": "no such box"}, 404)
        found = self._life.boxes.page(box=box.id, limit=MOST)
        return JSONResponse(_box(box) | {"messages": [_message(one) for one in found]})

    async def reply(self, request: Request) -> Response:
        """{"box": id, "text": words}: answer as the patient. 409 if the sender takes no replies."""
        asked = await request.json()
        box = self._life.boxes.by_id.get(str(asked.get("box")))
        text = str(asked.get("text", "")).strip()[:LONGEST_REPLY]
        if box is None or not text:
            return JSONResponse({"error": "no such box" if box is None else "empty"}, 404)
        if (message := box.answerable) is None:
            return JSONResponse({"error": "the sender takes no replies"}, 409)
        status = await self._life.reply(message, text)
        return JSONResponse({"told": status})

    async def ledger_summary(self, _request: Request) -> Response:
        """What the providers took, by provider, channel and what they reported of it."""
        found = Counter(
            (one.entry.provider, one.channel, one.state)
            for one in self._life.boxes.messages
            if one.entry is not None
        )
        rows = [
            {"provider": provider, "channel": channel, "state": state, "count": count}
            for (provider, channel, state), count in sorted(found.items())
        ]
        return JSONResponse({"messages": rows} | self._told())

    async def outcomes(self, request: Request) -> Response:
        """?since=…&until=…: what became of the appointments that start in between."""
        query = request.query_params
        since, until = (_moment(query[name]) for name in ("since", "until"))
        return JSONResponse(self._life.outcomes(since, until))

    async def truth(self, request: Request) -> Response:
        """?since=…&until=…: what reminders really changed (Life.truth)."""
        query = request.query_params
        since, until = (_moment(query[name]) for name in ("since", "until"))
        return JSONResponse(self._life.truth(since, until))

    def _state(self) -> dict[str, Any]:
        upcoming = self._life.next_event
        return {
            "now": instant(self._life.now),
            "next_event": None if upcoming is None else instant(upcoming),
            "happened": self._life.happened,
            "messages": len(self._life.boxes.messages),
            "counts": self._life.boxes.counts() | {"appointments": len(self._life.visits)},
        }

    def _told(self) -> dict[str, int]:
        return {"receipts": self._life.receipts, "replies": self._life.replies}

    def _journal(self, most: int) -> list[dict[str, str]]:
        lines = list(self._life.journal)[:most]
        return [{"at": instant(one.at), "sentence": one.sentence, "box": one.box} for one in lines]


async def _gone(_request: Request, _error: Exception) -> Response:
    """Whoever asked was stopped half-way through the question: nothing to tell or to log."""
    return Response(status_code=400)


def _moment(text: str) -> datetime:
    return aware(datetime.fromisoformat(text))


def _message(message: Message) -> dict[str, Any]:
    return {
        "number": message.number,
        "at": instant(message.at.astimezone(PARIS)),
        "box": message.box.id,
        "kind": message.box.kind,
        "address": message.box.address,
        "names": _names(message.box),
        "channel": message.channel,
        "mine": message.entry is None,  # written by the patient
        "sender": message.sender,
        "subject": message.subject,
        "text": message.text,
        "state": message.state,
        "answerable": message.answerable,
    }


def _box(box: Box) -> dict[str, Any]:
    return {
        "id": box.id,
        "kind": box.kind,
        "address": box.address,
        "names": _names(box),
        "answerable": box.answerable is not None,
    }


def _names(box: Box) -> list[str]:
    return [person.name for person in box.holders] or ["Un inconnu"]
