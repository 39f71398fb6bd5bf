"""The SMTP adapter before servers that misbehave at every stage, over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.email.smtp import Smtp, create
from reminders.errors import (
    BadRecipient,
    Misconfigured,
    NotSent,
    Refused,
    SendError,
    Unknown,
)
from reminders.ports import Capabilities, Wiring
from tests.adapters.email.scripted import (
    HALFWAY,
    Misbehaviour,
    Script,
    Seen,
    close,
    cut,
    half,
    hang,
    reset,
    scripted,
)
from tests.contracts.email_sender import EMAIL, GOSSIP, EmailSenderContract

SITUATIONS: dict[str, Script] = {
    "accepted": {},
    "nobody listens": {},
    "no greeting": {"greeting": hang},
    "not now": {"RCPT": f"451 4.7.1 {GOSSIP}"},
    "lost before the end": {"DATA": reset},
    "hangs before the end": {"DATA": hang},
    "not now, said at the end": {"dot": f"452 4.3.1 {GOSSIP}"},
    "lost after the end": {"dot": close},
    "hangs after the end": {"dot": hang},
    "answer cut": {"dot": cut},
    "answer unreadable": {"dot": f"Merci {GOSSIP}"},
    "address unknown": {"RCPT": f"550 5.1.1 {GOSSIP}"},
    "refused": {"RCPT": f"550 5.7.1 {GOSSIP}"},
    "refused at the end": {"dot": f"554 5.7.1 {GOSSIP}"},
    "credentials": {"MAIL": f"530 5.7.0 {GOSSIP}"},
    "sender refused": {"MAIL": f"553 5.1.8 {GOSSIP}"},
}


def smtp(port: int, seconds: float = 20.0, **options: Any) -> Smtp:
    table = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "rdv@ch-exemple.fr"}
    return create(table | options, Wiring("email", timeout_seconds=seconds))


async def failure(script: Script, seconds: float = 20.0) -> tuple[SendError, Seen]:
    async with scripted(script) as seen:
        sender = smtp(seen.port, seconds)
        with pytest.raises(SendError) as failed:
            await sender.send(EMAIL)
        await sender.aclose()
    return failed.value, seen


@pytest.mark.parametrize(
    ("own", "written"),
    [
        ((), "<https://autre.example.org/u/A1b2C3d4E5f6G7h8I>,\r\n <mailto:stop@ch-exemple.fr>"),
        (
            ("https://rdv.example.org/u/x",),
            "<https://rdv.example.org/u/x>,\r\n <mailto:stop@ch-exemple.fr>",
        ),
    ],
)
@pytest.mark.anyio
async def test_a_message_s_own_address_to_object_comes_before_the_configured_ones(
    own: tuple[str, ...], written: str
) -> None:
    """One address to click, not two of which one leads elsewhere (RFC 8058 §3)."""
    configured = ["https://autre.example.org/u/{reference}", "mailto:stop@ch-exemple.fr"]
    async with scripted({}) as seen:
        sender = smtp(seen.port, list_unsubscribe=configured)
        await sender.send(replace(EMAIL, unsubscribe=own))
        await sender.aclose()
    head = seen.messages[0].partition(b"\r\n\r\n")[0].decode()
    assert f"List-Unsubscribe: {written}\r\n" in head
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head


@pytest.mark.parametrize("bad", ["https://x/\r\nBcc: a@b.fr", "https://x/>,<mailto:a@b.fr", " "])
@pytest.mark.anyio
async def test_an_address_to_object_cannot_become_a_header(bad: str) -> None:
    async with scripted({}) as seen:
        sender = smtp(seen.port)
        with pytest.raises(Refused, match="header_injection"):
            await sender.send(replace(EMAIL, unsubscribe=(bad,)))
        await sender.aclose()
    assert seen.messages == []


class TestSmtp(EmailSenderContract):
    accepted_id = "A1b2C3d4E5f6G7h8I@ch-exemple.fr"

    @contextlib.asynccontextmanager
    async def wire(
        self, situation: str, *, seconds: float = 20.0
    ) -> AsyncIterator[tuple[Smtp, Seen]]:
        async with scripted(SITUATIONS[situation]) as seen:
            port = seen.port
            if situation == "nobody listens":
                with socket.create_server(("127.0.0.1", 0)) as reserved:
                    port = reserved.getsockname()[1]
            sender = smtp(port, seconds)
            try:
                yield sender, seen
            finally:
                await sender.aclose()


def test_a_mail_server_offers_nothing_when_an_answer_was_lost() -> None:
    assert smtp(1).capabilities == Capabilities(
        lookup=False, absence_proves=False, idempotent=False, receipts=False
    )


@pytest.mark.anyio
async def test_a_name_that_does_not_resolve_sent_nothing() -> None:
    wiring = Wiring("email")
    sender = create({"host": "smtp.invalid", "sender": "rdv@ch-exemple.fr"}, wiring)
    with pytest.raises(NotSent):
        await sender.send(EMAIL)


# --- what left, and what did not ------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("misbehave", [close, reset])
@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_before_the_message_nothing_was_sent(stage: str, misbehave: Misbehaviour) -> None:
    failed, seen = await failure({stage: misbehave})
    assert type(failed) is NotSent
    assert seen.messages == []


@pytest.mark.anyio
@pytest.mark.parametrize("misbehave", [close, reset])
async def test_a_short_message_lost_halfway_is_never_called_refused(
    misbehave: Misbehaviour,
) -> None:
    """Its end may already lie in the server's socket: then nobody can know."""
    failed, _ = await failure({HALFWAY: misbehave})
    assert type(failed) in (NotSent, Unknown)


