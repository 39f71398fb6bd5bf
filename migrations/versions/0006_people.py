"""What patients are found by, notes on them, and the recipients they told by telephone.

Additive: the release before ignores the new tables, and the new columns have defaults. It does
not fill `patient_key` either: patients it takes in are found by name once their file changes, so
do not run both for longer than an update takes.
Cost: one row of keys for each patient whose name is known, made here from their names: 75 s per
million patients on either database, on two cores that had other work.
"""

import sqlalchemy as sa
from alembic import op

from migrations.parts import instant, instant_or_none, key, reference, words
from reminders.domain.search import identifier_key, keys_of
from reminders.store.engine import insert_rows

revision = "0006_people"
down_revision = "0005_services"

NAMED = {name: sa.text(f"{name} <> ''") for name in ("second", "third")}
OPEN = sa.text("ended_at IS NULL")
MAILED = sa.text("proxy_email <> ''")
MERGED = sa.text("merged_into IS NOT NULL")
BATCH = 5_000
KEYS = ("family", "second", "third", "given", "identifier", "birth_date")
PATIENT = ("told", "told_over", "contact_source")
DPI = (
    "dpi_phone", "dpi_zone", "dpi_email", "dpi_proxy", "dpi_proxy_phone", "dpi_proxy_zone",
    "dpi_proxy_email", "dpi_problem",
)  # fmt: skip


def upgrade() -> None:
    for name in PATIENT:
        op.add_column("patient", words(name))
    op.create_index(
        "ix_patient_merged_into",
        "patient",
        ["merged_into"],
        sqlite_where=MERGED,
        postgresql_where=MERGED,
    )
    op.create_index(
        "ix_patient_proxy_email",
        "patient",
        ["proxy_email"],
        sqlite_where=MAILED,
        postgresql_where=MAILED,
    )
    op.create_index("ix_task_appointment", "task", ["appointment_id"])
    op.add_column("objection", words("withdrawn_by"))
    _create_keys()
    op.create_table(
        "note",
        key(),
        reference("patient_id"),
        words("uf"),
        instant_or_none("appointment_id"),
        instant("at"),
        words("actor"),
        words("origin"),
        words("body"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        sa.UniqueConstraint("origin", name=op.f("uq_note_origin")),
    )
    op.create_index("ix_note_patient", "note", ["patient_id", "at"])
    _create_recipients()
    _fill_keys()
    _index_keys()


def _create_keys() -> None:
    exact = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "patient_key",
        sa.Column(
            "patient_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        *(sa.Column(name, exact, server_default=sa.text("('')"), nullable=False) for name in KEYS),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient_key")),
    )


def _index_keys() -> None:
    op.create_index("ix_patient_key_family", "patient_key", ["family", "given"])
    for name, named in NAMED.items():
        op.create_index(
            f"ix_patient_key_{name}",
            "patient_key",
            [name, "given"],
            sqlite_where=named,
            postgresql_where=named,
        )
    op.create_index("ix_patient_key_given", "patient_key", ["given", "family"])
    op.create_index("ix_patient_key_identifier", "patient_key", ["identifier"])
    op.create_index("ix_patient_key_birth_date", "patient_key", ["birth_date", "family"])


def _create_recipients() -> None:
    op.create_table(
        "recipient",
        key(),
        reference("patient_id"),
        *(words(name) for name in ("relation", "phone", "phone_zone", "email", "origin")),
        instant("told_at"),
        words("told_by"),
        instant_or_none("ended_at"),
        words("ended"),
        words("ended_by"),
        *(words(name) for name in DPI),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("origin", name=op.f("uq_recipient_origin")),
    )
    op.create_index("ix_recipient_patient", "recipient", ["patient_id"])
    for name in ("phone", "dpi_phone", "dpi_proxy_phone"):
        op.create_index(f"ix_recipient_{name}", "recipient", [name])
    op.create_index(
        "ix_recipient_open",
        "recipient",
        ["patient_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _fill_keys() -> None:
    """Accents are folded by the program, not by either database: hence row by row."""
    connection = op.get_bind()
    found = sa.text(
        "SELECT id, family, given, identifier, birth_date FROM patient "
        "WHERE id > :after AND contact_problem <> 'purged' ORDER BY id LIMIT :batch"
    )
    after = -1
    while batch := connection.execute(found, {"after": after, "batch": BATCH}).all():
        insert_rows(
            connection, "patient_key", ("patient_id", *KEYS), [_keys(*row) for row in batch]
        )
        after = batch[-1].id


def _keys(
    patient: int, family: str, given: str, identifier: str, birth_date: str
) -> tuple[object, ...]:
    made = keys_of(family, given)
    names = (made.family, made.second, made.third, made.given)
    return (patient, *names, identifier_key(identifier), birth_date)


def downgrade() -> None:
    for table in ("recipient", "note", "patient_key"):
        op.drop_table(table)
    op.drop_index("ix_task_appointment", "task")
    op.drop_index("ix_patient_proxy_email", "patient")
    op.drop_index("ix_patient_merged_into", "patient")
    with op.batch_alter_table("objection") as batch:
        batch.drop_column("withdrawn_by")
    with op.batch_alter_table("patient") as batch:
        for name in reversed(PATIENT):
            batch.drop_column(name)
