"""A simulated Twilio: the Messages resource, signed callbacks, opt-outs.

Written from https://www.twilio.com/docs/messaging/api/message-resource and
https://www.twilio.com/docs/usage/security; it shares no code with the adapter it tests.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

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

FINAL = frozenset({"delivered", "undelivered", "failed"})


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    account_sid: str = "AC" + "0" * 32
    auth_token: str = "simulated-token"  # noqa: S105 - opens nothing


@dataclass(slots=True)
class _Message:
    sid: str
    sender: str
    to: str
    body: str
    date: str
    direction: str = "outbound-api"
    status: str = "queued"
    error_code: int | None = None
    callback: str = ""


@dataclass(slots=True)
class TwilioApi:
    account: TwilioAccount
    intake: Intake
    clock: Callable[[], datetime]
    messages: dict[str, _Message] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        base = f"/2010-04-01/Accounts/{self.account.account_sid}/Messages"
        return [
            Route(f"{base}.json", self._create, methods=["POST"]),
            Route(f"{base}.json", self._list, methods=["GET"]),
            Route(f"{base}/{{sid}}.json", self._fetch, methods=["GET"]),
        ]

    async def _create(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        fault = self.intake.faults.next("twilio", form.get("To", ""), self.clock())
        failed = before_accepting(fault, _error(21211))
        if failed is not None:
            return failed
        if (refused := self._unauthorised(request) or self._objection(form)) is not None:
            return refused
        message = self._remember(form)
        await self.intake.take(self._entry(message), message.callback or None)
        return after_accepting(fault) or JSONResponse(self._document(message), 201)

    def _objection(self, form: Mapping[str, str]) -> Response | None:
        to, validity = form.get("To", ""), form.get("ValidityPeriod", "36000")
        if not to:
            return _error(21604)
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(21603)
        if not form.get("Body"):
            return _error(21602)
        if len(form["Body"]) > 1600:
            return _error(21617)
        if not E164.fullmatch(to):
            return _error(21211)
        if LANDLINE.fullmatch(to):
            return _error(21635)
        if to in self.intake.blocked:
            return _error(21610)
        if not validity.isdigit() or not 1 <= int(validity) <= 36_000:
            return _error(20422)
        return None

    def _remember(self, form: Mapping[str, str]) -> _Message:
        message = _Message(
            sid=self._next_sid(),
            sender=form.get("From") or form["MessagingServiceSid"],
            to=form["To"],
            body=form["Body"],
            date=format_datetime(self.clock()),
            callback=form.get("StatusCallback", ""),
        )
        self.messages[message.sid] = message
        return message

    def _next_sid(self) -> str:
        number = len(self.messages)
        while (sid := f"SM{_hash(f'{self.account.account_sid}:{number}')}") in self.messages:
            number += 1  # an earlier process also numbered replies, which no ledger keeps
        return sid

    def _entry(self, message: _Message) -> Entry:
        reference = parse_qs(urlsplit(message.callback).query).get("ref", [""])[0]
        return Entry(
            provider="twilio",
            channel="sms",
            reference=reference,  # without a status callback Twilio never learns it
            provider_id=message.sid,
            to=message.to,
            text=message.body,
            at=instant(self.clock()),
            sender=message.sender,
        )

    def restore(self, entry: Entry) -> None:
        """Remember what an earlier process accepted."""
        self.messages[entry.provider_id] = _Message(
            entry.provider_id, entry.sender, entry.to, entry.text, format_datetime(self.clock())
        )

    async def _list(self, request: Request) -> Response:
        if (refused := self._unauthorised(request)) is not None:
            return refused
        query = request.query_params
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        found = [
            message
            for message in reversed(self.messages.values())
            if query.get("To") in (None, message.to) and query.get("From") in (None, message.sender)
        ]
        start = page * size
        following = urlencode(dict(query) | {"Page": str(page + 1)})
        more = f"{request.url.path}?{following}" if len(found) > start + size else None
        shown = [self._document(message) for message in found[start : start + size]]
        return JSONResponse({"messages": shown, "page": page, "next_page_uri": more})

    async def _fetch(self, request: Request) -> Response:
        if (refused := self._unauthorised(request)) is not None:
            return refused
        message = self.messages.get(request.path_params["sid"])
        return _error(20404, 404) if message is None else JSONResponse(self._document(message))

    def _unauthorised(self, request: Request) -> Response | None:
        pair = f"{self.account.account_sid}:{self.account.auth_token}".encode()
        expected = b"Basic " + base64.b64encode(pair)
        told = request.headers.get("authorization", "").encode()
        return None if hmac.compare_digest(told, expected) else _error(20003, 401)

    def _document(self, message: _Message) -> dict[str, object]:
        base = f"/2010-04-01/Accounts/{self.account.account_sid}/Messages/{message.sid}"
        service = message.sender if message.sender.startswith("MG") else None
        return {
            "sid": message.sid,
            "account_sid": self.account.account_sid,
            "messaging_service_sid": service,
            "api_version": "2010-04-01",
            "from": None if service else message.sender,
            "to": message.to,
            "body": message.body,
            "direction": message.direction,
            "status": message.status,
            "error_code": message.error_code,
            "error_message": None,
            "num_segments": "0" if service else str(1 + (len(message.body) - 1) // 153),
            "num_media": "0",
            "price": None,
            "price_unit": None,
            "date_created": message.date,
            "date_updated": message.date,
            "date_sent": None,
            "uri": f"{base}.json",
            "subresource_uris": {"media": f"{base}/Media.json"},
        }

    def status(self, sid: str, status: str, error_code: str | None) -> tuple[str, dict[str, str]]:
        """Note what became of a message; its callback ("" if none) and the form to post there."""
        message = self.messages[sid]
        if message.status not in FINAL:  # a late "sent" is told, but not believed
            message.status = status
            message.error_code = int(error_code) if error_code else None
        form = self._common(message) | {"MessageStatus": status, "SmsStatus": status}
        return message.callback, form | ({"ErrorCode": error_code} if error_code else {})

    def inbound(self, sender: str, recipient: str, text: str) -> dict[str, str]:
        """Keep a patient's message; the form of its webhook. STOP words block the number."""
        date = format_datetime(self.clock())
        message = _Message(
            self._next_sid(), sender, recipient, text, date, "inbound", status="received"
        )
        self.messages[message.sid] = message
        form = self._common(message) | {
            "Body": text,
            "SmsStatus": "received",
            "NumMedia": "0",
            "NumSegments": "1",
        }
        if text.strip().upper() in STOP_WORDS:
            self.intake.blocked.add(sender)
            form["OptOutType"] = "STOP"
        return form

    def _common(self, message: _Message) -> dict[str, str]:
        return {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "AccountSid": self.account.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "To": message.to,
        }

    def signature(self, url: str, form: Mapping[str, str]) -> str:
        text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
        mac = hmac.new(self.account.auth_token.encode(), text.encode(), hashlib.sha1)
        return base64.b64encode(mac.digest()).decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _error(code: int, status: int = 400) -> Response:
    """Like the real one, the sentence may quote the number: it has no place in our logs."""
    sentence = f"Error {code}"
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse(
        {"code": code, "message": sentence, "more_info": more, "status": status}, status
    )
