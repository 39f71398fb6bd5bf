"""The tables of services, protocols and preparation sheets edited on the pages.

Each row is one version and is never changed, but for what becomes of a sheet's proposal. `content`
is the JSON of the table the configuration file would hold (config/tables.py); none of it is about
a patient.
"""

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from reminders.store.columns import Base, instant, instant_or_none, primary_key, whole, words


class ServiceVersion(Base, table=True):
    """How a UF is served from `at` on, until a later number."""

    __tablename__ = "service_version"
    __table_args__ = (UniqueConstraint("uf", "number"),)
    id: int = primary_key()
    uf: str = words()
    number: int = whole(1)
    content: str = words()
    author: str = words()
    at: datetime = instant()


class ProtocolVersion(Base, table=True):
    __tablename__ = "protocol_version"
    __table_args__ = (UniqueConstraint("protocol", "number"),)
    id: int = primary_key()
    protocol: str = words()
    number: int = whole(1)
    content: str = words()
    author: str = words()
    at: datetime = instant()


class SheetVersion(Base, table=True):
    """A preparation sheet as somebody proposed it. Patients read the approved one of the highest
    number; `base` is the number its author started from (0: none)."""

    __tablename__ = "sheet_version"
    __table_args__ = (UniqueConstraint("sheet", "number"),)
    id: int = primary_key()
    sheet: str = words()
    number: int = whole(1)
    base: int = whole(0)
    restores: int = whole(0)  # the approved number whose text it brings back; 0: none
    content: str = words()
    author: str = words()
    at: datetime = instant()
    state: str = words("proposed")  # proposed | scheduled | approved | refused | withdrawn
    decided_by: str = words()
    decided_at: datetime | None = instant_or_none()
    alone: int = whole(0)  # its author approved it: the hospital allows one person
    remark: str = words()  # why it was refused
    effective_at: datetime | None = instant_or_none()  # from when patients read it, once approved


class SheetDraft(Base, table=True):
    """What one person is writing of one sheet: it survives a closed tab."""

    __tablename__ = "sheet_draft"
    sheet: str = Field(primary_key=True, sa_type=Text)
    author: str = Field(primary_key=True, sa_type=Text)
    base: int = whole(0)
    content: str = words()
    saved_at: datetime = instant()
    revision: int = whole(1)  # of two windows the later one is told
