"""Notes on patients and the recipients staff chose for them.

Additive: the release before ignores it.
"""

revision = "0006_people"
down_revision = "0005_services"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
