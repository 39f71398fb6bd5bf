"""What every e-mail adapter promises, whatever carries the message.

An adapter supplies its wire: a real peer on loopback for each situation.
"""

import traceback
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import Protocol

import pytest

from reminders.errors import (
    BadRecipient,
    Misconfigured,
    NotSent,
    Refused,
    SendError,
    Unknown,
)
from reminders.ports import Email, EmailSender

REFERENCE = "A1b2C3d4E5f6G7h8I"
ADDRESS = "camille.exemple@example.org"
GOSSIP = f"{ADDRESS}: Mme EXEMPLE, {REFERENCE}"  # as servers quote what they refuse
EMAIL = Email(
    REFERENCE,
    ADDRESS,
    "Votre rendez-vous du 14/10 – CH Exemple",
    "Mme EXEMPLE,\n\nvous êtes attendue le 14/10 à 10h30.\n.\nÀ bientôt",
    "<p>Mme EXEMPLE, vous êtes attendue le <b>14/10 à 10h30</b>.</p>",
    b"BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n",
)

# Situation -> what must happen next.
FAILURES: Mapping[str, type[SendError]] = {
    "nobody listens": NotSent,
    "no greeting": NotSent,
    "not now": NotSent,
    "lost before the end": NotSent,
    "hangs before the end": NotSent,
    "not now, said at the end": NotSent,
    "lost after the end": Unknown,
    "hangs after the end": Unknown,
    "answer cut": Unknown,
    "answer unreadable": Unknown,
    "address unknown": BadRecipient,
    "refused": Refused,
    "refused at the end": Refused,
    "credentials": Misconfigured,
    "sender refused": Misconfigured,
}
INJECTIONS = (
    "RDV\r\nBcc: x@example.org",
    "RDV\nBcc: x@example.org",
    "RDV\rBcc: x@example.org",
    "RDV\0",
    "RDV\u2028Bcc: x@example.org",
    # cpython#121650: the standard library makes a header of this one
    "A 😀 subject=?UTF-8?Q?=0A?=Bcc: x@example.org",
)


class Taken(Protocol):
    """What the peer has read to its end."""

    messages: list[bytes]
    recipients: list[str]


def _content(part: MIMEPart) -> str:
    content: str = part.get_content()
    return content.replace("\r\n", "\n").removesuffix("\n")


class EmailSenderContract:
    accepted_id: str

    def wire(
        self, situation: str, *, seconds: float = 20.0
    ) -> AbstractAsyncContextManager[tuple[EmailSender, Taken]]:
        """A sender before a peer in this situation: "accepted" or a key of FAILURES."""
        raise NotImplementedError

    async def failure(self, situation: str, email: Email = EMAIL) -> SendError:
        hangs = "hangs" in situation or situation == "no greeting"
        async with self.wire(situation, seconds=1.0 if hangs else 20.0) as (sender, _):
            with pytest.raises(SendError) as failure:
                await sender.send(email)
        return failure.value

    async def message(self, email: Email = EMAIL) -> EmailMessage:
        async with self.wire("accepted") as (sender, taken):
            await sender.send(email)
        (octets,) = taken.messages
        undotted = octets.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        return message_from_bytes(undotted, _class=EmailMessage, policy=policy.default)

    @pytest.mark.anyio
    async def test_the_message_s_id_is_returned(self) -> None:
        async with self.wire("accepted") as (sender, _):
            assert (await sender.send(EMAIL)).provider_id == self.accepted_id

    @pytest.mark.anyio
    async def test_one_submission_is_one_message_to_one_address(self) -> None:
        async with self.wire("accepted") as (sender, taken):
            await sender.send(EMAIL)
        assert len(taken.messages) == 1
        (recipient,) = taken.recipients
        assert f"<{ADDRESS}>" in recipient

    @pytest.mark.anyio
    async def test_text_html_and_calendar_arrive_whole(self) -> None:
        message = await self.message()
        assert message["Subject"] == EMAIL.subject
        assert message["To"] == ADDRESS
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text is not None
        assert _content(text) == EMAIL.text
        assert html is not None
        assert _content(html) == EMAIL.html
        (calendar,) = message.iter_attachments()
        assert calendar.get_content_type() == "text/calendar"
        assert calendar.get_payload(decode=True) == EMAIL.calendar

    @pytest.mark.anyio
    async def test_our_reference_is_on_the_wire(self) -> None:
        assert (await self.message())["Message-ID"].startswith(f"<{REFERENCE}@")

    @pytest.mark.anyio
    async def test_no_machine_is_asked_to_answer(self) -> None:
        assert (await self.message())["Auto-Submitted"] == "auto-generated"

    @pytest.mark.anyio
    @pytest.mark.parametrize("situation", FAILURES)
    async def test_each_failure_says_what_must_happen_next_and_names_no_patient(
        self, situation: str
    ) -> None:
        failure = await self.failure(situation)
        assert type(failure) is FAILURES[situation]
        told = "".join(traceback.format_exception(failure))
        for secret in (ADDRESS, "EXEMPLE", "camille", "10h30"):
            assert secret not in told

    @pytest.mark.anyio
    @pytest.mark.parametrize("subject", INJECTIONS)
    async def test_a_subject_that_could_become_a_header_never_leaves(self, subject: str) -> None:
        async with self.wire("accepted") as (sender, taken):
            with pytest.raises(Refused) as refused:
                await sender.send(replace(EMAIL, subject=subject))
        assert taken.messages == []
        assert "example.org" not in "".join(traceback.format_exception(refused.value))

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "address",
        [
            "",
            "exemple",
            "a@b",
            "a b@example.org",
            "a@example.org\r\nRCPT TO:<x@example.org>",
            "a@example.org>,<x@example.org",
            "a@example.org, x@example.org",
            "hélène@example.org",
            "a@exemplé.org",
            "a..b@example.org",
            "a" * 65 + "@example.org",
            f"a@{'b.' * 126}fr",
        ],
    )
    async def test_an_address_nobody_can_write_to_is_told_apart(self, address: str) -> None:
        async with self.wire("accepted") as (sender, taken):
            with pytest.raises(BadRecipient):
                await sender.send(replace(EMAIL, to=address))
        assert taken.messages == []
