"""Services, protocols and preparation sheets edited on the pages.

Additive: the release before ignores it.
"""

revision = "0005_services"
down_revision = "0004_templates"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
