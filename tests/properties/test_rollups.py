"""Whatever happens to appointments, in whatever order: the counts kept fresh as they change are
those of everything counted anew, and those of one who goes through all of them one by one."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import AppointmentRecord, CancelledBy, Status
from reminders.domain.booking import Booking, Person
from reminders.domain.holdout import entry_moment
from reminders.domain.outcome import Attendance, Outcome, outcome_of
from reminders.services.answer import Given, give
from reminders.services.attendance import mark
from reminders.services.rollup import is_behind, recompute, refresh
from reminders.store.engine import Record, Store
from reminders.store.types import instant, instant_or_none
from tests.services.test_rollup import tell
from tests.support.clinic import PARIS, Clinic, paris, someone, visit
from tests.support.stores import PostgresDatabases, SqliteFiles

SLOTS = ("2026-10-20 09:30", "2026-10-23 14:00", "2026-10-26 09:30", "2026-11-04 10:00")
NEAR = timedelta(days=2)
SITTING = timedelta(hours=1)
NOT_THERE = {Status.CANCELLED, Status.ENTERED_IN_ERROR, Status.PROPOSED, Status.WAITLIST}

NUMBERS, PEOPLE = st.integers(1, 7), st.integers(1, 3)
UFS = st.sampled_from(["4220", "4220", "4230"])
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), NUMBERS, PEOPLE, UFS, st.sampled_from(SLOTS)),
        st.tuples(st.just("move"), NUMBERS, st.sampled_from(SLOTS)),
        st.tuples(st.just("is"), NUMBERS, st.sampled_from([
            Status.CANCELLED, Status.CANCELLED, Status.BOOKED, Status.FULFILLED, Status.NOSHOW,
            Status.ENTERED_IN_ERROR,
        ]), st.sampled_from(CancelledBy)),
        st.tuples(st.just("again"), NUMBERS, st.sampled_from(SLOTS)),
        st.tuples(st.just("refill"), NUMBERS, PEOPLE, st.booleans()),
        st.tuples(st.just("move_off"), NUMBERS, PEOPLE, st.sampled_from(SLOTS), st.integers(0, 7)),
        st.tuples(st.just("elsewhere"), NUMBERS, UFS, PEOPLE),
        st.tuples(st.just("mark"), NUMBERS, st.sampled_from(Attendance)),
        st.tuples(st.just("asks"), NUMBERS),
        st.tuples(st.just("wait"), st.sampled_from([3, 30, 24 * 4, 24 * 8])),
    ),
    min_size=6, max_size=18,
)  # fmt: skip
BEGIN = [("book", n, 1 + n % 3, "4220", SLOTS[n % 2]) for n in (1, 2, 3, 4)]


@dataclass
class Naive:
    """Who goes through all of them, each time anything happens."""

    clinic: Clinic
    entered: dict[int, tuple[datetime, str, datetime]] = field(default_factory=dict)
    stood: dict[int, list[tuple[int, datetime]]] = field(default_factory=dict)  # where, since when

    def look(self) -> Sequence[Record]:
        rows = self.clinic.rows("SELECT * FROM appointment ORDER BY id")
        for row in rows:
            places = self.stood.setdefault(row.id, [])
            if not places or places[-1][0] != row.starts_at:
                places.append((row.starts_at, instant(row.version_at)))
            if row.id not in self.entered and (moment := self._moment(row)) is not None:
                self.entered[row.id] = (instant(row.starts_at), row.uf, moment)
        return rows

    def _moment(self, row: Record) -> datetime | None:
        if row.status in NOT_THERE - {Status.CANCELLED} or row.uf not in self.clinic.rules.units:
            return None
        moved = row.version > 1
        since = instant(row.version_at) if moved else instant(row.booked_at)
        booking = Booking(
            row.id, "", instant(row.starts_at), row.version, "booked", row.uf,
            self.clinic.rules.units[row.uf], instant(row.version_at), instant(row.first_seen_at),
            booked_at=instant(row.booked_at),
        )  # fmt: skip
        moment = entry_moment(Person(row.id), booking, now=since)
        if moment is None or moment > self.clinic.now:
            return None
        gone = [at for at in (instant_or_none(row.cancelled_at), asked_at(row)) if at is not None]
        return None if any(at < moment for at in gone) else moment

    def counts(self) -> Counter[tuple[str, str, int, str, str]]:
        """(month, UF, hour, weekday, outcome) of every unit."""
        rows = self.look()
        found: Counter[tuple[str, str, int, str, str]] = Counter()
        for row in rows:
            if not self._counts(row, rows):
                continue
            end = self._went_to(row, rows)
            outcome = self._outcome(end)
            start, uf, _ = self.entered[row.id]
            local = start.astimezone(PARIS)
            name = outcome.value if outcome is not None else "pending"
            found[f"{local:%Y-%m}", uf, local.hour, str(local.isoweekday()), name] += 1
        return found

    def slots(self) -> Counter[tuple[str, str, str]]:
        """(month, UF, freed or refilled) -> slots of units whose outcome is due."""
        rows = self.look()
        taken = self._taken(rows)
        found: Counter[tuple[str, str, str]] = Counter()
        for row in rows:
            if not self._counts(row, rows) or self._outcome(self._went_to(row, rows)) is None:
                continue
            start, uf, _ = self.entered[row.id]
            month = f"{start.astimezone(PARIS):%Y-%m}"
            for where, who, _ in self._given(row, rows):
                found[month, uf, "freed"] += 1
                found[month, uf, "refilled"] += (where, who.agenda, who.id) in taken
        return +found

    def _taken(self, rows: Sequence[Record]) -> set[tuple[tuple[datetime, str], str, int]]:
        """Slots given back that somebody took since, each by one: in their order, whoever is
        there and was booked while one was free took the one that had been free for longest."""
        freed: dict[tuple[tuple[datetime, str], str], dict[int, datetime]] = {}
        for row in rows:
            for where, who, at in self._given(row, rows) if row.id in self.entered else ():
                there = freed.setdefault((where, who.agenda), {})
                moment = max(at, self.entered[row.id][2])
                there[who.id] = min(moment, there.get(who.id, moment))
        taken = set()
        for (where, agenda), free in freed.items():
            waiting: list[int] = []
            events = [(at, 0, key) for key, at in free.items()] + [
                (instant(one.booked_at), 1, one.id) for one in rows
                if (instant(one.starts_at), one.uf) == where and one.agenda == agenda
                and one.status not in NOT_THERE
            ]  # fmt: skip
            for _, comes, key in sorted(events):
                if not comes:
                    waiting.append(key)
                elif waiting:
                    taken.add((where, agenda, waiting.pop(0)))
        return taken

    def _counts(self, row: Record, rows: Sequence[Record]) -> bool:
        if row.id not in self.entered or self._is_move(row, rows) or self._is_refill(row, rows):
            return False
        end = self._went_to(row, rows)
        return self._outcome(end) is not None or instant(end.starts_at) > self.clinic.now

    def _outcome(self, end: Record) -> Outcome | None:
        return outcome_of(
            Status(end.status), instant(end.starts_at), instant_or_none(end.cancelled_at),
            CancelledBy(end.cancelled_by or "unknown"), self.clinic.now,
            asked_at=asked_at(end), marked=Attendance(end.attendance),
        )  # fmt: skip

    def _given(
        self, row: Record, rows: Sequence[Record]
    ) -> list[tuple[tuple[datetime, str], Record, datetime]]:
        """The slots a unit gave back, who stood there, and since when they are free: the one it
        entered with, and where it went if it was called off there."""
        start, uf, _ = self.entered[row.id]
        found = []
        off = instant_or_none(row.cancelled_at) if row.status == Status.CANCELLED else None
        if instant(row.starts_at) != start:
            left = self._left(row, start)
            found.append(((start, uf), row, left if off is None else min(off, left)))
        elif off is not None:
            found.append(((start, uf), row, off))
        end = self._went_to(row, rows)
        if end.status == Status.CANCELLED and instant(end.starts_at) != start:
            found.append(((instant(end.starts_at), end.uf), end, instant(end.cancelled_at)))
        return found

    def _left(self, row: Record, start: datetime) -> datetime:
        places = self.stood[row.id]
        last = max(n for n, (where, _) in enumerate(places) if instant(where) == start)
        return places[last + 1][1]

    def _went_to(self, row: Record, rows: Sequence[Record]) -> Record:
        if row.status != Status.CANCELLED:
            return row
        return next(
            (
                other
                for other in rows
                if other.id != row.id
                and (other.patient_id, other.uf) == (row.patient_id, row.uf)
                and other.starts_at > row.cancelled_at
                and abs(instant(other.booked_at) - instant(row.cancelled_at)) <= NEAR
                and instant(other.booked_at) > instant(row.booked_at) + SITTING
            ),
            row,
        )

    def _is_move(self, row: Record, rows: Sequence[Record]) -> bool:
        return any(
            other.status == Status.CANCELLED
            and other.id != row.id
            and other.id in self.entered
            and self.entered[other.id][2] <= instant(other.cancelled_at)
            and self._went_to(other, rows).id == row.id
            for other in rows
        )

    def _is_refill(self, row: Record, rows: Sequence[Record]) -> bool:
        booked, mine = instant(row.booked_at), self.entered[row.id][:2]
        return any(
            where == mine and who.agenda == row.agenda and row.id not in (who.id, other.id)
            and self.entered[other.id][2] <= booked and at <= booked
            for other in rows if other.id in self.entered
            for where, who, at in self._given(other, rows)
        )  # fmt: skip


def asked_at(row: Record) -> datetime | None:
    if row.answer != "cancelled" or row.answered_cycle != row.version:
        return None
    return instant(row.answered_at) if row.answered_at < row.starts_at else None


@dataclass
class Hospital:
    clinic: Clinic
    records: dict[int, AppointmentRecord] = field(default_factory=dict)
    tells: "count[int]" = field(default_factory=count)
    more: "count[int]" = field(default_factory=lambda: count(8))

    def do(self, operation: Sequence[object]) -> None:
        name, *rest = operation
        if name == "wait":
            self.clinic.now += timedelta(hours=int(str(rest[0])))
            return
        self.clinic.now += timedelta(minutes=1)
        number = int(str(rest[0]))
        if name == "book":
            if number not in self.records:
                self._book(number, *rest[1:])
        elif number in self.records:
            getattr(self, f"_{name}")(number, *rest[1:])

    def _tell(self, number: int, **changes: object) -> None:
        self.records[number] = replace(self.records[number], **changes)  # type: ignore[arg-type]
        tell(self.clinic, self.records[number])

    def _book(self, number: int, person: object, uf: object, slot: object) -> None:
        if paris(str(slot)) > self.clinic.now:
            self.records[number] = visit(
                number, str(slot), patient=someone(int(str(person))), uf=str(uf), agenda="A",
                booked_at=self.clinic.now,
            )  # fmt: skip
            tell(self.clinic, self.records[number])

    def _move(self, number: int, slot: object) -> None:
        if paris(str(slot)) > self.clinic.now:
            self._tell(number, starts_at=paris(str(slot)))

    def _is(self, number: int, status: object, by: object) -> None:
        by = by if status is Status.CANCELLED else CancelledBy.UNKNOWN
        self._tell(number, status=status, cancelled_by=by)

    def _again(self, number: int, slot: object) -> None:
        """Called off and taken anew: how most records systems move one."""
        old = self.records[number]
        assert old.patient is not None
        self._tell(number, status=Status.CANCELLED)
        self.clinic.now += timedelta(hours=5)
        self._book(next(self.more), old.patient.identifier, old.uf, slot)

    def _refill(self, number: int, person: object, moves: object) -> None:
        old = self.records[number]
        self._tell(number, **({"starts_at": paris(SLOTS[3])} if moves else
                              {"status": Status.CANCELLED}))  # fmt: skip
        self.clinic.now += timedelta(hours=5)
        if old.starts_at is not None:
            slot = f"{old.starts_at.astimezone(PARIS):%Y-%m-%d %H:%M}"
            self._book(next(self.more), person, old.uf, slot)

    def _move_off(self, number: int, person: object, slot: object, taken: object) -> None:
        """Moved, then called off where it went; somebody takes the first slot before that (1),
        the first one after (2), or the second one (4)."""
        old, bits = self.records[number], int(str(taken))
        if old.starts_at is None or old.status is not Status.BOOKED:
            return
        first = f"{old.starts_at.astimezone(PARIS):%Y-%m-%d %H:%M}"
        self._move(number, slot)
        for bit, where in ((1, first), (0, ""), (2, first), (4, str(slot))):
            self.clinic.now += timedelta(hours=1)
            if not bit:
                self._tell(number, status=Status.CANCELLED)
            elif bits & bit:
                self._book(next(self.more), person, old.uf, where)

    def _elsewhere(self, number: int, uf: object, person: object) -> None:
        self._tell(number, uf=uf, patient=someone(int(str(person))))

    def _mark(self, number: int, word: object) -> None:
        start = self.records[number].starts_at
        if isinstance(word, Attendance) and start is not None and start < self.clinic.now:
            now = self.clinic.now
            mark(self.clinic.store, "agenda", f"R{number}", word, by="nadia", now=now)

    def _asks(self, number: int) -> None:
        row = self.clinic.appointment(number)
        given = Given(AnswerKind.CANCELLED, ((row.id, row.version),), "staff",
                      f"staff:{next(self.tells)}")  # fmt: skip
        with self.clinic.store.write() as connection:
            give(connection, given, now=self.clinic.now)


def counted(clinic: Clinic, dim: str) -> Counter[tuple[str, str, str, str]]:
    """(month, UF, value, outcome) -> units."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for row in clinic.rows("SELECT * FROM rollup WHERE dim = :dim AND uf <> '*'", dim=dim):
        month = f"{row.month // 12}-{row.month % 12 + 1:02}"
        for one in (*(o.value for o in Outcome), "pending"):
            if number := getattr(row, one.replace("-", "_")):
                found[month, row.uf, row.value, one] += number
    return found


