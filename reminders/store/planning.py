"""Reading and writing the plan, in chunks of patients and set-based statements."""

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, listed, many, rows, run

# A chunk is planned in one write transaction: long enough to be fast (each commit writes most
# pages of an index of hashes), short enough (a tenth of a second) not to make a sender wait.
CHUNK = 1_000


# As the partial index ix_message_open says it: SQLite takes that index only where a statement says
# the same, and reads the whole table else. Before a narrower condition on the state.
UNFINISHED = "state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING', 'UNKNOWN')"
UNSENT = "('PLANNED', 'HELD', 'SUPPRESSED', 'CANCELLED', 'EXPIRED')"


def address_key(secret: bytes, address: str) -> bytes:
    """What is kept of an address that objected: 128 bits, useless without the secret."""
    plain = address.strip().lower()  # an e-mail address is one, however it is spelt
    return hashlib.blake2b(plain.encode(), key=secret, digest_size=16).digest()


def among(
    connection: Connection, sql: str, ids: Sequence[object], **values: object
) -> Sequence[Record]:
    """Rows of a statement whose `:ids` is a list; none for an empty list."""
    if not ids:
        return []
    found: Sequence[Record] = listed(connection, sql, ids, **values).all()
    return found


PATIENT_COLUMNS = (
    "id, CASE WHEN merged_into IS NULL THEN blocked ELSE 'merged' END AS blocked, "
    "deceased, birth_date, protected, "
    "COALESCE(NULLIF(spoken, ''), language) AS language, refuses_sms, phone, "
    "phone_zone, email, proxy, proxy_phone, proxy_zone, proxy_email, contact_problem"
)


def dirty_patients(connection: Connection, after: int, limit: int = CHUNK) -> Sequence[Record]:
    """The next patients to plan, locked against another planner where the engine can."""
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"
    return rows(
        connection,
        f"SELECT {PATIENT_COLUMNS} "
        "FROM patient WHERE dirty = 1 AND id > :after ORDER BY id LIMIT :limit" + lock,
        after=after,
        limit=limit,
    )


def coming_appointments(
    connection: Connection, patients: Sequence[int], now: int
) -> Sequence[Record]:
    return among(
        connection,
        "SELECT id, patient_id, source_id, starts_at, version, status, uf, version_at, "
        "first_seen_at, in_first_sync, booked_at, cancelled_at, cancelled_basis, cancelled_by, "
        "CASE WHEN answered_cycle = version THEN answer ELSE 'none' END AS answer, all_day, "
        "CASE WHEN stopped_cycle = version THEN 1 ELSE 0 END AS stopped "
        "FROM appointment WHERE patient_id IN :ids AND starts_at > :now",
        patients,
        now=now,
    )


# Acknowledgements answer a person at once, a no-show is past, and what staff write is theirs: the
# plan neither makes nor withdraws their messages.
PLANNED_HERE = "d.step NOT LIKE 'ack:%' AND d.step NOT LIKE 'staff:%' AND d.step <> 'rebook'"


def decisions_of(connection: Connection, appointments: Sequence[int]) -> Sequence[Record]:
    """Every decision with the message, if any, that carries it over each channel."""
    return among(
        connection,
        "SELECT d.id, d.appointment_id, d.step, d.cycle, d.state, d.reason, d.opens_at, "
        "d.closes_at, i.channel, m.id AS message_id, m.state AS message_state, m.settled_at, "
        "m.reason AS message_reason, m.dedupe_key, m.opens_at AS message_opens_at "
        "FROM decision d LEFT JOIN message_item i ON i.decision_id = d.id "
        "LEFT JOIN message m ON m.id = i.message_id WHERE d.appointment_id IN :ids "
        f"AND {PLANNED_HERE}",
        appointments,
    )


def lock_unsent(connection: Connection, patients: Sequence[int]) -> set[int] | None:
    """Keys of the unsent messages nobody else is moving, kept so until the commit; None = all.

    Never waits: a planner that waited for senders could wait for one that waits for it.
    """
    if connection.dialect.name == "sqlite":
        return None
    found = among(
        connection,
        f"SELECT id FROM message WHERE patient_id IN :ids AND state IN {UNSENT} "
        "FOR UPDATE SKIP LOCKED",
        patients,
    )
    return {row.id for row in found}


def messages_of(connection: Connection, patients: Sequence[int]) -> Sequence[Record]:
    return among(
        connection,
        "SELECT id, dedupe_key, patient_id, state, reason, recipient, relation, purpose, "
        "language, earliest_at, opens_at, closes_at FROM message "
        f"WHERE patient_id IN :ids AND (state = 'LEASED' OR state IN {UNSENT}) "
        "AND kind NOT IN ('ack', 'rebook', 'staff')",
        patients,
    )


