"""The tables of what patients answer and of what people do about it."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from reminders.store.tables import (
    Base,
    _instant,
    _instant_or_none,
    _int,
    _key,
    _ref,
    _text,
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
    id: int = _key()
    appointment_id: int = _ref()
    cycle: int = _int(1)
    kind: str = _text()  # domain.answer.AnswerKind
    channel: str = _text()  # sms | page | email | api | staff
    origin: str = _text()
    actor: str = _text()  # patient | proxy | a staff account | a system's name
    reason: str = _text()  # a code the patient chose, never free text
    given_at: datetime = _instant()
    effective_at: datetime = _instant()
    settled_at: datetime | None = _instant_or_none()
    undone_at: datetime | None = _instant_or_none()
    superseded_at: datetime | None = _instant_or_none()


class Link(Base, table=True):
    """A patient's link: only the token's hash is kept. Bound to one message and purpose."""

    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_link_message", "message_id"),
        Index("ix_link_expires", "expires_at"),
    )
    id: int = _key()
    token_hash: bytes = Field(sa_type=LargeBinary)
    message_id: int = _ref()
    purpose: str = _text()  # answer | objection
    created_at: datetime = _instant()
    expires_at: datetime = _instant()
    tries: int = _int(0)  # wrong birth dates so far


class TaskEvent(Base, table=True):
    """Who did what with a task; appended only."""

    __tablename__ = "task_event"
    __table_args__ = (Index("ix_task_event_task", "task_id"),)

    id: int = _key()
    task_id: int = _ref()
    at: datetime = _instant()
    actor: str = _text()
    action: str = _text()  # take | release | resolve | hand-over | reopen | escalate
    detail: str = _text()  # codes and account names only


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
    id: int = _key()
    answer_id: int = _ref()
    appointment_id: int = _ref()
    state: str = _text("due")  # due | done | failed
    code: str = _text()
    tries: int = _int(0)
    next_at: datetime = _instant()
    done_at: datetime | None = _instant_or_none()


class Request(Base, table=True):
    """One request of another system, so that its repetition gets the first answer again."""

    __table_args__ = (Index("ix_request_created", "created_at"),)

    key: str = Field(primary_key=True, sa_type=Text)
    body_hash: bytes = Field(sa_type=LargeBinary)
    status: int = Field(sa_type=BigInteger)
    response: str = _text()
    created_at: datetime = _instant()
