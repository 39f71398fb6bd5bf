"""SMS through OVHcloud's HTTP API, both directions.

Routes: https://eu.api.ovh.com/console/?section=%2Fsms
Signature: https://github.com/ovh/python-ovh (raw_call)
Guide: https://docs.ovh.com/fr/sms/api_sms_cookbook/

Callbacks (`callBack` and `cgiUrl` of the SMS account, both set to `<callback_url>` by the
administrator) are unsigned GETs: behind the secret path they are only hints, and what they
announce is asked for over the signed API. Our reference travels as the job's `tag`.
"""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.options import parse_options
from adapters.wire import Client, ask_each, client, document, exchange, fields
from reminders.domain.sms import measure
from reminders.errors import (
    BadRecipient,
    Forged,
    Misconfigured,
    NotSent,
    OptedOut,
    Refused,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import (
    Accepted,
    Callback,
    Capabilities,
    InboundSms,
    Receipt,
    ReceiptState,
    Received,
    Sms,
    Wiring,
)

# Final words of `deliveryReceipt`; 0, 4 and 8 are still on their way.
DELIVERY = {
    1: ReceiptState.DELIVERED,
    2: ReceiptState.UNDELIVERED,
    16: ReceiptState.UNDELIVERED,
}
PENDING = frozenset({0, 4, 8})
# `ptt` of the HTTP API (GET /sms/ptts); SMPP's table gives the same numbers other meanings.
PTT = {
    1: ReceiptState.ACCEPTED,  # retrying, because of the handset
    2: ReceiptState.ACCEPTED,  # retrying, because of the network
    3: ReceiptState.ACCEPTED,  # taken by the operator
    4: ReceiptState.DELIVERED,
    5: ReceiptState.UNDELIVERED,
    6: ReceiptState.UNKNOWN,  # the operator will never tell
    8: ReceiptState.UNDELIVERED,  # expired
    20: ReceiptState.UNDELIVERED,
    23: ReceiptState.UNDELIVERED,  # number wrong or barred
    24: ReceiptState.UNDELIVERED,  # absent
    25: ReceiptState.UNDELIVERED,  # failed, network, passing
    26: ReceiptState.UNDELIVERED,  # failed, handset, passing
    27: ReceiptState.UNDELIVERED,  # handset that cannot receive
    28: ReceiptState.UNDELIVERED,  # taken for spam
    33: ReceiptState.UNDELIVERED,  # parental lock
}
DEAD_NUMBER = frozenset({23, 27})
OUR_FAULT = frozenset({402, 404, 460})  # no credit, no such service, service expired
CLOCK_FAULT = frozenset({"QUERY_TIME_OUT"})
KEY_FAULT = frozenset({"INVALID_SIGNATURE", "INVALID_KEY", "INVALID_CREDENTIAL"})
LONGEST_VALIDITY = 2880  # minutes
REPLIES_KEPT = timedelta(days=3)  # how far back a poll looks: the reply window is 48 h
REPLIES_AT_MOST = 500
NUMBER = re.compile(r"[1-9][0-9]{6,14}")


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    service_name: str = Field(pattern=r"^sms-[a-z0-9]+-[0-9]+$")
    application_key: str = Field(min_length=1)
    application_secret: SecretStr = Field(min_length=1)
    consumer_key: SecretStr = Field(min_length=1)
    sender: str | None = Field(None, pattern=r"^[A-Za-z0-9 ]{1,11}$")
    sender_for_response: bool = False  # a short number, which patients can answer for 48 h
    base_url: str = Field("https://eu.api.ovh.com/1.0", pattern=r"^https?://[^?#]+$")

    @model_validator(mode="after")
    def _one_sender(self) -> "Options":
        if (self.sender is None) != self.sender_for_response:
            raise ValueError("indiquer soit sender, soit sender_for_response = true")
        return self


def create(
    options: Mapping[str, Any],
    wiring: Wiring,
    transport: httpx.AsyncBaseTransport | None = None,
) -> "Ovh":
    return Ovh(parse_options(Options, options), wiring, transport)


class Ovh:
    capabilities = Capabilities(lookup=True, block_list=True)

    def __init__(
        self, options: Options, wiring: Wiring, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self._options = options
        self._callback_url = wiring.callback_url
        self._sms = f"/sms/{options.service_name}"
        self._http = client(wiring, options.base_url, transport=transport)
        self._clock = _ServerClock(self._http)
        self._replies: dict[str, InboundSms] = {}

    async def send(self, sms: Sms) -> Accepted:
        job = self._job(sms)
        try:
            now = await self._clock.now()
        except (Unknown, Refused) as error:  # the question about the time, not the message
            raise NotSent(f"ovh time: {error.code}") from error
        response = await self._call(
            "POST", f"{self._sms}/jobs", now, json.dumps(job, separators=(",", ":"))
        )
        report = fields(response)
        if response.is_error:
            raise self._refusal(response.status_code, report)
        ids, invalid = report.get("ids"), report.get("invalidReceivers")
        if ids and not invalid:
            return Accepted(str(ids[0]))
        if ids or report.get("validReceivers"):
            raise Unknown("ovh contradicts itself")
        if not invalid:
            raise Refused("ovh accepted nobody")
        stopped = await self._has_stopped(sms.to)
        raise OptedOut("ovh blacklist") if stopped else BadRecipient("ovh invalidReceivers")

    def _job(self, sms: Sms) -> dict[str, Any]:
        """`noStopClause`: without it OVH appends a STOP text and keeps commercial hours."""
        minutes = int(sms.valid_for / timedelta(minutes=1))
        if minutes < 1:
            raise NotSent("deadline passed")
        options = self._options
        sender = {"sender": options.sender} if options.sender else {"senderForResponse": True}
        return sender | {
            "message": sms.text,
            "receivers": [sms.to],
            "noStopClause": True,
            "charset": "UTF-8",
            "coding": "7bit" if measure(sms.text).encoding == "gsm7" else "8bit",
            "class": "phoneDisplay",
            "priority": "high",
            "validityPeriod": min(minutes, LONGEST_VALIDITY),
            "tag": sms.reference,
        }

    def _refusal(self, status: int, answer: Mapping[str, Any]) -> SendError:
        code = str(answer.get("errorCode", status))
        if code in CLOCK_FAULT:
            self._clock.forget()
            return NotSent(f"ovh {code}")
        # No code tells a sender that was never validated: the word in the sentence does.
        about_sender = "sender" in str(answer.get("message", "")).lower()
        if not answer or status in OUR_FAULT or code in KEY_FAULT or about_sender:
            return Misconfigured(f"ovh {code}")
        return Throttled(f"ovh {code}") if status == 423 else Refused(f"ovh {code}")

    async def _has_stopped(self, number: str) -> bool:
        """Whether the number is on OVH's STOP list. The whole list is read: a number has no
        place in an address. No answer counts as no: staff will see a number to check."""
        try:
            return "+" + _digits(number) in await self.blocked()
        except SendError:
            return False

    async def blocked(self) -> Sequence[str]:
        """OVH's STOP list (GET /sms/{serviceName}/blacklists); what is no number is left out."""
        listed = await self._get(f"{self._sms}/blacklists")
        if not isinstance(listed, list):
            raise Misconfigured("ovh blacklists")
        digits = (_digits(str(each)) for each in listed)
        return ["+" + each for each in digits if NUMBER.fullmatch(each)]

    async def lookup(self, reference: str) -> Receipt | None:
        """None proves nothing: a job may not be listed yet."""
        ids = await self._get(f"{self._sms}/outgoing?tag={reference}")
        return await self._receipt(str(max(ids))) if ids else None

    async def poll(self, provider_ids: Sequence[str]) -> Received:
        receipts = await ask_each(provider_ids, self._receipt)
        replies = await self._incoming() if self._options.sender_for_response else ()
        return Received(tuple(filter(None, receipts)), tuple(replies))

    async def _receipt(self, provider_id: str) -> Receipt | None:
        found = await self._get(f"{self._sms}/outgoing/{provider_id}")
        return _receipt(provider_id, found) if found else None

    async def _incoming(self) -> list[InboundSms]:
        """The replies of the last days, every time: who stores them remembers them, not we.
        Each is fetched once; only the newest are, should there be too many."""
        since = (await self._clock.now() - REPLIES_KEPT).strftime("%Y-%m-%dT%H:%M:%SZ")
        ids = await self._get(f"{self._sms}/incoming?creationDatetime.from={since}") or ()
        newest = [str(each) for each in sorted(ids, reverse=True)[:REPLIES_AT_MOST]]
        self._replies = {key: self._replies[key] for key in newest if key in self._replies}
        wanted = [key for key in newest if key not in self._replies]
        fetched = await ask_each(wanted, self._reply)
        self._replies |= {reply.provider_id: reply for reply in fetched if reply}
        return list(self._replies.values())

    async def _reply(self, provider_id: str) -> InboundSms | None:
        found = await self._get(f"{self._sms}/incoming/{provider_id}")
        return found and InboundSms(
            provider_id=provider_id,
            sender="+" + _digits(str(found["sender"])),
            recipient="",  # OVH lends a short number and does not say which
            text=str(found["message"]),
            in_reply_to=str(found.get("tag") or ""),
        )

    def receive(self, callback: Callback) -> Received:
        """A hint at most. Raises Forged unless it came by the secret path."""
        secret = urlsplit(f"{self._callback_url or ''}/").path.encode()
        path = urlsplit(callback.url).path.encode() + b"/"
        if self._callback_url is None or not hmac.compare_digest(path[: len(secret)], secret):
            raise Forged("ovh path")
        number = dict(parse_qsl(urlsplit(callback.url).query)).get("id", "")
        is_id = number.isascii() and number.isdigit() and len(number) < 20
        return Received(hints=True, hinted=(number,) if is_id else ())

    async def _get(self, path: str) -> Any:
        """None for what OVH does not know (404). Raises SendError."""
        response = await self._call("GET", path, await self._clock.now())
        if response.is_success:
            return document(response)
        if response.status_code == 404:
            return None
        raise self._refusal(response.status_code, fields(response))

    async def _call(self, method: str, path: str, now: datetime, body: str = "") -> httpx.Response:
        request = self._http.build_request(method, path, content=body.encode())
        options, instant = self._options, str(int(now.timestamp()))
        secret = options.application_secret.get_secret_value()
        consumer = options.consumer_key.get_secret_value()
        signed = "+".join((secret, consumer, method, str(request.url), body, instant))
        signature = hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
        request.headers["X-Ovh-Application"] = options.application_key
        request.headers["X-Ovh-Consumer"] = consumer
        request.headers["X-Ovh-Timestamp"] = instant
        request.headers["X-Ovh-Signature"] = f"$1${signature}"
        if body:
            request.headers["Content-Type"] = "application/json"
        return await exchange(self._http, request)

    async def aclose(self) -> None:
        await self._http.aclose()


class _ServerClock:
    """OVH's time, which signatures carry. Asked once an hour and carried on by the monotonic
    clock, so that a wrong clock on this machine changes nothing."""

    REFRESH_SECONDS = 3600.0

    def __init__(self, http: Client) -> None:
        self._http = http
        self._lock = asyncio.Lock()
        self._known: tuple[datetime, float] | None = None

    async def now(self) -> datetime:
        """Raises SendError when OVH does not tell."""
        async with self._lock:
            known = self._known
            if known is None or time.monotonic() - known[1] > self.REFRESH_SECONDS:
                request = self._http.build_request("GET", "/auth/time")
                response = await exchange(self._http, request)
                epoch = document(response)
                if not isinstance(epoch, int):
                    raise Misconfigured("ovh time")
                known = self._known = datetime.fromtimestamp(epoch, UTC), time.monotonic()
        return known[0] + timedelta(seconds=time.monotonic() - known[1])

    def forget(self) -> None:
        self._known = None


def _digits(number: str) -> str:
    """A number's digits without its international prefix, however OVH writes it."""
    return number.strip().removeprefix("+").removeprefix("00")


def _receipt(provider_id: str, outgoing: Mapping[str, Any]) -> Receipt:
    ptt, told = outgoing.get("ptt"), outgoing.get("deliveryReceipt")
    on_its_way = ReceiptState.ACCEPTED if told in PENDING else ReceiptState.UNKNOWN
    return Receipt(
        event=f"{provider_id}:{told}:{ptt}",
        state=DELIVERY.get(told or 0) or PTT.get(ptt or 0, on_its_way),
        reference=str(outgoing.get("tag") or ""),
        provider_id=provider_id,
        code="" if ptt is None else str(ptt),
        bad_recipient=ptt in DEAD_NUMBER,
    )
