"""The simulated providers, driven by the real adapters over real sockets."""

import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import ovh as ovh_official
import pytest
from jsonschema import Draft202012Validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from adapters.sms import ovh, twilio
from reminders.errors import (
    BadRecipient,
    Misconfigured,
    OptedOut,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import BlockList, Callback, Received, Sms, SmsSender, Wiring
from reminders.ports import ReceiptState as State
from reminders.simulation.faults import Fault, FaultScript, Kind
from reminders.simulation.ledger import Entry, Ledger, SharedLedger, read
from reminders.simulation.sms_servers import (
    Callbacks,
    OvhAccount,
    SmsProviders,
    TwilioAccount,
    listening,
)

TUESDAY = datetime(2026, 10, 6, 9, 55, tzinfo=UTC)
TWILIO, OVH = TwilioAccount(), OvhAccount()
NUMBER = "+33639980001"
LINE = "+33939010203"
PROVIDERS = ("twilio", "ovh")
SPECIFICATION = json.loads(
    (Path(__file__).parents[1] / "adapters/sms/fixtures/twilio_messages.json").read_text("utf-8")
)


HOUSELESS = {
    "service_name": OVH.service_name,
    "application_key": OVH.application_key,
    "application_secret": OVH.application_secret,
    "consumer_key": OVH.consumer_key,
    "sender": "CHExemple",
}


class House:
    """The providers, a sender for each, and a hospital that takes their callbacks."""

    def __init__(self, ledger: Path, providers: SmsProviders, port: int) -> None:
        self._ledger, self.providers = ledger, providers
        self.address = f"http://127.0.0.1:{port}"
        self.hospital = f"{self.address}/secret"
        self.told: list[Received] = []  # what the callbacks said, once verified
        self.senders: dict[str, SmsSender] = {
            "twilio": twilio.create(self.twilio_options(), self.wiring("twilio")),
            "ovh": ovh.create(self.ovh_options(), self.wiring("ovh")),
        }

    def wiring(self, provider: str) -> Wiring:
        return Wiring(provider, callback_url=f"{self.hospital}/{provider}", timeout_seconds=5)

    def twilio_options(self) -> dict[str, Any]:
        return {
            "account_sid": TWILIO.account_sid,
            "auth_token": TWILIO.auth_token,
            "sender": LINE,
            "base_url": self.address,
        }

    def ovh_options(self) -> dict[str, Any]:
        return {
            "service_name": OVH.service_name,
            "application_key": OVH.application_key,
            "application_secret": OVH.application_secret,
            "consumer_key": OVH.consumer_key,
            "sender_for_response": True,
            "base_url": f"{self.address}/1.0",
        }

    async def send(self, provider: str, to: str = NUMBER, reference: str = "A" * 17) -> str:
        message = Sms(reference, to, "RDV demain à 10h15, l’entrée B.", timedelta(hours=2))
        return (await self.senders[provider].send(message)).provider_id

    async def sent(self, provider: str) -> Entry:
        provider_id = await self.send(provider)
        return next(entry for entry in self.ledger() if entry.provider_id == provider_id)

    def ledger(self) -> list[Entry]:
        return list(read(self._ledger))

    async def called_back(self, request: Request) -> Response:
        headers, body = dict(request.headers), await request.body()
        sender = self.senders[request.path_params["provider"]]
        callback = Callback(request.method, str(request.url), headers, body)
        self.told.append(sender.receive(callback))
        return Response(status_code=204)


@contextlib.asynccontextmanager
async def house(folder: Path, *faults: Fault) -> AsyncIterator[House]:
    path = folder / "ledger.jsonl"
    ledger = Ledger(path)
    providers = SmsProviders(ledger, FaultScript(faults), lambda: TUESDAY)
    lived: list[House] = []

    async def called_back(request: Request) -> Response:
        return await lived[0].called_back(request)

    secret = Route("/secret/{provider}{rest:path}", called_back, methods=["GET", "POST"])
    async with listening(Router([*providers.app.routes, secret])) as port:
        lived.append(House(path, providers, port))
        base = lived[0].hospital
        providers.callbacks = Callbacks(
            twilio_inbound=f"{base}/twilio/inbound",
            ovh_status=f"{base}/ovh",
            ovh_inbound=f"{base}/ovh/inbound",
        )
        yield lived[0]
        for sender in lived[0].senders.values():
            await sender.aclose()
    await providers.aclose()
    ledger.close()


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_accepted_message_is_in_the_ledger_word_for_word(
    provider: str, tmp_path: Path
) -> None:
    async with house(tmp_path) as hospital:
        provider_id = await hospital.send(provider, reference="B" * 17)
        (entry,) = hospital.ledger()
    assert entry == Entry(
        provider=provider,
        channel="sms",
        reference="B" * 17,
        provider_id=provider_id,
        to=NUMBER,
        text="RDV demain à 10h15, l’entrée B.",
        at="2026-10-06T09:55:00.000+00:00",
        sender=LINE if provider == "twilio" else OVH.short_number,
    )


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_hundred_messages_at_once_each_have_their_line(
    provider: str, tmp_path: Path
) -> None:
    references = [f"{number:017}" for number in range(100)]
    async with house(tmp_path) as hospital:
        ids = await asyncio.gather(
            *(hospital.send(provider, reference=reference) for reference in references)
        )
        entries = hospital.ledger()
    assert {(entry.reference, entry.provider_id) for entry in entries} == set(
        zip(references, ids, strict=True)
    )
    assert len(entries) == 100


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("number", ["+33199001234", "+33"])
async def test_landlines_and_broken_numbers_are_refused(
    provider: str, number: str, tmp_path: Path
) -> None:
    async with house(tmp_path) as hospital:
        with pytest.raises(BadRecipient):
            await hospital.send(provider, to=number)
        assert hospital.ledger() == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_patient_who_answered_stop_is_refused_from_then_on(
    provider: str, tmp_path: Path
) -> None:
    async with house(tmp_path) as hospital:
        await hospital.providers.reply(NUMBER, " stop ", await hospital.sent(provider))
        with pytest.raises(OptedOut):
            await hospital.send(provider)
        assert len(hospital.ledger()) == 1


FAULTS: list[tuple[Kind, type[SendError], int]] = [
    ("refuse", BadRecipient, 0),
    ("reject_credentials", Misconfigured, 0),
    ("throttle", Throttled, 0),
    ("fail_500", Unknown, 0),
    ("drop", Unknown, 0),
    ("hang", Unknown, 0),
    ("accept_then_drop", Unknown, 1),
    ("accept_then_500", Unknown, 1),
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "answer", "accepted"), FAULTS)
async def test_each_fault_strikes_once_and_the_ledger_knows_what_left(
    provider: str, kind: Kind, answer: type[SendError], accepted: int, tmp_path: Path
) -> None:
    fault = Fault(provider, kind, first=2, seconds=1)
    async with house(tmp_path, fault) as hospital:
        await hospital.send(provider)
        with pytest.raises(SendError) as failure:
            await hospital.send(provider)
        assert type(failure.value) is answer
        await hospital.send(provider)
        assert len(hospital.ledger()) == 2 + accepted


