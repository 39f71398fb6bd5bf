"""Each part of a long family name and each further given name is a way to find a patient.

Additive: the release before ignores the new columns, which have defaults. It does not fill them
either: patients it takes in are found by these parts once their file changes.
Cost: each patient's names are read once, and only those of several parts written.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from reminders.domain.search import keys_of

revision = "0017_name_parts"
down_revision = "0016_sheets_as_texts"

COLUMNS = {
    "middle": "given", "given_second": "family", "given_middle": "family", "given_third": "family",
}  # fmt: skip
BATCH = 5_000


def upgrade() -> None:
    exact = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    for name in COLUMNS:
        op.add_column(
            "patient_key", sa.Column(name, exact, server_default=sa.text("('')"), nullable=False)
        )
    _fill()
    for name, then in COLUMNS.items():
        named = sa.text(f"{name} <> ''")
        op.create_index(
            f"ix_patient_key_{name}",
            "patient_key",
            [name, then],
            sqlite_where=named,
            postgresql_where=named,
        )


def _fill() -> None:
    """Accents are folded by the program, not by either database: hence row by row."""
    connection = op.get_bind()
    found = sa.text(
        "SELECT p.id, p.family, p.given FROM patient p JOIN patient_key k ON k.patient_id = p.id "
        "WHERE p.id > :after ORDER BY p.id LIMIT :batch"
    )
    keys = sa.table("patient_key", sa.column("patient_id"), *(sa.column(one) for one in COLUMNS))
    change = (
        sa.update(keys)
        .where(keys.c.patient_id == sa.bindparam("of"))
        .values({name: sa.bindparam(f"new_{name}") for name in COLUMNS})
    )
    after = -1
    while batch := connection.execute(found, {"after": after, "batch": BATCH}).all():
        if changed := _parts(batch):
            connection.execute(change, changed)
        after = batch[-1].id


def _parts(batch: Sequence[sa.Row[tuple[int, str, str]]]) -> list[dict[str, object]]:
    """The new keys of whoever has any."""
    found = []
    for patient, family, given in batch:
        made = keys_of(family, given)
        keys = {f"new_{name}": getattr(made, name) for name in COLUMNS}
        if any(keys.values()):
            found.append({"of": patient} | keys)
    return found


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_index(f"ix_patient_key_{name}", "patient_key")
    with op.batch_alter_table("patient_key") as batch:
        for name in COLUMNS:
            batch.drop_column(name)
