"""Erasing, in batches: the search reads only, and no write touches more than BATCH rows of a
table, so that no sender waits for a purge."""

from reminders.store import facts, rollups
from reminders.store.copies import remove_leftovers
from reminders.store.engine import Store, listed, rows, run

BATCH = 2_000
AUDIT_KEPT_SINCE = "audit_kept_since"  # a setting, microseconds: read by the audit's triggers

_APPOINTMENT_SINCE = (
    "EXISTS (SELECT 1 FROM message_item i JOIN decision d ON d.id = i.decision_id "
    "JOIN appointment a ON a.id = d.appointment_id "
    "WHERE i.message_id = m.id AND a.starts_at >= :before)"
)


def _each(store: Store, table: str, where: str, *statements: str, before: int) -> int:
    """Run statements (`:ids`, `:before`) on the keys of a table's rows that meet a condition,
    the row itself named `m`: how many there were."""
    search = (
        f"SELECT m.id FROM {table} m WHERE m.id > :after AND {where} ORDER BY m.id LIMIT :batch"
    )
    total, after = 0, -1
    while True:
        with store.read() as connection:
            found = rows(connection, search, after=after, before=before, batch=BATCH)
        if not found:
            return total
        keys = [row.id for row in found]
        with store.write() as connection:
            for statement in statements:
                more = {"before": before} if ":before" in statement else {}
                listed(connection, statement, keys, **more)
        total, after = total + len(keys), keys[-1]


def erase_bodies(store: Store, before: int) -> int:
    """Texts and addresses of attempts whose last told appointment is older than `before`."""
    erased = _each(
        store,
        "attempt",
        "m.started_at < :before AND (m.body <> '' OR m.subject <> '' OR m.address <> '') "
        "AND NOT EXISTS "
        "(SELECT 1 FROM told t WHERE t.attempt_id = m.id AND t.starts_at >= :before)",
        "UPDATE attempt SET body = '', subject = '', address = '' WHERE id IN :ids",
        before=before,
    )
    _each(
        store,
        "message",
        f"m.closes_at < :before AND m.recipient <> '' AND NOT {_APPOINTMENT_SINCE}",
        "UPDATE message SET recipient = '' WHERE id IN :ids AND closes_at < :before",
        before=before,
    )
    return erased


# What is noted, told and found of patients goes with their identity, or with them.
_ABOUT_PATIENTS = (
    "DELETE FROM patient_key WHERE patient_id IN {0}",
    "DELETE FROM note WHERE patient_id IN {0}",
    "DELETE FROM recipient WHERE patient_id IN {0}",
)
_PURGED = "(SELECT id FROM patient WHERE id IN :ids AND contact_problem = 'purged')"
_GOING = "(SELECT id FROM patient WHERE id IN :ids AND updated_at < :before)"


def erase_identities(store: Store, before: int) -> int:
    """Names, addresses and exact birth dates of patients with no appointment since `before`.

    The fingerprint goes too: the DPI's next word about them is taken as new.
    """
    return _each(
        store,
        "patient",
        "m.contact_problem <> 'purged' AND m.updated_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM appointment a WHERE a.patient_id = m.id AND a.starts_at >= :before)",
        "UPDATE patient SET family = '', given = '', phone = '', phone_zone = '', email = '', "
        "proxy = '', proxy_phone = '', proxy_zone = '', proxy_email = '', fingerprint = 0, "
        "birth_date = CASE WHEN birth_date = '' THEN '' ELSE substr(birth_date, 1, 4) || '-01-01' "
        "END, contact_problem = 'purged', told = '', told_over = '', contact_source = '' "
        "WHERE id IN :ids AND updated_at < :before",
        *(statement.format(_PURGED) for statement in _ABOUT_PATIENTS),
        before=before,
    )


def delete_replies(store: Store, before: int) -> int:
    return _each(
        store,
        "inbound",
        "m.received_at < :before",
        "DELETE FROM inbound WHERE id IN :ids",
        before=before,
    )


