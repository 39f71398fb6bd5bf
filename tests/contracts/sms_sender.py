"""What every SMS adapter promises, whatever the provider's words.

An adapter supplies its wire: the answers its provider gives, and where on a request the
reference and the validity stand.
"""

import traceback
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from reminders.errors import (
    BadRecipient,
    Misconfigured,
    NotSent,
    OptedOut,
    Refused,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import Sms, SmsSender

REFERENCE = "A1b2C3d4E5f6G7h8I"
NUMBER = "+33639980001"
TEXT = "Mme EXEMPLE, RDV demain 10h. Pour annuler : 01 99 00 12 34"
GOSSIP = f"The number {NUMBER} refused: {TEXT}"

Answer = Callable[[], httpx.Response]


def sms(valid_for: timedelta = timedelta(hours=2), text: str = TEXT) -> Sms:
    return Sms(REFERENCE, NUMBER, text, valid_for)


def gossiping(status: int, **headers: str) -> Answer:
    """An answer that quotes the patient, as providers do."""
    return lambda: httpx.Response(status, json={"message": GOSSIP}, headers=headers)


FAILURES: dict[str, tuple[Answer, type[SendError]]] = {
    "credentials": (gossiping(401), Misconfigured),
    "forbidden": (gossiping(403), Misconfigured),
    "redirected": (gossiping(302, location="https://elsewhere.example.org/"), Misconfigured),
    "not an API": (lambda: httpx.Response(404, text=f"<html>{GOSSIP}"), Misconfigured),
    "throttled": (gossiping(429, **{"retry-after": "30"}), Throttled),
    "failed": (gossiping(500), Unknown),
    "unavailable": (gossiping(503), Unknown),
    "unreadable": (lambda: httpx.Response(200, text=f"<html>{GOSSIP}"), Unknown),
    "empty": (lambda: httpx.Response(200, text=""), Unknown),
    "not an object": (lambda: httpx.Response(200, json=[GOSSIP]), Unknown),
}


class SmsSenderContract:
    host: str  # the only one a request may go to
    accepted_id: str
    shortest_validity: timedelta  # the least the provider can be told

    def sender(self, transport: httpx.AsyncBaseTransport) -> SmsSender:
        raise NotImplementedError

    def accepted(self) -> httpx.Response:
        raise NotImplementedError

    def bad_number(self) -> httpx.Response:
        raise NotImplementedError

    def opted_out(self) -> httpx.Response:
        raise NotImplementedError

    def refused(self) -> httpx.Response:
        """A refusal whose code no table knows, and which quotes GOSSIP."""
        raise NotImplementedError

    def aside(self, request: httpx.Request) -> httpx.Response | None:
        """The answer to a request that is no submission; None for a submission."""
        return None

    def reference_of(self, request: httpx.Request) -> str:
        raise NotImplementedError

    def validity_of(self, request: httpx.Request) -> timedelta:
        raise NotImplementedError

    def wire(self, answer: Answer) -> tuple[SmsSender, list[httpx.Request]]:
        """A sender whose submissions get this answer, and every request it makes."""
        requests: list[httpx.Request] = []

        def respond(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return self.aside(request) or answer()

        return self.sender(httpx.MockTransport(respond)), requests

    async def failure(self, answer: Answer) -> SendError:
        sender, _ = self.wire(answer)
        with pytest.raises(SendError) as failure:
            await sender.send(sms())
        await sender.aclose()
        return failure.value

    async def submission(self, message: Sms) -> httpx.Request:
        sender, requests = self.wire(self.accepted)
        await sender.send(message)
        await sender.aclose()
        (submission,) = [each for each in requests if self.aside(each) is None]
        return submission

    @pytest.mark.anyio
    async def test_the_provider_s_id_is_returned(self) -> None:
        sender, _ = self.wire(self.accepted)
        assert (await sender.send(sms())).provider_id == self.accepted_id
        await sender.aclose()

    @pytest.mark.anyio
    async def test_a_bad_number_is_not_an_opt_out(self) -> None:
        assert type(await self.failure(self.bad_number)) is BadRecipient

    @pytest.mark.anyio
    async def test_an_opt_out_is_not_a_bad_number(self) -> None:
        assert type(await self.failure(self.opted_out)) is OptedOut

    @pytest.mark.anyio
    async def test_a_refusal_nobody_knows_is_final_and_blames_nobody(self) -> None:
        assert type(await self.failure(self.refused)) is Refused

    @pytest.mark.anyio
    @pytest.mark.parametrize("name", FAILURES)
    async def test_each_failure_says_what_must_happen_next(self, name: str) -> None:
        answer, kind = FAILURES[name]
        failure = await self.failure(answer)
        assert type(failure) is kind
        if isinstance(failure, Throttled):
            assert failure.retry_after == 30

    @pytest.mark.anyio
    async def test_no_error_tells_who_the_patient_is(self) -> None:
        answers = [answer for answer, _ in FAILURES.values()]
        for answer in (*answers, self.bad_number, self.opted_out, self.refused):
            told = "".join(traceback.format_exception(await self.failure(answer)))
            assert NUMBER not in told
            assert NUMBER.removeprefix("+33") not in told
            assert "EXEMPLE" not in told

    @pytest.mark.anyio
    @pytest.mark.parametrize("name", FAILURES)
    async def test_no_request_leaves_for_another_host(self, name: str) -> None:
        answer, _ = FAILURES[name]
        sender, requests = self.wire(answer)
        with pytest.raises(SendError):
            await sender.send(sms())
        await sender.aclose()
        assert {request.url.host for request in requests} == {self.host}

    @pytest.mark.anyio
    async def test_our_reference_is_on_the_wire(self) -> None:
        assert self.reference_of(await self.submission(sms())) == REFERENCE

    @pytest.mark.anyio
    async def test_no_address_names_the_patient(self) -> None:
        request = await self.submission(sms())
        assert NUMBER.removeprefix("+") not in str(request.url)

    @pytest.mark.anyio
    @pytest.mark.parametrize("seconds", [60, 61, 119, 3600, 7259, 36_000, 10**7])
    async def test_the_provider_is_told_a_validity_never_beyond_ours(self, seconds: int) -> None:
        validity = timedelta(seconds=seconds)
        told = self.validity_of(await self.submission(sms(validity)))
        assert self.shortest_validity <= told <= validity

    @pytest.mark.anyio
    @pytest.mark.parametrize("short", [timedelta(0), timedelta(minutes=-5)])
    async def test_a_message_whose_deadline_passed_is_not_submitted(self, short: timedelta) -> None:
        sender, requests = self.wire(self.accepted)
        with pytest.raises(NotSent):
            await sender.send(sms(self.shortest_validity - timedelta(microseconds=1) + short))
        await sender.aclose()
        assert [each for each in requests if self.aside(each) is None] == []
