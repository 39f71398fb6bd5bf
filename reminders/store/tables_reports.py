"""The tables of what the reports are computed from."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
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

# --- the randomised comparison -------------------------------------------------------------------


class Holdout(Base, table=True):
    """A hold-out somebody proposed. One at most is approved and not stopped (services/holdout)."""

    id: int = primary_key()
    state: str = words("proposed")  # proposed | approved | stopped
    share_millionths: int = whole()  # of the patients, held out
    salt: str = words()  # hexadecimal; the draw's key
    excluded: str = words("[]")  # JSON list of UF: always reminded, not counted
    proposed_at: datetime = instant()
    proposed_by: str = words()
    approved_at: datetime | None = instant_or_none()
    approved_by: str = words()
    ends_at: datetime = instant()  # the final look's date, fixed before the first
    stopped_at: datetime | None = instant_or_none()
    stopped_by: str = words()


class UnitEntry(Base, table=True):
    """An appointment as it entered the comparison: its arm and its kind, never changed once
    `entered_at` is past. What was then sent to whom is elsewhere (message, attempt, told)."""

    __tablename__ = "unit_entry"
    __table_args__ = (
        Index("ix_unit_entry_holdout", "holdout_id", "appointment_id"),
        Index("ix_unit_entry_slot", "starts_at", "uf"),
    )
    appointment_id: int = Field(
        primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False}
    )
    holdout_id: int = reference()
    patient_id: int = reference()
    arm: str = words()  # reminded | held
    excluded: str = words()  # domain.holdout.Excluded; "" = counted
    uf: str = words()
    cell: str = words()  # domain.baseline.Cell.key
    starts_at: datetime = instant()  # as it entered
    entered_at: datetime = instant()  # of the future: it may still change
    recorded_at: datetime = instant()


class EffectLook(Base, table=True):
    """What a look at the effect found: the smallest p so far is shown with each later one."""

    __tablename__ = "effect_look"
    __table_args__ = (UniqueConstraint("holdout_id", "name"),)
    id: int = primary_key()
    holdout_id: int = reference()
    name: str = words()  # a month, 2026-10, or final
    at: datetime = instant()
    estimate: float = Field()
    variance: float = Field()
    p: float = Field()  # of this look alone
    treated: int = whole()  # units with a known outcome
    held: int = whole()
    method: str = words()
