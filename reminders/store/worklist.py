"""Tasks in people's hands: who has one, and how it ended.

A verb is one conditional UPDATE: one changed row means that it was ours to change. Every change
appends a row to `task_event` in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, listed, reserve, rows, run
from reminders.store.types import MINUTE

FAR = 2**62  # where a task not looked at yet stands among deadlines

DEADLINE = f"COALESCE(t.deadline_at, {FAR})"
COLUMNS = (
    "t.id, t.kind, t.subject, t.subject_version, t.sentence, t.uf, t.state, t.created_at, "
    "t.due_at, t.deadline_at, t.priority, t.assignee, t.taken_at, t.escalated_at, t.resolved_at, "
    f"t.resolved_by, t.resolution, t.appointment_id, {DEADLINE} AS place"
)
# A person's name where the login is an account's; other programs name whom they like.
NAMED = (
    f"{COLUMNS}, COALESCE(ha.name, t.assignee) AS holder, COALESCE(da.name, t.resolved_by) AS doer "
    "FROM task t LEFT JOIN account ha ON ha.login = t.assignee "
    "LEFT JOIN account da ON da.login = t.resolved_by"
)
STATES = {
    "open": "t.state = 'open'",
    "free": "t.state = 'open' AND t.assignee = ''",
    "taken": "t.state = 'open' AND t.assignee <> ''",
    "done": "t.state = 'done'",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose tasks: of these services (None: of all, unmapped ones too), and of `escalated` what
    was left undone there past its deadline."""

    ufs: frozenset[str] | None = None
    escalated: frozenset[str] = frozenset()

    def holds(self, row: Record) -> bool:
        """Is this task of it?"""
        if self.ufs is None or row.uf in self.ufs:
            return True
        return row.escalated_at is not None and row.uf in self.escalated

    @property
    def sql(self) -> str:
        """True for a task of it; asks for `ids`, where that is not None."""
        if self.ufs is None:
            return "1 = 1"
        return "(t.uf IN :ids OR (t.escalated_at IS NOT NULL AND ('>' || t.uf) IN :ids))"

    @property
    def ids(self) -> list[str] | None:
        if self.ufs is None:
            return None
        return sorted(self.ufs) + [f">{uf}" for uf in sorted(self.escalated)] or [""]


EVERYTHING = Scope()


def scoped(
    connection: Connection, sql: str, ids: Sequence[object] | None, **values: object
) -> Sequence[Record]:
    """Rows of a statement that says `IN :ids` only where there is a list."""
    if ids is None:
        return rows(connection, sql, **values)
    found: Sequence[Record] = listed(connection, sql, ids, **values).all()
    return found


def page(
    connection: Connection,
    *,
    state: str,
    scope: Scope,
    late_at: int | None,
    after: tuple[int, int, int],
    limit: int,
) -> Sequence[Record]:
    """The next tasks after (priority, deadline, key), in that order. `late_at`: only those whose
    deadline has passed then."""
    wanted = [STATES[state], f"(t.priority, {DEADLINE}, t.id) > (:p, :d, :i)", scope.sql]
    values: dict[str, object] = {"p": after[0], "d": after[1], "i": after[2], "limit": limit}
    if late_at is not None:
        values["late"] = late_at
        wanted.append("t.deadline_at <= :late")
    return scoped(
        connection,
        f"SELECT {NAMED} WHERE {' AND '.join(wanted)} "
        f"ORDER BY t.priority, {DEADLINE}, t.id LIMIT :limit",
        scope.ids,
        **values,
    )


# --- the tabs of a person ------------------------------------------------------------------------

# What each holds: asks for `me`, `now` or `since`.
TABS = {
    "mine": "t.state = 'open' AND t.assignee = :me",
    "open": "t.state = 'open'",
    "late": "t.state = 'open' AND t.deadline_at <= :now",
    "done": "t.resolved_at >= :since AND t.state = 'done'",
}
COUNTED = 100  # no tab is counted further
_NEXT = {
    "done": ("(t.resolved_at, t.id) < (:p, :i)", "t.resolved_at DESC, t.id DESC"),
    "": (f"(t.priority, {DEADLINE}, t.id) > (:p, :d, :i)", f"t.priority, {DEADLINE}, t.id"),
}


def tab(
    connection: Connection,
    name: str,
    scope: Scope,
    *,
    me: str,
    now: int,
    since: int,
    after: tuple[int, int, int],
    limit: int,
) -> tuple[dict[str, int], Sequence[Record]]:
    """How many tasks each tab has, at most COUNTED, and the next ones of one of them.

    Open ones in the order of `page`; done ones the latest first, after (resolved, 0, key). With
    each its patient's name and hour. One statement: an empty list still has its numbers.
    """
    beyond, order = _NEXT.get(name, _NEXT[""])
    values = {"me": me, "now": now, "since": since, "p": after[0], "d": after[1], "i": after[2]}
    numbers = ", ".join(
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM task t WHERE {wanted} AND {scope.sql} "
        f"LIMIT {COUNTED}) few) AS count_{one}"
        for one, wanted in TABS.items()
    )
    sql = (
        "SELECT numbers.*, list.*, ap.starts_at, ap.all_day, p.family, p.given "
        f"FROM (SELECT {numbers}) numbers LEFT JOIN (SELECT {NAMED} "
        f"WHERE {TABS[name]} AND {beyond} AND {scope.sql} ORDER BY {order} LIMIT :limit) list "
        "ON 1 = 1 LEFT JOIN appointment ap ON ap.id = list.appointment_id "
        f"LEFT JOIN patient p ON p.id = ap.patient_id ORDER BY {order.replace('t.', 'list.')}"
    )
    used = {key: value for key, value in values.items() if f":{key}" in sql}
    found = scoped(connection, sql, scope.ids, **used, limit=limit)
    counts = {one: int(getattr(found[0], f"count_{one}")) for one in TABS}
    return counts, [row for row in found if row.id is not None]


