"""Twilio's words on the wire, in both directions."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from jsonschema import Draft202012Validator

from adapters.sms.twilio import create
from reminders.errors import (
    ConfigurationError,
    Misconfigured,
    OptedOut,
    Refused,
    SendError,
    Throttled,
)
from reminders.ports import InboundSms, Receipt, ReceiptState, SmsSender, Wiring
from tests.contracts.sms_sender import GOSSIP, REFERENCE, TEXT, SmsSenderContract, sms
from tests.contracts.three_answers import ThreeAnswersContract

ACCOUNT = "AC" + "1" * 32
SID = "SM" + "a" * 32
OPTIONS = {"account_sid": ACCOUNT, "auth_token": "secret", "sender": "+33939010203"}
CALLBACK_URL = "https://rdv.example.org/callbacks/s3cr3t"
WIRING = Wiring("main", callback_url=CALLBACK_URL)
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
SPECIFICATION = json.loads(
    (Path(__file__).parent / "fixtures" / "twilio_messages.json").read_text(encoding="utf-8")
)


def form_of(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode(), strict_parsing=True))


def error(code: int, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": GOSSIP, "status": status})


class TestTwilio(SmsSenderContract):
    host = "api.twilio.com"
    accepted_id = SID
    shortest_validity = timedelta(seconds=1)

    def sender(self, transport: httpx.AsyncBaseTransport) -> SmsSender:
        return create(OPTIONS, WIRING, transport)

    def accepted(self) -> httpx.Response:
        return httpx.Response(201, json={"sid": SID, "status": "queued", "num_segments": "1"})

    def bad_number(self) -> httpx.Response:
        return error(21211)

    def opted_out(self) -> httpx.Response:
        return error(21610)

    def refused(self) -> httpx.Response:
        return error(29999)

    def reference_of(self, request: httpx.Request) -> str:
        return dict(httpx.URL(form_of(request)["StatusCallback"]).params)["ref"]

    def validity_of(self, request: httpx.Request) -> timedelta:
        return timedelta(seconds=int(form_of(request)["ValidityPeriod"]))


class TestThreeAnswers(ThreeAnswersContract):
    def sender(self, address: str, wiring: Wiring) -> SmsSender:
        return create(OPTIONS | {"base_url": address}, wiring)


async def form_sent(wiring: Wiring = WIRING, **options: str) -> dict[str, str]:
    """The form of a message, checked against Twilio's own description of it."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"sid": SID})

    sender = create(OPTIONS | options, wiring, httpx.MockTransport(respond))
    await sender.send(sms())
    await sender.aclose()
    form = form_of(requests[0])
    typed: dict[str, Any] = form | {"ValidityPeriod": int(form["ValidityPeriod"])}
    Draft202012Validator(SPECIFICATION["form"]).validate(typed)
    assert requests[0].url.path == f"{MESSAGES}.json"
    return form


@pytest.mark.anyio
async def test_a_message_has_the_form_twilio_describes() -> None:
    assert await form_sent() == {
        "To": "+33639980001",
        "From": "+33939010203",
        "Body": TEXT,
        "ValidityPeriod": "7200",
        "StatusCallback": f"{CALLBACK_URL}/status?ref={REFERENCE}",
    }


@pytest.mark.anyio
async def test_a_name_or_a_messaging_service_can_send() -> None:
    service = "MG" + "b" * 32
    assert (await form_sent(sender="CH Exemple"))["From"] == "CH Exemple"
    form = await form_sent(sender=service)
    assert form["MessagingServiceSid"] == service
    assert "From" not in form


@pytest.mark.anyio
async def test_a_site_without_a_public_address_asks_for_no_callback() -> None:
    assert "StatusCallback" not in await form_sent(Wiring("main"))


@pytest.mark.anyio
async def test_twilio_keeps_neither_text_nor_number_where_the_account_allows_it() -> None:
    form = await form_sent(content_retention="discard", address_retention="obfuscate")
    assert (form["ContentRetention"], form["AddressRetention"]) == ("discard", "obfuscate")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (21408, Refused),
        (21610, OptedOut),
        (21612, Refused),
        (21606, Misconfigured),
        (20429, Throttled),
        (21611, Throttled),
    ],
)
async def test_twilio_s_codes_say_what_must_happen_next(code: int, kind: type[SendError]) -> None:
    sender = create(OPTIONS, WIRING, httpx.MockTransport(lambda _request: error(code)))
    with pytest.raises(SendError) as failure:
        await sender.send(sms())
    assert type(failure.value) is kind
    assert str(failure.value) == f"twilio {code}"


