"""What became of the units of a comparison, page by page, and the looks already taken."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, Store, reserve, rows, run
from reminders.store.reporting import ASKED_AT
from reminders.store.types import DAY

PAGE = 20_000
# A new appointment taken this close to a cancellation, by the same patient in the same service,
# is where that one moved to: the records system knows no other way to move it.
MOVED_WITHIN = 2 * DAY

# `|| ''` and `+` keep a column out of the index SQLite would else take: that of a whole service,
# or of the whole hold-out, where a patient's or a slot's few rows are meant.
WHEN_BOOKED = "COALESCE({0}.booked_at, {0}.first_seen_at)"
IS_NEAR = f"{WHEN_BOOKED} BETWEEN {{1}}.cancelled_at - :near AND {{1}}.cancelled_at + :near"
# When the slot a unit entered with was given back; NULL: it was not.
WHEN_FREED = (
    "CASE WHEN {0}.status = 'cancelled' THEN {0}.cancelled_at "
    "WHEN {0}.starts_at <> {1}.starts_at THEN {0}.version_at END"
)
# Statuses of what takes no slot.
NOT_THERE = "('cancelled', 'entered-in-error', 'proposed', 'waitlist', 'pending')"
MOVED_TO = (
    "(SELECT MIN(b.id) FROM appointment b WHERE a.status = 'cancelled' "
    "AND b.patient_id = a.patient_id AND b.uf || '' = a.uf AND b.id <> a.id "
    f"AND b.starts_at > a.cancelled_at AND {IS_NEAR.format('b', 'a')})"
)
REFILLED = (
    f"({WHEN_FREED.format('a', 'u')} IS NOT NULL "  # before anybody else's appointment is looked at
    "AND EXISTS (SELECT 1 FROM appointment r WHERE r.starts_at = u.starts_at AND r.uf = u.uf "
    f"AND r.agenda = a.agenda AND r.id <> a.id AND r.status NOT IN {NOT_THERE} "
    f"AND {WHEN_BOOKED.format('r')} >= {WHEN_FREED.format('a', 'u')}))"
)
# The unit is where another one moved to, or took the slot another one gave back.
IS_A_MOVE = (
    "EXISTS (SELECT 1 FROM appointment o CROSS JOIN unit_entry v "
    "WHERE v.appointment_id = o.id AND o.patient_id = a.patient_id AND o.uf || '' = a.uf "
    "AND o.id <> a.id AND +v.holdout_id = u.holdout_id AND o.status = 'cancelled' "
    f"AND v.entered_at <= o.cancelled_at AND a.starts_at > o.cancelled_at "
    f"AND {IS_NEAR.format('a', 'o')})"
)
# Who took a slot of the page's that another unit gave back, and which of its units' slots were
# taken: each slot is walked once, however many of its appointments are asked about. Of those of one
# slot and agenda two tell all there is to tell: whichever of them is not the appointment itself.
# CROSS JOIN keeps SQLite's order: a lookup an appointment, not all of them for each that was freed.
_READY = (
    f"CASE WHEN {WHEN_FREED.format('o', 'v')} > v.entered_at "
    f"THEN {WHEN_FREED.format('o', 'v')} ELSE v.entered_at END"
)
_SLOTS = (
    "slots AS MATERIALIZED (SELECT DISTINCT starts_at, uf FROM page), "
    "freed AS MATERIALIZED (SELECT v.appointment_id AS id, v.starts_at, v.uf, o.agenda, "
    f"{_READY} AS at, ROW_NUMBER() OVER (PARTITION BY v.starts_at, v.uf, o.agenda "
    f"ORDER BY {_READY}, v.appointment_id) AS place "
    "FROM slots s CROSS JOIN unit_entry v CROSS JOIN appointment o "
    "WHERE v.starts_at = s.starts_at AND v.uf = s.uf AND +v.holdout_id = :holdout "
    f"AND v.excluded = '' AND o.id = v.appointment_id AND {WHEN_FREED.format('o', 'v')} "
    "IS NOT NULL), "
    "refills AS MATERIALIZED (SELECT DISTINCT a.id FROM page u CROSS JOIN appointment a "
    "CROSS JOIN freed v WHERE a.id = u.appointment_id AND v.starts_at = u.starts_at "
    "AND v.uf = u.uf AND v.agenda = a.agenda AND v.place <= 2 AND v.id <> a.id "
    f"AND v.at <= {WHEN_BOOKED.format('a')})"
)
_TAKEN = (
    ", latest AS MATERIALIZED (SELECT r.id, r.starts_at, r.uf, r.agenda, "
    f"{WHEN_BOOKED.format('r')} AS booked, ROW_NUMBER() OVER (PARTITION BY r.starts_at, r.uf, "
    f"r.agenda ORDER BY {WHEN_BOOKED.format('r')} DESC, r.id) AS place "
    "FROM (SELECT DISTINCT starts_at, uf FROM freed) s CROSS JOIN appointment r "
    f"WHERE r.starts_at = s.starts_at AND r.uf = s.uf AND r.status NOT IN {NOT_THERE}), "
    "taken AS MATERIALIZED (SELECT DISTINCT a.id FROM page u CROSS JOIN appointment a "
    "CROSS JOIN latest r WHERE a.id = u.appointment_id AND r.starts_at = u.starts_at "
    "AND r.uf = u.uf AND r.agenda = a.agenda AND r.place <= 2 AND r.id <> a.id "
    f"AND r.booked >= {WHEN_FREED.format('a', 'u')})"
)
NEVER_LEFT = "('NOT_SENT', 'REFUSED', 'REHEARSED')"
# An SMS about several appointments is shared among them.
SEGMENTS = (
    "COALESCE((SELECT SUM(x.segments * 1.0 / (SELECT COUNT(*) FROM told y "
    "WHERE y.attempt_id = x.id)) FROM told t JOIN attempt x ON x.id = t.attempt_id "
    f"WHERE t.appointment_id = a.id AND x.state NOT IN {NEVER_LEFT}), 0)"
)
_TASKS = (
    "(SELECT k.appointment_id, COUNT(*) AS number FROM task k WHERE k.state = 'done' "
    "AND k.resolved_by <> '' AND k.appointment_id IS NOT NULL GROUP BY k.appointment_id)"
)


def units(
    store: Store,
    holdout: int,
    *,
    before: int,
    now: int,
    refills: bool = True,
    uf: str = "",
    after: int = 0,
    size: int | None = None,
) -> Iterator[Sequence[Record]]:
    """Pages of the units that entered by `now` and first started before `before`, of one service
    or, for "", of all, after a key.

    One row an appointment as first booked: its patient (the survivor of a merge), arm, cell, and
    what became of where it stands now, or moved to; whether its slot was given back (`freed`) and
    taken again (`refilled`), whether it then stood at another hour (`moved`), the SMS segments
    sent about it, the tasks people did for it. One that is itself the move or the refill of
    another unit is left out.
    """
    extra = (
        f"CASE WHEN {WHEN_FREED.format('a', 'u')} IS NULL THEN 0 ELSE 1 END AS freed, "
        "CASE WHEN a.id IN (SELECT id FROM taken) THEN 1 ELSE 0 END AS refilled, "
        f"{SEGMENTS} AS segments, "
        "CASE WHEN f.starts_at <> u.starts_at THEN 1 ELSE 0 END AS moved, "
        "COALESCE(w.number, 0) AS tasks, "
    )
    page_of = (
        "WITH page AS MATERIALIZED (SELECT u.appointment_id, u.holdout_id, u.patient_id, u.arm, "
        "u.uf, u.cell, u.starts_at, u.entered_at FROM unit_entry u "
        "WHERE u.holdout_id = :holdout AND u.appointment_id > :after AND u.excluded = '' "
        f"AND u.entered_at <= :now AND u.starts_at < :before {'AND u.uf = :uf ' if uf else ''}"
        "ORDER BY u.appointment_id LIMIT :limit), "
    )
    sql = (
        f"{page_of}{_SLOTS}{_TAKEN if refills else ''} "
        "SELECT u.appointment_id, COALESCE(p.merged_into, u.patient_id) AS patient, u.arm, u.uf, "
        f"u.cell, CASE WHEN u.appointment_id IN (SELECT id FROM refills) OR {IS_A_MOVE} "
        f"THEN 1 ELSE 0 END AS anothers, {extra if refills else ''}f.status, f.starts_at, "
        f"f.cancelled_at, f.cancelled_by, f.attendance, {ASKED_AT.format('f')} AS asked_at "
        "FROM page u JOIN appointment a ON a.id = u.appointment_id "
        f"JOIN appointment f ON f.id = COALESCE({MOVED_TO}, a.id) "
        "LEFT JOIN patient p ON p.id = u.patient_id "
        f"{f'LEFT JOIN {_TASKS} w ON w.appointment_id = a.id ' if refills else ''}"
        "ORDER BY u.appointment_id"
    )
    narrowed, limit = {"uf": uf} if uf else {}, size or PAGE
    while True:
        with store.read() as connection:
            page = rows(
                connection, sql, holdout=holdout, after=after, before=before, now=now,
                near=MOVED_WITHIN, limit=limit, **narrowed,
            )  # fmt: skip
        if mine := [row for row in page if not row.anothers]:
            yield mine
        if len(page) < limit:
            return
        after = page[-1].appointment_id


LOOK = "name, at, estimate, variance, p, treated, held, method"


def looks(connection: Connection, holdout: int, *, before: int) -> Sequence[Record]:
    """Those taken before this moment, oldest first; some dozens at most."""
    return rows(
        connection,
        f"SELECT {LOOK} FROM effect_look WHERE holdout_id = :holdout AND at < :before "
        "ORDER BY at, id LIMIT 600",
        holdout=holdout,
        before=before,
    )


def remember(connection: Connection, holdout: int, name: str, **values: object) -> bool:
    """Write a look down, once: False if this one was taken already."""
    names = ("at", "estimate", "variance", "p", "treated", "held", "method")
    changed = run(
        connection,
        f"INSERT INTO effect_look (id, holdout_id, name, {', '.join(names)}) "
        f"VALUES (:id, :holdout, :name, {', '.join(f':{one}' for one in names)}) "
        "ON CONFLICT (holdout_id, name) DO NOTHING",
        id=reserve(connection, "effect_look", 1),
        holdout=holdout,
        name=name,
        **values,
    )
    return changed == 1
