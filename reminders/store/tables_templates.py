"""The tables of drafts of message templates, and of texts sent to their author's own phone."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from reminders.store.columns import KEY, Base, instant, primary_key, whole, words


class TemplateDraft(Base, table=True):
    """What one person is writing of one template: nobody else's saving touches it.

    `revision` grows with each saving: a second tab is told instead of overwriting.
    """

    __tablename__ = "template_draft"
    __table_args__ = (UniqueConstraint("purpose", "language", "family", "channel", "author"),)
    id: int = primary_key()
    purpose: str = words()
    language: str = words()
    family: str = words()
    channel: str = words()
    author: str = words()  # login
    base_id: int = whole(0)  # the version it was started from
    revision: int = whole(1)
    subject: str = words()
    body: str = words()
    html: str = words()
    note: str = words()
    kept: str = words()  # the costly characters the author means to keep
    updated_at: datetime = instant()


class TemplateTest(Base, table=True):
    """The text of one message to a member of staff: made of invented values, nobody's."""

    __tablename__ = "template_test"
    __table_args__ = (Index("ix_template_test_account", "account", "created_at"),)
    message_id: int = Field(
        primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False}
    )
    account: str = words()  # login
    family: str = words()
    body: str = words()
    created_at: datetime = instant()
