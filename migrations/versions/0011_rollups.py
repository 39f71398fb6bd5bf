"""What the no-show report counts from, and triggers that say what to count anew.

A change of an appointment, or of a message, answer, task or patient it depends on, appends the
appointment's key to `rollup_dirty` in its own transaction: no program that writes can forget to,
the release before included, which ignores the rest.
Cost: none, all start empty; the counts are made afterwards, while everything runs.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import KEY, instant, instant_or_none, reference, whole, words

revision = "0011_rollups"
down_revision = "0010_holds"

OUTCOMES = (
    "patients", "attended", "no_show", "cancelled_early", "cancelled_late",
    "cancelled_by_hospital", "unknown", "pending",
)  # fmt: skip
SUMS = (
    "hidden", "patients", "entered", "planned", "sent", "delivered", "answered", "came", "freed",
    "refilled", "replied", "alone", "contacted", "recontacts", "contacts", "messages", "segments",
    "cost", "squares", "products", "missed_squares",
)  # fmt: skip

ADD = "INSERT INTO rollup_dirty (appointment_id)"
# What else depended on where an appointment was, and on whose it was, before it changed.
SAME_PATIENT = "SELECT n.id FROM appointment n WHERE n.patient_id = {0}.patient_id"
SAME_SLOT = (
    "SELECT u.appointment_id FROM report_unit u WHERE u.starts_at = {0}.starts_at AND u.uf = {0}.uf"
)
# Name -> what it fires on, when, and which appointments it adds. `NEW` and `OLD` are rows on
# SQLite; on PostgreSQL, where a trigger sees all rows of a statement at once, tables.
MOVED = (
    "(OLD.starts_at <> NEW.starts_at OR OLD.uf <> NEW.uf OR OLD.agenda <> NEW.agenda "
    "OR COALESCE(OLD.patient_id, 0) <> COALESCE(NEW.patient_id, 0))"
)
OF_ATTEMPT = "SELECT t.appointment_id FROM told t WHERE t.attempt_id = {0}"
TRIGGERS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("appointment_new", "INSERT", "appointment", "", ("NEW.id",)),
    ("appointment_changed", "UPDATE", "appointment", "", ("NEW.id",)),
    ("appointment_moved", "UPDATE", "appointment", MOVED,
     (SAME_PATIENT.format("OLD"), SAME_SLOT.format("OLD"))),
    ("appointment_gone", "DELETE", "appointment", "",
     ("OLD.id", SAME_PATIENT.format("OLD"), SAME_SLOT.format("OLD"))),
    ("answer_new", "INSERT", "answer", "", ("NEW.appointment_id",)),
    ("answer_changed", "UPDATE", "answer", "", ("NEW.appointment_id",)),
    ("decision_new", "INSERT", "decision", "NEW.state = 'PLANNED'", ("NEW.appointment_id",)),
    ("decision_changed", "UPDATE", "decision", "OLD.state <> NEW.state", ("NEW.appointment_id",)),
    ("told_new", "INSERT", "told", "", ("NEW.appointment_id",)),
    ("attempt_changed", "UPDATE", "attempt", "OLD.state <> NEW.state",
     (OF_ATTEMPT.format("NEW.id"),)),
    ("inbound_new", "INSERT", "inbound", "NEW.attempt_id IS NOT NULL",
     (OF_ATTEMPT.format("NEW.attempt_id"),)),
    ("inbound_changed", "UPDATE", "inbound",
     "COALESCE(OLD.attempt_id, 0) <> COALESCE(NEW.attempt_id, 0)",
     (OF_ATTEMPT.format("NEW.attempt_id"), OF_ATTEMPT.format("OLD.attempt_id"))),
    ("task_new", "INSERT", "task", "NEW.appointment_id IS NOT NULL", ("NEW.appointment_id",)),
    ("task_changed", "UPDATE", "task", "NEW.appointment_id IS NOT NULL AND "
     "(OLD.state <> NEW.state OR OLD.appointment_id IS NULL)", ("NEW.appointment_id",)),
    ("patient_merged", "UPDATE", "patient",
     "COALESCE(OLD.merged_into, 0) <> COALESCE(NEW.merged_into, 0)",
     ("SELECT n.id FROM appointment n WHERE n.patient_id = NEW.id",)),
)  # fmt: skip


def upgrade() -> None:
    _add_units()
    _add_counts()
    for trigger in TRIGGERS:
        for statement in _sqlite(*trigger) if _is_sqlite() else _postgresql(*trigger):
            op.execute(statement)


def downgrade() -> None:
    for name, _, table, _, _ in TRIGGERS:
        if _is_sqlite():
            op.execute(f"DROP TRIGGER rollup_{name}")
        else:
            op.execute(f"DROP TRIGGER rollup_{name} ON {table}")
            op.execute(f"DROP FUNCTION rollup_{name}()")
    for table in ("rollup_dirty", "rollup_month", "rollup_sum", "rollup", "report_unit"):
        op.drop_table(table)


def _sqlite(name: str, event: str, table: str, when: str, adds: tuple[str, ...]) -> list[str]:
    body = " ".join(
        f"{ADD} {one if one.startswith('SELECT') else f'VALUES ({one})'};" for one in adds
    )
    condition = f" WHEN {when}" if when else ""
    return [
        f"CREATE TRIGGER rollup_{name} AFTER {event} ON {table} FOR EACH ROW{condition} "
        f"BEGIN {body} END"
    ]


def _postgresql(name: str, event: str, table: str, when: str, adds: tuple[str, ...]) -> list[str]:
    """Once a statement, over all its rows; `NEW` and `OLD` are told apart by their key."""
    tables = {"INSERT": ("new_rows",), "UPDATE": ("old_rows", "new_rows"), "DELETE": ("old_rows",)}
    names = {"old_rows": "OLD TABLE AS old_rows", "new_rows": "NEW TABLE AS new_rows"}
    source = {
        "INSERT": "new_rows n0",
        "UPDATE": "new_rows n0 JOIN old_rows o0 ON o0.id = n0.id",
        "DELETE": "old_rows o0",
    }[event]
    where = f"WHERE {when}" if when else ""
    body = " ".join(
        " ".join((ADD, "SELECT more.key FROM", source, "CROSS JOIN LATERAL", each, where, ";"))
        for one in adds
        for each in [f"({one if one.startswith('SELECT') else f'SELECT {one}'}) more(key)"]
    )
    body = body.replace("NEW.", "n0.").replace("OLD.", "o0.")
    return [
        f"CREATE FUNCTION rollup_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{body} RETURN NULL; END $$",
        f"CREATE TRIGGER rollup_{name} AFTER {event} ON {table} REFERENCING "
        f"{' '.join(names[one] for one in tables[event])} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION rollup_{name}()",
    ]


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _add_units() -> None:
    op.create_table(
        "report_unit",
        sa.Column("appointment_id", KEY, autoincrement=False, nullable=False),
        reference("patient_id"),
        words("uf"),
        whole("month"),
        instant("starts_at"),
        instant("entered_at"),
        instant_or_none("turns_at"),
        *map(whole, ("counted", "kind", "fate", "messages", "segments", "cost", "contacts")),
        sa.PrimaryKeyConstraint("appointment_id", name=op.f("pk_report_unit")),
    )
    op.create_index("ix_report_unit_month", "report_unit", ["month", "uf"])
    op.create_index("ix_report_unit_slot", "report_unit", ["starts_at", "uf"])
    op.create_index(
        "ix_report_unit_turns",
        "report_unit",
        ["turns_at"],
        sqlite_where=sa.text("turns_at IS NOT NULL"),
        postgresql_where=sa.text("turns_at IS NOT NULL"),
    )
    op.create_table(
        "rollup_dirty",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        reference("appointment_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_dirty")),
    )


def _add_counts() -> None:
    op.create_table(
        "rollup",
        sa.Column("month", KEY, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("uf", "dim", "value")),
        whole("hidden"),
        *map(whole, OUTCOMES),
        sa.PrimaryKeyConstraint("month", "uf", "dim", "value", name=op.f("pk_rollup")),
    )
    op.create_table(
        "rollup_sum",
        sa.Column("month", KEY, autoincrement=False, nullable=False),
        sa.Column("uf", sa.String(), nullable=False),
        *map(whole, SUMS),
        sa.PrimaryKeyConstraint("month", "uf", name=op.f("pk_rollup_sum")),
    )
    op.create_table(
        "rollup_month",
        sa.Column("month", KEY, autoincrement=False, nullable=False),
        whole("stale"),
        instant_or_none("counted_at"),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_rollup_month")),
    )