@pytest.mark.anyio
@pytest.mark.parametrize("misbehave", [close, reset, hang])
async def test_a_long_message_lost_halfway_was_not_sent(misbehave: Misbehaviour) -> None:
    """More than any socket buffer holds, so that its end is still here."""
    long = replace(EMAIL, html="é" * 4_000_000)
    async with scripted({HALFWAY: misbehave}) as seen:
        sender = smtp(seen.port, 2.0 if misbehave is hang else 20.0)
        with pytest.raises(NotSent):
            await sender.send(long)
        await sender.aclose()
    assert seen.messages == []


@pytest.mark.anyio
@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_an_answer_missing_before_the_dot_means_not_sent(stage: str) -> None:
    failed, seen = await failure({stage: hang}, seconds=0.3)
    assert type(failed) is NotSent
    assert seen.messages == []


@pytest.mark.anyio
@pytest.mark.parametrize("misbehave", [close, reset, cut, half])
async def test_after_the_dot_a_lost_answer_is_unknown(misbehave: Misbehaviour) -> None:
    failed, seen = await failure({"dot": misbehave})
    assert type(failed) is Unknown
    assert len(seen.messages) == 1, "and nothing tries again by itself"
    assert seen.connections == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("stage", "expected"), [("RCPT", NotSent), ("DATA", NotSent), ("dot", Unknown)]
)
async def test_a_cancelled_task_says_whether_the_end_had_left(
    stage: str, expected: type[SendError]
) -> None:
    async with scripted({stage: hang}) as seen:
        sender = smtp(seen.port)
        sending = asyncio.create_task(sender.send(EMAIL))
        await seen.stage(stage).wait()
        sending.cancel()
        with pytest.raises(SendError) as failed:
            await sending
        assert type(failed.value) is expected
        await sender.aclose()


# --- answers --------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("stage", "answer", "expected"),
    [
        ("greeting", "421 4.3.2 later", NotSent),
        ("greeting", "554 5.7.1 go away", Misconfigured),
        ("EHLO", "550 5.7.1 no such client", Misconfigured),
        ("MAIL", "421 4.7.0 later", NotSent),
        ("MAIL", "451 4.3.0 later", NotSent),
        ("MAIL", "535 5.7.8 who", Misconfigured),
        ("MAIL", "501 5.1.7 bad sender", Misconfigured),
        ("MAIL", "552 5.3.4 too big", Refused),
        ("MAIL", "552 too big", Refused),
        ("RCPT", "450 4.2.0 greylisted", NotSent),
        ("RCPT", "452 4.2.2 mailbox full", NotSent),
        ("RCPT", "550 5.1.1 unknown", BadRecipient),
        ("RCPT", "550 5.1.10 null MX", BadRecipient),
        ("RCPT", "556 5.1.10 null MX", BadRecipient),
        ("RCPT", "550 5.2.1 closed", BadRecipient),
        ("RCPT", "551 not here", BadRecipient),
        ("RCPT", "553 bad mailbox", BadRecipient),
        ("RCPT", "553 5.7.1 not your sender", Refused),
        ("RCPT", "550 5.1.0 sender or recipient", Refused),
        ("RCPT", "550 5.1.100 no code of ours", Refused),
        ("RCPT", "550 no reason told", Refused),
        ("RCPT", "554 5.7.1 relay denied", Refused),
        ("RCPT", "530 5.7.0 authenticate", Misconfigured),
        ("DATA", "451 4.3.0 later", NotSent),
        ("DATA", "554 5.5.1 no recipient", Refused),
        ("DATA", "250 what", NotSent),
        ("dot", "421 4.3.2 shutting down", NotSent),
        ("dot", "451 4.3.0 later", NotSent),
        ("dot", "550 5.7.1 spam", Refused),
        ("dot", "550 5.1.1 unknown after all", Refused),
        ("dot", "354 what", Unknown),
    ],
)
async def test_each_answer_has_one_meaning(
    stage: str, answer: str, expected: type[SendError]
) -> None:
    failed, _ = await failure({stage: answer})
    assert type(failed) is expected
    assert failed.code in (f"smtp {answer[:3]}", " ".join(["smtp", *answer.split()[:2]]))