@pytest.mark.parametrize("kind", ["drop", "accept_then_drop", "hang"])
async def test_a_dropped_connection_closes_without_a_byte(kind: Kind, tmp_path: Path) -> None:
    body = f"To=%2B{NUMBER[1:]}&From=CH&Body=RDV".encode()
    pair = base64.b64encode(f"{TWILIO.account_sid}:{TWILIO.auth_token}".encode())
    async with house(tmp_path, Fault("twilio", kind, seconds=0.1)) as hospital:
        reader, writer = await asyncio.open_connection(*hospital.address[7:].split(":"))
        writer.write(
            b"POST /2010-04-01/Accounts/%b/Messages.json HTTP/1.1\r\nHost: twilio\r\n"
            b"Authorization: Basic %b\r\nContent-Length: %d\r\n\r\n%b"
            % (TWILIO.account_sid.encode(), pair, len(body), body)
        )
        assert await reader.read() == b""
        writer.close()
        assert len(hospital.ledger()) == (kind == "accept_then_drop")


async def test_a_lost_answer_of_ovh_is_found_by_its_tag(tmp_path: Path) -> None:
    async with house(tmp_path, Fault("ovh", "accept_then_drop")) as hospital:
        with pytest.raises(Unknown):
            await hospital.send("ovh", reference="C" * 17)
        receipt = await hospital.senders["ovh"].lookup("C" * 17)
        assert receipt is not None
        assert receipt.provider_id == hospital.ledger()[0].provider_id
        assert await hospital.senders["ovh"].lookup("D" * 17) is None


