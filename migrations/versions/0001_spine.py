"""The spine: sources, patients, appointments, decisions, the outbox and what came back.

First revision: nothing to keep running beside it. Cost: an empty database, no rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001_spine"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite: the table's own tree
INSTANT = sa.BigInteger()  # microseconds since the epoch, UTC (ADR 0003)
EMPTY = sa.text("('')")


def upgrade() -> None:
    op.create_table(
        "appointment",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("external_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("uf", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("site_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("agenda", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("kind", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("place", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("all_day", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("answer", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("version_at", INSTANT, nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("booked_at", INSTANT, nullable=True),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("in_first_sync", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("cancelled_basis", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("cancelled_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("arm", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("first_starts_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint(
            "source_id", "external_id", name=op.f("uq_appointment_source_id_external_id")
        ),
    )
    op.create_index(
        "ix_appointment_patient", "appointment", ["patient_id", "starts_at"], unique=False
    )
    op.create_index("ix_appointment_starts", "appointment", ["starts_at", "uf"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("provider", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("channel", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("address", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("subject", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("body", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column(
            "template_version_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("segments", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("price_eur", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("provider_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("reference", name=op.f("uq_attempt_reference")),
    )
    op.create_index("ix_attempt_message", "attempt", ["message_id"], unique=False)
    op.create_index("ix_attempt_provider_id", "attempt", ["provider", "provider_id"], unique=False)
    op.create_index("ix_attempt_started", "attempt", ["started_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("action", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("subject", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("detail", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("cycle", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("state", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("reason", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("purpose", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("opens_at", INSTANT, nullable=True),
        sa.Column("closes_at", INSTANT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint(
            "appointment_id", "step", "cycle", name=op.f("uq_decision_appointment_id_step_cycle")
        ),
    )
    op.create_table(
        "feed",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("name", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("mode", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("content_hash", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("sentence", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("problems", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("vanished", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
    )
    op.create_index("ix_feed_source_started", "feed", ["source_id", "started_at"], unique=False)
    op.create_table(
        "feed_problem",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("feed_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("column_name", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("sentence", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_problem")),
    )
    op.create_index(op.f("ix_feed_problem_feed_id"), "feed_problem", ["feed_id"], unique=False)
    op.create_table(
        "hold",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("feed_hash", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("sentence", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("placed_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("released_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_active", "hold", ["released_at", "source_id"], unique=False)
    op.create_table(
        "inbound",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("provider", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("provider_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("sender", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("sender_key", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("body", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint(
            "provider", "provider_id", name=op.f("uq_inbound_provider_provider_id")
        ),
    )
    op.create_index("ix_inbound_received", "inbound", ["received_at"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("dedupe_key", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("kind", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("channel", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("state", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("reason", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("recipient_key", sa.LargeBinary(), nullable=False),
        sa.Column("relation", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("site_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("purpose", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("language", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("earliest_at", INSTANT, nullable=False),
        sa.Column("opens_at", INSTANT, nullable=False),
        sa.Column("closes_at", INSTANT, nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("leases", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("retries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
    )
    op.create_index(
        "ix_message_due",
        "message",
        ["channel", "opens_at"],
        unique=False,
        sqlite_where=sa.text("state = 'PLANNED'"),
        postgresql_where=sa.text("state = 'PLANNED'"),
    )
    op.create_index(
        "ix_message_open",
        "message",
        ["state", "closes_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"),
        postgresql_where=sa.text("state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"),
    )
    op.create_index("ix_message_patient", "message", ["patient_id"], unique=False)
    op.create_index("ix_message_recipient", "message", ["recipient_key"], unique=False)
    op.create_table(
        "message_item",
        sa.Column("decision_id", KEY, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "channel", name=op.f("pk_message_item")),
    )
    op.create_index("ix_message_item_message", "message_item", ["message_id"], unique=False)
    op.create_table(
        "objection",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), server_default=sa.text("'all'"), nullable=False),
        sa.Column("origin", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    op.create_index("ix_objection_address", "objection", ["address_key"], unique=False)
    op.create_index("ix_objection_patient", "objection", ["patient_id"], unique=False)
    op.create_table(
        "pacer",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("next_slot", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_pacer")),
    )
    op.create_table(
        "patient",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("authority", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("identifier", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("family", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("given", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("birth_date", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("sex", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("language", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("deceased", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("blocked", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("refuses_sms", sa.Integer(), nullable=False),
        sa.Column("stopped_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("phone", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("phone_zone", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("email", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("proxy", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("proxy_phone", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("proxy_zone", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("proxy_email", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("contact_problem", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("protected", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dirty", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint(
            "authority", "identifier", name=op.f("uq_patient_authority_identifier")
        ),
    )
    op.create_index(
        "ix_patient_dirty",
        "patient",
        ["id"],
        unique=False,
        sqlite_where=sa.text("dirty = 1"),
        postgresql_where=sa.text("dirty = 1"),
    )
    op.create_index("ix_patient_email", "patient", ["email"], unique=False)
    op.create_index("ix_patient_phone", "patient", ["phone"], unique=False)
    op.create_index("ix_patient_proxy_phone", "patient", ["proxy_phone"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("provider", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("event", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("reference", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("provider_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("state", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("opted_out", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bad_recipient", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("provider", "event", name=op.f("uq_receipt_provider_event")),
    )
    op.create_index("ix_receipt_provider_id", "receipt", ["provider", "provider_id"], unique=False)
    op.create_index("ix_receipt_reference", "receipt", ["reference"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("mode", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("exit_code", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("summary", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_started", "run", ["started_at"], unique=False)
    op.create_table(
        "sequence",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sequence")),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("first_sync_at", INSTANT, nullable=True),
        sa.Column("last_as_of", INSTANT, nullable=True),
        sa.Column("last_full_at", INSTANT, nullable=True),
        sa.Column("layout", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("released_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_table(
        "task",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("subject", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("subject_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("sentence", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("uf", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint(
            "kind", "subject", "subject_version", name=op.f("uq_task_kind_subject_subject_version")
        ),
    )
    op.create_index("ix_task_state", "task", ["state", "created_at"], unique=False)
    op.create_table(
        "template_version",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("language", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("family", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("channel", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("subject", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("body", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("html", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("content_hash", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("state", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("approved_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_version")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_template_version_content_hash")),
    )
    op.create_index(
        "ix_template_version_found",
        "template_version",
        ["purpose", "language", "family", "channel"],
        unique=False,
    )
    op.create_table(
        "told",
        sa.Column("attempt_id", KEY, autoincrement=False, nullable=False),
        sa.Column("appointment_id", KEY, autoincrement=False, nullable=False),
        sa.Column("cycle", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("place", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", "appointment_id", name=op.f("pk_told")),
    )
    op.create_index("ix_told_appointment", "told", ["appointment_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_told_appointment", table_name="told")
    op.drop_table("told")
    op.drop_index("ix_template_version_found", table_name="template_version")
    op.drop_table("template_version")
    op.drop_index("ix_task_state", table_name="task")
    op.drop_table("task")
    op.drop_table("source")
    op.drop_table("setting")
    op.drop_table("sequence")
    op.drop_index("ix_run_started", table_name="run")
    op.drop_table("run")
    op.drop_index("ix_receipt_reference", table_name="receipt")
    op.drop_index("ix_receipt_provider_id", table_name="receipt")
    op.drop_table("receipt")
    op.drop_index("ix_patient_proxy_phone", table_name="patient")
    op.drop_index("ix_patient_phone", table_name="patient")
    op.drop_index("ix_patient_email", table_name="patient")
    op.drop_index(
        "ix_patient_dirty",
        table_name="patient",
        sqlite_where=sa.text("dirty = 1"),
        postgresql_where=sa.text("dirty = 1"),
    )
    op.drop_table("patient")
    op.drop_table("pacer")
    op.drop_index("ix_objection_patient", table_name="objection")
    op.drop_index("ix_objection_address", table_name="objection")
    op.drop_table("objection")
    op.drop_index("ix_message_item_message", table_name="message_item")
    op.drop_table("message_item")
    op.drop_index("ix_message_recipient", table_name="message")
    op.drop_index("ix_message_patient", table_name="message")
    op.drop_index(
        "ix_message_open",
        table_name="message",
        sqlite_where=sa.text("state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"),
        postgresql_where=sa.text("state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"),
    )
    op.drop_index(
        "ix_message_due",
        table_name="message",
        sqlite_where=sa.text("state = 'PLANNED'"),
        postgresql_where=sa.text("state = 'PLANNED'"),
    )
    op.drop_table("message")
    op.drop_index("ix_inbound_received", table_name="inbound")
    op.drop_table("inbound")
    op.drop_index("ix_hold_active", table_name="hold")
    op.drop_table("hold")
    op.drop_index(op.f("ix_feed_problem_feed_id"), table_name="feed_problem")
    op.drop_table("feed_problem")
    op.drop_index("ix_feed_source_started", table_name="feed")
    op.drop_table("feed")
    op.drop_table("decision")
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("audit")
    op.drop_index("ix_attempt_started", table_name="attempt")
    op.drop_index("ix_attempt_provider_id", table_name="attempt")
    op.drop_index("ix_attempt_message", table_name="attempt")
    op.drop_table("attempt")
    op.drop_index("ix_appointment_starts", table_name="appointment")
    op.drop_index("ix_appointment_patient", table_name="appointment")
    op.drop_table("appointment")
