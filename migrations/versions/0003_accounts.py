"""Who may sign in, and the sessions they hold.

Additive: the release before ignores the new tables.
Cost: none, both start empty.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import instant, instant_or_none, key, reference, whole, words

revision = "0003_accounts"
down_revision = "0002_answers"


def upgrade() -> None:
    op.create_table(
        "account",
        key(),
        words("login"),
        words("name"),
        words("phone"),
        words("language", sa.text("'fr'")),
        words("grants", sa.text("'[]'")),
        words("password"),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        instant_or_none("code_until"),
        words("totp"),
        whole("totp_confirmed"),
        whole("totp_step"),
        whole("failures"),
        instant_or_none("locked_until"),
        instant("created_at"),
        words("created_by"),
        instant_or_none("signed_in_at"),
        instant_or_none("disabled_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
    )
    op.create_table(
        "staff_session",
        key(),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        reference("account_id"),
        sa.Column("form_key", sa.LargeBinary(), nullable=False),
        words("stage"),
        words("browser"),
        instant("created_at"),
        instant("seen_at"),
        instant("expires_at"),
        instant_or_none("ended_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
    )
    op.create_index("ix_staff_session_account", "staff_session", ["account_id"])
    op.create_index("ix_staff_session_expires", "staff_session", ["expires_at"])


def downgrade() -> None:
    op.drop_table("staff_session")
    op.drop_table("account")
