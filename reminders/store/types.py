"""Instants in columns: integer microseconds since the epoch, UTC (ADR 0003).

The same arithmetic and comparison in SQL on SQLite and PostgreSQL, eight bytes in an index,
and no zone a driver could drop. Naive datetimes are refused.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000  # in the column's unit
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def micros(moment: datetime) -> int:
    """Raises ValueError for a naive datetime."""
    if moment.tzinfo is UTC:
        return _utc_micros(moment)
    if moment.tzinfo is None:
        raise ValueError("naive datetime refused: an instant needs its zone")
    return (moment - EPOCH) // MICROSECOND


# Appointments share their starts, and steps their hours. UTC only: in another zone the two
# readings of a repeated hour count as equal.
@lru_cache(maxsize=16_384)
def _utc_micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


@lru_cache(maxsize=16_384)
def instant(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def micros_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def instant_or_none(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


class UtcDateTime(TypeDecorator[datetime]):
    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return micros_or_none(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return instant_or_none(value)
