"""What a form must carry, and how a sentence travels to the next page."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from urllib.parse import parse_qsl

from fastapi import Request

FIELD = "jeton"
LONGEST = 200_000  # bytes of a form: a long template and its remarks fit
MOST_FIELDS = 5_000


class TooLong(Exception):
    pass


def masked(key: bytes) -> str:
    """The session's form key under a fresh mask: a compressed page never holds it twice alike
    (BREACH)."""
    mask = secrets.token_bytes(len(key))
    mixed = bytes(a ^ b for a, b in zip(mask, key, strict=True))
    return base64.urlsafe_b64encode(mask + mixed).decode()


def is_ours(token: str, key: bytes) -> bool:
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except ValueError:
        return False
    mask, mixed = raw[: len(key)], raw[len(key) :]
    if len(mask) != len(mixed) or len(mixed) != len(key):
        return False
    return hmac.compare_digest(bytes(a ^ b for a, b in zip(mask, mixed, strict=True)), key)


def from_elsewhere(request: Request) -> bool:
    """Did another site's page send this? Browsers say so (ASVS 5.0 §3.5.1)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return origin.partition("://")[2] != request.headers.get("host", "")


async def read(request: Request) -> Sequence[tuple[str, str]]:
    """The fields of a form in their order. Raises TooLong, having read no more than it may."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise TooLong
    try:
        return parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise TooLong from None


def packed(sentence: str) -> str:
    return base64.urlsafe_b64encode(sentence.encode()).decode()


def unpacked(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode()).decode()[:300]
    except ValueError:
        return ""
