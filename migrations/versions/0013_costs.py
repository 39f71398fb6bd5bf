"""What things cost, the calls, and the months that are closed.

Triggers refuse to change or delete a closed month, a unit cost: a correction is another row.

Additive: the release before ignores the new tables.
Cost: none, all start empty; `call_entry` gets one row a call.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import instant, key, reference, whole, words

revision = "0013_costs"
down_revision = "0012_baseline"

KEPT = ("month_closing", "unit_cost")
TABLES = ("savings_estimate", "month_closing", "call_entry", "call_file", "unit_cost")

# A call is a contact of the patient: the reports count its appointment anew (0011).
RECOUNTED_SQLITE = (
    "CREATE TRIGGER rollup_call_new AFTER INSERT ON call_entry FOR EACH ROW "
    "WHEN NEW.appointment_id > 0 "
    "BEGIN INSERT INTO rollup_dirty (appointment_id) VALUES (NEW.appointment_id); END",
)
RECOUNTED_POSTGRESQL = (
    "CREATE FUNCTION rollup_call_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO rollup_dirty (appointment_id) SELECT n.appointment_id FROM new_rows n "
    "WHERE n.appointment_id > 0; RETURN NULL; END $$",
    "CREATE TRIGGER rollup_call_new AFTER INSERT ON call_entry REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION rollup_call_new()",
)


def upgrade() -> None:
    _add_costs()
    _add_calls()
    _add_months()
    for table in KEPT:
        for statement in _sqlite(table) if _is_sqlite() else _postgresql(table):
            op.execute(statement)
    for statement in RECOUNTED_SQLITE if _is_sqlite() else RECOUNTED_POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if not _is_sqlite():
        op.execute("DROP FUNCTION rollup_call_new()")
        for table in KEPT:
            op.execute(f"DROP FUNCTION {table}_stays()")


def _add_costs() -> None:
    op.create_table(
        "unit_cost",
        key(),
        words("component"),
        words("uf"),
        whole("value_micros"),
        whole("low_micros"),
        whole("high_micros"),
        words("source"),
        words("valid_from"),
        whole("withdrawn"),
        instant("at"),
        words("author"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_cost")),
    )
    op.create_index("ix_unit_cost_found", "unit_cost", ["component", "uf", "valid_from", "id"])


def _add_calls() -> None:
    op.create_table(
        "call_file",
        key(),
        words("digest"),
        instant("at"),
        words("author"),
        whole("lines"),
        whole("kept"),
        whole("repeated"),
        whole("unlinked"),
        whole("refused"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_file")),
        sa.UniqueConstraint("digest", name=op.f("uq_call_file_digest")),
    )
    op.create_table(
        "call_entry",
        key(),
        whole("file_id"),
        words("line_key"),
        instant("at"),
        words("day"),
        words("uf"),
        words("motive"),
        reference("patient_id"),
        reference("appointment_id"),
        instant("recorded_at"),
        words("author"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_entry")),
        sa.UniqueConstraint("line_key", name=op.f("uq_call_entry_line_key")),
    )
    op.create_index("ix_call_entry_appointment", "call_entry", ["appointment_id"])
    op.create_index("ix_call_entry_at", "call_entry", ["at", "id"])


def _add_months() -> None:
    op.create_table(
        "month_closing",
        key(),
        words("month"),
        whole("revision", 1),
        instant("closed_at"),
        words("closed_by"),
        words("code_version"),
        words("content"),
        words("digest"),
        words("changes", sa.text("'[]'")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_month_closing")),
        sa.UniqueConstraint("month", "revision", name=op.f("uq_month_closing_month_revision")),
    )
    op.create_table(
        "savings_estimate",
        sa.Column("uf", sa.Text(), nullable=False),
        instant("at"),
        words("content"),
        sa.PrimaryKeyConstraint("uf", name=op.f("pk_savings_estimate")),
    )


def _sqlite(table: str) -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is appended only'); END"
        for name, event in (("changed", "UPDATE"), ("deleted", "DELETE"))
    )


def _postgresql(table: str) -> tuple[str, ...]:
    return (
        f"CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{table} is appended only'; END $$",
        f"CREATE TRIGGER {table}_changed BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_stays()",
        f"CREATE TRIGGER {table}_emptied BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_stays()",
    )


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