def polled(answers: Mapping[str, Any]) -> tuple[SmsSender, list[str]]:
    """A sender whose questions are answered by path and query; a missing one is a 404."""
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "api.twilio.com"
        asked.append(request.url.raw_path.decode())
        found = answers.get(asked[-1])
        return error(20404, 404) if found is None else httpx.Response(200, json=found)

    return create(OPTIONS, WIRING, httpx.MockTransport(respond)), asked


def inbound(number: int) -> dict[str, str]:
    sid = f"SM{number:032x}"
    sender, recipient = "+33639980001", "+33939010203"
    return {"sid": sid, "direction": "inbound", "from": sender, "to": recipient, "body": "OUI"}


@pytest.mark.anyio
async def test_receipts_can_be_polled_one_by_one() -> None:
    sender, _ = polled(
        {
            f"{MESSAGES}/SM1.json": {"status": "delivered", "error_code": None},
            f"{MESSAGES}/SM2.json": {"status": "undelivered", "error_code": 30005},
        }
    )
    told = await sender.poll(["SM1", "SM2", "SM3"])
    assert told.receipts == (
        Receipt("SM1:delivered", ReceiptState.DELIVERED, provider_id="SM1"),
        Receipt(
            "SM2:undelivered",
            ReceiptState.UNDELIVERED,
            provider_id="SM2",
            code="30005",
            bad_recipient=True,
        ),
    )


@pytest.mark.anyio
async def test_replies_are_polled_page_by_page_and_our_own_messages_left_out() -> None:
    first = f"{MESSAGES}.json?To=%2B33939010203&PageSize=100"
    second = f"{MESSAGES}.json?To=%2B33939010203&Page=1&PageToken=PASM1"
    ours = inbound(9) | {"direction": "outbound-api"}
    sender, asked = polled(
        {
            first: {"messages": [inbound(3), ours], "next_page_uri": second},
            second: {"messages": [inbound(2)], "next_page_uri": None},
        }
    )
    replies = (await sender.poll([])).replies
    assert [reply.provider_id for reply in replies] == [f"SM{3:032x}", f"SM{2:032x}"]
    assert replies[0] == InboundSms(f"SM{3:032x}", "+33639980001", "+33939010203", "OUI")
    assert asked == [first, second]


@pytest.mark.anyio
@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example.org/x", "//elsewhere/x", "x"])
async def test_a_next_page_elsewhere_is_not_followed(elsewhere: str) -> None:
    first = f"{MESSAGES}.json?To=%2B33939010203&PageSize=100"
    sender, _ = polled({first: {"messages": [inbound(1)], "next_page_uri": elsewhere}})
    assert len((await sender.poll([])).replies) == 1


@pytest.mark.anyio
async def test_an_endless_list_of_replies_ends() -> None:
    first = f"{MESSAGES}.json?To=%2B33939010203&PageSize=100"
    sender, asked = polled({first: {"messages": [inbound(1)], "next_page_uri": first}})
    await sender.poll([])
    assert len(asked) == 5


@pytest.mark.anyio
async def test_a_name_is_never_asked_for_replies() -> None:
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return error(20404, 404)

    for sender in ("CHExemple", "3CH", "MG" + "0" * 32):
        await create(OPTIONS | {"sender": sender}, WIRING, httpx.MockTransport(respond)).poll([])
    assert requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_token": ""},
        {"account_sid": "AC123"},
        {"account_sid": None},
        {"sender": "Centre Hospitalier"},
        {"sender": "Hôpital"},
        {"sender": "0612"[:2]},
        {"base_url": "ftp://api.twilio.com"},
        {"content_retention": "perhaps"},
        {"unknown": "x"},
    ],
)
def test_a_mistake_in_the_configuration_is_refused_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        create(OPTIONS | wrong, WIRING)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8031", "http://twilio.example.org/api"])
def test_a_simulated_twilio_may_name_its_accounts_as_it_likes(address: str) -> None:
    create(OPTIONS | {"base_url": address, "account_sid": "ACtest"}, WIRING)
    with pytest.raises(ConfigurationError):
        create(OPTIONS | {"base_url": address, "account_sid": "AC…"}, WIRING)


def test_every_mistake_is_named_at_once_and_no_secret_is_told() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        create({"auth_token": "hunter2", "sender": "", "oops": 1}, WIRING)
    told = str(refusal.value)
    assert all(key in told for key in ("account_sid", "sender", "oops"))
    assert "hunter2" not in told
