"""Messages written to the patients of a day and an agenda, and lists that open at any size.

Additive: the release before ignores the new tables, and the new columns have defaults.
Cost: the columns carry constants, so no row is rewritten. The indexes are built once, while
writers wait: per million appointments the two of `appointment` took 1 to 2 s each on both
databases, 26 and 30 MB on SQLite, 41 and 50 MB on PostgreSQL. A synced appointment then costs two
entries more, and only where its service, agenda or start changed.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, instant, instant_or_none, key, whole, words

revision = "0007_writing"
down_revision = "0006_people"

STOPPED = ("stopped_cycle", "stopped_why", "stopped_at", "stopped_by")
INDEXES = {
    "ix_appointment_uf": ("appointment", ["uf", "starts_at", "id"]),
    "ix_appointment_agenda": ("appointment", ["agenda", "starts_at", "id"]),
    "ix_receipt_attempt": ("receipt", ["attempt_id"]),
    "ix_inbound_attempt": ("inbound", ["attempt_id"]),
    "ix_task_subject": ("task", ["subject", "id"]),
}
TASKS = {
    "ix_task_open": (["uf", "priority", "id"], "state = 'open'"),
    "ix_task_resolved": (["resolved_at", "id"], "resolved_at IS NOT NULL"),
}


def upgrade() -> None:
    for column in (
        whole("stopped_cycle"),
        words("stopped_why"),
        instant_or_none("stopped_at"),
        words("stopped_by"),
    ):
        op.add_column("appointment", column)
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    for name, (columns, kept) in TASKS.items():
        where = sa.text(kept)
        op.create_index(name, "task", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "writing",
        key(),
        words("request"),
        words("kind", sa.text("'session'")),
        words("purpose"),
        words("uf"),
        words("agenda"),
        instant("starts_at"),
        instant("ends_at"),
        whole("patients"),
        whole("calls"),
        whole("segments"),
        sa.Column("price_eur", sa.Float(), server_default=sa.text("0"), nullable=False),
        instant("created_at"),
        words("created_by"),
        instant_or_none("withdrawn_at"),
        words("withdrawn_by"),
        instant_or_none("closed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_writing")),
        sa.UniqueConstraint("request", name=op.f("uq_writing_request")),
    )
    op.create_index("ix_writing_created", "writing", ["created_at", "id"])
    op.create_index("ix_writing_open", "writing", ["closed_at", "id"])
    op.create_table(
        "writing_line",
        sa.Column("writing_id", KEY, autoincrement=False, nullable=False),
        sa.Column("appointment_id", KEY, autoincrement=False, nullable=False),
        whole("cycle", 1),
        whole("patient_id"),
        whole("decision_id"),
        whole("message_id"),
        words("reason"),
        words("task"),
        sa.PrimaryKeyConstraint("writing_id", "appointment_id", name=op.f("pk_writing_line")),
    )
    op.create_index("ix_writing_line_message", "writing_line", ["message_id"])
    op.create_index("ix_writing_line_appointment", "writing_line", ["appointment_id"])


def downgrade() -> None:
    op.drop_table("writing_line")
    op.drop_table("writing")
    for name in TASKS:
        op.drop_index(name, "task")
    for name, (table, _) in reversed(INDEXES.items()):
        op.drop_index(name, table)
    with op.batch_alter_table("appointment") as batch:
        for column in STOPPED:
            batch.drop_column(column)
