"""What the reports are computed from.

Additive: the release before ignores it.
"""

revision = "0008_reports"
down_revision = "0007_writing"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
