"""Who wrote, proposed and approved each version of a template, and what is being written.

Additive: the release before ignores the new tables and columns, which have defaults. It would
send a version approved for a later day at once: give no effective date while both run.
Cost: the versions get their numbers, a few hundred rows; the new tables start empty.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.parts import instant, instant_or_none, key, whole, words

revision = "0004_templates"
down_revision = "0003_accounts"


def added() -> tuple[sa.Column[Any], ...]:
    """Made afresh at each call: a column belongs to one table."""
    return (
        whole("number"),
        words("author"),
        words("origin"),
        words("note"),
        whole("base_id"),
        instant_or_none("proposed_at"),
        instant_or_none("effective_at"),
        words("ticked"),
        whole("reach"),
        whole("alone"),
        words("decided_by"),
        instant_or_none("decided_at"),
        words("reason"),
        words("reason_text"),
    )


def upgrade() -> None:
    for column in added():
        op.add_column("template_version", column)
    op.execute(
        "UPDATE template_version SET author = approved_by, origin = 'shipped', "
        "proposed_at = approved_at, "
        "effective_at = CASE WHEN state = 'approved' THEN approved_at ELSE NULL END, "
        "number = (SELECT COUNT(*) FROM template_version o "
        "WHERE o.purpose = template_version.purpose AND o.language = template_version.language "
        "AND o.family = template_version.family AND o.channel = template_version.channel "
        "AND o.id <= template_version.id)"
    )
    op.create_table(
        "template_draft",
        key(),
        words("purpose"),
        words("language"),
        words("family"),
        words("channel"),
        words("author"),
        whole("base_id"),
        whole("revision", 1),
        words("subject"),
        words("body"),
        words("html"),
        words("note"),
        words("kept"),
        instant("updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_draft")),
        sa.UniqueConstraint(
            "purpose", "language", "family", "channel", "author",
            name=op.f("uq_template_draft_purpose_language_family_channel_author"),
        ),
    )  # fmt: skip
    op.create_table(
        "template_test",
        sa.Column(
            "message_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        words("account"),
        words("family"),
        words("body"),
        instant("created_at"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_template_test")),
    )
    op.create_index("ix_template_test_account", "template_test", ["account", "created_at"])


def downgrade() -> None:
    op.drop_table("template_test")
    op.drop_table("template_draft")
    with op.batch_alter_table("template_version") as batch:
        for column in reversed(added()):
            batch.drop_column(column.name)