# --- connections ----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_one_connection_serves_many_messages() -> None:
    async with scripted({}) as seen:
        sender = smtp(seen.port)
        for _ in range(5):
            await sender.send(EMAIL)
        assert (seen.connections, len(seen.messages)) == (1, 5)
        await sender.aclose()


@pytest.mark.anyio
async def test_never_more_connections_than_the_configuration_allows() -> None:
    async with scripted({}) as seen:
        sender = smtp(seen.port, connections=3)
        await asyncio.gather(*(sender.send(EMAIL) for _ in range(20)))
        assert seen.connections <= 3
        assert len(seen.messages) == 20
        await sender.aclose()


@pytest.mark.anyio
async def test_a_refused_recipient_does_not_cost_the_connection() -> None:
    async with scripted({"RCPT": "550 5.1.1 unknown"}) as seen:
        sender = smtp(seen.port)
        for _ in range(3):
            with pytest.raises(BadRecipient):
                await sender.send(EMAIL)
        assert seen.connections == 1
        assert seen.count("RSET") == 2, "each new transaction drops the refused one"
        await sender.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("last_word", [b"", b"421 4.4.2 idle for too long\r\n"])
async def test_a_connection_the_server_closed_meanwhile_is_replaced(last_word: bytes) -> None:
    async with scripted({}) as seen:
        sender = smtp(seen.port)
        await sender.send(EMAIL)
        seen.writers[0].write(last_word)
        seen.writers[0].close()
        await sender.send(EMAIL)
        assert (seen.connections, len(seen.messages)) == (2, 2)
        await sender.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fate", [close, reset, hang, "421 4.4.2 too many messages on this connection"]
)
async def test_a_kept_connection_that_dies_at_mail_is_replaced_once(
    fate: str | Misbehaviour,
) -> None:
    mails = 0

    async def second_mail(writer: asyncio.StreamWriter) -> None:
        nonlocal mails
        mails += 1
        if mails == 1:
            writer.write(b"250 OK\r\n")
        elif isinstance(fate, str):
            writer.write(fate.encode() + b"\r\n")
        else:
            await fate(writer)

    async with scripted({"MAIL": second_mail}, {}) as seen:
        sender = smtp(seen.port, 4.0)
        await sender.send(EMAIL)
        await sender.send(EMAIL)
        assert (seen.connections, len(seen.messages)) == (2, 2)
        await sender.aclose()


@pytest.mark.anyio
async def test_a_second_death_is_not_sent_and_not_tried_for_ever() -> None:
    mails = 0

    async def all_but_the_first(writer: asyncio.StreamWriter) -> None:
        nonlocal mails
        mails += 1
        if mails > 1:
            raise ConnectionResetError
        writer.write(b"250 OK\r\n")

    async with scripted({"MAIL": all_but_the_first}) as seen:
        sender = smtp(seen.port)
        await sender.send(EMAIL)
        with pytest.raises(NotSent):
            await sender.send(EMAIL)
        assert seen.connections == 2
        await sender.aclose()


@pytest.mark.anyio
async def test_a_connection_idle_for_too_long_is_not_trusted() -> None:
    async with scripted({}) as seen:
        sender = smtp(seen.port, idle_seconds=1e-9)
        await sender.send(EMAIL)
        await sender.send(EMAIL)
        assert (seen.connections, len(seen.messages)) == (2, 2)
        await sender.aclose()


@pytest.mark.anyio
async def test_after_an_unknown_the_connection_is_given_up() -> None:
    async with scripted({"dot": "354 what"}, {}) as seen:
        sender = smtp(seen.port)
        with pytest.raises(Unknown):
            await sender.send(EMAIL)
        await sender.send(EMAIL)
        assert seen.connections == 2
        await sender.aclose()


@pytest.mark.anyio
async def test_a_message_still_waiting_for_a_connection_was_not_sent() -> None:
    async with scripted({"dot": hang}) as seen:
        sender = smtp(seen.port, 1.0, connections=1)
        first = asyncio.create_task(sender.send(EMAIL))
        await seen.stage("dot").wait()
        with pytest.raises(NotSent):
            await sender.send(EMAIL)
        with pytest.raises(Unknown):
            await first
        assert len(seen.messages) == 1
        await sender.aclose()


@pytest.mark.anyio
async def test_leaving_says_goodbye() -> None:
    async with scripted({}) as seen:
        sender = smtp(seen.port)
        await sender.send(EMAIL)
        await sender.aclose()
        await seen.stage("QUIT").wait()


@pytest.mark.anyio
async def test_a_dot_that_begins_a_line_is_doubled_on_the_wire() -> None:
    dots = replace(EMAIL, text="a\n.b\n..c\n.", html=".")
    async with scripted({}) as seen:
        sender = smtp(seen.port)
        await sender.send(dots)
        await sender.aclose()
    (octets,) = seen.messages
    assert b"\r\n..b\r\n...c\r\n" in octets
