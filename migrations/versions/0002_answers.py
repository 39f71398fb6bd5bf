"""Answers, links, tasks in people's hands, and what goes back to the DPI.

Additive: the release before ignores the new tables, and the new columns have defaults.
Cost: added columns carry constants, so no row is rewritten on either database; the new tables
start empty.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_answers"
down_revision = "0001_spine"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()
EMPTY = sa.text("('')")

OPEN_ANSWER = sa.text("settled_at IS NULL AND undone_at IS NULL AND superseded_at IS NULL")
WAITING = sa.text("handled_at IS NULL")
DUE = sa.text("state = 'due'")


def words(name: str, default: sa.TextClause = EMPTY) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def number(name: str, default: int) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(str(default)), nullable=False)


def moment(name: str) -> sa.Column[int]:
    return sa.Column(name, INSTANT, nullable=True)


Columns = tuple[sa.Column[Any], ...]


def added() -> tuple[tuple[str, Columns], ...]:
    """Made afresh at each call: a column belongs to one table."""
    return (
        ("inbound", (number("exact", 0), moment("handled_at"), words("intent"), words("action"))),
        ("objection", (words("scope", sa.text("'all'")),)),
        (
            "task",
            (
                number("priority", 3),
                moment("deadline_at"),
                moment("appointment_id"),
                words("assignee"),
                moment("taken_at"),
                moment("escalated_at"),
                moment("resolved_at"),
                words("resolved_by"),
                words("resolution"),
            ),
        ),
        (
            "appointment",
            (
                number("answered_cycle", 0),
                words("attendance"),
                moment("attended_at"),
                words("attended_by"),
            ),
        ),
        ("patient", (words("spoken"),)),
    )


def upgrade() -> None:
    for table, columns in added():
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_inbound_sender", "inbound", ["sender_key", "id"])
    op.create_index(
        "ix_inbound_waiting",
        "inbound",
        ["id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_table(
        "answer",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        number("cycle", 1),
        words("kind"),
        words("channel"),
        words("origin"),
        words("actor"),
        words("reason"),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        moment("settled_at"),
        moment("undone_at"),
        moment("superseded_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint(
            "origin", "appointment_id", name=op.f("uq_answer_origin_appointment_id")
        ),
    )
    op.create_index("ix_answer_appointment", "answer", ["appointment_id"])
    op.create_index("ix_answer_given", "answer", ["given_at"])
    op.create_index(
        "ix_answer_open",
        "answer",
        ["effective_at"],
        sqlite_where=OPEN_ANSWER,
        postgresql_where=OPEN_ANSWER,
    )
    op.create_table(
        "link",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        words("purpose"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        number("tries", 0),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_link_token_hash")),
    )
    op.create_index("ix_link_message", "link", ["message_id"])
    op.create_index("ix_link_expires", "link", ["expires_at"])
    op.create_table(
        "task_event",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        words("actor"),
        words("action"),
        words("detail"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_event")),
    )
    op.create_index("ix_task_event_task", "task_event", ["task_id"])
    op.create_table(
        "write_back",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        words("state", sa.text("'due'")),
        words("code"),
        number("tries", 0),
        sa.Column("next_at", INSTANT, nullable=False),
        moment("done_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_back")),
        sa.UniqueConstraint("answer_id", name=op.f("uq_write_back_answer_id")),
    )
    op.create_index(
        "ix_write_back_due",
        "write_back",
        ["next_at"],
        sqlite_where=DUE,
        postgresql_where=DUE,
    )
    op.create_table(
        "request",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        words("response"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_request")),
    )
    op.create_index("ix_request_created", "request", ["created_at"])


def downgrade() -> None:
    for table in ("request", "write_back", "task_event", "link", "answer"):
        op.drop_table(table)
    op.drop_index("ix_inbound_waiting", "inbound")
    op.drop_index("ix_inbound_sender", "inbound")
    for table, columns in reversed(added()):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)
