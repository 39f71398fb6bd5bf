"""The audit can be added to and searched; nothing in it can be changed, by whatever program.

Triggers refuse every UPDATE, and every DELETE of a line that is not past its retention: the purge
first writes down, in `setting`, since when lines are kept (`audit_kept_since`, microseconds), and
only older ones can go. On PostgreSQL TRUNCATE is refused too.

Not additive in one point: the purge of the release before deletes without saying so first, and is
refused while both run; it leaves the audit longer than it should, and nothing else.
Cost: three indexes over the audit; 5 s per million lines on SQLite, both cores busy.
"""

from alembic import op

revision = "0009_audit"
down_revision = "0008_reports"

INDEXES = {
    "ix_audit_actor": ["actor", "at", "id"],
    "ix_audit_action": ["action", "at", "id"],
    "ix_audit_subject": ["subject", "at", "id"],
}

KEPT = (
    "OLD.at >= COALESCE((SELECT CAST(s.value AS BIGINT) FROM setting s "
    "WHERE s.key = 'audit_kept_since'), 0)"
)
SQLITE = (
    "CREATE TRIGGER audit_changed BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit is appended only'); END",
    f"CREATE TRIGGER audit_deleted BEFORE DELETE ON audit WHEN {KEPT} "
    "BEGIN SELECT RAISE(ABORT, 'the audit is appended only'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP = 'DELETE' THEN IF NOT ({KEPT}) THEN RETURN OLD; END IF; END IF; "
    "RAISE EXCEPTION 'the audit is appended only'; END $$",
    "CREATE TRIGGER audit_changed BEFORE UPDATE OR DELETE ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_stays()",
    "CREATE TRIGGER audit_emptied BEFORE TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()",
)


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "audit", columns)
    for statement in SQLITE if _is_sqlite() else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if _is_sqlite():
        op.execute("DROP TRIGGER audit_changed")
        op.execute("DROP TRIGGER audit_deleted")
    else:
        op.execute("DROP TRIGGER audit_changed ON audit")
        op.execute("DROP TRIGGER audit_emptied ON audit")
        op.execute("DROP FUNCTION audit_stays()")
    for name in INDEXES:
        op.drop_index(name, table_name="audit")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
