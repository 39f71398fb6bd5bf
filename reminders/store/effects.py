"""What became of the units of a comparison, page by page, and the looks already taken."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, Store, reserve, rows, run
from reminders.store.reporting import ASKED_AT, TWIN
from reminders.store.slots import IS_WHERE_O_WENT, MOVED_WITHIN, is_in, judged
from reminders.store.worklist import TRY

PAGE = 20_000
# The unit is where another one moved to.
IS_A_MOVE = (
    "EXISTS (SELECT 1 FROM appointment o CROSS JOIN unit_entry v "
    "WHERE v.appointment_id = o.id AND o.patient_id = a.patient_id AND o.uf || '' = a.uf "
    "AND o.id <> a.id AND +v.holdout_id = u.holdout_id AND o.status = 'cancelled' "
    f"AND v.entered_at <= o.cancelled_at AND {IS_WHERE_O_WENT})"
)
# Another source tells of it what this one does not, and that one is a unit too.
IS_TOLD_TWICE = (
    f"EXISTS (SELECT 1 FROM unit_entry w WHERE w.appointment_id = {TWIN.format('a')} "
    "AND +w.holdout_id = u.holdout_id AND w.excluded = '')"
)
# `+`: of a slot's few rows, never of the whole hold-out.
_UNITS = "unit_entry v WHERE +v.holdout_id = :holdout AND v.excluded = ''"
NEVER_LEFT = "('NOT_SENT', 'REFUSED', 'REHEARSED')"
# What was sent and done about a unit, where it stands now as where it stood first. An SMS about
# several appointments is shared among them. Messages are purged before their appointments are: of
# one that has none any more, what the report counted of them.
SEGMENTS = (
    "COALESCE((SELECT SUM(x.segments * 1.0 / (SELECT COUNT(*) FROM told y "
    "WHERE y.attempt_id = x.id)) FROM told t JOIN attempt x ON x.id = t.attempt_id "
    f"WHERE t.appointment_id IN (a.id, f.id) AND x.state NOT IN {NEVER_LEFT}), "
    "(SELECT r.segments FROM report_unit r WHERE r.appointment_id = a.id), 0)"
)
# Tasks, as calls are, count up to the end: one done by telephone is a call of the same moment.
_TASKS = (
    "((SELECT COUNT(*) FROM task k WHERE k.appointment_id IN (a.id, f.id) "
    "AND k.state || '' = 'done' "  # of a unit's few tasks, never of all that are done
    "AND k.resolved_by <> '' AND k.resolved_at < :before) + "
    # A call in vain is work as well; looked for task by task, in whatever order tables are read.
    "COALESCE((SELECT SUM((SELECT COUNT(*) FROM task_event e WHERE e.task_id = k.id "
    f"AND e.action = '{TRY}' AND e.at < :before)) "
    "FROM task k WHERE k.appointment_id IN (a.id, f.id)), 0))"
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
    taken again (`refilled`), whether it then stood at another hour (`moved`) and somebody took
    that one when it was called off (`refilled_again`), the SMS segments sent about it, the tasks
    people did for it. One that is itself the move or the refill of another unit is left out.
    What another source tells better of it, it tells.
    """
    extra = (
        f"{is_in('given', 1)} AS freed, {is_in('taken', 1)} AS refilled, "
        f"{is_in('taken', 2)} AS refilled_again, {SEGMENTS} AS segments, "
        "CASE WHEN f.starts_at <> u.starts_at THEN 1 ELSE 0 END AS moved, "
        f"{_TASKS} AS tasks, "
    )
    page_of = (
        "SELECT u.appointment_id, u.holdout_id, u.patient_id, u.arm, "
        "u.uf, u.cell, u.starts_at, u.entered_at FROM unit_entry u "
        "WHERE u.holdout_id = :holdout AND u.appointment_id > :after AND u.excluded = '' "
        f"AND u.entered_at <= :now AND u.starts_at < :before {'AND u.uf = :uf ' if uf else ''}"
        "ORDER BY u.appointment_id LIMIT :limit"
    )
    sql = (
        f"{judged(page_of, _UNITS, taken=refills, used=True)}"
        "SELECT u.appointment_id, COALESCE(p.merged_into, u.patient_id) AS patient, u.arm, u.uf, "
        f"u.cell, CASE WHEN u.appointment_id IN (SELECT id FROM refills) OR {IS_A_MOVE} "
        f"OR {IS_TOLD_TWICE} THEN 1 ELSE 0 END AS anothers, {extra if refills else ''}f.status, "
        "f.starts_at, "
        f"f.cancelled_at, f.cancelled_by, f.attendance, {ASKED_AT.format('f')} AS asked_at "
        "FROM ends u JOIN appointment a ON a.id = u.appointment_id "
        "JOIN appointment g ON g.id = u.end_id "
        f"JOIN appointment f ON f.id = COALESCE({TWIN.format('g')}, g.id) "
        "LEFT JOIN patient p ON p.id = u.patient_id "
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


def look(connection: Connection, holdout: int, name: str, *, until: int) -> Record | None:
    """The look of this name, if it was taken by this moment."""
    found = rows(
        connection,
        f"SELECT {LOOK} FROM effect_look WHERE holdout_id = :holdout AND name = :name "
        "AND at <= :until",
        holdout=holdout,
        name=name,
        until=until,
    )
    return found[0] if found else None


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
