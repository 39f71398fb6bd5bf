"""What became of a writing: read by outcome, and brought in line with what is known now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reminders.domain.writing import CALLED_OFF, NO_CALL, moment_for
from reminders.services.rules import Rules
from reminders.services.writing import open_calls
from reminders.services.writing_survey import Visit
from reminders.store import writing as written
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros


@dataclass(frozen=True, slots=True)
class Progress:
    """One writing as it stands: how many appointments of each outcome, and a page of them."""

    writing: Record
    counts: Mapping[str, int]
    lines: Sequence[Record]
    after: tuple[int, int] | None
    reminders_stopped: bool = field(default=False)

    @property
    def waiting(self) -> int:
        return self.counts.get("planned", 0) + self.counts.get("held", 0)


PAGE = 50


def progress(
    store: Store,
    writing: int,
    *,
    outcome: str = "",
    after: tuple[int, int] = (0, 0),
    ufs: Collection[str] | None = None,
) -> Progress | None:
    with store.read() as connection:
        row = written.find(connection, writing)
        if row is None:
            return None
        found = written.page(
            connection, writing, outcome=outcome, after=after, limit=PAGE + 1, ufs=ufs
        )
        counts = written.counts(connection, writing)
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    return Progress(
        row, counts, shown, (last.starts_at, last.appointment_id) if last is not None else None,
        row.purpose in CALLED_OFF,
    )  # fmt: skip


def find(store: Store, writing: int) -> Record | None:
    with store.read() as connection:
        return written.find(connection, writing)


def recent(store: Store, ufs: Collection[str] | None) -> Sequence[Record]:
    """The last sessions written to, newest first."""
    with store.read() as connection:
        return written.recent(connection, ufs=ufs)


def follow_up(store: Store, rules: Rules, *, now: datetime) -> int:
    """Bring every writing in line with what is known now: texts that may no longer leave are
    cancelled, those whose hours passed wait for the next, and whom no text reached is called.
    How many appointments somebody calls about. Doing it twice changes nothing."""
    called = 0
    with store.read() as connection:
        waiting = written.open_writings(connection, now=micros(now))
    for row in waiting:
        with store.write() as connection:
            called += _follow(connection, rules, row, now)
    return called


def _follow(connection: Connection, rules: Rules, row: Record, now: datetime) -> int:
    at = micros(now)
    waiting = written.unsent(connection, row.id)
    written.part_past(connection, waiting, at=at)
    written.forbid(connection, waiting, at=at)
    _wait_again(connection, rules, row.id, now)
    called = 0
    lines: list[dict[str, object]] = []
    calls: list[tuple[Visit, int]] = []
    for one in written.failed(connection, row.id):
        reason = one.reason if one.state == "CANCELLED" and one.reason else "not_reached"
        stands = one.status == "booked" and one.version == one.cycle and one.starts_at > at
        call = stands and reason not in NO_CALL
        kind = f"call_{row.purpose}" if row.kind == "session" else "call_not_reached"
        lines.append(
            {"appointment": one.appointment_id, "reason": reason, "task": kind if call else ""}
        )
        if call:
            visit = Visit(
                one.appointment_id, one.cycle, 0, instant(one.starts_at), one.uf, "", "", "", None,
                "", "",
            )  # fmt: skip
            calls.append((visit, at))
            called += 1
    written.mark(connection, row.id, lines)
    open_calls(connection, row.id, row.purpose, calls)
    if row.ends_at <= at:
        written.close(connection, row.id, at=at)
    return called


def _wait_again(connection: Connection, rules: Rules, writing: int, now: datetime) -> None:
    again: list[dict[str, object]] = []
    for one in written.expired(connection, writing, now=micros(now)):
        unit = rules.units.get(one.uf)
        moment = unit and moment_for(instant(one.starts_at), unit.hours, one.zone or "", now=now)
        if moment:
            opens, closes = micros(moment[0]), micros(moment[1])
            again.append({"id": one.id, "opens": opens, "closes": closes, "now": micros(now)})
    written.wait_again(connection, again)
