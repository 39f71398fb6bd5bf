"""What the no-show report counts from: units, and their counts by month and service.

`enter` and `settle` (services/rollup.py) read what is here and write `report_unit`; everything is
by lists of keys, so that a look at a thousand changes costs the same dozen statements as at one.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from reminders.domain.report_unit import FATE
from reminders.store import facts
from reminders.store.attendance import UNDECIDED
from reminders.store.effects import NEVER_LEFT
from reminders.store.engine import Record, insert_rows, many, rows, run
from reminders.store.planning import among
from reminders.store.reporting import ASKED_AT, TOLD_ELSEWHERE
from reminders.store.slots import IS_WHERE_O_WENT, WHEN_FREED, is_in, judged
from reminders.store.types import instant

LOCK = "rollup_lock"
SEALED = "rollup_sealed"  # the last month whose appointments may have been purged
FILL = "rollup_fill"  # what is still to be looked at since the beginning: "phase:key", or DONE
DONE = "done"
RULES = "rollup_rules"  # of which protocols the coming entries are
UNIT_COLUMNS = (
    "appointment_id", "patient_id", "uf", "month", "starts_at", "entered_at", "turns_at", "kind",
)  # fmt: skip
# Tasks somebody has because a patient answered.
_ANSWER_TASK = "(k.kind LIKE 'reply%' OR k.kind LIKE 'answer%' OR k.kind = 'start_stands')"


def hold(connection: Connection) -> None:
    """One process at a time looks at changes: the next waits here for our commit."""
    run(
        connection,
        "INSERT INTO setting (key, value) VALUES (:key, '1') "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key=LOCK,
    )


# --- which appointments to look at ----------------------------------------------------------------


def take_changed(connection: Connection, limit: int) -> list[int]:
    """Appointments that changed, off the list: their own commit came before, or they stay on."""
    found = rows(
        connection,
        "DELETE FROM rollup_dirty WHERE id IN (SELECT id FROM rollup_dirty ORDER BY id "
        "LIMIT :limit) RETURNING appointment_id",
        limit=limit,
    )
    return sorted({row.appointment_id for row in found})


def turned(connection: Connection, now: int, limit: int) -> list[int]:
    """Units that time alone changed: they enter, or their start is past."""
    found = rows(
        connection,
        "SELECT appointment_id FROM report_unit WHERE turns_at IS NOT NULL AND turns_at <= :now "
        "ORDER BY turns_at LIMIT :limit",
        now=now,
        limit=limit,
    )
    return [row.appointment_id for row in found]


def following(connection: Connection, table: str, after: int, limit: int) -> list[int]:
    """The next keys of `appointment` or `report_unit`."""
    key = "id" if table == "appointment" else "appointment_id"
    found = rows(
        connection,
        f"SELECT {key} AS key FROM {table} WHERE {key} > :after ORDER BY {key} LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [row.key for row in found]


def look_at_coming(connection: Connection, now: int) -> None:
    run(
        connection,
        "INSERT INTO rollup_dirty (appointment_id) SELECT id FROM appointment "
        "WHERE starts_at > :now",
        now=now,
    )


# Anything that changed is still to be counted; with `now` and `fill`: FILL.
BEHIND = (
    "CASE WHEN EXISTS (SELECT 1 FROM rollup_dirty) OR EXISTS (SELECT 1 FROM report_unit "
    "WHERE turns_at IS NOT NULL AND turns_at <= :now) OR EXISTS (SELECT 1 FROM rollup_month "
    "WHERE stale > 0) OR NOT EXISTS (SELECT 1 FROM setting WHERE key = :fill "
    f"AND value = '{DONE}') THEN 1 ELSE 0 END"
)


def is_behind(connection: Connection, now: int) -> bool:
    """Is anything that changed still to be counted?"""
    return bool(rows(connection, f"SELECT {BEHIND} AS behind", now=now, fill=FILL)[0].behind)


# A unit whose slot was given back, as it was last looked at; and the one it moved to.
_GAVE_BACK = f"({{0}}.fate >> {FATE['freed'].shift} & 1) = 1"
_AGAIN = f"({{0}}.fate >> {FATE['freed_again'].shift} & 1) = 1"


def around(connection: Connection, ids: Sequence[int]) -> list[int]:
    """These, and whatever is a move or a refill of them, or they of it."""
    patients = among(
        connection,
        "SELECT n.id FROM appointment a CROSS JOIN appointment n WHERE a.id IN :ids "
        "AND n.patient_id = a.patient_id AND n.uf || '' = a.uf",
        ids,
    )
    # Two of one slot matter to each other if one of them gave it back, now or when last looked at;
    # each slot is walked once, however many of its appointments changed.
    slots = among(
        connection,
        "WITH mine AS (SELECT starts_at, uf FROM appointment WHERE id IN :ids UNION "
        "SELECT starts_at, uf FROM report_unit WHERE appointment_id IN :ids), "
        "freed AS (SELECT DISTINCT u.starts_at, u.uf FROM report_unit u JOIN appointment a "
        "ON a.id = u.appointment_id WHERE u.appointment_id IN :ids "
        f"AND ({_GAVE_BACK.format('u')} OR {WHEN_FREED.format('a', 'u')} IS NOT NULL)) "
        "SELECT n.appointment_id AS id FROM mine s CROSS JOIN report_unit n "
        f"WHERE n.starts_at = s.starts_at AND n.uf = s.uf AND {_GAVE_BACK.format('n')} "
        "UNION SELECT n.appointment_id FROM freed s CROSS JOIN report_unit n "
        "WHERE n.starts_at = s.starts_at AND n.uf = s.uf",
        ids,
    )
    both = sorted({*ids, *(row.id for row in patients)})
    again = [*_second_slots(connection, both), *_moved_into(connection, ids)]
    return sorted({*both, *(row.id for row in (*slots, *again))})


def _second_slots(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """Units in the slots in which any of these, or another of its patient, may have been the move
    that was called off, now or when last looked at: one of them may have taken it."""
    return among(
        connection,
        "WITH second AS (SELECT DISTINCT f.starts_at, f.uf FROM appointment f WHERE f.id IN :ids "
        "AND (CASE WHEN f.status = 'cancelled' THEN EXISTS (SELECT 1 FROM report_unit v "
        "WHERE v.appointment_id = f.id AND v.starts_at <> f.starts_at) OR EXISTS (SELECT 1 FROM "
        "appointment o WHERE o.patient_id = f.patient_id AND o.uf || '' = f.uf AND o.id <> f.id "
        "AND o.status = 'cancelled') ELSE 1 = 0 END OR EXISTS (SELECT 1 FROM appointment o "
        "CROSS JOIN report_unit w WHERE o.patient_id = f.patient_id AND o.uf || '' = f.uf "
        f"AND w.appointment_id = o.id AND {_AGAIN.format('w')}))) "
        "SELECT n.appointment_id AS id FROM second s CROSS JOIN report_unit n "
        "WHERE n.starts_at = s.starts_at AND n.uf = s.uf",
        ids,
    )


def _moved_into(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """Units that moved into the slot of one of these and gave it back, when last looked at."""
    return among(
        connection,
        "SELECT w.appointment_id AS id FROM (SELECT starts_at, uf FROM appointment "
        "WHERE id IN :ids UNION SELECT starts_at, uf FROM report_unit WHERE appointment_id IN :ids"
        ") s CROSS JOIN appointment f CROSS JOIN appointment o CROSS JOIN report_unit w "
        "WHERE f.starts_at = s.starts_at AND f.uf = s.uf AND f.status = 'cancelled' "
        "AND o.patient_id = f.patient_id AND o.uf || '' = f.uf AND w.appointment_id = o.id "
        f"AND {_AGAIN.format('w')}",
        ids,
    )


# --- units ----------------------------------------------------------------------------------------

_PHONE = "COALESCE(NULLIF(p.phone, ''), p.proxy_phone)"
_EMAIL = "COALESCE(NULLIF(p.email, ''), p.proxy_email)"
_OBJECTS = (
    "(EXISTS (SELECT 1 FROM objection o WHERE o.patient_id = a.patient_id "
    "AND o.withdrawn_at IS NULL AND o.scope = 'all' AND o.channel = 'all') "
    "OR EXISTS (SELECT 1 FROM decision d WHERE d.appointment_id = a.id "
    "AND d.reason = 'objection'))"
)


def entering(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """What a unit is made of; `frozen`: it has entered, and nothing of this counts any more."""
    return among(
        connection,
        "SELECT a.id, COALESCE(p.merged_into, p.id) AS patient, a.uf, a.starts_at, "
        "a.first_starts_at, a.version, a.version_at, COALESCE((SELECT MIN(h.at) FROM "
        "appointment_change h WHERE h.appointment_id = a.id AND h.was_starts_at = "
        "a.first_starts_at AND h.starts_at <> a.first_starts_at), a.version_at) AS left_at, "
        "CASE WHEN a.version > 1 THEN (SELECT MIN(w.given_at) FROM answer w "
        "WHERE w.appointment_id = a.id AND w.kind = 'cancelled' AND w.cycle < a.version "
        "AND w.undone_at IS NULL AND (w.superseded_at IS NULL OR w.superseded_at >= a.version_at)) "
        "END AS declined_at, "
        "a.booked_at, a.first_seen_at, "
        "a.in_first_sync, a.all_day, a.status, a.cancelled_at, "
        f"{ASKED_AT.format('a')} AS asked_at, p.birth_date, "
        "COALESCE(NULLIF(p.spoken, ''), p.language) AS language, "
        "(SELECT MIN(k.starts_at) FROM appointment k WHERE k.patient_id = a.patient_id "
        f"AND k.uf || '' = a.uf AND k.status NOT IN {UNDECIDED}) AS earliest, "
        f"CASE WHEN p.blocked <> '' OR p.deceased = 1 THEN 'blocked' WHEN {_OBJECTS} "
        f"THEN 'objection' WHEN {_PHONE} <> '' THEN 'mobile' WHEN {_EMAIL} <> '' THEN 'email' "
        "WHEN p.contact_problem = 'landline' THEN 'landline' ELSE 'none' END AS reach, "
        "u.appointment_id AS known_unit, u.month AS unit_month, u.uf AS unit_uf, "
        "u.patient_id AS unit_patient, u.starts_at AS unit_starts_at, "
        "u.entered_at, u.turns_at, u.kind, u.counted "
        "FROM appointment a LEFT JOIN patient p ON p.id = a.patient_id "
        "LEFT JOIN report_unit u ON u.appointment_id = a.id WHERE a.id IN :ids",
        ids,
    )


def units_of(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    return among(
        connection,
        "SELECT appointment_id, month, counted FROM report_unit WHERE appointment_id IN :ids",
        ids,
    )


def put_units(connection: Connection, units: Sequence[Sequence[object]]) -> None:
    """Rows of UNIT_COLUMNS of what has not entered yet, new or changed; to be settled next."""
    names = ", ".join(UNIT_COLUMNS)
    sets = ", ".join(f"{name} = excluded.{name}" for name in UNIT_COLUMNS[1:])
    marks = ", ".join(f":{name}" for name in UNIT_COLUMNS)
    many(
        connection,
        f"INSERT INTO report_unit ({names}) VALUES ({marks}) "
        f"ON CONFLICT (appointment_id) DO UPDATE SET {sets}",
        [dict(zip(UNIT_COLUMNS, row, strict=True)) for row in units],
    )


def drop_units(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        among(
            connection,
            "DELETE FROM report_unit WHERE appointment_id IN :ids RETURNING appointment_id",
            ids,
        )


# As store/effects.py tells them of the units of a comparison.
_IS_MOVE = (
    "EXISTS (SELECT 1 FROM appointment o CROSS JOIN report_unit v "
    "WHERE v.appointment_id = o.id AND o.patient_id = a.patient_id AND o.uf || '' = a.uf "
    "AND o.id <> a.id AND o.status = 'cancelled' "
    f"AND v.entered_at <= o.cancelled_at AND {IS_WHERE_O_WENT})"
)
_PAGE = "SELECT appointment_id, starts_at, uf FROM report_unit WHERE appointment_id IN :ids"


def standing(connection: Connection, ids: Sequence[int], near: int) -> Sequence[Record]:
    """Units with what became of where they stand now, or moved to within `near`."""
    return among(
        connection,
        f"{judged(_PAGE, 'report_unit v')}SELECT u.appointment_id AS id, u.month, u.entered_at, "
        "u.turns_at, u.counted, u.fate, u.patient_id, u.messages, u.segments, u.cost, u.contacts, "
        "COALESCE(p.merged_into, a.patient_id) AS patient, f.status, f.starts_at, "
        f"f.cancelled_at, f.cancelled_by, f.attendance, {ASKED_AT.format('f')} AS asked_at, "
        f"{is_in('given', 1)} AS freed, {is_in('taken', 1)} AS refilled, "
        f"{is_in('given', 2)} AS freed_again, {is_in('taken', 2)} AS refilled_again, "
        f"CASE WHEN {_IS_MOVE} OR u.appointment_id IN (SELECT id FROM refills) "
        f"OR {TOLD_ELSEWHERE} THEN 1 ELSE 0 END AS other "
        "FROM ends e CROSS JOIN report_unit u JOIN appointment a ON a.id = u.appointment_id "
        "JOIN appointment f ON f.id = e.end_id LEFT JOIN patient p ON p.id = a.patient_id "
        "WHERE u.appointment_id = e.appointment_id",
        ids,
        near=near,
    )


def planned(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those for which there is a reminder, whatever became of it."""
    found = among(
        connection,
        "SELECT DISTINCT d.appointment_id FROM decision d "
        "JOIN message_item i ON i.decision_id = d.id JOIN message m ON m.id = i.message_id "
        "WHERE d.appointment_id IN :ids AND m.kind = 'reminder'",
        ids,
    )
    return {row.appointment_id for row in found}


