"""How many messages left in each hour: what the send brake knows of what is usual.

Additive: the release before ignores the table, and does not count in it. What left in the last
four weeks is counted here once.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, whole

revision = "0019_send_brake"
down_revision = "0018_calls_counted"

HOUR = 3_600_000_000  # microseconds
KEPT = 29 * 24 * HOUR


def upgrade() -> None:
    op.create_table(
        "send_hour",
        sa.Column("hour", KEY, autoincrement=False, nullable=False),
        whole("number"),
        sa.PrimaryKeyConstraint("hour", name="pk_send_hour"),
    )
    count = sa.text(
        "INSERT INTO send_hour (hour, number) "
        "SELECT started_at / :long * :long, COUNT(*) FROM attempt "
        "WHERE started_at >= (SELECT COALESCE(MAX(started_at), 0) FROM attempt) - :kept "
        "AND state <> 'NOT_SENT' GROUP BY 1"
    )
    op.get_bind().execute(count, {"long": HOUR, "kept": KEPT})


def downgrade() -> None:
    op.drop_table("send_hour")
