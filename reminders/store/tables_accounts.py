"""The tables of who may sign in, and the sessions they hold."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from reminders.store.columns import (
    Base,
    instant,
    instant_or_none,
    primary_key,
    reference,
    whole,
    words,
)


class Account(Base, table=True):
    """One person of the staff. `login` is what the audit and tasks hold; it never changes."""

    __table_args__ = (UniqueConstraint("login"),)
    id: int = primary_key()
    login: str = words()  # lower case
    name: str = words()
    phone: str = words()  # E.164 of the person's own phone, for test sends; "" = none
    language: str = words("fr")
    grants: str = words("[]")  # JSON: [{"role", "site", "uf"}]
    password: str = words()  # Argon2id; "" = none yet
    code_hash: bytes = Field(sa_type=LargeBinary)  # of the one-time code; b"" = none
    code_until: datetime | None = instant_or_none()
    totp: str = words()  # base32 secret of the second factor; "" = none yet
    totp_confirmed: int = whole(0)
    totp_step: int = whole(0)  # the last 30-second step a code was taken from
    failures: int = whole(0)  # in a row
    locked_until: datetime | None = instant_or_none()
    created_at: datetime = instant()
    created_by: str = words()
    signed_in_at: datetime | None = instant_or_none()
    disabled_at: datetime | None = instant_or_none()


class StaffSession(Base, table=True):
    """One browser signed in. Only the token's hash is kept."""

    __tablename__ = "staff_session"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_staff_session_account", "account_id"),
        Index("ix_staff_session_expires", "expires_at"),
    )
    id: int = primary_key()
    token_hash: bytes = Field(sa_type=LargeBinary)
    account_id: int = reference()
    form_key: bytes = Field(sa_type=LargeBinary)  # what its forms must carry (CSRF)
    stage: str = words()  # code: the second factor is still asked | enrol | open
    browser: str = words()  # for the person to recognise it
    created_at: datetime = instant()
    seen_at: datetime = instant()
    expires_at: datetime = instant()
    ended_at: datetime | None = instant_or_none()
