"""A hold-out that has run for a while: units with their outcomes, written straight to the store.

Patients of the held arm and of the reminded one, in the share agreed unless a test says
otherwise; each unit one appointment, a quarter of an hour after the one before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from reminders.domain.holdout import Arm
from reminders.services.draw import MILLION
from reminders.store.engine import Store, insert_rows, reserve, run
from reminders.store.holdout import UNIT_COLUMNS
from reminders.store.types import DAY, HOUR, MINUTE, micros

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ENDS = datetime(2027, 3, 1, tzinfo=UTC)
CAME, MISSED, OPEN, CANCELLED = "fulfilled", "noshow", "booked", "cancelled"
APPOINTMENT = (
    "id", "source_id", "external_id", "patient_id", "uf", "agenda", "starts_at", "status",
    "version_at", "booked_at", "first_seen_at", "last_seen_at", "first_starts_at",
    "cancelled_at", "cancelled_basis",
)  # fmt: skip
PATIENT = (
    "id",
    "authority",
    "identifier",
    "fingerprint",
    "refuses_sms",
    "first_seen_at",
    "updated_at",
)


@dataclass
class Comparison:
    store: Store
    share: float = 0.2
    ends: datetime = ENDS
    _patients: "count[int]" = field(default_factory=lambda: count(1))
    _units: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        with self.store.write() as connection:
            assert reserve(connection, "holdout", 1) == 1
            run(
                connection,
                "INSERT INTO holdout (id, state, share_millionths, salt, ends_at, proposed_at, "
                "approved_at, approved_by) VALUES (1, 'approved', :share, '5eed', :ends, :at, "
                ":at, 'Claire')",
                share=round(self.share * MILLION),
                ends=micros(self.ends),
                at=micros(SINCE),
            )

    def patients(
        self,
        arm: Arm,
        statuses: Iterable[Sequence[str]],
        *,
        uf: str = "4220",
        cell: str = "",
        since: datetime = SINCE + timedelta(days=1),
        excluded: str = "",
        merged_into: int | None = None,
    ) -> list[int]:
        """One patient for each list of statuses; the keys of their appointments."""
        people: list[tuple[object, ...]] = []
        visits: list[tuple[object, ...]] = []
        entries: list[tuple[object, ...]] = []
        at, start = micros(SINCE), micros(since)
        for theirs in statuses:
            patient = next(self._patients)
            people.append((patient, "ipp", f"{patient:07}", patient, 0, at, at))
            for status in theirs:
                key = next(self._units)
                starts = start + (key * 15 * MINUTE) % (85 * DAY)
                gone = starts - HOUR if status == CANCELLED else None
                visits.append(
                    (key, "agenda", f"R{key}", patient, uf, "", starts, status, at, at, at, at,
                     starts, gone, "told" if gone else "")
                )  # fmt: skip
                entries.append(
                    (key, 1, patient, arm.value, excluded, uf, cell or uf, starts,
                     min(starts - 7 * DAY, micros(NOW) - 1), at)
                )  # fmt: skip
        with self.store.write() as connection:
            insert_rows(connection, "patient", PATIENT, people)
            insert_rows(connection, "appointment", APPOINTMENT, visits)
            insert_rows(connection, "unit_entry", UNIT_COLUMNS, entries)
            if not self.store.is_sqlite and len(entries) > 1_000:  # as PostgreSQL soon does itself
                for table in ("patient", "appointment", "unit_entry"):
                    connection.exec_driver_sql(f"ANALYZE {table}")
            if merged_into is not None:
                run(
                    connection,
                    "UPDATE patient SET merged_into = :into WHERE id BETWEEN :first AND :last",
                    into=merged_into,
                    first=people[0][0],
                    last=people[-1][0],
                )
        return [int(str(row[0])) for row in visits]

    def arm(self, arm: Arm, size: int, missed: int, *, unknown: int = 0, **more: object) -> None:
        """`size` patients with one appointment each: so many missed, so many unknown."""
        lot = [[MISSED]] * missed + [[OPEN]] * unknown + [[CAME]] * (size - missed - unknown)
        self.patients(arm, lot, **more)  # type: ignore[arg-type]

    def change(self, appointment: int, **columns: object) -> None:
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        with self.store.write() as connection:
            run(
                connection,
                f"UPDATE appointment SET {sets} WHERE id = :id",
                id=appointment,
                **columns,
            )
