"""The tables of what the no-show report counts from.

`report_unit` is one appointment as first booked; `rollup` and `rollup_sum` count them by month
and service, and hold no key of anybody. Triggers (migration 0011) write into `rollup_dirty` which
appointments to look at again, in the transaction that changed something of them, whoever wrote.
"""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from reminders.store.columns import (
    KEY,
    Base,
    instant,
    instant_or_none,
    reference,
    whole,
    words,
)


class ReportUnit(Base, table=True):
    """An appointment that entered, or will: what it was then, and what became of it.

    From `entered_at` on, `uf`, `month`, `starts_at` and `kind` never change. `kind` and `fate`
    are packed numbers (domain/report_unit.py), so that ten million are counted in seconds.
    """

    __tablename__ = "report_unit"
    __table_args__ = (
        Index("ix_report_unit_month", "month", "uf"),
        Index("ix_report_unit_slot", "starts_at", "uf"),
        Index(
            "ix_report_unit_turns",
            "turns_at",
            sqlite_where=text("turns_at IS NOT NULL"),
            postgresql_where=text("turns_at IS NOT NULL"),
        ),
    )
    appointment_id: int = Field(
        primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False}
    )
    patient_id: int = reference()  # the survivor of a merge
    uf: str = words()
    month: int = whole()  # of `starts_at` in the site's zone: year * 12 + month - 1
    starts_at: datetime = instant()  # as it entered
    entered_at: datetime = instant()
    turns_at: datetime | None = instant_or_none()  # when time alone changes it next
    counted: int = whole(0)  # 0: not entered yet, or a move, a refill, an error
    kind: int = whole()
    fate: int = whole()
    messages: int = whole()
    segments: int = whole()
    cost: int = whole()  # micro-euros
    contacts: int = whole()


class Rollup(Base, table=True):
    """Units of a month and service (`*`: of all) that share one value of one dimension."""

    month: int = Field(primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False})
    uf: str = Field(primary_key=True)
    dim: str = Field(primary_key=True)  # domain.report.Dimension, all, week, reach, motive, handled
    value: str = Field(primary_key=True)
    hidden: int = whole(0)  # 1: may not be told (domain/hiding.py); of `*`: no total of it
    patients: int = whole()
    attended: int = whole()
    no_show: int = whole()
    cancelled_early: int = whole()
    cancelled_late: int = whole()
    cancelled_by_hospital: int = whole()
    unknown: int = whole()
    pending: int = whole()


class RollupSum(Base, table=True):
    """What else the units of a month and service (`*`: of all) add up to."""

    __tablename__ = "rollup_sum"
    month: int = Field(primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False})
    uf: str = Field(primary_key=True)
    hidden: int = whole(0)
    patients: int = whole()
    entered: int = whole()  # whose outcome is due
    planned: int = whole()
    sent: int = whole()
    delivered: int = whole()
    answered: int = whole()
    came: int = whole()  # of those sent
    freed: int = whole()
    refilled: int = whole()
    replied: int = whole()  # answered, their outcome due or not
    alone: int = whole()
    contacted: int = whole()
    recontacts: int = whole()
    contacts: int = whole()
    messages: int = whole()
    segments: int = whole()
    cost: int = whole()  # micro-euros
    # Over patients, of known outcomes: squares of appointments, products, squares of no-shows.
    squares: int = whole()
    products: int = whole()
    missed_squares: int = whole()


class RollupMonth(Base, table=True):
    """`stale`: how often something changed since it was counted; 0: nothing."""

    __tablename__ = "rollup_month"
    month: int = Field(primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False})
    stale: int = whole(0)
    counted_at: datetime | None = instant_or_none()


class RollupDirty(Base, table=True):
    """Appointments to look at again, as often as something changed: no key of theirs is unique,
    so writers never wait for each other here."""

    __tablename__ = "rollup_dirty"
    id: int | None = Field(
        default=None, primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": True}
    )
    appointment_id: int = reference()