def delete_messages(store: Store, before: int) -> int:
    """Delivery data: attempts, what they told, receipts, and the messages themselves.

    What was told of an appointment stays for as long as it may still move: a correction is due
    then, and nothing may be told twice.
    """
    _each(
        store,
        "receipt",
        "m.received_at < :before",
        "DELETE FROM receipt WHERE id IN :ids",
        before=before,
    )
    return _each(
        store,
        "message",
        f"m.closes_at < :before AND NOT {_APPOINTMENT_SINCE} AND NOT EXISTS "
        "(SELECT 1 FROM attempt b WHERE b.message_id = m.id AND b.started_at >= :before)",
        "DELETE FROM told WHERE attempt_id IN (SELECT id FROM attempt WHERE message_id IN :ids)",
        "DELETE FROM attempt WHERE message_id IN :ids",
        "DELETE FROM message_item WHERE message_id IN :ids",
        "DELETE FROM link WHERE message_id IN :ids",
        "DELETE FROM template_test WHERE message_id IN :ids",
        "DELETE FROM message WHERE id IN :ids",
        before=before,
    )


def delete_appointments(store: Store, before: int) -> int:
    """Appointments with their decisions and answers, and patients nothing is left of.

    One who objected keeps a nameless row: who comes back under another number has objected too.
    """
    with store.write() as connection:
        rollups.seal(connection, before)
    deleted = _each(
        store,
        "appointment",
        "m.starts_at < :before",
        "DELETE FROM appointment_change WHERE appointment_id IN :ids",
        "DELETE FROM decision WHERE appointment_id IN :ids",
        "DELETE FROM write_back WHERE appointment_id IN :ids",
        "DELETE FROM answer WHERE appointment_id IN :ids",
        "DELETE FROM writing_line WHERE appointment_id IN :ids",
        "DELETE FROM unit_entry WHERE appointment_id IN :ids",
        "DELETE FROM report_unit WHERE appointment_id IN :ids",
        "DELETE FROM call_entry WHERE appointment_id IN :ids",
        "DELETE FROM appointment WHERE id IN :ids AND starts_at < :before",
        before=before,
    )
    _each(
        store,
        "patient",
        "m.updated_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM appointment a WHERE a.patient_id = m.id) AND NOT EXISTS "
        "(SELECT 1 FROM objection o WHERE o.patient_id = m.id AND o.withdrawn_at IS NULL)",
        *(statement.format(_GOING) for statement in _ABOUT_PATIENTS),
        "DELETE FROM patient WHERE id IN :ids AND updated_at < :before",
        before=before,
    )
    return deleted


def delete_inputs(store: Store, before: int) -> int:
    """Line reports of old feeds, and requests of other systems with what they were answered.

    The feeds' counts stay: the anomaly gate compares with them.
    """
    with store.write() as connection:
        requests = run(connection, "DELETE FROM request WHERE created_at < :before", before=before)
    return requests + _each(
        store,
        "feed_problem",
        "EXISTS (SELECT 1 FROM feed f WHERE f.id = m.feed_id AND f.started_at < :before)",
        "DELETE FROM feed_problem WHERE id IN :ids",
        before=before,
    )


# The journal: which row is old by which of its moments.
_JOURNAL = {
    "task_event": "m.at < :before",
    "task": "m.created_at < :before",
    "run": "m.started_at < :before",
    "hold": "m.released_at < :before",
    "writing": "m.ends_at < :before",
    "call_entry": "m.at < :before",
    "feed": "m.started_at < :before",
}


def delete_audit(store: Store, before: int) -> int:
    """Lines of the audit. Its triggers let go only what is older than what is said to be kept."""
    with store.read() as connection:
        if not rows(connection, "SELECT 1 FROM audit WHERE at < :before LIMIT 1", before=before):
            return 0
    with store.write() as connection:
        facts.replace(connection, AUDIT_KEPT_SINCE, str(before))
    return _each(
        store, "audit", "m.at < :before", "DELETE FROM audit WHERE id IN :ids", before=before
    )


def delete_journal(store: Store, before: int) -> int:
    """What was done with tasks; feeds, runs, ended holds. They name staff at most."""
    deleted = sum(
        _each(store, table, where, f"DELETE FROM {table} WHERE id IN :ids", before=before)
        for table, where in _JOURNAL.items()
    )
    with store.write() as connection:  # a few lines a hold
        gone = "NOT EXISTS (SELECT 1 FROM hold h WHERE h.id = hold_sample.hold_id)"
        run(connection, f"DELETE FROM hold_sample WHERE {gone}")
    return deleted


def compact(store: Store) -> None:
    """SQLite: what was erased leaves the write-ahead log too (pages are zeroed, secure_delete).

    Copies that a killed dry run left behind hold it still: they go as well.
    """
    remove_leftovers(store)
    if store.is_sqlite:
        with store.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