def reminded(connection: Connection, patients: Sequence[int], since: int) -> Sequence[Record]:
    """When reminders may have left for these patients, whatever became of their appointments."""
    return among(
        connection,
        "SELECT m.patient_id, a.started_at FROM message m JOIN attempt a ON a.message_id = m.id "
        "WHERE m.patient_id IN :ids AND m.kind = 'reminder' AND a.started_at > :since "
        "AND a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED')",
        patients,
        since=since,
    )


def told_of(connection: Connection, appointments: Sequence[int]) -> Sequence[Record]:
    """What its patient may have read of each appointment, oldest first."""
    return among(
        connection,
        "SELECT t.appointment_id, t.cycle, t.starts_at, t.place, m.kind, m.purpose FROM told t "
        "JOIN attempt a ON a.id = t.attempt_id JOIN message m ON m.id = a.message_id "
        "JOIN appointment p ON p.id = t.appointment_id AND p.patient_id = m.patient_id "
        "WHERE t.appointment_id IN :ids AND a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED') "
        "ORDER BY a.started_at, a.id",
        appointments,
    )


def any_objection(connection: Connection) -> bool:
    return bool(rows(connection, "SELECT 1 FROM objection WHERE withdrawn_at IS NULL LIMIT 1"))


def objections(
    connection: Connection, patients: Sequence[int], keys: Sequence[bytes]
) -> Sequence[Record]:
    """What is in force for these people or at these addresses, scoped ones included."""
    sql = (
        "SELECT patient_id, address_key, channel, scope FROM objection "
        "WHERE withdrawn_at IS NULL AND "
    )
    return [
        *among(connection, sql + "patient_id IN :ids", patients),
        *among(connection, sql + "address_key IN :ids", keys),
    ]


DECISION_COLUMNS = (
    "id", "appointment_id", "step", "cycle", "state", "reason", "purpose", "opens_at",
    "closes_at", "decided_at",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "id", "dedupe_key", "kind", "channel", "state", "patient_id", "recipient", "recipient_key",
    "relation", "site_id", "purpose", "language", "earliest_at", "opens_at", "closes_at",
    "created_at", "updated_at",
)  # fmt: skip
ITEM_COLUMNS = ("decision_id", "channel", "message_id")


def insert_plan(
    connection: Connection,
    decisions: Sequence[Sequence[object]],
    messages: Sequence[Sequence[object]],
    items: Sequence[Sequence[object]],
) -> None:
    insert_rows(connection, "decision", DECISION_COLUMNS, decisions)
    insert_rows(connection, "message", MESSAGE_COLUMNS, messages)
    insert_rows(connection, "message_item", ITEM_COLUMNS, items)


def update_decisions(connection: Connection, changed: Sequence[dict[str, object]]) -> None:
    many(
        connection,
        "UPDATE decision SET state = :state, reason = :reason, purpose = :purpose, "
        "opens_at = :opens_at, closes_at = :closes_at, decided_at = :decided_at WHERE id = :id",
        changed,
    )


def update_messages(connection: Connection, changed: Sequence[dict[str, object]]) -> None:
    """Re-decide unsent messages; one that was leased meanwhile is left to the intent's check."""
    many(
        connection,
        "UPDATE message SET state = :state, reason = :reason, recipient = :recipient, "
        "recipient_key = :recipient_key, relation = :relation, purpose = :purpose, "
        "language = :language, earliest_at = :earliest_at, opens_at = :opens_at, "
        "closes_at = :closes_at, leases = 0, updated_at = :updated_at WHERE id = :id "
        "AND state IN ('PLANNED', 'HELD', 'SUPPRESSED', 'CANCELLED', 'EXPIRED')",
        changed,
    )


def withdraw_messages(connection: Connection, changed: Sequence[dict[str, object]]) -> None:
    many(
        connection,
        "UPDATE message SET state = :state, reason = :reason, updated_at = :updated_at "
        "WHERE id = :id AND state IN ('PLANNED', 'HELD')",
        changed,
    )


def point_items(connection: Connection, items: Sequence[dict[str, object]]) -> None:
    many(
        connection,
        "INSERT INTO message_item (decision_id, channel, message_id) "
        "VALUES (:decision_id, :channel, :message_id) "
        "ON CONFLICT (decision_id, channel) DO UPDATE SET message_id = excluded.message_id",
        items,
    )


def part_items(connection: Connection, decisions: Sequence[int]) -> None:
    """Take these decisions out of messages that still wait, for the others' sake: one that may
    not be told would forbid the whole message. A withdrawn message keeps them: its story."""
    if decisions:
        listed(
            connection,
            "DELETE FROM message_item WHERE decision_id IN :ids AND EXISTS (SELECT 1 FROM message "
            "WHERE message.id = message_item.message_id AND message.state IN ('PLANNED', 'HELD'))",
            decisions,
        )


