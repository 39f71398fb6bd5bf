"""OVHcloud's words on the wire, in both directions."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import httpx
import ovh
import pytest

from adapters.sms.ovh import create
from reminders.errors import (
    BadRecipient,
    ConfigurationError,
    Forged,
    Misconfigured,
    NotSent,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import (
    BlockList,
    Callback,
    InboundSms,
    ReceiptState,
    Received,
    SmsSender,
    Wiring,
)
from tests.contracts.sms_sender import GOSSIP, NUMBER, REFERENCE, TEXT, SmsSenderContract, sms
from tests.contracts.three_answers import ThreeAnswersContract

SERVICE = "sms-ab12345-1"
OPTIONS = {
    "service_name": SERVICE,
    "application_key": "key",
    "application_secret": "secret",
    "consumer_key": "consumer",
    "sender": "CHExemple",
}
SHORT = {key: value for key, value in OPTIONS.items() if key != "sender"} | {
    "sender_for_response": True
}
CALLBACK_URL = "https://rdv.example.org/callbacks/s3cr3t"
WIRING = Wiring("main", callback_url=CALLBACK_URL)
NOW = 1_795_356_453  # 2026-11-22T14:07:33Z
SMS = f"/1.0/sms/{SERVICE}"


def report(**changed: Any) -> httpx.Response:
    accepted = {"ids": [123], "validReceivers": [NUMBER], "invalidReceivers": []}
    return httpx.Response(200, json=accepted | {"totalCreditsRemoved": 1} | changed)


def refusal(status: int, code: str, message: str = GOSSIP) -> httpx.Response:
    return httpx.Response(status, json={"errorCode": code, "message": message})


class TestOvh(SmsSenderContract):
    host = "eu.api.ovh.com"
    accepted_id = "123"
    shortest_validity = timedelta(minutes=1)
    stopped: tuple[str, ...] = ()

    def sender(self, transport: httpx.AsyncBaseTransport) -> SmsSender:
        return create(OPTIONS, WIRING, transport)

    def aside(self, request: httpx.Request) -> httpx.Response | None:
        answers = {"/1.0/auth/time": NOW, f"{SMS}/blacklists": self.stopped}
        found = answers.get(request.url.path)
        return None if found is None else httpx.Response(200, json=found)

    def accepted(self) -> httpx.Response:
        return report()

    def bad_number(self) -> httpx.Response:
        self.stopped = ()
        return report(ids=[], validReceivers=[], invalidReceivers=[NUMBER])

    def opted_out(self) -> httpx.Response:
        self.stopped = ("0033639980002", NUMBER.replace("+", "00"))
        return report(ids=[], validReceivers=[], invalidReceivers=[NUMBER])

    def refused(self) -> httpx.Response:
        return refusal(400, "INVALID_ARGUMENT")

    def reference_of(self, request: httpx.Request) -> str:
        return str(json.loads(request.content)["tag"])

    def validity_of(self, request: httpx.Request) -> timedelta:
        return timedelta(minutes=json.loads(request.content)["validityPeriod"])


class TestThreeAnswers(ThreeAnswersContract):
    def sender(self, address: str, wiring: Wiring) -> SmsSender:
        return create(OPTIONS | {"base_url": f"{address}/1.0"}, wiring)


def connected(
    answers: Mapping[str, Any], options: Mapping[str, Any] = OPTIONS
) -> tuple[SmsSender, list[httpx.Request]]:
    """A sender whose requests are answered by path and query; a missing one is a 404."""
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.raw_path.decode()
        found = NOW if path == "/1.0/auth/time" else answers.get(path)
        if isinstance(found, httpx.Response):
            return found
        if found is None:
            return refusal(404, "NOT_FOUND")
        return httpx.Response(200, json=found)

    return create(options, WIRING, httpx.MockTransport(respond)), asked


async def job_sent(text: str = TEXT, options: Mapping[str, Any] = OPTIONS) -> dict[str, Any]:
    sender, asked = connected({f"{SMS}/jobs": report()}, options)
    await sender.send(sms(text=text))
    job: dict[str, Any] = json.loads(asked[-1].content)
    return job


@pytest.mark.anyio
async def test_a_job_is_transactional_and_keeps_no_stop_clause() -> None:
    assert await job_sent() == {
        "message": TEXT,
        "receivers": [NUMBER],
        "sender": "CHExemple",
        "noStopClause": True,
        "charset": "UTF-8",
        "coding": "7bit",
        "class": "phoneDisplay",
        "priority": "high",
        "validityPeriod": 120,
        "tag": REFERENCE,
    }
    assert len(REFERENCE) == 17, "OVH takes 20"


@pytest.mark.anyio
async def test_letters_outside_the_short_alphabet_are_sent_in_the_long_one() -> None:
    assert (await job_sent("Votre RDV : hôpital"))["coding"] == "8bit"
    assert (await job_sent("Votre RDV : entrée à gauche"))["coding"] == "7bit"


@pytest.mark.anyio
async def test_a_short_number_can_be_answered() -> None:
    job = await job_sent(options=SHORT)
    assert job["senderForResponse"] is True
    assert "sender" not in job


class Recorder:
    """Stands where the official client keeps its HTTP session."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.call: tuple[str, str, str] = ("", "", "")

    def request(self, method: str, url: str, *, headers: Any, data: str, timeout: Any) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.call = (method, url, data)


