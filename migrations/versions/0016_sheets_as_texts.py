"""Sheets are edited as texts are: a draft has a revision, an approval may wait for its day.

Additive. The release before ignores both columns; its page of a sheet whose version waits for its
day (state `scheduled`) does not know that word, patients read what is in service either way.
Cost: none, the tables hold a few hundred rows in a hospital's life.
"""

from alembic import op

from migrations.parts import instant_or_none, whole

revision = "0016_sheets_as_texts"
down_revision = "0015_appointment_changes"


def upgrade() -> None:
    op.add_column("sheet_version", instant_or_none("effective_at"))
    op.add_column("sheet_draft", whole("revision", 1))


def downgrade() -> None:
    op.execute("UPDATE sheet_version SET state = 'withdrawn' WHERE state = 'scheduled'")
    op.drop_column("sheet_draft", "revision")
    op.drop_column("sheet_version", "effective_at")