def settle_patients(connection: Connection, patients: Sequence[int]) -> None:
    if patients:
        listed(connection, "UPDATE patient SET dirty = 0 WHERE id IN :ids", patients)


def mark_dirty(connection: Connection, patients: Iterable[int]) -> None:
    """The plan must look at them again. Call it before other rows are changed.

    Those already marked are written too: a planner that has read their facts and is about to
    clear the mark is waited for, else this mark would be cleared with the one it acted on.
    """
    ids = sorted(set(patients))
    if ids:
        listed(connection, "UPDATE patient SET dirty = 1 WHERE id IN :ids", ids)


# Whose plan may change with what became of these messages: their patients, and those whom their
# appointments belong to by now (a booking entered under a wrong name goes to another patient).
_CONCERNED = (
    "SELECT patient_id FROM message WHERE {0} UNION SELECT a.patient_id FROM message_item i "
    "JOIN decision d ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
    "WHERE i.message_id IN (SELECT id FROM message WHERE {0}) AND a.patient_id IS NOT NULL"
)


def mark_patients_of(connection: Connection, messages: str, **values: object) -> None:
    """Mark whom the messages for which this condition holds concern."""
    found = rows(connection, _CONCERNED.format(messages), **values)
    mark_dirty(connection, [row.patient_id for row in found])


def patients_behind(connection: Connection, messages: Sequence[int]) -> list[int]:
    """The patients whose plan may change with what became of these messages."""
    return [row.patient_id for row in among(connection, _CONCERNED.format("id IN :ids"), messages)]


def mark_all_dirty(connection: Connection, now: int) -> int:
    """The rules changed: look again at everybody who has an appointment to come."""
    return run(
        connection,
        "UPDATE patient SET dirty = 1 WHERE EXISTS "
        "(SELECT 1 FROM appointment a WHERE a.patient_id = patient.id AND a.starts_at > :now)",
        now=now,
    )


def mark_gaps(connection: Connection, now: int) -> None:
    """Plan again what waits for a sheet or a template: somebody may have filled the gap."""
    found = rows(
        connection,
        "SELECT DISTINCT m.patient_id FROM task t "
        "JOIN message m ON m.id = CAST(substr(t.subject, 9) AS BIGINT) "  # message:<id>
        "WHERE t.state = 'open' AND t.kind IN ('empty_variable', 'no_template') "
        "AND m.state = 'SUPPRESSED' AND m.closes_at > :now",
        now=now,
    )
    mark_dirty(connection, [row.patient_id for row in found])


def expire(connection: Connection, now: int) -> int:
    """What did not leave by its deadline never will; its decisions say so, and their patients
    are planned again: what this message stood in the way of may still be useful."""
    late = f"{UNFINISHED} AND state IN ('PLANNED', 'HELD') AND closes_at <= :now"
    mark_patients_of(connection, late, now=now)
    changed = run(
        connection,
        "UPDATE message SET state = 'EXPIRED', updated_at = :now, "
        f"reason = CASE WHEN state = 'HELD' THEN 'held' ELSE 'past' END WHERE {late}",
        now=now,
    )
    for reason in ("past", "held") if changed else ():
        run(
            connection,
            "UPDATE decision SET state = 'SUPPRESSED', reason = :reason, decided_at = :now "
            "WHERE state = 'PLANNED' AND id IN (SELECT i.decision_id FROM message_item i "
            "JOIN message m ON m.id = i.message_id WHERE m.state = 'EXPIRED' "
            "AND m.reason = :reason AND m.updated_at = :now)",
            reason=reason,
            now=now,
        )
    return changed


def open_tasks(
    connection: Connection, tasks: Sequence[Sequence[object]], priority: int = 3
) -> None:
    """Insert (id, kind, subject, subject_version, sentence, uf, created_at, due_at) rows; a
    task that exists is left as it is. `priority`: domain.answer.Priority."""
    many(
        connection,
        "INSERT INTO task (id, kind, subject, subject_version, sentence, uf, state, created_at, "
        "due_at, priority) VALUES (:id, :kind, :subject, :version, :sentence, :uf, 'open', "
        ":created, :due, :priority) "
        "ON CONFLICT (kind, subject, subject_version) DO NOTHING",
        [
            dict(
                zip(
                    ("id", "kind", "subject", "version", "sentence", "uf", "created", "due"),
                    task,
                    strict=True,
                )
            )
            | {"priority": priority}
            for task in tasks
        ],
    )
