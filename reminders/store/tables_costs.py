"""The tables of what things cost, the calls, and the months that are closed."""

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field

from reminders.store.columns import Base, instant, primary_key, reference, whole, words


class UnitCost(Base, table=True):
    """What one of something costs from a day on. Appended only: a correction is another row."""

    __tablename__ = "unit_cost"
    __table_args__ = (Index("ix_unit_cost_found", "component", "uf", "valid_from", "id"),)
    id: int = primary_key()
    component: str = words()  # domain.savings.Component
    uf: str = words()  # "" = every service without one of its own
    value_micros: int = whole()  # millionths of a euro, as low_micros and high_micros
    low_micros: int = whole()
    high_micros: int = whole()
    source: str = words()  # who says so
    valid_from: str = words()  # civil day, ISO 8601
    withdrawn: int = whole(0)  # from that day on there is none of its own
    at: datetime = instant()
    author: str = words()


class CallFile(Base, table=True):
    """A file of calls that was read. Its lines are call_entry; the file itself is not kept."""

    __tablename__ = "call_file"
    __table_args__ = (UniqueConstraint("digest"),)
    id: int = primary_key()
    digest: str = words()  # keyed hash of its bytes, hexadecimal
    at: datetime = instant()
    author: str = words()
    lines: int = whole()
    kept: int = whole()
    repeated: int = whole()  # lines another file had brought already
    unlinked: int = whole()  # of the kept ones, about nobody we know
    refused: int = whole()


class CallEntry(Base, table=True):
    """One telephone call of a patient, told by a file or by whoever took it."""

    __tablename__ = "call_entry"
    __table_args__ = (
        UniqueConstraint("line_key"),
        Index("ix_call_entry_appointment", "appointment_id"),
        Index("ix_call_entry_at", "at", "id"),
        Index("ix_call_entry_file", "file_id", "at", "id"),
        # Everything a month's counts are made of, so that they read no row.
        Index("ix_call_entry_day", "day", "motive", "uf", "file_id", "appointment_id"),
    )
    id: int = primary_key()
    file_id: int = whole(0)  # 0: noted by a person
    line_key: str = words()  # the same line of another file has the same; never a name
    at: datetime = instant()  # noon of its day where the hour is not known
    day: str = words()  # civil day, ISO 8601
    uf: str = words()
    motive: str = words()  # domain.calls.Motive
    patient_id: int = reference()  # 0: not known
    appointment_id: int = reference()  # 0: not known
    recorded_at: datetime = instant()
    author: str = words()  # who noted it, or brought the file in


class MonthClosing(Base, table=True):
    """A month as it was when it was closed, or closed anew. Never changed, never deleted."""

    __tablename__ = "month_closing"
    __table_args__ = (UniqueConstraint("month", "revision"),)
    id: int = primary_key()
    month: str = words()  # 2026-10
    revision: int = whole(1)  # 1, 2, 3… without gap
    closed_at: datetime = instant()
    closed_by: str = words()  # a login, or "" for the service itself
    code_version: str = words()
    content: str = words()  # canonical JSON: inputs, unit costs, figures
    digest: str = words()  # SHA-256 of content
    changes: str = words("[]")  # JSON: [place, before, after] against the revision before


class SavingsEstimate(Base, table=True):
    """The savings as last computed, so that a page need not: one row a service, "" for all."""

    __tablename__ = "savings_estimate"
    uf: str = Field(primary_key=True, sa_type=Text)
    at: datetime = instant()
    content: str = words()
