"""A text to a session says how late it is, or where instead.

Additive: the release before ignores both columns, which have defaults.
"""

from alembic import op

from migrations.parts import whole, words

revision = "0020_session_details"
down_revision = "0019_send_brake"


def upgrade() -> None:
    op.add_column("writing", whole("late_minutes"))
    op.add_column("writing", words("new_place"))


def downgrade() -> None:
    op.drop_column("writing", "new_place")
    op.drop_column("writing", "late_minutes")
