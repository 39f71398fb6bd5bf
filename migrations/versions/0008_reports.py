"""What the reports are computed from.

Additive: the release before ignores the new tables.
Cost: none, all start empty; `unit_entry` gets one row an appointment while a hold-out runs.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, instant, instant_or_none, key, reference, whole, words

revision = "0008_reports"
down_revision = "0007_writing"


def upgrade() -> None:
    _add_comparison()


def downgrade() -> None:
    for table in ("effect_look", "unit_entry", "holdout"):
        op.drop_table(table)


def _add_comparison() -> None:
    op.create_table(
        "holdout",
        key(),
        words("state", sa.text("'proposed'")),
        whole("share_millionths"),
        words("salt"),
        words("excluded", sa.text("'[]'")),
        instant("proposed_at"),
        words("proposed_by"),
        instant_or_none("approved_at"),
        words("approved_by"),
        instant("ends_at"),
        instant_or_none("stopped_at"),
        words("stopped_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdout")),
    )
    op.create_table(
        "unit_entry",
        sa.Column("appointment_id", KEY, autoincrement=False, nullable=False),
        reference("holdout_id"),
        reference("patient_id"),
        words("arm"),
        words("excluded"),
        words("uf"),
        words("cell"),
        instant("starts_at"),
        instant("entered_at"),
        instant("recorded_at"),
        sa.PrimaryKeyConstraint("appointment_id", name=op.f("pk_unit_entry")),
    )
    op.create_index("ix_unit_entry_holdout", "unit_entry", ["holdout_id", "appointment_id"])
    op.create_index("ix_unit_entry_slot", "unit_entry", ["starts_at", "uf"])
    op.create_table(
        "effect_look",
        key(),
        reference("holdout_id"),
        words("name"),
        instant("at"),
        sa.Column("estimate", sa.Float(), nullable=False),
        sa.Column("variance", sa.Float(), nullable=False),
        sa.Column("p", sa.Float(), nullable=False),
        whole("treated"),
        whole("held"),
        words("method"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effect_look")),
        sa.UniqueConstraint("holdout_id", "name", name=op.f("uq_effect_look_holdout_id_name")),
    )
