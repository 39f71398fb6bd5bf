"""What the columns of a migration are made of, as reminders/store/columns.py makes a table's."""

import sqlalchemy as sa

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EMPTY = sa.text("('')")


def key() -> sa.Column[int]:
    return sa.Column("id", KEY, autoincrement=False, nullable=False)


def words(name: str, default: sa.TextClause = EMPTY) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def whole(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(str(default)), nullable=False)


def reference(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def instant(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def instant_or_none(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=True)
