"""Services, protocols and preparation sheets edited on the pages.

Additive: the release before ignores the new tables.
Cost: none, they start empty; they hold a few hundred rows in a hospital's life.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import instant, instant_or_none, key, whole, words

revision = "0005_services"
down_revision = "0004_templates"

PROPOSED = sa.text("('proposed')")


def upgrade() -> None:
    for table, name in (("service_version", "uf"), ("protocol_version", "protocol")):
        op.create_table(
            table,
            key(),
            words(name),
            whole("number", 1),
            words("content"),
            words("author"),
            instant("at"),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint(name, "number", name=op.f(f"uq_{table}_{name}_number")),
        )
    op.create_table(
        "sheet_version",
        key(),
        words("sheet"),
        whole("number", 1),
        whole("base"),
        whole("restores"),
        words("content"),
        words("author"),
        instant("at"),
        words("state", PROPOSED),
        words("decided_by"),
        instant_or_none("decided_at"),
        whole("alone"),
        words("remark"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_version")),
        sa.UniqueConstraint("sheet", "number", name=op.f("uq_sheet_version_sheet_number")),
    )
    op.create_table(
        "sheet_draft",
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        whole("base"),
        words("content"),
        instant("saved_at"),
        sa.PrimaryKeyConstraint("sheet", "author", name=op.f("pk_sheet_draft")),
    )


def downgrade() -> None:
    for table in ("sheet_draft", "sheet_version", "protocol_version", "service_version"):
        op.drop_table(table)