# Of the appointments of one text: what is counted once is counted at the first of them.
_FIRST_TOLD = (
    "CASE WHEN t.appointment_id = (SELECT MIN(y.appointment_id) FROM told y "
    "WHERE y.attempt_id = t.attempt_id) THEN 1 ELSE 0 END"
)


def texts(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """What may have left about them, oldest first. `mine`: what it cost is told here, not of
    another appointment in the same text."""
    return among(
        connection,
        "SELECT t.appointment_id, m.kind, b.channel, b.template_version_id, b.segments, "
        f"b.price_eur, b.state, b.started_at, {_FIRST_TOLD} AS mine "
        "FROM told t JOIN attempt b ON b.id = t.attempt_id JOIN message m ON m.id = b.message_id "
        f"WHERE t.appointment_id IN :ids AND b.state NOT IN {NEVER_LEFT} "
        "ORDER BY b.started_at, b.id",
        ids,
    )


def answers(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """Answers that were not taken back, oldest first. `came`: the patient came to us with it,
    other than by a text, which is a contact itself, or by what somebody asked for a task."""
    return among(
        connection,
        "SELECT appointment_id, kind, channel, reason, given_at, "
        "CASE WHEN channel = 'sms' OR origin LIKE 'staff:task:%' THEN 0 ELSE 1 END AS came "
        "FROM answer "
        "WHERE appointment_id IN :ids AND undone_at IS NULL ORDER BY given_at, id",
        ids,
    )


def contacts(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """Replies to texts about them, and calls somebody took or a file told, with their moment.
    `mine`: counted here, not at another appointment of the same text."""
    written = among(
        connection,
        f"SELECT t.appointment_id, i.received_at AS at, 1 AS written, {_FIRST_TOLD} AS mine "
        "FROM told t JOIN inbound i ON i.attempt_id = t.attempt_id WHERE t.appointment_id IN :ids",
        ids,
    )
    called = among(
        connection,
        "SELECT appointment_id, at, 0 AS written, 1 AS mine FROM call_entry "
        "WHERE appointment_id IN :ids",
        ids,
    )
    return [*written, *called]


def handled(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """Answers that a person ended or has to, oldest first; `took` None: not ended."""
    return among(
        connection,
        "SELECT k.appointment_id, CASE WHEN k.state = 'done' THEN k.resolved_at - k.created_at "
        "END AS took FROM task k WHERE k.appointment_id IN :ids "
        f"AND {_ANSWER_TASK} AND (k.state = 'open' OR k.resolved_by NOT IN ('', 'reminders')) "
        "ORDER BY k.created_at, k.id",
        ids,
    )


SETTLED = (
    "patient_id", "counted", "turns_at", "fate", "messages", "segments", "cost", "contacts",
)  # fmt: skip


def settle(connection: Connection, units: Sequence[tuple[object, ...]]) -> None:
    """Write SETTLED, then the key, of each."""
    sets = ", ".join(f"{name} = :{name}" for name in SETTLED)
    names = (*SETTLED, "id")
    many(
        connection,
        f"UPDATE report_unit SET {sets} WHERE appointment_id = :id",
        [dict(zip(names, unit, strict=True)) for unit in units],
    )


# --- counts ---------------------------------------------------------------------------------------


def mark_stale(connection: Connection, months: Iterable[int]) -> None:
    """Count these anew, but what was purged of stays as it was counted."""
    sealed = int(facts.read(connection, SEALED) or 0)
    many(
        connection,
        "INSERT INTO rollup_month (month, stale) VALUES (:month, 1) "
        "ON CONFLICT (month) DO UPDATE SET stale = rollup_month.stale + 1",
        [{"month": month} for month in sorted(set(months)) if month > sealed],
    )


def seal(connection: Connection, before: int) -> None:
    """Appointments that start before this moment are about to be purged: what was counted of
    their months stays, and is never counted anew from what is left."""
    day = instant(before)
    month = day.year * 12 + day.month - 1
    sql = "SELECT 1 FROM appointment WHERE starts_at < :before LIMIT 1"
    if month <= int(facts.read(connection, SEALED) or 0) or not rows(
        connection, sql, before=before
    ):
        return
    facts.replace(connection, SEALED, str(month))
    run(connection, "UPDATE rollup_month SET stale = 0 WHERE month <= :month", month=month)


def mark_all_stale(connection: Connection) -> None:
    found = rows(
        connection,
        "SELECT DISTINCT month FROM report_unit UNION SELECT month FROM rollup_month",
    )
    mark_stale(connection, (row.month for row in found))


def stale_months(connection: Connection) -> Sequence[Record]:
    return rows(
        connection, "SELECT month, stale FROM rollup_month WHERE stale > 0 ORDER BY month DESC"
    )


def units_of_month(connection: Connection, month: int) -> Sequence[Record]:
    """The counted units of each service: `patients`, `kinds` and `fates` as whole numbers with
    commas between them, in one order, and what their quantities add up to.

    There may be a million: as text they are put together and read without an object for each.
    """
    joined = "group_concat" if connection.dialect.name == "sqlite" else "string_agg"
    lists = ", ".join(
        f"{joined}(CAST({column} AS TEXT), ',') AS {name}"
        for column, name in (("patient_id", "patients"), ("kind", "kinds"), ("fate", "fates"))
    )
    return rows(
        connection,
        f"SELECT uf, COUNT(*) AS number, {lists}, SUM(contacts) AS contacts, "
        "SUM(messages) AS messages, SUM(segments) AS segments, SUM(cost) AS cost "
        "FROM report_unit WHERE month = :month AND counted = 1 GROUP BY uf ORDER BY uf",
        month=month,
    )


COUNT_COLUMNS = (
    "month", "uf", "dim", "value", "hidden", "patients", "attended", "no_show",
    "cancelled_early", "cancelled_late", "cancelled_by_hospital", "unknown", "pending",
)  # fmt: skip
SUM_COLUMNS = (
    "month", "uf", "hidden", "patients", "entered", "planned", "sent", "delivered", "answered",
    "came", "freed", "refilled", "replied", "alone", "contacted", "recontacts", "contacts",
    "messages", "segments", "cost", "squares", "products", "missed_squares",
)  # fmt: skip


def hidden_when_closed(connection: Connection, month: int, name: str) -> Sequence[Record]:
    """(uf, dim, value) of the lines that are hidden in a month that is closed (`name`: its own),
    unless it is hidden as a whole: then nothing of it was told."""
    return rows(
        connection,
        "SELECT r.uf, r.dim, r.value FROM rollup r WHERE r.month = :month AND r.hidden = 1 "
        "AND EXISTS (SELECT 1 FROM month_closing c WHERE c.month = :name) "
        "AND NOT EXISTS (SELECT 1 FROM rollup w WHERE w.month = :month AND w.uf = '*' "
        "AND w.dim = 'all' AND w.value = '' AND w.hidden = 1)",
        month=month, name=name,
    )  # fmt: skip


def put_month(
    connection: Connection,
    month: int,
    stale: int,
    counts: Sequence[Sequence[object]],
    sums: Sequence[Sequence[object]],
    *,
    at: int,
) -> bool:
    """Replace a month's counts; False: something changed since they were made, or another
    process was faster."""
    changed = run(
        connection,
        "UPDATE rollup_month SET stale = 0, counted_at = :at WHERE month = :month "
        "AND stale = :stale",
        month=month,
        stale=stale,
        at=at,
    )
    if not changed:
        return False
    for table in ("rollup", "rollup_sum"):
        run(connection, f"DELETE FROM {table} WHERE month = :month", month=month)
    insert_rows(connection, "rollup", COUNT_COLUMNS, counts)
    insert_rows(connection, "rollup_sum", SUM_COLUMNS, sums)
    return True
