"""Hold-outs, and which appointment entered the comparison in which arm."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from reminders.store.attendance import UNDECIDED
from reminders.store.engine import Record, insert_rows, listed, many, reserve, rows, run
from reminders.store.planning import among
from reminders.store.types import micros

HOLDOUT = (
    "id, state, share_millionths, salt, excluded, proposed_at, proposed_by, approved_at, "
    "approved_by, ends_at, stopped_at, stopped_by"
)
UNIT_COLUMNS = (
    "appointment_id", "holdout_id", "patient_id", "arm", "excluded", "uf", "cell", "starts_at",
    "entered_at", "recorded_at",
)  # fmt: skip


def approved(connection: Connection) -> Record | None:
    """The hold-out that runs; None: there is none."""
    found = rows(
        connection,
        f"SELECT {HOLDOUT} FROM holdout WHERE state = 'approved' ORDER BY id DESC LIMIT 1",
    )
    return found[0] if found else None


def latest(
    connection: Connection, *, begun: bool = False, until: datetime | None = None
) -> Record | None:
    """The last one proposed, whatever became of it; `begun`: of those once approved, and `until`:
    by this moment."""
    before = None if until is None else micros(until)
    which = "WHERE approved_at IS NOT NULL " if begun else ""
    if before is not None:
        which = "WHERE approved_at <= :before "
    values = {} if before is None else {"before": before}
    found = rows(
        connection, f"SELECT {HOLDOUT} FROM holdout {which}ORDER BY id DESC LIMIT 1", **values
    )
    return found[0] if found else None


def one(connection: Connection, holdout: int) -> Record | None:
    found = rows(connection, f"SELECT {HOLDOUT} FROM holdout WHERE id = :id", id=holdout)
    return found[0] if found else None


def counting(connection: Connection, until: datetime | None, which: int = 0) -> Record | None:
    """The last one approved by a moment (None: now), or `which`."""
    return one(connection, which) if which else latest(connection, begun=True, until=until)


def begun(connection: Connection) -> Sequence[Record]:
    """Those once approved, the last one first, each with its final look where it was taken
    (`estimate` None: it was not); some dozens at most."""
    names = ", ".join(f"h.{name}" for name in HOLDOUT.split(", "))
    return rows(
        connection,
        f"SELECT {names}, l.estimate, l.variance, l.treated, l.held, l.method FROM holdout h "
        "LEFT JOIN effect_look l ON l.holdout_id = h.id AND l.name = 'final' "
        "WHERE h.approved_at IS NOT NULL ORDER BY h.id DESC LIMIT 100",
    )


def propose(
    connection: Connection,
    *,
    share_millionths: int,
    salt: str,
    excluded: str,
    ends_at: int,
    at: int,
    by: str,
) -> int:
    """A proposal not decided yet is replaced by this one: it gets its key."""
    run(connection, "DELETE FROM holdout WHERE state = 'proposed'")
    key = reserve(connection, "holdout", 1)
    run(
        connection,
        "INSERT INTO holdout (id, state, share_millionths, salt, excluded, ends_at, proposed_at, "
        "proposed_by) VALUES (:id, 'proposed', :share, :salt, :excluded, :ends_at, :at, :by)",
        id=key,
        share=share_millionths,
        salt=salt,
        excluded=excluded,
        ends_at=ends_at,
        at=at,
        by=by,
    )
    return key


def approve(connection: Connection, holdout: int, *, at: int, by: str) -> bool:
    """False: it is not a proposal any more, or another one runs."""
    changed = run(
        connection,
        "UPDATE holdout SET state = 'approved', approved_at = :at, approved_by = :by "
        "WHERE id = :id AND state = 'proposed' AND ends_at > :at AND NOT EXISTS "
        "(SELECT 1 FROM holdout o WHERE o.state = 'approved')",
        id=holdout,
        at=at,
        by=by,
    )
    return changed == 1


def stop(connection: Connection, *, at: int, by: str) -> Sequence[Record]:
    """What ran, or was proposed, no longer does: (id, state before) of each."""
    found = rows(connection, "SELECT id, state FROM holdout WHERE state <> 'stopped' ORDER BY id")
    run(
        connection,
        "UPDATE holdout SET state = 'stopped', stopped_at = :at, stopped_by = :by "
        "WHERE state <> 'stopped'",
        at=at,
        by=by,
    )
    return found


# --- units ---------------------------------------------------------------------------------------


def units_of(connection: Connection, appointments: Sequence[int]) -> Sequence[Record]:
    names = ", ".join(UNIT_COLUMNS)
    return among(
        connection, f"SELECT {names} FROM unit_entry WHERE appointment_id IN :ids", appointments
    )


def earliest_starts(connection: Connection, patients: Sequence[int]) -> dict[tuple[int, str], int]:
    """(patient, UF) -> their first start there, whatever became of it."""
    found = among(
        connection,
        "SELECT patient_id, uf, MIN(starts_at) AS earliest FROM appointment "
        f"WHERE patient_id IN :ids AND status NOT IN {UNDECIDED} GROUP BY patient_id, uf",
        patients,
    )
    return {(row.patient_id, row.uf): row.earliest for row in found}


def kinds_of(connection: Connection, appointments: Sequence[int]) -> dict[int, str]:
    """Appointment -> its type in the records system, where it has one."""
    found = among(
        connection,
        "SELECT id, kind FROM appointment WHERE id IN :ids AND kind <> ''",
        appointments,
    )
    return {row.id: row.kind for row in found}


def languages_of(connection: Connection, patients: Sequence[int]) -> dict[int, str]:
    """Patient -> the language the records system knows, where it knows one."""
    found = among(
        connection,
        "SELECT id, language FROM patient WHERE id IN :ids AND language <> ''",
        patients,
    )
    return {row.id: row.language for row in found}


def record_units(
    connection: Connection,
    new: Sequence[Sequence[object]],
    changed: Sequence[Sequence[object]],
    gone: Sequence[int],
    *,
    at: int,
) -> None:
    """Rows of UNIT_COLUMNS; what has entered before `at` is never changed nor removed."""
    insert_rows(connection, "unit_entry", UNIT_COLUMNS, new)
    sets = ", ".join(f"{name} = :{name}" for name in UNIT_COLUMNS[1:])
    many(
        connection,
        f"UPDATE unit_entry SET {sets} WHERE appointment_id = :appointment_id "
        "AND entered_at > :recorded_at",
        [dict(zip(UNIT_COLUMNS, row, strict=True)) for row in changed],
    )
    if gone:
        listed(
            connection,
            "DELETE FROM unit_entry WHERE appointment_id IN :ids AND entered_at > :at",
            gone,
            at=at,
        )


_WRITTEN = (
    "EXISTS (SELECT 1 FROM told t "
    "JOIN attempt a ON a.id = t.attempt_id JOIN message m ON m.id = a.message_id "
    "WHERE t.appointment_id = u.appointment_id AND m.kind IN ('reminder', 'staff') "
    "AND a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED'))"
)


def arm_sizes(connection: Connection, holdout: int, *, now: int) -> Sequence[Record]:
    """(arm, patients, units, written): counted units entered so far; `written`: to how many of
    them a reminder, or a text somebody wrote, has left all the same."""
    return rows(
        connection,
        "SELECT u.arm, COUNT(DISTINCT COALESCE(p.merged_into, u.patient_id)) AS patients, "
        f"COUNT(*) AS units, SUM(CASE WHEN {_WRITTEN} THEN 1 ELSE 0 END) AS written "
        "FROM unit_entry u LEFT JOIN patient p ON p.id = u.patient_id "
        "WHERE u.holdout_id = :holdout AND u.excluded = '' AND u.entered_at <= :now "
        "GROUP BY u.arm ORDER BY u.arm",
        holdout=holdout,
        now=now,
    )


def excluded_units(connection: Connection, holdout: int, *, now: int) -> dict[str, int]:
    """Why -> how many appointments were left out before the draw."""
    found = rows(
        connection,
        "SELECT excluded, COUNT(*) AS number FROM unit_entry WHERE holdout_id = :holdout "
        "AND excluded <> '' AND entered_at <= :now GROUP BY excluded ORDER BY excluded",
        holdout=holdout,
        now=now,
    )
    return {row.excluded: int(row.number) for row in found}


# The first unit of its patient in the arm; units have no index of patients, who have few
# appointments.
_FIRST_OF_PATIENT = (
    "NOT EXISTS (SELECT 1 FROM patient q JOIN appointment a ON a.patient_id = q.id "
    "JOIN unit_entry v ON v.appointment_id = a.id LEFT JOIN patient w ON w.id = v.patient_id "
    "WHERE (q.id = COALESCE(p.merged_into, u.patient_id) "
    "OR q.merged_into = COALESCE(p.merged_into, u.patient_id)) "
    "AND COALESCE(w.merged_into, v.patient_id) = COALESCE(p.merged_into, u.patient_id) "
    "AND v.holdout_id = u.holdout_id AND v.excluded = '' AND v.arm = u.arm "
    "AND v.entered_at <= :now AND v.appointment_id < u.appointment_id)"
)
Of = Literal["patients", "entered", "written"]
_OF: Mapping[Of, str] = {
    "patients": f"AND {_FIRST_OF_PATIENT} ",
    "entered": "",
    "written": f"AND {_WRITTEN} ",
}


def entered(
    connection: Connection,
    holdout: int,
    ufs: frozenset[str] | None,
    *,
    arm: str,
    excluded: str,
    of: Of,
    now: int,
    after: int,
    limit: int,
) -> Sequence[Record]:
    """(appointment_id, uf, starts_at) of what `arm_sizes` counts of an arm, or `excluded_units`
    of a reason, in these services, by key; a patient stands there as their first appointment."""
    arms = "u.excluded = '' AND u.arm = :arm" if not excluded else "u.excluded = :excluded"
    sql = (
        "SELECT u.appointment_id, u.uf, u.starts_at FROM unit_entry u "
        "LEFT JOIN patient p ON p.id = u.patient_id "
        f"WHERE u.holdout_id = :holdout AND u.appointment_id > :after AND {arms} "
        f"AND u.entered_at <= :now {'' if ufs is None else 'AND u.uf IN :ids '}"
        f"{_OF[of]}ORDER BY u.appointment_id LIMIT :limit"
    )
    values: dict[str, object] = {"holdout": holdout, "after": after, "now": now, "limit": limit}
    values |= {"excluded": excluded} if excluded else {"arm": arm}
    if ufs is None:
        return rows(connection, sql, **values)
    return among(connection, sql, sorted(ufs) or [""], **values)
