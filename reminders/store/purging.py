"""Erasing, in batches: no statement here touches more than BATCH rows of a table at once."""

from reminders.store.engine import Store, run

BATCH = 5_000


def _repeat(store: Store, sql: str, **values: object) -> int:
    """Run a statement limited to :batch rows until it changes none."""
    total = 0
    while True:
        with store.write() as connection:
            changed = run(connection, sql, batch=BATCH, **values)
        total += changed
        if changed < BATCH:
            return total


def erase_bodies(store: Store, before: int) -> int:
    """Texts and addresses of attempts whose last told appointment is older than `before`."""
    erased = _repeat(
        store,
        "UPDATE attempt SET body = '', subject = '', address = '' WHERE id IN ("
        "SELECT a.id FROM attempt a WHERE a.started_at < :before AND (a.body <> '' OR "
        "a.address <> '') AND NOT EXISTS (SELECT 1 FROM told t WHERE t.attempt_id = a.id "
        "AND t.starts_at >= :before) LIMIT :batch)",
        before=before,
    )
    _repeat(
        store,
        "UPDATE message SET recipient = '' WHERE id IN (SELECT m.id FROM message m WHERE "
        "m.recipient <> '' AND m.closes_at < :before AND NOT EXISTS (SELECT 1 FROM message_item i "
        "JOIN decision d ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
        "WHERE i.message_id = m.id AND a.starts_at >= :before) LIMIT :batch)",
        before=before,
    )
    return erased


def erase_identities(store: Store, before: int) -> int:
    """Names, addresses and exact birth dates of patients with no appointment since `before`.

    The fingerprint goes too: the DPI's next word about them is taken as new.
    """
    return _repeat(
        store,
        "UPDATE patient SET family = '', given = '', phone = '', phone_zone = '', email = '', "
        "proxy = '', proxy_phone = '', proxy_zone = '', proxy_email = '', fingerprint = 0, "
        "birth_date = CASE WHEN birth_date = '' THEN '' ELSE substr(birth_date, 1, 4) || '-01-01' "
        "END, contact_problem = 'purged' WHERE id IN (SELECT p.id FROM patient p WHERE "
        "p.contact_problem <> 'purged' AND p.updated_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM appointment a WHERE a.patient_id = p.id AND a.starts_at >= :before) "
        "LIMIT :batch)",
        before=before,
    )


def delete_replies(store: Store, before: int) -> int:
    return _repeat(
        store,
        "DELETE FROM inbound WHERE id IN "
        "(SELECT id FROM inbound WHERE received_at < :before LIMIT :batch)",
        before=before,
    )


def delete_messages(store: Store, before: int) -> int:
    """Delivery data: attempts, what they told, receipts, and the messages themselves."""
    old = "SELECT id FROM attempt WHERE started_at < :before"
    _repeat(
        store,
        f"DELETE FROM told WHERE attempt_id IN ({old} AND EXISTS "
        "(SELECT 1 FROM told t WHERE t.attempt_id = attempt.id) LIMIT :batch)",
        before=before,
    )
    _repeat(
        store,
        "DELETE FROM receipt WHERE id IN "
        "(SELECT id FROM receipt WHERE received_at < :before LIMIT :batch)",
        before=before,
    )
    _repeat(store, f"DELETE FROM attempt WHERE id IN ({old} LIMIT :batch)", before=before)
    finished = (
        "SELECT m.id FROM message m WHERE m.closes_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM attempt a WHERE a.message_id = m.id)"
    )
    _repeat(
        store,
        f"DELETE FROM message_item WHERE message_id IN ({finished} AND EXISTS "
        "(SELECT 1 FROM message_item i WHERE i.message_id = m.id) LIMIT :batch)",
        before=before,
    )
    return _repeat(
        store, f"DELETE FROM message WHERE id IN ({finished} LIMIT :batch)", before=before
    )


def delete_appointments(store: Store, before: int) -> int:
    old = "SELECT id FROM appointment WHERE starts_at < :before"
    _repeat(
        store,
        "DELETE FROM decision WHERE id IN (SELECT d.id FROM decision d "
        f"WHERE d.appointment_id IN ({old}) LIMIT :batch)",
        before=before,
    )
    deleted = _repeat(
        store, f"DELETE FROM appointment WHERE id IN ({old} LIMIT :batch)", before=before
    )
    _repeat(
        store,
        "DELETE FROM patient WHERE id IN (SELECT p.id FROM patient p WHERE p.updated_at < :before "
        "AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.patient_id = p.id) LIMIT :batch)",
        before=before,
    )
    return deleted


def delete_inputs(store: Store, before: int) -> int:
    """Line reports of old feeds; the feeds' counts stay, the anomaly gate compares with them."""
    return _repeat(
        store,
        "DELETE FROM feed_problem WHERE id IN (SELECT p.id FROM feed_problem p "
        "JOIN feed f ON f.id = p.feed_id WHERE f.started_at < :before LIMIT :batch)",
        before=before,
    )


def compact(store: Store) -> None:
    """SQLite: what was erased leaves the write-ahead log too (pages are zeroed, secure_delete)."""
    if store.is_sqlite:
        with store.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