def officially_signed(job: Mapping[str, Any]) -> Recorder:
    official = ovh.Client(
        endpoint="ovh-eu",
        application_key="key",
        application_secret="secret",
        consumer_key="consumer",
    )
    official._session, official._time_delta = Recorder(), 0
    official.raw_call("POST", f"/sms/{SERVICE}/jobs", job)
    recorded: Recorder = official._session
    return recorded


@pytest.mark.anyio
async def test_requests_are_signed_as_the_official_client_signs_them() -> None:
    text = "Rendez-vous à l’entrée B, 10 h 15 👍"
    theirs = officially_signed(await job_sent(text))
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        their_second = int(theirs.headers["x-ovh-timestamp"])
        time_asked = request.url.path.endswith("/auth/time")
        return httpx.Response(200, json=their_second) if time_asked else report()

    await create(OPTIONS, WIRING, httpx.MockTransport(respond)).send(sms(text=text))
    ours = asked[-1]
    assert (ours.method, str(ours.url), ours.content.decode()) == theirs.call
    for name in ("application", "consumer", "timestamp", "signature"):
        assert ours.headers[f"x-ovh-{name}"] == theirs.headers[f"x-ovh-{name}"]


@pytest.mark.anyio
async def test_the_time_is_ovh_s_and_asked_once() -> None:
    sender, asked = connected({f"{SMS}/jobs": report()})
    for _ in range(3):
        await sender.send(sms())
    assert [request.url.path for request in asked].count("/1.0/auth/time") == 1
    assert 0 <= int(asked[-1].headers["x-ovh-timestamp"]) - NOW < 60


@pytest.mark.anyio
async def test_a_clock_that_drifted_is_set_again_and_the_message_was_not_sent() -> None:
    sender, asked = connected({f"{SMS}/jobs": refusal(400, "QUERY_TIME_OUT")})
    for _ in range(2):
        with pytest.raises(NotSent):
            await sender.send(sms())
    assert [request.url.path for request in asked].count("/1.0/auth/time") == 2


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_as_long_as_the_time_is_not_told_nothing_was_sent(status: int) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status))
    with pytest.raises((NotSent, Misconfigured)):
        await create(OPTIONS, WIRING, transport).send(sms())


@pytest.mark.anyio
async def test_a_clock_that_never_answers_sent_nothing() -> None:
    def hang_up(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer")

    with pytest.raises(NotSent):
        await create(OPTIONS, WIRING, httpx.MockTransport(hang_up)).send(sms())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (report(ids=[]), Unknown),
        (report(invalidReceivers=[NUMBER]), Unknown),
        (refusal(400, "INVALID_SIGNATURE"), Misconfigured),
        (refusal(400, "INVALID_ARGUMENT", "Sender CHExemple does not exist"), Misconfigured),
        (refusal(402, "PAYMENT_REQUIRED"), Misconfigured),
        (refusal(404, "NOT_FOUND"), Misconfigured),
        (refusal(460, "EXPIRED"), Misconfigured),
        (refusal(423, "LOCKED"), Throttled),
    ],
)
async def test_ovh_s_answers_say_what_must_happen_next(
    answer: httpx.Response, kind: type[SendError]
) -> None:
    sender, _ = connected({f"{SMS}/jobs": answer})
    with pytest.raises(SendError) as failure:
        await sender.send(sms())
    assert type(failure.value) is kind


