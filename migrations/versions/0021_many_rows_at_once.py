"""PostgreSQL plans what a statement of many rows adds to count anew for as many rows.

A session plans a trigger's statements once, for the number of rows it first fired on. Whoever had
written one appointment compared each with each when a file changed all (20,000 of them: 91 s,
where a new session took 0.7), and the other way about would read whole tables for one. Statements
of many rows are planned each time now; those of few keep their plan.
Nothing is written; the release before may go on with either.
"""

from importlib import import_module

from alembic import op

revision = "0021_many_rows_at_once"
down_revision = "0020_session_details"

FEW = 100  # each with each is nothing yet; planning again is nothing beside writing so many
_rollups = import_module("migrations.versions.0011_rollups")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":  # fires for each row
        return
    for trigger in _rollups.TRIGGERS:
        op.execute(_planned_by_size(*trigger))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for trigger in _rollups.TRIGGERS:
        op.execute(_replaced(_rollups._postgresql(*trigger)[0]))


def _planned_by_size(name: str, event: str, table: str, when: str, adds: tuple[str, ...]) -> str:
    function = _rollups._postgresql(name, event, table, when, adds)[0]
    head, _, rest = function.partition(" BEGIN ")
    body, _, tail = rest.partition(" RETURN NULL; ")
    again = " ".join(f"EXECUTE $add${one.strip()}$add$;" for one in body.split(";") if one.strip())
    rows = "old_rows" if event == "DELETE" else "new_rows"
    few = f"(SELECT COUNT(*) <= {FEW} FROM (SELECT 1 FROM {rows} LIMIT {FEW + 1}) r)"
    return _replaced(f"{head} BEGIN IF {few} THEN {body} ELSE {again} END IF; RETURN NULL; {tail}")


def _replaced(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