def find(connection: Connection, task: int) -> Record | None:
    found = rows(connection, f"SELECT {NAMED} WHERE t.id = :id", id=task)
    return found[0] if found else None


def events(connection: Connection, task: int) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT at, actor, action, detail FROM task_event WHERE task_id = :id ORDER BY id",
        id=task,
    )


# --- verbs -----------------------------------------------------------------------------------


def take(connection: Connection, task: int, actor: str, *, at: int) -> bool:
    return _changed(
        connection, task, actor, "take", "", at,
        "assignee = :actor, taken_at = :at", "state = 'open' AND assignee = ''",
    )  # fmt: skip


def release(connection: Connection, task: int, actor: str, *, at: int) -> bool:
    return _changed(
        connection, task, actor, "release", "", at,
        "assignee = '', taken_at = NULL", "state = 'open' AND assignee = :actor",
    )  # fmt: skip


def resolve(connection: Connection, task: int, actor: str, ending: str, *, at: int) -> bool:
    """Whoever has it, or nobody has it."""
    return _changed(
        connection, task, actor, "resolve", ending, at,
        "state = 'done', assignee = :actor, resolved_at = :at, resolved_by = :actor, "
        "resolution = :detail",
        "state = 'open' AND assignee IN ('', :actor)",
    )  # fmt: skip


TRY = "try"  # what it is called among the events


def try_again(
    connection: Connection, task: int, actor: str, ending: str, *, at: int, back: int
) -> bool:
    """Somebody called and spoke to nobody: it is free again, and waits until `back`. The button
    pressed twice within a minute is one try."""
    return _changed(
        connection, task, actor, TRY, ending, at,
        "assignee = '', taken_at = NULL, due_at = :back, deadline_at = NULL, escalated_at = NULL",
        "state = 'open' AND assignee IN ('', :actor) AND NOT EXISTS (SELECT 1 FROM task_event e "
        f"WHERE e.task_id = :id AND e.action = '{TRY}' AND e.actor = :actor AND e.at > :since)",
        back=back, since=at - MINUTE,
    )  # fmt: skip


def hand_over(connection: Connection, task: int, actor: str, *, to: str, uf: str, at: int) -> bool:
    """To an account or another service ("" leaves the service); whoever has it now."""
    return _changed(
        connection, task, actor, "hand-over", " ".join(one for one in (to, uf) if one), at,
        "assignee = :to, taken_at = CASE WHEN :to = '' THEN NULL ELSE :at END, "
        "uf = CASE WHEN :uf = '' THEN uf ELSE :uf END, "
        "escalated_at = CASE WHEN :uf = '' OR :uf = uf THEN escalated_at ELSE NULL END, "
        "deadline_at = CASE WHEN :uf = '' OR :uf = uf THEN deadline_at ELSE NULL END, "
        "due_at = CASE WHEN :uf = '' OR :uf = uf THEN due_at ELSE :at END",
        "state = 'open'", to=to, uf=uf,
    )  # fmt: skip


OPEN_AGAIN = (
    "state = 'open', assignee = '', taken_at = NULL, resolved_at = NULL, resolved_by = '', "
    "resolution = '', escalated_at = NULL, deadline_at = NULL, due_at = :at"
)


def reopen(connection: Connection, task: int, actor: str, *, at: int) -> bool:
    """Its time begins anew."""
    return _changed(connection, task, actor, "reopen", "", at, OPEN_AGAIN, "state = 'done'")


def _changed(
    connection: Connection,
    task: int,
    actor: str,
    action: str,
    detail: str,
    at: int,
    change: str,
    condition: str,
    **values: object,
) -> bool:
    known = {"id": task, "actor": actor, "detail": detail, "at": at} | values
    sql = f"UPDATE task SET {change} WHERE id = :id AND {condition}"
    used = {name: value for name, value in known.items() if f":{name}" in sql}
    if not run(connection, sql, **used):
        return False
    add_events(connection, [task], actor, action, detail, at=at)
    return True


def add_events(
    connection: Connection, tasks: Sequence[int], actor: str, action: str, detail: str, *, at: int
) -> None:
    if tasks:
        first = reserve(connection, "task_event", len(tasks))
        insert_rows(
            connection,
            "task_event",
            ("id", "task_id", "at", "actor", "action", "detail"),
            [(first + n, task, at, actor, action, detail) for n, task in enumerate(tasks)],
        )


def bind(connection: Connection, kind: str, subject: str, appointment: int) -> None:
    """Say what a task is about whose subject names no appointment."""
    run(
        connection,
        "UPDATE task SET appointment_id = :appointment WHERE kind = :kind AND subject = :subject",
        appointment=appointment,
        kind=kind,
        subject=subject,
    )
