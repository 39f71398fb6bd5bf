"""What the columns of every table are made of. Instants are UTC (store/types.py)."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Integer, MetaData, Text, text
from sqlmodel import Field, SQLModel

from reminders.store.types import UtcDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)


class Base(SQLModel):
    metadata: ClassVar[MetaData] = metadata


# An SQLite table is its primary key's tree only where that key is declared INTEGER.
KEY = BigInteger().with_variant(Integer, "sqlite")


def primary_key() -> int:
    """A 64-bit key handed out by store/ids.py, so that related rows are written in bulk."""
    field: int = Field(primary_key=True, sa_type=KEY, sa_column_kwargs={"autoincrement": False})
    return field


def reference() -> int:
    field: int = Field(sa_type=BigInteger)
    return field


def whole(default: int = 0) -> int:
    field: int = Field(
        default=default, sa_type=BigInteger, sa_column_kwargs={"server_default": text(str(default))}
    )
    return field


def instant() -> datetime:
    field: datetime = Field(sa_type=UtcDateTime)
    return field


def instant_or_none() -> datetime | None:
    field: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    return field


def words(default: str = "") -> str:
    field: str = Field(
        default=default, sa_type=Text, sa_column_kwargs={"server_default": text(f"'{default}'")}
    )
    return field
