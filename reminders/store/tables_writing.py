"""What staff write outside the plan: to the patients of a session, or one reminder again."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from reminders.store.columns import (
    Base,
    instant,
    instant_or_none,
    primary_key,
    whole,
    words,
)


class Writing(Base, table=True):
    """One request of somebody of the hospital; its texts are messages of kind `staff`.

    `request` is the form's own number: the same form sent twice is one writing. A session is the
    appointments of [starts_at, ends_at) of one service, of one agenda or of both.
    """

    __table_args__ = (
        UniqueConstraint("request"),
        Index("ix_writing_created", "created_at", "id"),
        Index("ix_writing_open", "closed_at", "id"),
    )
    id: int = primary_key()
    request: str = words()
    kind: str = words("session")  # session | resend
    purpose: str = words()
    uf: str = words()
    agenda: str = words()
    late_minutes: int = whole(0)  # said by the text; 0: it does not say
    new_place: str = words()  # likewise
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    patients: int = whole(0)  # to whom a text was planned
    calls: int = whole(0)  # appointments whose patient is called instead
    segments: int = whole(0)
    price_eur: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = instant()
    created_by: str = words()
    withdrawn_at: datetime | None = instant_or_none()  # what had not left was called back
    withdrawn_by: str = words()
    closed_at: datetime | None = instant_or_none()  # nothing of it can change any more


class WritingLine(Base, table=True):
    """One appointment of a writing: the message that tells it, or why none does."""

    __tablename__ = "writing_line"
    __table_args__ = (
        Index("ix_writing_line_message", "message_id"),
        Index("ix_writing_line_appointment", "appointment_id"),
    )
    writing_id: int = primary_key()
    appointment_id: int = primary_key()
    cycle: int = whole(1)
    patient_id: int = whole(0)
    decision_id: int = whole(0)
    message_id: int = whole(0)  # 0: none
    reason: str = words()  # why no message tells it, or told it
    task: str = words()  # the kind of the call somebody makes instead