@pytest.mark.anyio
async def test_a_stop_list_that_does_not_answer_leaves_a_number_to_check() -> None:
    empty = report(ids=[], validReceivers=[], invalidReceivers=[NUMBER])
    answers = {f"{SMS}/jobs": empty, f"{SMS}/blacklists": httpx.Response(500)}
    sender, _ = connected(answers)
    with pytest.raises(SendError) as failure:
        await sender.send(sms())
    assert type(failure.value) is BadRecipient


async def listed(answer: Any) -> Sequence[str]:
    sender, _ = connected({f"{SMS}/blacklists": answer})
    assert sender.capabilities.block_list
    return await cast(BlockList, sender).blocked()


@pytest.mark.anyio
async def test_the_stop_list_is_read_as_numbers_however_they_are_written() -> None:
    told = ["+33639980001", "0033639980002", "33639980003", "38000", "CHEXEMPLE", "", None]
    assert await listed(told) == ["+33639980001", "+33639980002", "+33639980003"]
    assert await listed([]) == []


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [httpx.Response(500), {"message": GOSSIP}, None])
async def test_a_stop_list_that_cannot_be_had_whole_is_an_error(answer: Any) -> None:
    """Never an empty list."""
    with pytest.raises(SendError) as failure:
        await listed(answer)
    assert GOSSIP not in str(failure.value)


def outgoing(receipt: int | None, ptt: int | None) -> dict[str, Any]:
    return {"id": 123, "tag": REFERENCE, "deliveryReceipt": receipt, "ptt": ptt}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("receipt", "ptt", "state", "bad"),
    [
        (0, None, ReceiptState.ACCEPTED, False),
        (0, 0, ReceiptState.ACCEPTED, False),
        (4, 3, ReceiptState.ACCEPTED, False),
        (0, 1, ReceiptState.ACCEPTED, False),
        (1, 4, ReceiptState.DELIVERED, False),
        (None, 4, ReceiptState.DELIVERED, False),
        (2, 5, ReceiptState.UNDELIVERED, False),
        (2, 8, ReceiptState.UNDELIVERED, False),
        (2, 23, ReceiptState.UNDELIVERED, True),
        (2, 24, ReceiptState.UNDELIVERED, False),
        (16, 28, ReceiptState.UNDELIVERED, False),
        (8, 6, ReceiptState.UNKNOWN, False),
        (99, 77, ReceiptState.UNKNOWN, False),
        (None, None, ReceiptState.UNKNOWN, False),
    ],
)
async def test_their_two_numbers_become_one_of_our_words(
    receipt: int | None, ptt: int | None, state: ReceiptState, bad: bool
) -> None:
    sender, _ = connected({f"{SMS}/outgoing/123": outgoing(receipt, ptt)})
    (told,) = (await sender.poll(["123", "124"])).receipts
    assert (told.state, told.bad_recipient) == (state, bad)
    assert (told.reference, told.provider_id) == (REFERENCE, "123")


@pytest.mark.anyio
async def test_a_lost_answer_is_found_by_our_reference() -> None:
    found = {f"{SMS}/outgoing?tag={REFERENCE}": [123], f"{SMS}/outgoing/123": outgoing(4, 3)}
    sender, _ = connected(found)
    receipt = await sender.lookup(REFERENCE)
    assert receipt is not None
    assert (receipt.provider_id, receipt.state) == ("123", ReceiptState.ACCEPTED)
    assert sender.capabilities.lookup
    assert not sender.capabilities.absence_proves


