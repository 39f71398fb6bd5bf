"""The outbox: lease, intent, result. The only SQL that moves a message towards a patient.

Each move is one conditional UPDATE: a row that changed meanwhile is simply not moved. The
lease token is a fencing token: a result written under an older one is refused.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from sqlalchemy import Connection

from reminders.domain.outbox import LEASES_BEFORE_QUARANTINE
from reminders.store.engine import Record, insert_rows, listed, many, reserve, rows, run
from reminders.store.holds import HELD_MESSAGE
from reminders.store.planning import UNFINISHED, among, mark_patients_of
from reminders.store.rebooking import MISSED
from reminders.store.types import SECOND

# A message that wakes a little late comes nearer to the next one: the slots leave room for it,
# so that no second of the provider's sees more than its limit.
PACE_USED = 0.97
COMMIT_TIME = SECOND // 20  # a slot lies after the commit of its intent
UNLIMITED = 10_000

RANK = (
    "CASE {0} WHEN 'SENDING' THEN 0 WHEN 'UNKNOWN' THEN 1 WHEN 'ACCEPTED' THEN 2 "
    "WHEN 'UNDELIVERED' THEN 3 WHEN 'DELIVERED' THEN 4 ELSE 9 END"
)

# What forbids a send, read again in the statement that permits it (R3, R4).
FORBIDDEN_ITEM = (
    "EXISTS (SELECT 1 FROM message_item i JOIN decision d ON d.id = i.decision_id "
    "JOIN appointment a ON a.id = d.appointment_id WHERE i.message_id = message.id AND ("
    "d.state <> 'PLANNED' OR a.patient_id <> message.patient_id OR "
    f"(message.kind = 'rebook' AND (a.version <> d.cycle OR NOT {MISSED.format('a')})) "
    "OR (message.kind NOT IN ('ack', 'rebook') AND ("
    "a.version <> d.cycle OR a.starts_at <= :now "
    "OR (message.kind = 'notice' AND a.status <> 'cancelled') "
    "OR (message.kind <> 'notice' AND a.status <> 'booked') "
    "OR (message.kind = 'reminder' AND a.answer = 'cancelled' "
    "AND a.answered_cycle = a.version) "
    "OR (message.kind = 'reminder' AND a.stopped_cycle = a.version)))))"
)
FORBIDDEN_PATIENT = (
    "EXISTS (SELECT 1 FROM patient p WHERE p.id = message.patient_id "
    "AND (p.deceased = 1 OR p.blocked <> '' OR p.merged_into IS NOT NULL "
    "OR (p.refuses_sms = 1 AND message.channel = 'sms') "
    # Whom an adult named by telephone is written to, and nobody beside them (ADR 0012).
    "OR (p.told = 'helper' AND message.relation <> 'helper' AND message.kind <> 'ack') "
    "OR message.recipient NOT IN (p.phone, p.email, p.proxy_phone, p.proxy_email)))"
)
# Within its scope an objection forbids every text over its channel to the address, whoever it is
# about, and about the person, whatever the address (ADR 0011). One item within the scope forbids
# the message; the planner then tells the others without it.
_IN_FORCE = (
    "o.withdrawn_at IS NULL AND o.channel IN ('all', message.channel) AND (o.scope = 'all' "
    "OR EXISTS (SELECT 1 FROM message_item i JOIN decision d ON d.id = i.decision_id "
    "JOIN appointment a ON a.id = d.appointment_id WHERE i.message_id = message.id "
    "AND o.scope IN ('service:' || a.uf, 'appointment:' || CAST(a.id AS TEXT))))"
)
# The one text an objection lets out is the one that says it is in force.
OBJECTED = (
    "message.purpose <> 'ack_stop' AND ("
    "EXISTS (SELECT 1 FROM objection o WHERE o.address_key = message.recipient_key "
    f"AND {_IN_FORCE}) "
    "OR EXISTS (SELECT 1 FROM objection o WHERE o.patient_id = message.patient_id "
    f"AND {_IN_FORCE}))"
)
# Why the intent would refuse a waiting text for ever, in a word of ours.
_OF_PATIENT = "EXISTS (SELECT 1 FROM patient p WHERE p.id = message.patient_id AND {0})"
_BLOCKED = "p.blocked <> ''"
_NO_SMS = "p.refuses_sms = 1 AND message.channel = 'sms'"
WHY_FORBIDDEN = (
    f"CASE WHEN {_OF_PATIENT.format('p.deceased = 1')} THEN 'deceased' "
    f"WHEN {_OF_PATIENT.format('p.merged_into IS NOT NULL')} THEN 'merged' "
    f"WHEN {_OF_PATIENT.format(_BLOCKED)} THEN 'identity' WHEN {OBJECTED} "
    f"OR {_OF_PATIENT.format(_NO_SMS)} THEN 'objection' "
    "ELSE 'recipient_changed' END"
)
# A test to a member of staff is about nobody.
NO_ITEM = (
    "message.kind <> 'test' "
    "AND NOT EXISTS (SELECT 1 FROM message_item i WHERE i.message_id = message.id)"
)


def lease(
    connection: Connection, channel: str, *, now: int, until: int, limit: int
) -> tuple[int, Sequence[Record]]:
    """Take up to `limit` due messages of a channel: (fencing token, rows). Nothing has left."""
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"
    token = reserve(connection, "lease", 1)
    return token, rows(
        connection,
        # A plain subquery may be run again for each row on PostgreSQL, and its LIMIT with it.
        "WITH due AS MATERIALIZED (SELECT id FROM message WHERE state = 'PLANNED' "
        "AND channel = :channel AND opens_at <= :now AND closes_at > :now "
        f"ORDER BY opens_at LIMIT :limit{lock}) "
        "UPDATE message SET state = 'LEASED', lease_token = :token, lease_until = :until, "
        "leases = leases + 1, updated_at = :now "
        "WHERE id IN (SELECT id FROM due) AND state = 'PLANNED' "
        "RETURNING id, kind, channel, patient_id, recipient, relation, purpose, language, "
        "site_id, closes_at, retries",
        token=token,
        until=until,
        now=now,
        channel=channel,
        limit=limit,
    )


# What the writing a staff's decision `d` is of says besides.
_OF_WRITING = (
    "CASE WHEN d.step LIKE 'staff:%' THEN (SELECT w.{0} FROM writing_line l "
    "JOIN writing w ON w.id = l.writing_id WHERE l.appointment_id = d.appointment_id "
    "AND l.decision_id = d.id LIMIT 1) END AS {0}"
)
SAID_OF_SESSION = f"{_OF_WRITING.format('late_minutes')}, {_OF_WRITING.format('new_place')}"


def items_of(connection: Connection, messages: Sequence[int]) -> Sequence[Record]:
    """What each message is about, its appointments by start; `told_before` is the last start a
    patient may have read of that appointment."""
    return among(
        connection,
        "SELECT i.message_id, d.step, a.id AS appointment_id, a.version, a.starts_at, a.uf, "
        "a.kind, a.external_id, a.duration_minutes, p.given, p.id AS patient_id, "
        "(SELECT t.starts_at FROM told t JOIN attempt b ON b.id = t.attempt_id "
        " JOIN message o ON o.id = b.message_id WHERE t.appointment_id = a.id "
        " AND o.patient_id = a.patient_id AND b.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED') "
        " ORDER BY b.started_at DESC, b.id DESC LIMIT 1) AS told_before, "
        f"{SAID_OF_SESSION} "
        "FROM message_item i JOIN decision d ON d.id = i.decision_id "
        "JOIN appointment a ON a.id = d.appointment_id JOIN patient p ON p.id = a.patient_id "
        "WHERE i.message_id IN :ids ORDER BY a.starts_at, a.id",
        messages,
    )


def shared_numbers(connection: Connection, numbers: Sequence[str]) -> set[str]:
    """Which of these numbers serve more than one patient."""
    found = among(
        connection,
        "SELECT number FROM (SELECT phone AS number, id FROM patient WHERE phone IN :ids "
        "UNION SELECT proxy_phone AS number, id FROM patient WHERE proxy_phone IN :ids) served "
        "GROUP BY number HAVING COUNT(*) > 1",
        numbers,
    )
    return {row.number for row in found}


def gap_of(rate: float) -> int:
    """Microseconds from one slot of a provider to the next; 0 = unlimited."""
    return int(SECOND / (rate * PACE_USED)) + 1 if rate > 0 else 0


def allowance(connection: Connection, provider: str, rate: float, *, now: int) -> tuple[int, int]:
    """How many messages may start within the next second, and the first free slot.

    Raises LookupError when the provider has no pacer row: no limiter, no send.
    """
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
    found = rows(
        connection,
        f"SELECT next_slot FROM pacer WHERE provider = :provider{lock}",
        provider=provider,
    )
    if not found:
        raise LookupError(provider)
    if rate <= 0:
        return UNLIMITED, now
    gap, slot = gap_of(rate), max(int(found[0][0]), now + COMMIT_TIME)
    return max(0, (now + SECOND - slot + gap - 1) // gap), slot


def take_slots(connection: Connection, provider: str, next_slot: int) -> None:
    run(
        connection,
        "UPDATE pacer SET next_slot = :next WHERE provider = :provider",
        next=next_slot,
        provider=provider,
    )


def quiet_patients(connection: Connection, patients: Sequence[int]) -> set[int]:
    """Those of the patients nobody is changing at this moment, kept so until the commit.

    Whoever records an objection, a death, a move or a cancellation writes to the patient's row
    in the same transaction. SQLite has one writer; on PostgreSQL an intent could otherwise be
    committed after an objection it did not see (R4).
    """
    if connection.dialect.name == "sqlite":
        return set(patients)
    found = among(
        connection,
        "SELECT id FROM patient WHERE id IN :ids ORDER BY id FOR SHARE SKIP LOCKED",
        sorted(set(patients)),
    )
    return {row.id for row in found} | ({0} & set(patients))  # 0: a test, nobody's


def permit(connection: Connection, token: int, messages: Sequence[int], *, now: int) -> set[int]:
    """Move leased messages to SENDING if nothing forbids it: the point of no return.

    The keys of those moved. Committed by the caller before the first byte leaves.
    """
    found = among(
        connection,
        "UPDATE message SET state = 'SENDING', reason = '', updated_at = :now "
        "WHERE id IN :ids AND lease_token = :token AND state = 'LEASED' AND lease_until > :now "
        f"AND opens_at <= :now AND closes_at > :now AND NOT ({NO_ITEM}) "
        f"AND NOT ({FORBIDDEN_ITEM}) AND NOT ({FORBIDDEN_PATIENT}) AND NOT ({OBJECTED}) "
        f"AND NOT ({HELD_MESSAGE}) RETURNING id",
        messages,
        token=token,
        now=now,
    )
    return {row.id for row in found}


ATTEMPT_COLUMNS = (
    "id", "message_id", "reference", "provider", "channel", "address", "subject", "body",
    "template_version_id", "segments", "price_eur", "state", "started_at",
)  # fmt: skip
TOLD_COLUMNS = ("attempt_id", "appointment_id", "cycle", "starts_at", "place")


def insert_attempts(
    connection: Connection,
    attempts: Sequence[Sequence[object]],
    told: Sequence[Sequence[object]],
) -> None:
    insert_rows(connection, "attempt", ATTEMPT_COLUMNS, attempts)
    insert_rows(connection, "told", TOLD_COLUMNS, told)


def _for_ids(connection: Connection, sql: str, ids: Sequence[int], **values: object) -> int:
    if not ids:
        return 0
    return listed(connection, sql, ids, **values).rowcount


def give_back(
    connection: Connection, token: int, messages: Sequence[int], *, opens_at: int, now: int
) -> None:
    """Return leased messages unsent; they may be tried again from `opens_at`."""
    _for_ids(
        connection,
        "UPDATE message SET state = 'PLANNED', leases = leases - 1, lease_until = NULL, "
        "opens_at = CASE WHEN opens_at < :opens THEN :opens ELSE opens_at END, "
        "updated_at = :now WHERE id IN :ids AND lease_token = :token AND state = 'LEASED'",
        messages,
        token=token,
        opens=opens_at,
        now=now,
    )


def suppress(
    connection: Connection, token: int, messages: Sequence[int], reason: str, *, now: int
) -> int:
    return _for_ids(
        connection,
        "UPDATE message SET state = 'SUPPRESSED', reason = :reason, leases = 0, "
        "lease_until = NULL, updated_at = :now "
        "WHERE id IN :ids AND lease_token = :token AND state = 'LEASED'",
        messages,
        token=token,
        reason=reason,
        now=now,
    )


def forbid(connection: Connection, ids: Sequence[int], *, of: str = "id", now: int) -> None:
    """Withdraw the waiting acknowledgements and invitations that an objection, a death or
    another address forbids: the plan does not decide them again, and nobody may be told that
    they leave. `of`: what `ids` are, "id" (messages) or "patient_id"."""
    found = among(
        connection,
        f"UPDATE message SET state = 'CANCELLED', reason = {WHY_FORBIDDEN}, leases = 0, "
        f"lease_until = NULL, updated_at = :now WHERE {of} IN :ids AND kind IN ('ack', 'rebook') "
        f"AND state IN ('PLANNED', 'HELD', 'LEASED') AND ({FORBIDDEN_PATIENT} OR {OBJECTED}) "
        "RETURNING id, reason",
        ids,
        now=now,
    )
    many(
        connection,
        "UPDATE decision SET state = 'SUPPRESSED', reason = :reason, decided_at = :now "
        "WHERE state = 'PLANNED' "
        "AND id IN (SELECT i.decision_id FROM message_item i WHERE i.message_id = :message)",
        [{"message": row.id, "reason": row.reason, "now": now} for row in found],
    )


def stay(
    connection: Connection, token: int, messages: Sequence[int], reason: str, *, now: int
) -> None:
    """Permitted, rehearsed, and kept here: outside live mode nothing leaves."""
    _for_ids(
        connection,
        "UPDATE message SET state = 'SUPPRESSED', reason = :reason, leases = 0, "
        "lease_until = NULL, updated_at = :now "
        "WHERE id IN :ids AND lease_token = :token AND state = 'SENDING'",
        messages,
        token=token,
        reason=reason,
        now=now,
    )


def quarantine(connection: Connection, token: int, messages: Sequence[int], *, now: int) -> None:
    """A text our own program cannot make: this row waits for a person, the others go on."""
    _for_ids(
        connection,
        "UPDATE message SET state = 'QUARANTINED', reason = 'not_composed', lease_until = NULL, "
        "updated_at = :now WHERE id IN :ids AND lease_token = :token AND state = 'LEASED'",
        messages,
        token=token,
        now=now,
    )


# A sender that was slow may bring a certain answer after its row was given up as perhaps sent:
# the certain one counts, unless somebody acted on the doubt already.
UNDECIDED = "(state = 'SENDING' OR (state = 'UNKNOWN' AND settled_at IS NULL))"


def record_accepted(connection: Connection, results: Sequence[dict[str, object]]) -> None:
    many(
        connection,
        "UPDATE attempt SET provider_id = :provider_id, finished_at = :now, "
        "code = CASE WHEN state IN ('SENDING', 'UNKNOWN') THEN '' ELSE code END, "
        "state = CASE WHEN state IN ('SENDING', 'UNKNOWN') THEN 'ACCEPTED' ELSE state END "
        "WHERE id = :attempt",
        results,
    )
    # One statement a lease, not one a message: while it runs, the loop that sends has the core.
    by_lease: dict[tuple[object, object], list[int]] = defaultdict(list)
    for result in results:
        by_lease[result["token"], result["now"]].append(cast(int, result["message"]))
    for (token, now), messages in by_lease.items():
        _for_ids(
            connection,
            "UPDATE message SET state = 'ACCEPTED', reason = '', leases = 0, lease_until = NULL, "
            "updated_at = :now WHERE id IN :ids AND lease_token = :token "
            "AND state IN ('SENDING', 'UNKNOWN')",
            messages,
            token=token,
            now=now,
        )


def reason_of(code: str, *, opted_out: bool, bad_recipient: bool) -> str:
    """Why a message did not arrive, as staff read it: a word of ours where the provider's code
    says one, else the code. The attempt keeps the code."""
    return "operator_block" if opted_out else "dead_address" if bad_recipient else code


def record_unsent(connection: Connection, results: Sequence[dict[str, object]], state: str) -> None:
    """REFUSED and UNKNOWN answers. A row another process took over is left alone."""
    values = [result | {"state": state} for result in results]
    many(
        connection,
        "UPDATE message SET state = :state, reason = :reason, leases = 0, lease_until = NULL, "
        f"updated_at = :now WHERE id = :message AND lease_token = :token AND {UNDECIDED}",
        values,
    )
    many(
        connection,
        "UPDATE attempt SET state = :state, code = :code, finished_at = :now "
        "WHERE id = :attempt AND state IN ('SENDING', 'UNKNOWN')",
        values,
    )


def record_not_sent(connection: Connection, results: Sequence[dict[str, object]]) -> None:
    """Certainly not sent: planned again, from `opens_at` on."""
    many(
        connection,
        "UPDATE message SET state = 'PLANNED', reason = :code, leases = 0, lease_until = NULL, "
        "retries = retries + 1, opens_at = :opens_at, earliest_at = :opens_at, "
        f"updated_at = :now WHERE id = :message AND lease_token = :token AND {UNDECIDED}",
        results,
    )
    many(
        connection,
        "UPDATE attempt SET state = 'NOT_SENT', code = :code, finished_at = :now "
        "WHERE id = :attempt AND state IN ('SENDING', 'UNKNOWN')",
        results,
    )


def reap(connection: Connection, *, now: int) -> tuple[int, int, Sequence[Record]]:
    """What a dead process left: (planned again, perhaps sent, quarantined rows)."""
    worn_out = f"{UNFINISHED} AND state = 'LEASED' AND lease_until <= :now AND leases >= :most"
    mark_patients_of(connection, worn_out, now=now, most=LEASES_BEFORE_QUARANTINE)
    quarantined = rows(
        connection,
        "UPDATE message SET state = 'QUARANTINED', reason = 'leases', updated_at = :now "
        f"WHERE {worn_out} RETURNING id",
        now=now,
        most=LEASES_BEFORE_QUARANTINE,
    )
    again = run(
        connection,
        "UPDATE message SET state = 'PLANNED', lease_until = NULL, updated_at = :now "
        f"WHERE {UNFINISHED} AND state = 'LEASED' AND lease_until <= :now",
        now=now,
    )
    perhaps = rows(
        connection,
        "UPDATE message SET state = 'UNKNOWN', reason = 'no_result', lease_until = NULL, "
        f"updated_at = :now WHERE {UNFINISHED} AND state = 'SENDING' AND lease_until <= :now "
        "RETURNING id",
        now=now,
    )
    _for_ids(
        connection,
        "UPDATE attempt SET state = 'UNKNOWN', code = 'no_result', finished_at = :now "
        "WHERE message_id IN :ids AND state = 'SENDING'",
        [row.id for row in perhaps],
        now=now,
    )
    return again, len(perhaps), quarantined


def unknown(connection: Connection, provider: str, *, limit: int = 100) -> Sequence[Record]:
    """Undecided attempts of a provider that can be asked for our reference."""
    return rows(
        connection,
        "SELECT a.reference FROM message m JOIN attempt a ON a.message_id = m.id "
        f"WHERE m.{UNFINISHED} AND m.state = 'UNKNOWN' AND m.settled_at IS NULL "
        "AND a.state = 'UNKNOWN' "
        "AND a.provider = :provider ORDER BY a.id LIMIT :limit",
        provider=provider,
        limit=limit,
    )


def settle_unknown(connection: Connection, *, now: int, before: int) -> int:
    """Give up waiting for a receipt of messages submitted before `before`, or past their
    deadline: the next channel may open, or a person is asked."""
    waited = (
        f"{UNFINISHED} AND state = 'UNKNOWN' AND settled_at IS NULL AND (closes_at <= :now "
        "OR EXISTS "
        "(SELECT 1 FROM attempt a WHERE a.message_id = message.id AND a.state = 'UNKNOWN' "
        "AND a.started_at <= :before))"
    )
    mark_patients_of(connection, waited, now=now, before=before)
    return run(
        connection,
        "UPDATE message SET settled_at = :now, reason = 'undecided', updated_at = :now "
        f"WHERE {waited}",
        now=now,
        before=before,
    )


def open_today(connection: Connection, *, now: int) -> int:
    """Let every reminder of this civil day leave now (ADR 0007): its permitted hours have begun
    and `run` may not come again at its own hour."""
    return run(
        connection,
        "UPDATE message SET opens_at = :now, updated_at = :now WHERE state IN ('PLANNED', 'HELD') "
        "AND earliest_at <= :now AND opens_at > :now AND closes_at > :now",
        now=now,
    )


def rearm_rehearsed(connection: Connection, *, now: int) -> int:
    """Live at last: what was only rehearsed today is still to be sent."""
    return run(
        connection,
        "UPDATE message SET state = 'PLANNED', reason = '', updated_at = :now "
        "WHERE state = 'SUPPRESSED' AND reason IN ('rehearsal', 'test_mode') AND closes_at > :now",
        now=now,
    )


def next_due(connection: Connection, *, now: int) -> int | None:
    """The next moment anything could be done without a new input; None if nothing waits."""
    found = rows(
        connection,
        "SELECT MIN(moment) FROM ("
        "SELECT MIN(opens_at) AS moment FROM message WHERE state = 'PLANNED' AND closes_at > :now "
        f"UNION ALL SELECT MIN(lease_until) FROM message WHERE {UNFINISHED} "
        "AND state IN ('LEASED', 'SENDING')"
        ") moments",
        now=now,
    )
    return None if found[0][0] is None else int(found[0][0])


def waiting(connection: Connection, *, now: int, channel: str = "") -> bool:
    """Is a message due, over this channel or any?"""
    return bool(
        rows(
            connection,
            "SELECT 1 FROM message WHERE state = 'PLANNED' AND opens_at <= :now "
            "AND closes_at > :now AND (:channel = '' OR channel = :channel) LIMIT 1",
            now=now,
            channel=channel,
        )
    )


def add_pacer(connection: Connection, provider: str) -> None:
    run(
        connection,
        "INSERT INTO pacer (provider, next_slot) VALUES (:provider, 0) "
        "ON CONFLICT (provider) DO NOTHING",
        provider=provider,
    )
