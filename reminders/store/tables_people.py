"""The tables of what is looked for, noted and told of a patient. Purged with the identity."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from reminders.store.columns import (
    Base,
    instant,
    instant_or_none,
    primary_key,
    reference,
    words,
)

OPEN_RECIPIENT = "ended_at IS NULL"


def key_text() -> str:
    """Compared byte by byte on both databases: `key >= :p AND key < :after_p` is a prefix."""
    field: str = Field(
        default="",
        sa_type=Text().with_variant(Text(collation="C"), "postgresql"),
        sa_column_kwargs={"server_default": text("''")},
    )
    return field


def _of_several_parts(name: str, then: str) -> Index:
    named = text(f"{name} <> ''")
    return Index(f"ix_patient_key_{name}", name, then, sqlite_where=named, postgresql_where=named)


class PatientKey(Base, table=True):
    """What a patient is found by (domain/search.py), beside the patient's row: that one changes
    with every plan, and each change would write to all of these indexes."""

    __tablename__ = "patient_key"
    __table_args__ = (
        Index("ix_patient_key_family", "family", "given"),
        *(_of_several_parts(name, "given") for name in ("second", "middle", "third")),
        Index("ix_patient_key_given", "given", "family"),
        *(
            _of_several_parts(name, "family")
            for name in ("given_second", "given_middle", "given_third")
        ),
        Index("ix_patient_key_identifier", "identifier"),
        Index("ix_patient_key_birth_date", "birth_date", "family"),
    )
    patient_id: int = primary_key()
    family: str = key_text()
    second: str = key_text()
    third: str = key_text()
    given: str = key_text()
    identifier: str = key_text()
    birth_date: str = key_text()  # ISO 8601, "" unknown
    middle: str = key_text()
    given_second: str = key_text()
    given_middle: str = key_text()
    given_third: str = key_text()


class Note(Base, table=True):
    """What somebody of a service noted about a patient. Seen where that service is."""

    __table_args__ = (UniqueConstraint("origin"), Index("ix_note_patient", "patient_id", "at"))
    id: int = primary_key()
    patient_id: int = reference()
    uf: str = words()
    appointment_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    at: datetime = instant()
    actor: str = words()
    origin: str = words()  # unique: the same form sent twice is one note
    body: str = words()


class Recipient(Base, table=True):
    """A number or e-mail address told by telephone, which takes the place of the DPI's until it
    ends (ADR 0012). What it took the place of is kept to come back to."""

    __table_args__ = (
        UniqueConstraint("origin"),
        Index("ix_recipient_patient", "patient_id"),
        Index("ix_recipient_phone", "phone"),
        Index("ix_recipient_dpi_phone", "dpi_phone"),
        Index("ix_recipient_dpi_proxy_phone", "dpi_proxy_phone"),
        Index(
            "ix_recipient_open",
            "patient_id",
            unique=True,
            sqlite_where=text(OPEN_RECIPIENT),
            postgresql_where=text(OPEN_RECIPIENT),
        ),
    )
    id: int = primary_key()
    patient_id: int = reference()
    relation: str = words()  # patient | parent | guardian | helper
    phone: str = words()
    phone_zone: str = words()
    email: str = words()
    origin: str = words()
    told_at: datetime = instant()
    told_by: str = words()
    ended_at: datetime | None = instant_or_none()
    ended: str = words()  # withdrawn | replaced | dpi
    ended_by: str = words()
    dpi_phone: str = words()
    dpi_zone: str = words()
    dpi_email: str = words()
    dpi_proxy: str = words()
    dpi_proxy_phone: str = words()
    dpi_proxy_zone: str = words()
    dpi_proxy_email: str = words()
    dpi_problem: str = words()
