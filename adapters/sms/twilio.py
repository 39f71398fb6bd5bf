"""SMS through Twilio, both directions.

Messages: https://www.twilio.com/docs/messaging/api/message-resource
Error codes: https://www.twilio.com/docs/api/errors
Webhooks and their signature: https://www.twilio.com/docs/usage/security

Twilio offers neither an idempotency key nor a search by our reference: a lost answer waits for
the receipt, whose address carries the reference. Replies arrive at `<callback_url>/inbound`,
set as the number's "A message comes in" webhook in Twilio's console, or by polling.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from adapters.options import parse_options
from adapters.wire import Form, ask_each, client, exchange, fields
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

REFUSALS: dict[str, type[SendError]] = {
    "21211": BadRecipient,  # not a phone number
    "21614": BadRecipient,  # cannot receive SMS
    "21635": BadRecipient,  # a landline
    "21610": OptedOut,  # replied STOP
    "21408": Refused,  # this country is not switched on: our account, but the others go through
    "21612": Refused,  # no route from this sender to this number
    "21611": Throttled,  # the sender's queue is full
    "20429": Throttled,
    "20003": Misconfigured,  # credentials
    "20005": Misconfigured,  # account not active
    "20404": Misconfigured,  # no such account
    "21212": Misconfigured,  # sender not valid
    "21603": Misconfigured,  # sender missing
    "21606": Misconfigured,  # sender not ours
    "21608": Misconfigured,  # trial account
    "21609": Misconfigured,  # callback address not valid
    "21701": Misconfigured,  # no such messaging service
    "21703": Misconfigured,  # messaging service without a sender
}
STATES = {
    "accepted": ReceiptState.ACCEPTED,
    "scheduled": ReceiptState.ACCEPTED,
    "queued": ReceiptState.ACCEPTED,
    "sending": ReceiptState.ACCEPTED,
    "sent": ReceiptState.ACCEPTED,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.DELIVERED,
    "undelivered": ReceiptState.UNDELIVERED,
    "failed": ReceiptState.UNDELIVERED,
    "canceled": ReceiptState.UNDELIVERED,
    # partially_delivered: nobody can say what the patient read, so it stays unknown
}
# In a receipt: the number will never work. 30003 (unreachable), 30004 (blocked by the operator),
# 30007 (filtered) and 30008 (unknown) say nothing of the number itself.
DEAD_NUMBER = frozenset({"21211", "21614", "21635", "30005", "30006"})
# `OptOutType` of a reply: what Twilio's own list made of it, whatever word was used. Twilio takes
# CANCEL, END and QUIT for a stop too: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
OPT_OUT_TYPES: Mapping[str, Literal["", "set", "lifted"]] = {"STOP": "set", "START": "lifted"}
PAGE, PAGES = 100, 5  # replies read at one poll, newest first: at most 500


def _sender(text: str) -> str:
    name = re.fullmatch(r"[A-Za-z0-9 ]{1,11}", text) and re.search(r"[A-Za-z]", text)
    if not (name or re.fullmatch(r"MG[0-9a-fA-F]{32}|\+[1-9]\d{6,14}|\d{3,8}", text)):
        raise ValueError("nom de 11 caractères au plus, numéro (+33…) ou service de messages (MG…)")
    return text


class Options(BaseModel):
    """The two retentions need Twilio's agreement for the account, hence off unless asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field("https://api.twilio.com", pattern=r"^https?://[^?#]+$")
    account_sid: str
    auth_token: SecretStr = Field(min_length=1)
    sender: Annotated[str, AfterValidator(_sender)]
    content_retention: Literal["retain", "discard"] = "retain"
    address_retention: Literal["retain", "obfuscate"] = "retain"

    @field_validator("account_sid")
    @classmethod
    def _an_account(cls, value: str, info: ValidationInfo) -> str:
        """Twilio's own are exact; a simulated Twilio may name its accounts as it likes."""
        host = urlsplit(info.data.get("base_url", "")).hostname or ""
        theirs = host == "twilio.com" or host.endswith(".twilio.com")
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}" if theirs else r"AC[0-9A-Za-z]{1,62}", value):
            raise ValueError(
                "« AC » puis 32 chiffres ou lettres de a à f attendus : "
                "copier le « Account SID » de la console Twilio"
            )
        return value


def create(
    options: Mapping[str, Any],
    wiring: Wiring,
    transport: httpx.AsyncBaseTransport | None = None,
) -> "Twilio":
    return Twilio(parse_options(Options, options), wiring, transport)


