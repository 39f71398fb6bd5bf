"""Who an e-mail address serves, however it is spelt.

Compatible: the release before compares addresses as they are spelt and finds the same rows, by a
scan.
Cost: each index is one pass over the patients; only those with an address are in it.
"""

from alembic import op

revision = "0014_mail_in_any_case"
down_revision = "0013_costs"

COLUMNS = ("email", "proxy_email")


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"DROP INDEX ix_patient_{column}")
        op.execute(
            f"CREATE INDEX ix_patient_{column} ON patient (lower({column})) WHERE {column} <> ''"
        )


def downgrade() -> None:
    for column, where in zip(COLUMNS, ("", " WHERE proxy_email <> ''"), strict=True):
        op.execute(f"DROP INDEX ix_patient_{column}")
        op.execute(f"CREATE INDEX ix_patient_{column} ON patient ({column}){where}")
