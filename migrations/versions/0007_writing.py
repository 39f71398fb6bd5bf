"""Messages written to the patients of a day and an agenda.

Additive: the release before ignores it.
"""

revision = "0007_writing"
down_revision = "0006_people"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
