"""What happened before the programme: counts, and what was found of the data they come from.

Additive: the release before ignores the new tables.
Cost: none, both start empty; an import of a million appointments leaves some 100,000 rows.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, instant, key, whole, words

revision = "0012_baseline"
down_revision = "0011_rollups"

PARTS = ("split", "uf", "known", "lead", "weekday", "hour", "age")
COUNTS = (
    "patients", "attended", "no_show", "cancelled_early", "cancelled_late",
    "cancelled_by_hospital", "unknown",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "baseline",
        key(),
        instant("imported_at"),
        words("imported_by"),
        words("origin"),
        words("content_hash"),
        instant("first_at"),
        instant("last_at"),
        whole("weeks"),
        whole("appointments"),
        words("quality", sa.text("'{}'")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline")),
    )
    op.create_table(
        "baseline_count",
        sa.Column("baseline_id", KEY, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in PARTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("baseline_id", *PARTS, name=op.f("pk_baseline_count")),
    )


def downgrade() -> None:
    for table in ("baseline_count", "baseline"):
        op.drop_table(table)
