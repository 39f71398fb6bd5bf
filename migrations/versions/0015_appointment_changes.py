"""What each change of an appointment replaced, so that its story says from when to when.

Additive: the release before ignores the table; a change it applies leaves no line, and the story
says that it changed without saying from what, as for changes before this migration.
Cost: an empty table.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, instant, whole, words

revision = "0015_appointment_changes"
down_revision = "0014_mail_in_any_case"


def upgrade() -> None:
    op.create_table(
        "appointment_change",
        sa.Column("appointment_id", KEY, autoincrement=False, nullable=False),
        sa.Column("version", KEY, autoincrement=False, nullable=False),
        instant("at"),
        instant("was_starts_at"),
        whole("was_all_day"),
        words("was_uf"),
        words("was_status"),
        instant("starts_at"),
        whole("all_day"),
        words("uf"),
        whole("other_patient"),
        sa.PrimaryKeyConstraint("appointment_id", "version", name=op.f("pk_appointment_change")),
    )


def downgrade() -> None:
    op.drop_table("appointment_change")
