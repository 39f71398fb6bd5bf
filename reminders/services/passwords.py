"""Passwords, first codes and the codes of a second factor: made, kept as a hash, compared."""

import secrets
from base64 import b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from threading import BoundedSemaphore

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from reminders.domain.sign_in import STEP_SECONDS

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none is mistaken for another
hasher = PasswordHasher()  # Argon2id, RFC 9106's second recommendation: 64 MiB a hash
_few_at_once = BoundedSemaphore(4)  # or a crowd at the door would take all memory


def new_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def digest(code: str) -> bytes:
    plain = "".join(one for one in code.upper() if one.isalnum())
    return sha256(plain.encode()).digest()


def hash_of(password: str) -> str:
    with _few_at_once:
        return hasher.hash(password)


def matches(hashed: str, password: str) -> bool:
    """Is it the password of this hash? Of "" no, after the same work."""
    try:
        with _few_at_once:
            return hasher.verify(hashed or _nobodys(), password) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def _nobodys() -> str:
    """A hash that costs as much to compare with as any other, and is no password's."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    parts = [b64encode(secrets.token_bytes(size)) for size in (hasher.salt_len, hasher.hash_len)]
    salt, key = (part.rstrip(b"=").decode() for part in parts)
    return f"$argon2id$v=19${cost}${salt}${key}"


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step a code belongs to: the present one or a neighbour (RFC 6238 §5.2)."""
    plain = "".join(one for one in code if one.isdigit())
    if not secret or len(plain) != 6:
        return None
    totp = pyotp.TOTP(secret)
    for near in (0, -1, 1):
        moment = now + timedelta(seconds=near * STEP_SECONDS)
        if secrets.compare_digest(totp.at(moment), plain):
            return int(moment.timestamp()) // STEP_SECONDS
    return None
