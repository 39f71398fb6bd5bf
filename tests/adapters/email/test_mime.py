"""The octets of an e-mail, read back by the standard library."""

import re
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.mime import Mailbox, build
from reminders.errors import Refused
from reminders.ports import Email
from tests.contracts.email_sender import EMAIL, INJECTIONS, REFERENCE

SENDER = Mailbox("rdv@ch-exemple.fr", "CH Exemple")
TUESDAY = datetime(2026, 10, 6, 9, 55, tzinfo=UTC)
ALWAYS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Auto-Submitted",
    "Content-Type",
]
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|=\\?.*\\?=")


def octets(
    email: Email = EMAIL,
    sender: Mailbox = SENDER,
    message_id: str = f"{REFERENCE}@ch-exemple.fr",
    reply_to: str = "",
    unsubscribe: tuple[str, ...] = (),
) -> bytes:
    return build(
        email,
        sender=sender,
        message_id=message_id,
        date=TUESDAY,
        reply_to=reply_to,
        unsubscribe=unsubscribe,
    )


def read(written: bytes) -> EmailMessage:
    return message_from_bytes(written, _class=EmailMessage, policy=policy.default)


def shown(value: object) -> str:
    """A header as a mail program shows it, read by the older of the library's two readers."""
    return str(make_header(decode_header(re.sub(r"\r\n ", " ", str(value)))))


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    content: str = found.get_content()
    return content.replace("\r\n", "\n")


def test_the_headers_are_exactly_these() -> None:
    message = read(octets())
    assert message.keys() == ALWAYS
    assert message["From"] == "CH Exemple <rdv@ch-exemple.fr>"
    assert message["Date"] == "Tue, 06 Oct 2026 09:55:00 +0000"
    assert message["Message-ID"] == f"<{REFERENCE}@ch-exemple.fr>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [defect for each in message.walk() for defect in each.defects] == []


def test_what_is_asked_for_is_added() -> None:
    links = ("https://rdv.example.org/u/x", "mailto:stop@ch-exemple.fr")
    message = read(octets(reply_to="accueil@ch-exemple.fr", unsubscribe=links))
    added = ["Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"]
    assert message.keys() == [*ALWAYS[:-1], *added, ALWAYS[-1]]
    assert message["Reply-To"] == "accueil@ch-exemple.fr"
    assert message["List-Unsubscribe"] == f"<{links[0]}>, <{links[1]}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_click_is_promised_only_where_there_is_something_to_click() -> None:
    message = read(octets(unsubscribe=("mailto:stop@ch-exemple.fr",)))
    assert "List-Unsubscribe" in message
    assert "List-Unsubscribe-Post" not in message


def test_text_comes_before_html_and_the_calendar_beside_them() -> None:
    message = read(octets())
    assert [each.get_content_type() for each in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    (calendar,) = message.iter_attachments()
    assert calendar.get_filename() == "rendez-vous.ics"
    assert calendar.get_param("method") == "PUBLISH"
    assert calendar.get_payload(decode=True) == EMAIL.calendar


def test_the_method_told_outside_is_the_one_inside() -> None:
    cancelled = b"BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n"
    (calendar,) = read(octets(replace(EMAIL, calendar=cancelled))).iter_attachments()
    assert calendar.get_param("method") == "CANCEL"


def test_what_is_absent_leaves_no_empty_part() -> None:
    assert read(octets(replace(EMAIL, calendar=None))).get_content_type() == "multipart/alternative"
    assert read(octets(replace(EMAIL, calendar=None, html=""))).get_content_type() == "text/plain"


@pytest.mark.parametrize("subject", INJECTIONS)
def test_a_value_that_could_become_a_header_is_refused(subject: str) -> None:
    bad = f"https:{subject}"
    attempts: list[Callable[[], bytes]] = [
        lambda: octets(replace(EMAIL, subject=subject)),
        lambda: octets(sender=Mailbox(SENDER.address, subject)),
        lambda: octets(replace(EMAIL, to=subject)),
        lambda: octets(message_id=subject),
        lambda: octets(reply_to=subject),
        lambda: octets(unsubscribe=(bad,)),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code == "header_injection"
        assert "example.org" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("value", ["a@example.org>, <b@example.org", "a b@example.org", "é@x.fr"])
def test_an_address_cannot_leave_its_brackets(value: str) -> None:
    with pytest.raises(Refused):
        octets(replace(EMAIL, to=value))


def test_a_question_mark_is_no_injection() -> None:
    for subject in ("=? ou ?", "RDV ? =", "a?=b?"):
        assert shown(message_header(octets(replace(EMAIL, subject=subject)), "Subject")) == subject


def message_header(written: bytes, name: str) -> str:
    message: Message = message_from_bytes(written)
    return str(message[name])


texts = st.text() | st.text("=?UTF-8Qq0Aa_\r\n :é😀", max_size=40)


@given(subject=texts, name=texts)
def test_no_text_adds_a_header_whoever_reads(subject: str, name: str) -> None:
    """What is refused, and only that, is refused; the rest reads back as it was written."""
    email, sender = replace(EMAIL, subject=subject), Mailbox(SENDER.address, name)
    if FORBIDDEN.search(subject) or FORBIDDEN.search(name):
        with pytest.raises(Refused):
            octets(email, sender)
        return
    written = octets(email, sender)
    found = read(written)
    assert found.keys() == message_from_bytes(written).keys() == ALWAYS
    assert subject in (found["Subject"], shown(message_header(written, "Subject")))
    assert [each.addr_spec for each in found["From"].addresses] == [SENDER.address]


@given(text=texts, html=texts)
def test_bodies_read_back_whole(text: str, html: str) -> None:
    message = read(octets(replace(EMAIL, text=text, html=f"<p>{html}")))
    assert part(message, "plain") == _as_lines(text)
    assert part(message, "html") == "<p>" + _as_lines(html)
    assert message.keys() == ALWAYS


def _as_lines(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")


@given(subject=st.text().filter(lambda text: not FORBIDDEN.search(text)), text=texts, html=texts)
def test_every_line_is_short_ascii_and_ends_in_crlf(subject: str, text: str, html: str) -> None:
    written = octets(replace(EMAIL, subject=subject, text=text, html=html, calendar=b"\n" * 99))
    assert written.isascii()
    assert written.endswith(b"\r\n")
    for line in written[:-2].split(b"\r\n"):
        assert len(line) <= 76
        assert b"\r" not in line
        assert b"\n" not in line