class Twilio:
    capabilities = Capabilities()

    def __init__(
        self, options: Options, wiring: Wiring, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self._options = options
        self._token = options.auth_token.get_secret_value()
        self._callback_url = wiring.callback_url
        self._messages = f"/2010-04-01/Accounts/{options.account_sid}/Messages"
        self._http = client(
            wiring,
            options.base_url,
            auth=(options.account_sid, self._token),
            transport=transport,
        )
        self._sending = Form(self._http, f"{self._messages}.json")

    async def send(self, sms: Sms) -> Accepted:
        request = self._sending.request(self._form(sms))
        response = await exchange(self._http, request)
        answer = fields(response)
        if response.is_success and answer.get("sid"):
            return Accepted(str(answer["sid"]), _count(answer.get("num_segments")))
        if response.is_success:
            raise Unknown("twilio without sid")
        if "code" not in answer:  # a 4xx that Twilio did not write: a proxy, a wrong base_url
            raise Misconfigured(f"http {response.status_code}")
        code = str(answer["code"])
        raise REFUSALS.get(code, Refused)(f"twilio {code}")

    def _form(self, sms: Sms) -> dict[str, str]:
        options = self._options
        form = {"To": sms.to, "Body": sms.text, "ValidityPeriod": _validity(sms.valid_for)}
        service = options.sender.startswith("MG") and len(options.sender) == 34
        form["MessagingServiceSid" if service else "From"] = options.sender
        if self._callback_url is not None:
            query = urlencode({"ref": sms.reference})
            form["StatusCallback"] = f"{self._callback_url}/status?{query}"
        if options.content_retention != "retain":
            form["ContentRetention"] = options.content_retention
        if options.address_retention != "retain":
            form["AddressRetention"] = options.address_retention
        return form

    async def lookup(self, reference: str) -> Receipt | None:
        return None  # Twilio cannot be asked for our reference

    async def poll(self, provider_ids: Sequence[str]) -> Received:
        """A name gets no replies, and a messaging service's cannot be listed: webhook only."""
        receipts = await ask_each(provider_ids, self._receipt)
        is_number = self._options.sender.lstrip("+").isdigit()
        replies = await self._replies() if is_number else []
        return Received(tuple(filter(None, receipts)), tuple(replies))

    async def _receipt(self, sid: str) -> Receipt | None:
        found = await self._get(f"{self._messages}/{sid}.json")
        return _receipt(sid, str(found["status"]), found.get("error_code")) if found else None

    async def _replies(self) -> list[InboundSms]:
        query = urlencode({"To": self._options.sender, "PageSize": PAGE})
        path, replies = f"{self._messages}.json?{query}", list[InboundSms]()
        for _ in range(PAGES):
            page = await self._get(path)
            replies += [
                _reply(each["sid"], each["from"], each["to"], each["body"])
                for each in page.get("messages", ())
                if each.get("direction") == "inbound"
            ]
            path = page.get("next_page_uri") or ""
            if not path.startswith("/"):  # never another host, whatever the answer says
                break
        return replies

    async def _get(self, path: str) -> dict[str, Any]:
        """{} for what Twilio does not know (404). Raises SendError."""
        response = await exchange(self._http, self._http.build_request("GET", path))
        if response.is_error and response.status_code != 404:
            raise Misconfigured(f"http {response.status_code}")
        return fields(response) if response.is_success else {}

    def receive(self, callback: Callback) -> Received:
        """Raises Forged unless Twilio's signature over the configured public URL holds."""
        form = _verified(callback, self._token)
        query = dict(parse_qsl(urlsplit(callback.url).query))
        told = query | dict(form)
        sid = told.get("MessageSid", "")
        if "MessageStatus" in told:
            receipt = _receipt(
                sid, told["MessageStatus"], told.get("ErrorCode"), query.get("ref", "")
            )
            return Received(receipts=(receipt,))
        if sid and "From" in told:
            reply = _reply(sid, told["From"], told.get("To", ""), told.get("Body", ""))
            did = told.get("OptOutType", "").upper()
            block = OPT_OUT_TYPES.get(did, reply.block)
            return Received(replies=(replace(reply, block=block),))
        return Received()

    async def aclose(self) -> None:
        await self._http.aclose()


def _validity(valid_for: timedelta) -> str:
    """Whole seconds, 1 to 36,000 as Twilio allows, never more than asked."""
    seconds = int(valid_for.total_seconds())
    if seconds < 1:
        raise NotSent("deadline passed")
    return str(min(seconds, 36_000))


def _count(text: Any) -> int | None:
    """A messaging service answers "0": it does not know yet."""
    return int(text) or None if str(text).isdigit() else None


def _receipt(sid: str, status: str, error: Any, reference: str = "") -> Receipt:
    code = "" if error in (None, "", "0", 0) else str(error)
    state = STATES.get(status, ReceiptState.UNKNOWN)
    return Receipt(
        event=f"{sid}:{status}",
        state=state,
        reference=reference,
        provider_id=sid,
        code=code or ("" if state is not ReceiptState.UNKNOWN else status),
        opted_out=code == "21610",
        bad_recipient=code in DEAD_NUMBER,
    )


def _reply(sid: str, sender: str, recipient: str, text: str) -> InboundSms:
    return InboundSms(provider_id=sid, sender=sender, recipient=recipient, text=text)


def _verified(callback: Callback, token: str) -> list[tuple[str, str]]:
    """The form of a callback that Twilio signed. Raises Forged."""
    digest = dict(parse_qsl(urlsplit(callback.url).query)).get("bodySHA256")
    if digest is not None:  # a JSON body: the URL alone is signed, and carries the body's hash
        form = []
        computed = hashlib.sha256(callback.body).hexdigest()
        whole = hmac.compare_digest(computed.encode(), digest.encode())
    else:
        form = parse_qsl(callback.body.decode("utf-8", "replace"), keep_blank_values=True)
        whole = True
    told = callback.headers.get("x-twilio-signature", "").encode()
    fits = [hmac.compare_digest(_signature(url, form, token), told) for url in _ports(callback.url)]
    if not whole or not any(fits):
        raise Forged("twilio signature")
    return form


def _signature(url: str, form: list[tuple[str, str]], token: str) -> bytes:
    """Base64 HMAC-SHA1 of the URL and every distinct name and value, sorted: as Twilio's SDK."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1"))


def _ports(url: str) -> tuple[str, str]:
    """The URL without and with its port: Twilio signs either."""
    parts = urlsplit(url)
    bare = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts._replace(netloc=bare).geturl(), parts._replace(netloc=f"{bare}:{port}").geturl()
