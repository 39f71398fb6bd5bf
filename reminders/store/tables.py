"""The tables of the core. A row is written by set-based SQL only."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from reminders.store.columns import (
    KEY,
    Base,
    instant,
    instant_or_none,
    primary_key,
    reference,
    whole,
    words,
)


class Setting(Base, table=True):
    """Small facts owned by the database: the address key, the callback secret, the epoch."""

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = words()


class Sequence(Base, table=True):
    """The next free 64-bit key of each table, taken in blocks."""

    name: str = Field(primary_key=True, sa_type=Text)
    next: int = reference()


class Source(Base, table=True):
    """One DPI feed. `first_sync_at`: what it held then is never acknowledged."""

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = words()
    first_sync_at: datetime | None = instant_or_none()
    last_as_of: datetime | None = instant_or_none()
    last_full_at: datetime | None = instant_or_none()
    layout: str = words()
    released_at: datetime | None = instant_or_none()  # live mode: somebody saw the first run
    released_by: str = words()


class Feed(Base, table=True):
    """One input of a source, applied or not. The history the anomaly gate compares with."""

    __table_args__ = (Index("ix_feed_source_started", "source_id", "started_at"),)
    id: int = primary_key()
    source_id: str = words()
    name: str = words()
    as_of: datetime = instant()
    mode: str = words()
    content_hash: str = words()
    started_at: datetime = instant()
    status: str = words()  # accepted | refused | held
    code: str = words()
    sentence: str = words()
    rows: int = whole(0)
    problems: int = whole(0)
    expected: int = 0  # booked appointments in the weekday comparison's span
    created: int = whole(0)
    changed: int = whole(0)
    vanished: int = whole(0)


class FeedProblem(Base, table=True):
    """A line or entry left aside; no value of it is kept."""

    __tablename__ = "feed_problem"

    id: int = primary_key()
    feed_id: int = Field(sa_type=BigInteger, index=True)
    row: int = whole(0)
    column_name: str = words()
    code: str = words()
    sentence: str = words()


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
        Index(
            "ix_patient_email",
            text("lower(email)"),
            sqlite_where=text("email <> ''"),
            postgresql_where=text("email <> ''"),
        ),
        Index(
            "ix_patient_proxy_email",
            text("lower(proxy_email)"),
            sqlite_where=text("proxy_email <> ''"),
            postgresql_where=text("proxy_email <> ''"),
        ),
        Index(
            "ix_patient_merged_into",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
    )
    id: int = primary_key()
    authority: str = words()
    identifier: str = words()
    family: str = words()
    given: str = words()
    birth_date: str = words()  # ISO 8601, "" unknown
    sex: str = words()
    language: str = words()
    deceased: int = whole(0)
    blocked: str = words()  # reason code; "" = may be written to
    refuses_sms: int = 0  # the DPI says so
    stopped_by: str = words()  # the source that says deceased, blocked or refuses; "" = none
    phone: str = words()  # E.164 of the number an SMS may go to
    phone_zone: str = words()
    email: str = words()
    proxy: str = words()  # parent | guardian | helper (told by telephone) | ""
    proxy_phone: str = words()
    proxy_zone: str = words()
    proxy_email: str = words()
    spoken: str = words()  # the language the patient chose, before the DPI's
    contact_problem: str = words()  # why there is no number: landline, invalid, none, ...
    protected: int = whole(0)
    # ADR 0012: a recipient told by telephone stands in the columns above; whose it is, which of
    # the DPI's contacts it took the place of, and the source those came from.
    told: str = words()  # patient | parent | guardian | helper | ""
    told_over: str = words()
    contact_source: str = words()
    fingerprint: int = whole()
    dirty: int = whole(1)
    merged_into: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    first_seen_at: datetime = instant()
    updated_at: datetime = instant()


class Appointment(Base, table=True):
    """One appointment of one source. `version` grows when the start or place a patient would
    read changes; the DPI's status and the patient's answer never overwrite each other."""

    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_appointment_patient", "patient_id", "starts_at"),
        Index("ix_appointment_starts", "starts_at", "uf"),
        Index("ix_appointment_uf", "uf", "starts_at", "id"),
        Index("ix_appointment_agenda", "agenda", "starts_at", "id"),
    )
    id: int = primary_key()
    source_id: str = words()
    external_id: str = words()
    patient_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    uf: str = words()
    site_id: str = words()
    agenda: str = words()
    kind: str = words()
    place: str = words()
    starts_at: datetime = instant()
    all_day: int = whole(0)
    duration_minutes: int | None = None
    status: str = words()
    answer: str = words("none")
    answered_at: datetime | None = instant_or_none()
    answered_cycle: int = whole(0)  # the version the answer is about; of an older one it is past
    version: int = whole(1)
    version_at: datetime = instant()  # when this version was first seen
    fingerprint: int = whole()
    booked_at: datetime | None = instant_or_none()
    modified_at: datetime | None = instant_or_none()
    first_seen_at: datetime = instant()
    last_seen_at: datetime = instant()  # the last feed in which it differed or vanished
    in_first_sync: int = whole(0)
    cancelled_at: datetime | None = instant_or_none()
    cancelled_basis: str = words()  # told | vanished
    cancelled_by: str = words()
    attendance: str = words()  # what staff marked: came | absent | excused; "" = nothing
    attended_at: datetime | None = instant_or_none()  # when it was marked
    attended_by: str = words()
    stopped_cycle: int = whole(0)  # the version of which staff want no more reminders
    stopped_why: str = words()  # staff: somebody said so | session: it will not take place
    stopped_at: datetime | None = instant_or_none()
    stopped_by: str = words()
    arm: str = words()  # reserved for the randomised comparison; "" = none
    first_starts_at: datetime = instant()  # as first booked


class AppointmentChange(Base, table=True):
    """What a new version of an appointment replaced: written with the version, never changed."""

    __tablename__ = "appointment_change"
    appointment_id: int = primary_key()
    version: int = primary_key()  # the new one
    at: datetime = instant()
    was_starts_at: datetime = instant()
    was_all_day: int = whole(0)
    was_uf: str = words()
    was_status: str = words()
    starts_at: datetime = instant()
    all_day: int = whole(0)
    uf: str = words()
    other_patient: int = whole(0)  # 1: it became another patient's


class Decision(Base, table=True):
    """What we do for one (appointment, step, cycle), and why: also when we do nothing."""

    __table_args__ = (
        UniqueConstraint("appointment_id", "step", "cycle"),
        Index(
            "ix_decision_not_sent",
            "opens_at",
            "id",
            sqlite_where=text("state = 'SUPPRESSED' AND opens_at IS NOT NULL"),
            postgresql_where=text("state = 'SUPPRESSED' AND opens_at IS NOT NULL"),
        ),
    )
    id: int = primary_key()
    appointment_id: int = reference()
    step: str = words()
    cycle: int = whole(1)
    state: str = words()  # PLANNED | SUPPRESSED
    reason: str = words()
    purpose: str = words()
    opens_at: datetime | None = instant_or_none()
    closes_at: datetime | None = instant_or_none()
    decided_at: datetime = instant()


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
        Index("ix_message_day", "opens_at", "id"),
        Index("ix_message_patient", "patient_id"),
        Index("ix_message_recipient", "recipient_key"),
    )
    id: int = primary_key()
    dedupe_key: str = words()
    kind: str = words()  # reminder | booking | correction | notice
    channel: str = words()
    state: str = words()
    reason: str = words()
    patient_id: int = reference()
    recipient: str = words()
    recipient_key: bytes = Field(sa_type=LargeBinary)
    relation: str = words()
    site_id: str = words()
    purpose: str = words()
    language: str = words()
    earliest_at: datetime = instant()
    opens_at: datetime = instant()
    closes_at: datetime = instant()
    lease_token: int = whole()
    lease_until: datetime | None = instant_or_none()
    leases: int = whole(0)
    retries: int = whole(0)
    settled_at: datetime | None = instant_or_none()
    created_at: datetime = instant()
    updated_at: datetime = instant()


class MessageItem(Base, table=True):
    __tablename__ = "message_item"
    __table_args__ = (Index("ix_message_item_message", "message_id"),)
    decision_id: int = primary_key()
    channel: str = Field(primary_key=True, sa_type=Text)
    message_id: int = reference()


class Attempt(Base, table=True):
    """One submission to one provider, written before its first byte leaves."""

    __table_args__ = (
        UniqueConstraint("reference"),
        Index("ix_attempt_message", "message_id"),
        Index("ix_attempt_provider_id", "provider", "provider_id"),
        Index("ix_attempt_started", "started_at"),
    )
    id: int = primary_key()
    message_id: int = reference()
    reference: str = words()
    provider: str = words()
    channel: str = words()
    address: str = words()
    subject: str = words()
    body: str = words()
    template_version_id: int = whole()
    segments: int = whole(0)
    price_eur: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    state: str = (
        words()
    )  # SENDING, NOT_SENT, ACCEPTED, REFUSED, UNKNOWN, UNDELIVERED, DELIVERED, REHEARSED
    code: str = words()
    provider_id: str = words()
    started_at: datetime = instant()
    finished_at: datetime | None = instant_or_none()


class Told(Base, table=True):
    """What an attempt told of an appointment: the start and place the patient may have read."""

    __table_args__ = (Index("ix_told_appointment", "appointment_id"),)
    attempt_id: int = primary_key()
    appointment_id: int = primary_key()
    cycle: int = whole(1)
    starts_at: datetime = instant()
    place: str = words()


class SendHour(Base, table=True):
    """How many messages left, or perhaps left, within an hour: what the send brake counts."""

    __tablename__ = "send_hour"
    hour: int = Field(primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False})
    number: int = whole()


class Receipt(Base, table=True):
    __table_args__ = (
        UniqueConstraint("provider", "event"),
        Index("ix_receipt_reference", "reference"),
        Index("ix_receipt_provider_id", "provider", "provider_id"),
        Index("ix_receipt_attempt", "attempt_id"),
    )
    id: int = primary_key()
    provider: str = words()
    event: str = words()
    reference: str = words()
    provider_id: str = words()
    state: str = words()
    code: str = words()
    opted_out: int = whole(0)
    bad_recipient: int = whole(0)
    received_at: datetime = instant()
    attempt_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)


class Inbound(Base, table=True):
    """A reply of a patient, stored before the provider is told we have it."""

    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        Index("ix_inbound_received", "received_at"),
        Index("ix_inbound_sender", "sender_key", "id"),
        Index("ix_inbound_attempt", "attempt_id"),
        Index(
            "ix_inbound_waiting",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )
    id: int = primary_key()
    provider: str = words()
    provider_id: str = words()
    sender: str = words()
    sender_key: bytes = Field(sa_type=LargeBinary)
    recipient: str = words()
    body: str = words()
    attempt_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    received_at: datetime = instant()
    exact: int = whole(0)  # the provider itself named the message it answers
    handled_at: datetime | None = instant_or_none()
    intent: str = words()  # domain.reply.Intent, once read
    action: str = words()


class Objection(Base, table=True):
    """Somebody asked not to be written to (ADR 0011). Only a keyed hash of the address is kept."""

    __table_args__ = (
        Index("ix_objection_address", "address_key"),
        Index("ix_objection_patient", "patient_id"),
    )
    id: int = primary_key()
    address_key: bytes = Field(sa_type=LargeBinary)
    patient_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    channel: str = words("all")  # all | sms | email
    origin: str = words()  # reply | page | email | staff | provider, or what a reply said
    recorded_at: datetime = instant()
    recorded_by: str = words()
    withdrawn_at: datetime | None = instant_or_none()
    scope: str = words("all")  # all | service:{uf} | appointment:{id}
    withdrawn_by: str = words()


class Hold(Base, table=True):
    """Sending waits for a person. `source_id` "" holds everything."""

    __table_args__ = (Index("ix_hold_active", "released_at", "source_id"),)
    id: int = primary_key()
    source_id: str = words()
    code: str = words()
    feed_hash: str = words()  # the input a release lets through; "" for a poll
    sentence: str = words()
    placed_at: datetime = instant()
    placed_by: str = words()
    released_at: datetime | None = instant_or_none()
    released_by: str = words()
    evidence: str = words()  # what the gate saw, JSON, counts only
    ended: str = words()  # released | discarded; "" while it holds


class HoldSample(Base, table=True):
    """An appointment a held feed would cancel or move: what a person looks at first."""

    __tablename__ = "hold_sample"
    hold_id: int = primary_key()
    appointment_id: int = primary_key()
    fate: str = words()  # vanished | moved
    starts_at: datetime | None = instant_or_none()  # the start the feed tells


class Pacer(Base, table=True):
    """When a provider may next be asked. No row = no send."""

    provider: str = Field(primary_key=True, sa_type=Text)
    next_slot: datetime = instant()


class Task(Base, table=True):
    """Something a human must do."""

    __table_args__ = (
        UniqueConstraint("kind", "subject", "subject_version"),
        Index("ix_task_state", "state", "created_at"),
        Index("ix_task_subject", "subject", "id"),
        Index("ix_task_appointment", "appointment_id"),
        Index(
            "ix_task_open",
            "uf",
            "priority",
            "id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_task_resolved",
            "resolved_at",
            "id",
            sqlite_where=text("resolved_at IS NOT NULL"),
            postgresql_where=text("resolved_at IS NOT NULL"),
        ),
    )
    id: int = primary_key()
    kind: str = words()
    subject: str = words()  # "appointment:12", "message:7", "provider:main"
    subject_version: int = whole(1)
    sentence: str = words()
    uf: str = words()
    state: str = words("open")
    created_at: datetime = instant()
    due_at: datetime | None = instant_or_none()  # from when it can be done
    priority: int = whole(3)  # domain.answer.Priority
    deadline_at: datetime | None = instant_or_none()  # None: not looked at yet (worklist.tend)
    appointment_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    assignee: str = words()
    taken_at: datetime | None = instant_or_none()
    escalated_at: datetime | None = instant_or_none()
    resolved_at: datetime | None = instant_or_none()
    resolved_by: str = words()
    resolution: str = words()


class TemplateVersion(Base, table=True):
    __tablename__ = "template_version"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        Index("ix_template_version_found", "purpose", "language", "family", "channel"),
    )
    id: int = primary_key()
    purpose: str = words()
    language: str = words()
    family: str = words()  # link | reply | any
    channel: str = words()
    subject: str = words()
    body: str = words()
    html: str = words()
    content_hash: str = words()
    state: str = words()  # proposed | approved | rejected | withdrawn | replaced
    approved_by: str = words()
    approved_at: datetime | None = instant_or_none()
    number: int = whole(0)  # of its key, from 1; 0: written by the release before
    author: str = words()  # a login, or « livré avec X.Y »
    origin: str = words()  # shipped | page | import | rollback
    note: str = words()  # what the author tells the approver
    base_id: int = whole(0)  # the version it was written from, or goes back to
    proposed_at: datetime | None = instant_or_none()
    effective_at: datetime | None = instant_or_none()  # in service from then on
    ticked: str = words()  # JSON: the warnings the approver accepted
    reach: int = whole(0)  # patients the approver was told of
    alone: int = whole(0)  # approved by its author: the hospital allows it
    decided_by: str = words()  # who rejected or withdrew it
    decided_at: datetime | None = instant_or_none()
    reason: str = words()  # code of domain.template_life.REASONS
    reason_text: str = words()


class Audit(Base, table=True):
    """Who did what. `detail` holds codes and ids, never personal data. Triggers see to it that
    lines are appended, and leave only past their retention (migration 0009)."""

    __table_args__ = (
        Index("ix_audit_at", "at"),
        Index("ix_audit_actor", "actor", "at", "id"),
        Index("ix_audit_action", "action", "at", "id"),
        Index("ix_audit_subject", "subject", "at", "id"),
    )
    id: int = primary_key()
    at: datetime = instant()
    actor: str = words()
    action: str = words()
    subject: str = words()
    detail: str = words()


class Run(Base, table=True):
    __table_args__ = (Index("ix_run_started", "started_at"),)
    id: int = primary_key()
    started_at: datetime = instant()
    finished_at: datetime | None = instant_or_none()
    mode: str = words()
    exit_code: int = whole(0)
    summary: str = words()  # JSON, counts only
