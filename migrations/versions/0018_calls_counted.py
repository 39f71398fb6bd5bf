"""Calls are counted by day from an index alone, and those of one file are found.

Additive: the release before ignores both indexes.
"""

from alembic import op

revision = "0018_calls_counted"
down_revision = "0017_name_parts"

INDEXES = {
    "file": ["file_id", "at", "id"],
    "day": ["day", "motive", "uf", "file_id", "appointment_id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(f"ix_call_entry_{name}", "call_entry", columns)


def downgrade() -> None:
    for name in reversed(INDEXES):
        op.drop_index(f"ix_call_entry_{name}", "call_entry")
