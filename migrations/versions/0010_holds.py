"""What a gate saw of the feed it held, and lists of one day's messages that open at any size.

Additive: the release before ignores the table, and the new columns have defaults.
Cost: the columns carry constants, so no row is rewritten. The two indexes are built once, while
writers wait (3 s per million messages on SQLite); a message whose moment moves then costs one
entry more, a decision only where it is one not to write.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, instant_or_none, words

revision = "0010_holds"
down_revision = "0009_audit"

NOT_SENT = "state = 'SUPPRESSED' AND opens_at IS NOT NULL"


def upgrade() -> None:
    op.add_column("hold", words("evidence"))
    op.add_column("hold", words("ended"))
    op.create_table(
        "hold_sample",
        sa.Column("hold_id", KEY, autoincrement=False, nullable=False),
        sa.Column("appointment_id", KEY, autoincrement=False, nullable=False),
        words("fate"),
        instant_or_none("starts_at"),
        sa.PrimaryKeyConstraint("hold_id", "appointment_id", name=op.f("pk_hold_sample")),
    )
    op.create_index("ix_message_day", "message", ["opens_at", "id"])
    op.create_index(
        "ix_decision_not_sent",
        "decision",
        ["opens_at", "id"],
        sqlite_where=sa.text(NOT_SENT),
        postgresql_where=sa.text(NOT_SENT),
    )


def downgrade() -> None:
    op.drop_index("ix_decision_not_sent", "decision")
    op.drop_index("ix_message_day", "message")
    op.drop_table("hold_sample")
    with op.batch_alter_table("hold") as batch:
        for column in ("ended", "evidence"):
            batch.drop_column(column)
