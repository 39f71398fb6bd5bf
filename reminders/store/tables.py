"""The tables. Instants are UTC (store/types.py); a row is written by set-based SQL only."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from reminders.store.types import UtcDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)


class Base(SQLModel):
    metadata: ClassVar[MetaData] = metadata


# An SQLite table is its primary key's tree only where that key is declared INTEGER.
KEY = BigInteger().with_variant(Integer, "sqlite")


def _key() -> int:
    """A 64-bit key handed out by store/ids.py, so that related rows are written in bulk."""
    field: int = Field(primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False})
    return field


def _ref() -> int:
    field: int = Field(sa_type=BigInteger)
    return field


def _int(default: int = 0) -> int:
    field: int = Field(
        default=default, sa_type=BigInteger, sa_column_kwargs={"server_default": text(str(default))}
    )
    return field


def _instant() -> datetime:
    field: datetime = Field(sa_type=UtcDateTime)
    return field


def _instant_or_none() -> datetime | None:
    field: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    return field


def _text(default: str = "") -> str:
    field: str = Field(
        default=default, sa_type=Text, sa_column_kwargs={"server_default": text(f"'{default}'")}
    )
    return field


class Setting(Base, table=True):
    """Small facts owned by the database: the address key, the callback secret, the epoch."""

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = _text()


class Sequence(Base, table=True):
    """The next free 64-bit key of each table, taken in blocks."""

    name: str = Field(primary_key=True, sa_type=Text)
    next: int = _ref()


class Source(Base, table=True):
    """One DPI feed. `first_sync_at`: what it held then is never acknowledged."""

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = _text()
    first_sync_at: datetime | None = _instant_or_none()
    last_as_of: datetime | None = _instant_or_none()
    last_full_at: datetime | None = _instant_or_none()
    layout: str = _text()
    released_at: datetime | None = _instant_or_none()  # live mode: somebody saw the first run
    released_by: str = _text()


class Feed(Base, table=True):
    """One input of a source, applied or not. The history the anomaly gate compares with."""

    __table_args__ = (Index("ix_feed_source_started", "source_id", "started_at"),)
    id: int = _key()
    source_id: str = _text()
    name: str = _text()
    as_of: datetime = _instant()
    mode: str = _text()
    content_hash: str = _text()
    started_at: datetime = _instant()
    status: str = _text()  # accepted | refused | held
    code: str = _text()
    sentence: str = _text()
    rows: int = _int(0)
    problems: int = _int(0)
    expected: int = 0  # booked appointments in the weekday comparison's span
    created: int = _int(0)
    changed: int = _int(0)
    vanished: int = _int(0)


class FeedProblem(Base, table=True):
    """A line or entry left aside; no value of it is kept."""

    __tablename__ = "feed_problem"

    id: int = _key()
    feed_id: int = Field(sa_type=BigInteger, index=True)
    row: int = _int(0)
    column_name: str = _text()
    code: str = _text()
    sentence: str = _text()


class Patient(Base, table=True):
    """One person of one assigning authority. `dirty`: the plan must look again."""

    __table_args__ = (
        UniqueConstraint("authority", "identifier"),
        Index(
            "ix_patient_dirty",
            "id",
            sqlite_where=text("dirty = 1"),
            postgresql_where=text("dirty = 1"),
        ),
        Index("ix_patient_phone", "phone"),
        Index("ix_patient_proxy_phone", "proxy_phone"),
        Index("ix_patient_email", "email"),
    )
    id: int = _key()
    authority: str = _text()
    identifier: str = _text()
    family: str = _text()
    given: str = _text()
    birth_date: str = _text()  # ISO 8601, "" unknown
    sex: str = _text()
    language: str = _text()
    deceased: int = _int(0)
    blocked: str = _text()  # reason code; "" = may be written to
    refuses_sms: int = 0  # the DPI says so
    stopped_by: str = _text()  # the source that says deceased, blocked or refuses; "" = none
    phone: str = _text()  # E.164 of the number an SMS may go to
    phone_zone: str = _text()
    email: str = _text()
    proxy: str = _text()  # parent | guardian | ""
    proxy_phone: str = _text()
    proxy_zone: str = _text()
    proxy_email: str = _text()
    spoken: str = _text()  # the language the patient chose, before the DPI's
    contact_problem: str = _text()  # why there is no number: landline, invalid, none, ...
    protected: int = _int(0)
    fingerprint: int = _int()
    dirty: int = _int(1)
    merged_into: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    first_seen_at: datetime = _instant()
    updated_at: datetime = _instant()


class Appointment(Base, table=True):
    """One appointment of one source. `version` grows when the start or place a patient would
    read changes; the DPI's status and the patient's answer never overwrite each other."""

    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_appointment_patient", "patient_id", "starts_at"),
        Index("ix_appointment_starts", "starts_at", "uf"),
    )
    id: int = _key()
    source_id: str = _text()
    external_id: str = _text()
    patient_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    uf: str = _text()
    site_id: str = _text()
    agenda: str = _text()
    kind: str = _text()
    place: str = _text()
    starts_at: datetime = _instant()
    all_day: int = _int(0)
    duration_minutes: int | None = None
    status: str = _text()
    answer: str = _text("none")
    answered_at: datetime | None = _instant_or_none()
    answered_cycle: int = _int(0)  # the version the answer is about; of an older one it is past
    version: int = _int(1)
    version_at: datetime = _instant()  # when this version was first seen
    fingerprint: int = _int()
    booked_at: datetime | None = _instant_or_none()
    modified_at: datetime | None = _instant_or_none()
    first_seen_at: datetime = _instant()
    last_seen_at: datetime = _instant()  # the last feed in which it differed or vanished
    in_first_sync: int = _int(0)
    cancelled_at: datetime | None = _instant_or_none()
    cancelled_basis: str = _text()  # told | vanished
    cancelled_by: str = _text()
    attendance: str = _text()  # what staff marked: came | absent | excused; "" = nothing
    attended_at: datetime | None = _instant_or_none()  # when it was marked
    attended_by: str = _text()
    arm: str = _text()  # reserved for the randomised comparison; "" = none
    first_starts_at: datetime = _instant()  # as first booked


class Decision(Base, table=True):
    """What we do for one (appointment, step, cycle), and why: also when we do nothing."""

    __table_args__ = (UniqueConstraint("appointment_id", "step", "cycle"),)
    id: int = _key()
    appointment_id: int = _ref()
    step: str = _text()
    cycle: int = _int(1)
    state: str = _text()  # PLANNED | SUPPRESSED
    reason: str = _text()
    purpose: str = _text()
    opens_at: datetime | None = _instant_or_none()
    closes_at: datetime | None = _instant_or_none()
    decided_at: datetime = _instant()


class Message(Base, table=True):
    """One text to one recipient over one channel. Its life: DESIGN 5, domain/outbox.py."""

    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        Index(
            "ix_message_due",
            "channel",
            "opens_at",
            sqlite_where=text("state = 'PLANNED'"),
            postgresql_where=text("state = 'PLANNED'"),
        ),
        Index(
            "ix_message_open",
            "state",
            "closes_at",
            sqlite_where=text("state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"),
            postgresql_where=text("state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"),
        ),
        Index("ix_message_patient", "patient_id"),
        Index("ix_message_recipient", "recipient_key"),
    )
    id: int = _key()
    dedupe_key: str = _text()
    kind: str = _text()  # reminder | booking | correction | notice
    channel: str = _text()
    state: str = _text()
    reason: str = _text()
    patient_id: int = _ref()
    recipient: str = _text()
    recipient_key: bytes = Field(sa_type=LargeBinary)
    relation: str = _text()
    site_id: str = _text()
    purpose: str = _text()
    language: str = _text()
    earliest_at: datetime = _instant()
    opens_at: datetime = _instant()
    closes_at: datetime = _instant()
    lease_token: int = _int()
    lease_until: datetime | None = _instant_or_none()
    leases: int = _int(0)
    retries: int = _int(0)
    settled_at: datetime | None = _instant_or_none()
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class MessageItem(Base, table=True):
    __tablename__ = "message_item"
    __table_args__ = (Index("ix_message_item_message", "message_id"),)
    decision_id: int = _key()
    channel: str = Field(primary_key=True, sa_type=Text)
    message_id: int = _ref()


class Attempt(Base, table=True):
    """One submission to one provider, written before its first byte leaves."""

    __table_args__ = (
        UniqueConstraint("reference"),
        Index("ix_attempt_message", "message_id"),
        Index("ix_attempt_provider_id", "provider", "provider_id"),
        Index("ix_attempt_started", "started_at"),
    )
    id: int = _key()
    message_id: int = _ref()
    reference: str = _text()
    provider: str = _text()
    channel: str = _text()
    address: str = _text()
    subject: str = _text()
    body: str = _text()
    template_version_id: int = _int()
    segments: int = _int(0)
    price_eur: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    state: str = (
        _text()
    )  # SENDING, NOT_SENT, ACCEPTED, REFUSED, UNKNOWN, UNDELIVERED, DELIVERED, REHEARSED
    code: str = _text()
    provider_id: str = _text()
    started_at: datetime = _instant()
    finished_at: datetime | None = _instant_or_none()


class Told(Base, table=True):
    """What an attempt told of an appointment: the start and place the patient may have read."""

    __table_args__ = (Index("ix_told_appointment", "appointment_id"),)
    attempt_id: int = _key()
    appointment_id: int = _key()
    cycle: int = _int(1)
    starts_at: datetime = _instant()
    place: str = _text()


class Receipt(Base, table=True):
    __table_args__ = (
        UniqueConstraint("provider", "event"),
        Index("ix_receipt_reference", "reference"),
        Index("ix_receipt_provider_id", "provider", "provider_id"),
    )
    id: int = _key()
    provider: str = _text()
    event: str = _text()
    reference: str = _text()
    provider_id: str = _text()
    state: str = _text()
    code: str = _text()
    opted_out: int = _int(0)
    bad_recipient: int = _int(0)
    received_at: datetime = _instant()
    attempt_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)


class Inbound(Base, table=True):
    """A reply of a patient, stored before the provider is told we have it."""

    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        Index("ix_inbound_received", "received_at"),
        Index("ix_inbound_sender", "sender_key", "id"),
        Index(
            "ix_inbound_waiting",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )
    id: int = _key()
    provider: str = _text()
    provider_id: str = _text()
    sender: str = _text()
    sender_key: bytes = Field(sa_type=LargeBinary)
    recipient: str = _text()
    body: str = _text()
    attempt_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    received_at: datetime = _instant()
    exact: int = _int(0)  # the provider itself named the message it answers
    handled_at: datetime | None = _instant_or_none()
    intent: str = _text()  # domain.reply.Intent, once read
    action: str = _text()


class Objection(Base, table=True):
    """Somebody asked not to be written to (ADR 0011). Only a keyed hash of the address is kept."""

    __table_args__ = (
        Index("ix_objection_address", "address_key"),
        Index("ix_objection_patient", "patient_id"),
    )
    id: int = _key()
    address_key: bytes = Field(sa_type=LargeBinary)
    patient_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    channel: str = _text("all")  # all | sms | email
    origin: str = _text()  # reply | page | email | staff | provider, or what a reply said
    recorded_at: datetime = _instant()
    recorded_by: str = _text()
    withdrawn_at: datetime | None = _instant_or_none()
    scope: str = _text("all")  # all | service:{uf} | appointment:{id}


class Hold(Base, table=True):
    """Sending waits for a person. `source_id` "" holds everything."""

    __table_args__ = (Index("ix_hold_active", "released_at", "source_id"),)
    id: int = _key()
    source_id: str = _text()
    code: str = _text()
    feed_hash: str = _text()  # the input a release lets through; "" for a poll
    sentence: str = _text()
    placed_at: datetime = _instant()
    placed_by: str = _text()
    released_at: datetime | None = _instant_or_none()
    released_by: str = _text()


class Pacer(Base, table=True):
    """When a provider may next be asked. No row = no send."""

    provider: str = Field(primary_key=True, sa_type=Text)
    next_slot: datetime = _instant()


class Task(Base, table=True):
    """Something a human must do."""

    __table_args__ = (
        UniqueConstraint("kind", "subject", "subject_version"),
        Index("ix_task_state", "state", "created_at"),
    )
    id: int = _key()
    kind: str = _text()
    subject: str = _text()  # "appointment:12", "message:7", "provider:main"
    subject_version: int = _int(1)
    sentence: str = _text()
    uf: str = _text()
    state: str = _text("open")
    created_at: datetime = _instant()
    due_at: datetime | None = _instant_or_none()  # from when it can be done
    priority: int = _int(3)  # domain.answer.Priority
    deadline_at: datetime | None = _instant_or_none()  # None: not looked at yet (worklist.tend)
    appointment_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    assignee: str = _text()
    taken_at: datetime | None = _instant_or_none()
    escalated_at: datetime | None = _instant_or_none()
    resolved_at: datetime | None = _instant_or_none()
    resolved_by: str = _text()
    resolution: str = _text()


class TemplateVersion(Base, table=True):
    __tablename__ = "template_version"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        Index("ix_template_version_found", "purpose", "language", "family", "channel"),
    )
    id: int = _key()
    purpose: str = _text()
    language: str = _text()
    family: str = _text()  # link | reply | any
    channel: str = _text()
    subject: str = _text()
    body: str = _text()
    html: str = _text()
    content_hash: str = _text()
    state: str = _text()  # approved | proposed
    approved_by: str = _text()
    approved_at: datetime | None = _instant_or_none()


class Audit(Base, table=True):
    """Who did what; appended only. `detail` holds codes and ids, never personal data."""

    __table_args__ = (Index("ix_audit_at", "at"),)
    id: int = _key()
    at: datetime = _instant()
    actor: str = _text()
    action: str = _text()
    subject: str = _text()
    detail: str = _text()


class Run(Base, table=True):
    __table_args__ = (Index("ix_run_started", "started_at"),)
    id: int = _key()
    started_at: datetime = _instant()
    finished_at: datetime | None = _instant_or_none()
    mode: str = _text()
    exit_code: int = _int(0)
    summary: str = _text()  # JSON, counts only
