"""The tables of what patients answer and of what people do about it."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text, UniqueConstraint, text
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

OPEN_ANSWER = "settled_at IS NULL AND undone_at IS NULL AND superseded_at IS NULL"


class Answer(Base, table=True):
    """One answer about one appointment, appended only; the current one is on the appointment.

    `origin` makes it exactly once: `inbound:{id}`, `page:{link}:{form}`, `api:{key}`,
    `staff:{request}`. Until `effective_at` it can be undone; `settled_at`: passed on.
    """

    __table_args__ = (
        UniqueConstraint("origin", "appointment_id"),
        Index("ix_answer_appointment", "appointment_id"),
        Index("ix_answer_given", "given_at"),
        Index(
            "ix_answer_open",
            "effective_at",
            sqlite_where=text(OPEN_ANSWER),
            postgresql_where=text(OPEN_ANSWER),
        ),
    )
    id: int = primary_key()
    appointment_id: int = reference()
    cycle: int = whole(1)
    kind: str = words()  # domain.answer.AnswerKind
    channel: str = words()  # sms | page | email | api | staff
    origin: str = words()
    actor: str = words()  # patient | proxy | a staff account | a system's name
    reason: str = words()  # a code the patient chose, never free text
    given_at: datetime = instant()
    effective_at: datetime = instant()
    settled_at: datetime | None = instant_or_none()
    undone_at: datetime | None = instant_or_none()
    superseded_at: datetime | None = instant_or_none()


class Link(Base, table=True):
    """A patient's link: only the token's hash is kept. Bound to one message and purpose."""

    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_link_message", "message_id"),
        Index("ix_link_expires", "expires_at"),
    )
    id: int = primary_key()
    token_hash: bytes = Field(sa_type=LargeBinary)
    message_id: int = reference()
    purpose: str = words()  # answer | objection
    created_at: datetime = instant()
    expires_at: datetime = instant()
    tries: int = whole(0)  # wrong birth dates so far


class TaskEvent(Base, table=True):
    """Who did what with a task; appended only."""

    __tablename__ = "task_event"
    __table_args__ = (Index("ix_task_event_task", "task_id"),)

    id: int = primary_key()
    task_id: int = reference()
    at: datetime = instant()
    actor: str = words()
    action: str = words()  # take | release | resolve | try | hand-over | reopen | escalate
    detail: str = words()  # codes and account names only


class WriteBack(Base, table=True):
    """One answer on its way to the DPI: once, whatever happens between."""

    __tablename__ = "write_back"
    __table_args__ = (
        UniqueConstraint("answer_id"),
        Index(
            "ix_write_back_due",
            "next_at",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
    )
    id: int = primary_key()
    answer_id: int = reference()
    appointment_id: int = reference()
    state: str = words("due")  # due | done | failed
    code: str = words()
    tries: int = whole(0)
    next_at: datetime = instant()
    done_at: datetime | None = instant_or_none()


class Request(Base, table=True):
    """One request of another system, so that its repetition gets the first answer again."""

    __table_args__ = (Index("ix_request_created", "created_at"),)

    key: str = Field(primary_key=True, sa_type=Text)
    body_hash: bytes = Field(sa_type=LargeBinary)
    status: int = Field(sa_type=BigInteger)
    response: str = words()
    created_at: datetime = instant()
