"""Who may sign in, and the sessions they hold.

Additive: the release before ignores it.
"""

revision = "0003_accounts"
down_revision = "0002_answers"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