@pytest.mark.anyio
async def test_an_unknown_reference_is_nothing() -> None:
    sender, _ = connected({f"{SMS}/outgoing?tag={REFERENCE}": []})
    assert await sender.lookup(REFERENCE) is None


def incoming(text: str) -> dict[str, Any]:
    return {"id": 7, "sender": "0033639980001", "message": text, "tag": REFERENCE, "credits": 0}


@pytest.mark.anyio
async def test_replies_are_told_at_each_poll_and_fetched_once() -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        asked.append(path)
        if path == "/1.0/auth/time":
            return httpx.Response(200, json=NOW)
        if "?" in path:
            return httpx.Response(200, json=[7, 8])
        return httpx.Response(200, json=incoming(path[-1]))

    sender = create(SHORT, WIRING, httpx.MockTransport(respond))
    expected = {
        InboundSms(number, NUMBER, recipient="", text=number, in_reply_to=REFERENCE)
        for number in ("7", "8")
    }
    for _ in range(2):
        assert set((await sender.poll([])).replies) == expected
    assert sum(path.startswith(f"{SMS}/incoming/") for path in asked) == 2
    lists = [path for path in asked if "?" in path]
    three_days_before = f"{SMS}/incoming?creationDatetime.from=2026-11-19T14:0"
    assert all(path.startswith(three_days_before) for path in lists)


@pytest.mark.anyio
async def test_a_poll_fetches_the_newest_replies_only_when_there_are_too_many() -> None:
    fetched: list[int] = []

    def respond(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/1.0/auth/time":
            return httpx.Response(200, json=NOW)
        if path == f"{SMS}/incoming":
            return httpx.Response(200, json=list(range(1, 801)))
        fetched.append(int(path.rsplit("/", 1)[1]))
        return httpx.Response(200, json=incoming("OUI"))

    await create(SHORT, WIRING, httpx.MockTransport(respond)).poll([])
    assert sorted(fetched) == list(range(301, 801))


@pytest.mark.anyio
async def test_a_name_is_never_asked_for_replies() -> None:
    sender, asked = connected({})
    assert await sender.poll([]) == Received()
    assert asked == []


def test_an_unsigned_callback_is_a_hint_that_names_the_message() -> None:
    query = "id=123&ptt=4&date=20261123100000&description=1&descriptionDlr=ok"
    hint = create(OPTIONS, WIRING).receive(Callback("GET", f"{CALLBACK_URL}?{query}", {}, b""))
    assert hint == Received(hints=True, hinted=("123",))


@pytest.mark.parametrize("query", ["", "?id=", "?id=1;drop", "?id=٣", "?id=" + "9" * 30, "?a=b"])
def test_a_callback_without_a_usable_id_is_only_a_hint(query: str) -> None:
    url = f"{CALLBACK_URL}/inbound{query}"
    assert create(OPTIONS, WIRING).receive(Callback("GET", url, {}, b"")) == Received(hints=True)


@pytest.mark.parametrize(
    "url",
    [
        CALLBACK_URL.replace("s3cr3t", "s3cr3"),
        CALLBACK_URL.replace("s3cr3t", "S3cr3t"),
        CALLBACK_URL + "x?id=1",
        "https://rdv.example.org/?path=/callbacks/s3cr3t",
        "https://rdv.example.org",
    ],
)
def test_a_callback_by_another_path_is_forged(url: str) -> None:
    with pytest.raises(Forged):
        create(OPTIONS, WIRING).receive(Callback("GET", url, {}, b""))


def test_without_a_public_address_every_callback_is_forged() -> None:
    with pytest.raises(Forged):
        create(OPTIONS, Wiring("main")).receive(
            Callback("GET", "https://rdv.example.org/", {}, b"")
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"application_secret": ""},
        {"consumer_key": ""},
        {"service_name": "../me"},
        {"sender": "Centre Hospitalier"},
        {"sender_for_response": True},
        {"sender": None},
        {"base_url": "eu.api.ovh.com"},
        {"unknown": 1},
    ],
)
def test_a_mistake_in_the_configuration_is_refused_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        create(OPTIONS | wrong, WIRING)