def given_back(clinic: Clinic) -> Counter[tuple[str, str, str]]:
    """(month, UF, freed or refilled) -> slots."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in clinic.rows("SELECT * FROM rollup_sum WHERE uf <> '*'"):
        month = f"{row.month // 12}-{row.month % 12 + 1:02}"
        found[month, row.uf, "freed"] += row.freed
        found[month, row.uf, "refilled"] += row.refilled
    return +found


def tables(clinic: Clinic) -> list[Counter[tuple[object, ...]]]:
    return [
        Counter(tuple(row) for row in clinic.rows(f"SELECT * FROM {table}"))
        for table in ("rollup", "rollup_sum", "report_unit")
    ]


def happens(store: Store, operations: Sequence[Sequence[object]], *, each_time: bool) -> None:
    clinic = Clinic(store, now=paris("2026-10-01 09:00"))
    hospital, naive = Hospital(clinic), Naive(clinic)
    tell(clinic, visit(99, "2027-10-01 09:00"))  # a source read before: nothing is its first
    for operation in [*BEGIN, ("wait", 24 * 13), *operations]:
        hospital.do(operation)
        if each_time:
            refresh(store, clinic.rules, now=clinic.now)
            naive.look()
    refresh(store, clinic.rules, now=clinic.now)
    assert not is_behind(store, clinic.rules, now=clinic.now)
    if each_time:
        units = naive.counts()
        assert counted(clinic, "all") == summed(units, lambda *_: "")
        assert counted(clinic, "hour") == summed(units, lambda hour, _: str(hour))
        assert counted(clinic, "weekday") == summed(units, lambda _, day: day)
        assert given_back(clinic) == naive.slots()
    fresh = tables(clinic)
    recompute(store, clinic.rules, now=clinic.now)
    assert tables(clinic) == fresh


def summed(
    units: Counter[tuple[str, str, int, str, str]], value: Callable[[int, str], str]
) -> Counter[tuple[str, str, str, str]]:
    found: Counter[tuple[str, str, str, str]] = Counter()
    for (month, uf, hour, day, outcome), number in units.items():
        found[month, uf, value(hour, day), outcome] += number
    return found


@given(operations=OPERATIONS, each_time=st.booleans())
@settings(max_examples=40)
def test_counts_kept_fresh_are_those_counted_anew(
    sqlite_files: SqliteFiles, operations: list[tuple[object, ...]], each_time: bool
) -> None:
    with TemporaryDirectory() as folder, sqlite_files.migrated(Path(folder)) as store:
        happens(store, operations, each_time=each_time)


@given(operations=OPERATIONS)
@settings(max_examples=6)
def test_on_postgresql_too(
    postgres_databases: PostgresDatabases, operations: list[tuple[object, ...]]
) -> None:
    with postgres_databases.migrated() as store:
        happens(store, operations, each_time=True)
