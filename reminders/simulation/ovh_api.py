"""A simulated OVHcloud SMS API: signed routes, unsigned callbacks, a STOP list.

Written from https://eu.api.ovh.com/console/?section=%2Fsms and
https://docs.ovh.com/fr/sms/api_sms_cookbook/; it shares no code with the adapter it tests.
Signatures and the dates of incoming messages are in real time, whatever the simulated hour,
because both compare with /auth/time.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reminders.simulation.intake import (
    E164,
    LANDLINE,
    STOP_WORDS,
    Intake,
    after_accepting,
    before_accepting,
)
from reminders.simulation.ledger import Entry, instant

TOLERANCE_SECONDS = 60
FIRST_ID = 100_000_001
# Our common words -> (ptt, deliveryReceipt)
STATUS = {"sent": (3, 4), "delivered": (4, 1), "undelivered": (5, 2)}
PENDING = frozenset({0, 4, 8})


@dataclass(frozen=True, slots=True)
class OvhAccount:
    service_name: str = "sms-ab12345-1"
    application_key: str = "simulated-key"
    application_secret: str = "simulated-secret"  # noqa: S105 - opens nothing
    consumer_key: str = "simulated-consumer"
    short_number: str = "38000"


@dataclass(slots=True)
class OvhApi:
    account: OvhAccount
    intake: Intake
    clock: Callable[[], datetime]
    wall: Callable[[], datetime]
    outgoing: dict[int, dict[str, Any]] = field(default_factory=dict)
    incoming: dict[int, dict[str, Any]] = field(default_factory=dict)
    by_tag: dict[str, list[int]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        sms = f"/1.0/sms/{self.account.service_name}"
        return [
            Route("/1.0/auth/time", self._time),
            Route(f"{sms}/jobs", self._create, methods=["POST"]),
            Route(f"{sms}/outgoing", self._list_outgoing),
            Route(f"{sms}/outgoing/{{id:int}}", self._fetch_outgoing),
            Route(f"{sms}/incoming", self._list_incoming),
            Route(f"{sms}/incoming/{{id:int}}", self._fetch_incoming),
            Route(f"{sms}/blacklists", self._blacklists),
        ]

    async def _time(self, _request: Request) -> Response:
        return JSONResponse(int(self.wall().timestamp()))

    async def _create(self, request: Request) -> Response:
        body = await request.body()
        fault = self.intake.faults.next("ovh", at=self.clock())
        failed = before_accepting(fault, self._report([], invalid=["refused"]))
        if failed is not None:
            return failed
        if (refused := self._unsigned(request, body) or _objection(body)) is not None:
            return refused
        job = json.loads(body)
        to = job["receivers"][0]
        if not E164.fullmatch(to) or LANDLINE.fullmatch(to) or to in self.intake.blocked:
            return self._report([], invalid=[to])
        number = FIRST_ID + len(self.outgoing)
        entry = self._entry(number, job, to)
        self._remember(number, entry)
        await self.intake.take(entry)
        return after_accepting(fault) or self._report([number], valid=[to])

    def _entry(self, number: int, job: Mapping[str, Any], to: str) -> Entry:
        return Entry(
            provider="ovh",
            channel="sms",
            reference=job.get("tag", ""),
            provider_id=str(number),
            to=to,
            text=job["message"],
            at=instant(self.clock()),
            sender=job.get("sender") or self.account.short_number,
        )

    def _remember(self, number: int, entry: Entry) -> None:
        self.by_tag.setdefault(entry.reference, []).append(number)
        self.outgoing[number] = {
            "id": number,
            "receiver": entry.to,
            "sender": entry.sender,
            "message": entry.text,
            "tag": entry.reference,
            "ptt": 0,
            "deliveryReceipt": 0,
            "creationDatetime": instant(self.wall()),
            "credits": 1,
            "numberOfSms": 1,
        }

    def restore(self, entry: Entry) -> None:
        """Remember what an earlier process accepted."""
        self._remember(int(entry.provider_id), entry)

    def _report(
        self, ids: list[int], valid: list[str] | None = None, invalid: list[str] | None = None
    ) -> Response:
        return JSONResponse(
            {
                "ids": ids,
                "validReceivers": valid or [],
                "invalidReceivers": invalid or [],
                "totalCreditsRemoved": len(ids),
            }
        )

    async def _list_outgoing(self, request: Request) -> Response:
        tag = request.query_params.get("tag")
        found = list(self.outgoing) if tag is None else self.by_tag.get(tag, [])
        return self._unsigned(request) or JSONResponse(found)

    async def _fetch_outgoing(self, request: Request) -> Response:
        return self._unsigned(request) or _document(self.outgoing, request)

    async def _list_incoming(self, request: Request) -> Response:
        since = request.query_params.get("creationDatetime.from")
        earliest = datetime.fromisoformat(since) if since else None
        found = [
            number
            for number, reply in self.incoming.items()
            if not earliest or datetime.fromisoformat(reply["creationDatetime"]) >= earliest
        ]
        return self._unsigned(request) or JSONResponse(found)

    async def _fetch_incoming(self, request: Request) -> Response:
        return self._unsigned(request) or _document(self.incoming, request)

    async def _blacklists(self, request: Request) -> Response:
        return self._unsigned(request) or JSONResponse(sorted(self.intake.blocked))

    def _unsigned(self, request: Request, body: bytes = b"") -> Response | None:
        """None when the signature holds, over the address and the bytes as they arrived."""
        account, told = self.account, request.headers
        if told.get("x-ovh-application") != account.application_key:
            return _error(403, "INVALID_KEY", "This application key is invalid")
        if told.get("x-ovh-consumer") != account.consumer_key:
            return _error(403, "INVALID_CREDENTIAL", "This credential is not valid")
        stamp = told.get("x-ovh-timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) - self.wall().timestamp()) > TOLERANCE_SECONDS:
            return _error(400, "QUERY_TIME_OUT", "Query out of time")
        query = request.scope["query_string"].decode()
        path = request.scope["raw_path"].decode() + (f"?{query}" if query else "")
        url = f"{request.scope['scheme']}://{told['host']}{path}"
        secrets = (account.application_secret, account.consumer_key)
        text = "+".join((*secrets, request.method, url, body.decode(), stamp))
        expected = "$1$" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        if hmac.compare_digest(told.get("x-ovh-signature", "").encode(), expected.encode()):
            return None
        return _error(400, "INVALID_SIGNATURE", "Invalid signature")

    def status(self, provider_id: str, status: str, code: str | None) -> dict[str, str]:
        """Note what became of a message; the query of its callback."""
        message = self.outgoing[int(provider_id)]
        ptt, receipt = STATUS[status]
        ptt = int(code) if code else ptt
        if message["deliveryReceipt"] in PENDING:  # a late "sent" is told, but not believed
            message |= {"ptt": ptt, "deliveryReceipt": receipt}
        return {
            "id": provider_id,
            "ptt": str(ptt),
            "date": f"{self.clock():%Y%m%d%H%M%S}",
            "description": str(receipt),
            "descriptionDlr": status,
        }

    def inbound(self, sender: str, to_entry: Entry, text: str) -> dict[str, str]:
        """Keep a patient's reply; the query of its callback. STOP words block the number."""
        number = FIRST_ID + 500_000_000 + len(self.incoming)
        self.incoming[number] = {
            "id": number,
            "sender": sender,
            "message": text,
            "creationDatetime": instant(self.wall()),
            "tag": to_entry.reference,
            "credits": 0,
        }
        if text.strip().upper() in STOP_WORDS:
            self.intake.blocked.add(sender)
        return {"id": str(number), "sender": sender, "message": text}


def _objection(body: bytes) -> Response | None:
    try:
        job = json.loads(body)
    except ValueError:
        return _error(400, "INVALID_JSON", "Invalid JSON received")
    if not job.get("message") or not job.get("receivers"):
        return _error(400, "MISSING_PARAMETER", "message and receivers are required")
    if bool(job.get("sender")) == bool(job.get("senderForResponse")):
        return _error(400, "INVALID_ARGUMENT", "Invalid sender")
    if len(job.get("tag", "")) > 20:
        return _error(400, "INVALID_ARGUMENT", "Tag is too long")
    return None


def _document(rows: Mapping[int, object], request: Request) -> Response:
    found = rows.get(request.path_params["id"])
    return _error(404, "NOT_FOUND", "Not found") if found is None else JSONResponse(found)


def _error(status: int, code: str, sentence: str) -> Response:
    return JSONResponse({"errorCode": code, "httpCode": str(status), "message": sentence}, status)


def with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
