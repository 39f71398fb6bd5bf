"""The tables of what happened before the programme: counts, and nobody's appointment."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from reminders.store.columns import KEY, Base, instant, primary_key, whole, words


def _part() -> str:
    field: str = Field(primary_key=True, sa_type=Text)
    return field


class Baseline(Base, table=True):
    """An import of the past. The last one counts; those before are deleted with it."""

    id: int = primary_key()
    imported_at: datetime = instant()
    imported_by: str = words()
    origin: str = words()  # "file", or the source that was asked
    content_hash: str = words()  # of the file; "" of a poll
    first_at: datetime = instant()  # the first appointment counted
    last_at: datetime = instant()
    weeks: int = whole()  # with an appointment in them
    appointments: int = whole()  # counted
    quality: str = words("{}")  # JSON: what was found of the data, services/baseline_quality.py


class BaselineCount(Base, table=True):
    """How the appointments of one kind ended; '' in a column that `split` does not split by."""

    __tablename__ = "baseline_count"
    baseline_id: int = Field(
        primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False}
    )
    split: str = _part()  # domain.baseline_count.Split
    uf: str = _part()
    known: str = _part()  # known | new
    lead: str = _part()  # a band of days
    weekday: str = _part()  # 1 = Monday
    hour: str = _part()  # civil, 00 to 23; ? = not told
    age: str = _part()  # a band of years
    patients: int = Field(sa_type=BigInteger)
    attended: int = Field(sa_type=BigInteger)
    no_show: int = Field(sa_type=BigInteger)
    cancelled_early: int = Field(sa_type=BigInteger)
    cancelled_late: int = Field(sa_type=BigInteger)
    cancelled_by_hospital: int = Field(sa_type=BigInteger)
    unknown: int = Field(sa_type=BigInteger)