async def test_twilio_s_receipts_are_signed_and_carry_our_reference(tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        entry = await hospital.sent("twilio")
        assert await hospital.providers.report(entry, "delivered", times=2) == 204
        failed = await hospital.sent("twilio")
        await hospital.providers.report(failed, "undelivered", error_code="30005")
    receipts = [told.receipts[0] for told in hospital.told]
    assert [each.state for each in receipts] == [State.DELIVERED] * 2 + [State.UNDELIVERED]
    assert {each.reference for each in receipts} == {"A" * 17}
    assert receipts[0].event == receipts[1].event
    assert receipts[2].bad_recipient


async def test_who_said_stop_to_ovh_is_on_its_list(tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        sender = cast(BlockList, hospital.senders["ovh"])
        assert await sender.blocked() == []
        entry = await hospital.sent("ovh")
        await hospital.providers.reply(NUMBER, "STOP", entry)
        assert await sender.blocked() == [NUMBER]


async def test_ovh_s_receipts_are_hints_that_a_poll_confirms(tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        entry = await hospital.sent("ovh")
        assert await hospital.providers.report(entry, "delivered") == 204
        (hint,) = hospital.told
        assert hint == Received(hints=True, hinted=(entry.provider_id,))
        (receipt,) = (await hospital.senders["ovh"].poll(hint.hinted)).receipts
    assert (receipt.state, receipt.reference) == (State.DELIVERED, "A" * 17)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_late_sent_does_not_undo_a_delivery(provider: str, tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        entry = await hospital.sent(provider)
        for status in ("delivered", "sent"):
            await hospital.providers.report(entry, status)
        (receipt,) = (await hospital.senders[provider].poll([entry.provider_id])).receipts
    assert receipt.state is State.DELIVERED


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_reply_told_and_polled_is_the_same_reply(provider: str, tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        entry = await hospital.sent(provider)
        await hospital.providers.reply(NUMBER, "Oui, à demain !", entry, times=2)
        polled = (await hospital.senders[provider].poll([])).replies
        told = {reply for each in hospital.told for reply in each.replies}
    (reply,) = polled
    assert (reply.sender, reply.text) == (NUMBER, "Oui, à demain !")
    if provider == "twilio":
        assert told == {reply}
    else:
        assert told == set(), "an unsigned callback is only a hint"
        assert all(each.hints for each in hospital.told)
        assert reply.in_reply_to == entry.reference


async def test_replies_are_read_page_by_page(tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        entry = await hospital.sent("twilio")
        hospital.providers.callbacks = Callbacks()
        for number in range(120):
            await hospital.providers.reply(NUMBER, f"Réponse {number}", entry)
        replies = (await hospital.senders["twilio"].poll([])).replies
    assert {reply.text for reply in replies} == {f"Réponse {number}" for number in range(120)}
    assert len(replies) == 120


async def test_a_service_that_does_not_listen_is_not_an_error(tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        entry = await hospital.sent("ovh")
        hospital.providers.callbacks = Callbacks(ovh_status="http://127.0.0.1:9/")
        assert await hospital.providers.report(entry, "delivered") is None
        hospital.providers.callbacks = Callbacks()
        assert await hospital.providers.reply(NUMBER, "OUI", entry) is None


@pytest.mark.parametrize(
    ("provider", "secret"),
    [
        ("twilio", "auth_token"),
        ("ovh", "application_key"),
        ("ovh", "application_secret"),
        ("ovh", "consumer_key"),
    ],
)
async def test_wrong_credentials_accept_nothing(provider: str, secret: str, tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        create, options = (
            (twilio.create, hospital.twilio_options())
            if provider == "twilio"
            else (ovh.create, hospital.ovh_options())
        )
        sender = create(options | {secret: "wrong"}, hospital.wiring(provider))
        with pytest.raises(Misconfigured):
            await sender.send(Sms("A" * 17, NUMBER, "RDV", timedelta(hours=1)))
        await sender.aclose()
        assert hospital.ledger() == []


async def test_twilio_s_answer_is_as_twilio_describes_it(tmp_path: Path) -> None:
    form = {"To": NUMBER, "From": "CHExemple", "Body": "RDV"}
    async with (
        house(tmp_path) as hospital,
        httpx.AsyncClient(
            base_url=f"{hospital.address}/2010-04-01/Accounts/{TWILIO.account_sid}",
            auth=(TWILIO.account_sid, TWILIO.auth_token),
        ) as http,
    ):
        created = await http.post("/Messages.json", data=form)
        listed = await http.get("/Messages.json")
        missing = [
            (await http.post("/Messages.json", data=form | {name: ""})).json()["code"]
            for name in ("To", "From", "Body")
        ]
        wrong = await http.post("/Messages.json", data=form | {"ValidityPeriod": "36001"})
    assert created.status_code == 201
    validator = Draft202012Validator(SPECIFICATION["message"])
    for message in (created.json(), *listed.json()["messages"]):
        validator.validate(message)
    assert missing == [21604, 21603, 21602]
    assert wrong.status_code == 400


async def test_the_official_ovh_client_is_accepted(tmp_path: Path) -> None:
    async with house(tmp_path) as hospital:
        official = ovh_official.Client(
            endpoint="ovh-eu",
            application_key=OVH.application_key,
            application_secret=OVH.application_secret,
            consumer_key=OVH.consumer_key,
        )
        official._endpoint = f"{hospital.address}/1.0"
        job = {"message": "RDV à l’entrée B", "receivers": [NUMBER], "sender": "CHExemple"}
        path = f"/sms/{OVH.service_name}"
        report = await asyncio.to_thread(official.post, f"{path}/jobs", **job)
        ids = await asyncio.to_thread(official.get, f"{path}/outgoing", tag="")
        await asyncio.to_thread(official._session.close)
    assert ids == report["ids"]


async def test_the_hook_is_told_of_every_submission_once_it_is_durable(tmp_path: Path) -> None:
    known: list[tuple[str, int, str | None]] = []
    async with house(tmp_path) as hospital:
        hospital.providers.intake.accepted = lambda entry, callback: known.append(
            (entry.provider, len(hospital.ledger()), callback)
        )
        await hospital.send("twilio")
        await hospital.send("ovh")
        status = f"{hospital.hospital}/twilio/status?ref={'A' * 17}"
    assert known == [("twilio", 1, status), ("ovh", 2, None)]


async def test_a_refusing_disk_refuses_the_submission(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await SharedLedger(ledger).append(Entry("ovh", "sms", "", "1", NUMBER, "RDV"))


async def test_a_ledger_survives_odd_line_ends_and_a_last_line_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    entry = Entry("ovh", "sms", "A" * 17, "1", NUMBER, "un\u2028deux\x85trois\nquatre")
    ledger = Ledger(path)
    ledger.append_many([entry, entry])
    ledger.close()
    with path.open("ab") as cut:
        cut.write(b'{"provider": "ov')
    assert list(read(path)) == [entry, entry]


async def test_the_process_can_be_killed_and_remembers_what_it_accepted(tmp_path: Path) -> None:
    ledger, faults = tmp_path / "ledger.jsonl", tmp_path / "faults.json"
    faults.write_text(json.dumps([{"provider": "ovh", "kind": "accept_then_drop", "first": 2}]))
    arguments = ["--ledger", str(ledger), "--faults", str(faults), "--deliver"]

    async def started() -> tuple[asyncio.subprocess.Process, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "reminders.simulation.sms_servers",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        port = json.loads(await process.stdout.readline())["port"]
        return process, f"http://127.0.0.1:{port}"

    async def send(address: str, reference: str) -> str | None:
        options = {**HOUSELESS, "base_url": f"{address}/1.0"}
        sender = ovh.create(options, Wiring("ovh", timeout_seconds=5))
        try:
            return (
                await sender.send(Sms(reference, NUMBER, "RDV", timedelta(hours=1)))
            ).provider_id
        except Unknown:
            found = await sender.lookup(reference)
            return found.provider_id if found else None
        finally:
            await sender.aclose()

    ids = []
    for run in range(2):
        process, address = await started()
        ids += [await send(address, f"{run}{number:016}") for number in range(2)]
        process.kill()
        await process.wait()
    assert [entry.provider_id for entry in read(ledger)] == ids
    assert len(set(ids)) == 4
