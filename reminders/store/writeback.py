"""Answers on their way to the DPI: one row each, its intent committed before the first byte.

A row is `due` until it ends as `done` (the DPI says it), `dropped` (the patient said something
else since) or `failed` (a person was told). While one process writes it, `code` is SENDING and
`next_at` is the end of its lease: whoever finds it after that knows that it may have arrived.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store import reversals
from reminders.store.engine import Record, insert_rows, reserve, rows, run
from reminders.store.planning import among

SENDING = "sending"
COLUMNS = ("id", "answer_id", "appointment_id", "state", "code", "tries", "next_at")

ENTER_KINDS = reversals.ENTER_KINDS  # what the DPI now says itself nobody has to enter any more


def add(connection: Connection, answers: Sequence[Record], *, at: int) -> None:
    """Answers just passed on, each once: `id` and `appointment_id` of each."""
    if not answers:
        return
    first = reserve(connection, "write_back", len(answers))
    insert_rows(
        connection,
        "write_back",
        COLUMNS,
        [
            (first + n, one.id, one.appointment_id, "due", "", 0, at)
            for n, one in enumerate(answers)
        ],
    )


def drop_superseded(connection: Connection, *, now: int) -> int:
    """What the patient no longer says is not written. What may be on its way right now is left
    until its lease ends; the answer after it waits for it."""
    return run(
        connection,
        "UPDATE write_back SET state = 'dropped', done_at = :now WHERE state = 'due' "
        f"AND (code <> '{SENDING}' OR next_at <= :now) AND EXISTS (SELECT 1 FROM answer w "
        "WHERE w.id = write_back.answer_id "
        "AND (w.superseded_at IS NOT NULL OR w.undone_at IS NOT NULL))",
        now=now,
    )


def claim(connection: Connection, sources: Sequence[str], *, now: int, until: int) -> Record | None:
    """Commit to writing the next one: nobody else does before `until`. None: nothing is due.

    `was` tells its code before: SENDING if a writing of it was begun and never recorded. Answers
    about one appointment go in their order.
    """
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"
    names = {f"source{number}": source for number, source in enumerate(sources)}
    found = rows(
        connection,
        "SELECT b.id, b.code AS was FROM write_back b WHERE b.state = 'due' AND b.next_at <= :now "
        "AND b.appointment_id IN (SELECT a.id FROM appointment a WHERE a.id = b.appointment_id "
        f"AND a.source_id IN ({', '.join(f':{name}' for name in names)})) "
        "AND NOT EXISTS (SELECT 1 FROM write_back o WHERE o.appointment_id = b.appointment_id "
        f"AND o.id < b.id AND o.state = 'due') ORDER BY b.next_at, b.id LIMIT 1{lock}",
        now=now,
        **names,
    )
    if not found:
        return None
    taken = rows(
        connection,
        f"UPDATE write_back SET code = '{SENDING}', tries = tries + 1, next_at = :until "
        "WHERE id = :id AND state = 'due' AND next_at <= :now RETURNING id, tries, answer_id",
        id=found[0].id,
        now=now,
        until=until,
    )
    return _job(connection, taken[0].id, found[0].was) if taken else None


def _job(connection: Connection, row: int, was: str) -> Record:
    return rows(
        connection,
        "SELECT b.id, b.tries, CAST(:was AS TEXT) AS was, b.answer_id, b.appointment_id, "
        "w.kind, w.cycle, a.version, a.source_id, a.external_id, a.starts_at, a.uf, "
        "COALESCE(p.identifier, '') AS patient FROM write_back b "
        "JOIN answer w ON w.id = b.answer_id JOIN appointment a ON a.id = b.appointment_id "
        "LEFT JOIN patient p ON p.id = a.patient_id WHERE b.id = :id",
        id=row,
        was=was,
    )[0]


def settle(
    connection: Connection, row: int, tries: int, *, state: str, code: str, next_at: int, now: int
) -> bool:
    """Record how one try ended; False if somebody else took the row over meanwhile."""
    changed = run(
        connection,
        "UPDATE write_back SET state = :state, code = :code, next_at = :next_at, "
        "done_at = CASE WHEN :state = 'due' THEN NULL ELSE :now END "
        "WHERE id = :id AND tries = :tries AND state = 'due'",
        id=row,
        tries=tries,
        state=state,
        code=code,
        next_at=next_at,
        now=now,
    )
    return changed == 1


def told_to_enter(connection: Connection, appointments: Sequence[int]) -> set[int]:
    """Those whose cancellation the desk was told of already, whatever became of that line, unless
    the patient took it back since."""
    found = among(
        connection,
        "SELECT t.subject FROM task t LEFT JOIN answer w ON w.id = t.subject_version "
        "WHERE t.kind = 'answer_cancelled' AND t.subject IN :ids AND NOT "
        f"COALESCE({reversals.TAKEN_BACK}, FALSE)",
        [f"appointment:{one}" for one in appointments],
    )
    return {int(row.subject.removeprefix("appointment:")) for row in found}


def close_entered(connection: Connection, *, now: int) -> int:
    """Tasks that asked for a cancellation to be entered, where the DPI says it by now."""
    kinds = ", ".join(repr(kind) for kind in ENTER_KINDS)
    return run(
        connection,
        "UPDATE task SET state = 'done', resolved_at = :now, resolved_by = 'dpi', "
        f"resolution = 'cancelled' WHERE state = 'open' AND kind IN ({kinds}) AND EXISTS "
        "(SELECT 1 FROM appointment a WHERE a.id = "
        f"CASE WHEN task.kind IN ({kinds}) THEN CAST(substr(task.subject, 13) AS BIGINT) END "
        "AND a.answer = 'cancelled' AND a.status = 'cancelled' AND a.answered_cycle = a.version)",
        now=now,
    )
