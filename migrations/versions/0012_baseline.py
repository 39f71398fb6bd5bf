"""What happened before the programme.

Additive: the release before ignores the new tables.
Cost: none, all start empty.
"""

revision = "0012_baseline"
down_revision = "0011_rollups"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
