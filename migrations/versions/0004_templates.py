"""Drafts, proposals and approvals of message templates.

Additive: the release before ignores it.
"""

revision = "0004_templates"
down_revision = "0003_accounts"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
