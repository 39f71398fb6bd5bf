"""An e-mail as the octets that leave (RFC 5322, 2045 to 2047, 3834, 8058).

Written by hand for two reasons. The standard library decodes encoded words of its input and so
turns `=?UTF-8?Q?=0A?=` in a subject into a real header (cpython#121650): here such a subject is
refused. And building the same message with EmailMessage takes a hundred times longer than
sending it.
"""

import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from reminders.errors import Refused
from reminders.ports import Email

# What no header may hold: controls of both sets, line separators, half characters, and
# whatever a reader might decode into one of them.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|=\\?.*\\?=")
_BARE = re.compile(r"[!-;=?-~]*")  # printable ASCII but space, < and >
_PRINTABLE = re.compile(r"[ -~]*")
_METHOD = re.compile(rb"^METHOD:([A-Z]+)\r?$", re.MULTILINE)

# Parts are quoted-printable or base64, in which "=_" cannot occur: fixed boundaries are safe.
_MIXED, _ALTERNATIVE = b"=_mixed", b"=_alternative"
_WORD_OCTETS = 39  # of UTF-8 in one encoded word, so that a line stays within 76
_PLAIN_HEADER = 60  # characters of an unencoded header
_BASE64_LINE = 76


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Whom a message comes from; `name` is shown beside the address, "" = none."""

    address: str
    name: str = ""


def build(
    email: Email,
    *,
    sender: Mailbox,
    message_id: str,  # without <>
    date: datetime,  # aware
    reply_to: str = "",
    unsubscribe: tuple[str, ...] = (),  # https: and mailto: addresses
) -> bytes:
    """The whole message: CRLF, ASCII, no line over 76 but a long address; dots are not doubled.

    The headers are exactly From, To, Subject, Date, Message-ID, MIME-Version, Auto-Submitted,
    those of the content, and Reply-To, List-Unsubscribe and List-Unsubscribe-Post where there
    is something to say. Raises Refused("header_injection") for a value no header may hold.
    """
    for value in (sender.address, email.to, message_id, reply_to, *unsubscribe):
        _check_bare(value)
    headers = [
        f"From: {_mailbox(sender)}",
        f"To: <{email.to}>",
        f"Subject: {_phrase(email.subject)}",
        f"Date: {_written(date.replace(microsecond=0))}",
        f"Message-ID: <{message_id}>",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",  # RFC 3834: no answering machine answers it
    ]
    if reply_to:
        headers.append(f"Reply-To: <{reply_to}>")
    if unsubscribe:
        headers.append("List-Unsubscribe: " + ",\r\n ".join(f"<{each}>" for each in unsubscribe))
        if any(each.startswith("https:") for each in unsubscribe):
            headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return "\r\n".join(headers).encode("ascii") + b"\r\n" + _content(email)


@lru_cache(maxsize=8)  # a second's messages share it
def _written(date: datetime) -> str:
    return format_datetime(date)


def check_header(value: str) -> None:
    """Raises Refused("header_injection"), which tells nothing of the value."""
    if _FORBIDDEN.search(value):
        raise Refused("header_injection")


def _check_bare(value: str) -> None:
    """Refuses what could end the <> around it, or the line."""
    check_header(value)
    if not _BARE.fullmatch(value):
        raise Refused("header_injection")


def _mailbox(mailbox: Mailbox) -> str:
    name = _phrase(mailbox.name)
    if name == mailbox.name:  # not encoded: quoted
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name}\r\n <{mailbox.address}>" if mailbox.name else f"<{mailbox.address}>"


def _phrase(text: str) -> str:
    """A header's free text. Raises Refused as check_header."""
    check_header(text)
    return text if _is_plain(text) else _encoded(text)


def _is_plain(text: str) -> bool:
    return (
        len(text) <= _PLAIN_HEADER
        and _PRINTABLE.fullmatch(text) is not None
        and text == text.strip()
        and "=?" not in text
    )


def _encoded(text: str) -> str:
    """Encoded words (RFC 2047), none cut inside a character."""
    octets, words, start = text.encode(), list[str](), 0
    while start < len(octets):
        end = start + _WORD_OCTETS
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{_base64(octets[start:end]).decode()}?=")
        start = end
    return "\r\n ".join(words)


def _base64(octets: bytes) -> bytes:
    return binascii.b2a_base64(octets, newline=False)


def _content(email: Email) -> bytes:
    body = _text_part(b"plain", email.text)
    if email.html:
        parts = (body, _text_part(b"html", email.html))
        body = _multipart(b"alternative", _ALTERNATIVE, parts)
    if email.calendar is not None:
        body = _multipart(b"mixed", _MIXED, (body, _attachment(email.calendar)))
    return body


def _multipart(kind: bytes, boundary: bytes, parts: tuple[bytes, ...]) -> bytes:
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (kind, boundary)
    between = b"--%b\r\n" % boundary
    return b"".join([head, *(between + part for part in parts), b"--%b--\r\n" % boundary])


def _text_part(kind: bytes, text: str) -> bytes:
    return (
        b"Content-Type: text/%b; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
    ) % (kind, _quoted_printable(text))


def _quoted_printable(text: str) -> bytes:
    # Bare LF throughout while encoding, as b2a_qp folds with whichever break it meets first.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    return binascii.b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")


def _attachment(calendar: bytes) -> bytes:
    method = _METHOD.search(calendar)
    encoded = _base64(calendar)
    lines = [encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE)]
    return (
        b"Content-Type: text/calendar; charset=utf-8; method=%b;\r\n"
        b' name="rendez-vous.ics"\r\n'
        b'Content-Disposition: attachment; filename="rendez-vous.ics"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n%b\r\n"
    ) % (method[1] if method else b"PUBLISH", b"\r\n".join(lines))
