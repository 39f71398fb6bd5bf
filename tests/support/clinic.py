"""A small hospital on one database: feeds go in by `read`, the services do the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reminders.config import DpiTable, Settings
from reminders.domain.appointment import (
    AppointmentRecord,
    ContactPoint,
    PatientRecord,
    RowProblem,
    Status,
)
from reminders.domain.guard import Limits
from reminders.ports import FeedInfo
from reminders.services.hold import release_holds
from reminders.services.plan import PlanSummary, plan
from reminders.services.rules import Rules, rules_of
from reminders.services.startup import prepare, secret_of
from reminders.services.sync import FeedSummary, SyncOptions, sync
from reminders.store import holds as held
from reminders.store import outbox
from reminders.store.engine import Record, Store, rows
from reminders.store.types import SECOND, micros
from tests.support.memory_source import MemoryFeed, MemorySource

PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)  # 9:00 in Paris

SETTINGS: dict[str, Any] = {
    "site": [
        {
            "id": "sud",
            "name": "Centre hospitalier Exemple",
            "short_name": "CH Exemple",
            "phone": "01 99 00 12 34",
        }
    ],
    "service": [
        {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2"},
        {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1"},
    ],
    "dpi": [{"id": "agenda", "kind": "csv"}],
    "sms": [{"id": "main", "kind": "twilio", "max_per_second": 0}],
}


def settings_with(**changes: Any) -> Settings:
    return Settings.model_validate(SETTINGS | changes)


def paris(text: str) -> datetime:
    """2026-10-20 09:30, in the hospital's civil time."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def someone(number: int = 1, **changes: Any) -> PatientRecord:
    base = PatientRecord(
        identifier=f"{number:07}",
        authority="ipp",
        family="EXEMPLE",
        given="Léa",
        birth_date=date(1979, 3, 28),
        contacts=(ContactPoint("phone", f"06 39 98 {number // 100:02} {number % 100:02}"),),
    )
    return replace(base, **changes)


def visit(number: int = 1, starts: str = "2026-10-20 09:30", **changes: Any) -> AppointmentRecord:
    """Appointment R<number> of patient <number>, booked long ago."""
    base = AppointmentRecord(
        external_id=f"R{number}",
        status=Status.BOOKED,
        starts_at=paris(starts),
        patient=someone(number),
        uf="4220",
        booked_at=paris("2026-06-01 10:00"),
    )
    return replace(base, **changes)


def visits(numbers: Sequence[int], **changes: Any) -> list[AppointmentRecord]:
    return [visit(number, **changes) for number in numbers]


@dataclass
class Clinic:
    store: Store
    now: datetime = MONDAY
    settings: Settings = field(default_factory=settings_with)
    source: MemorySource = field(default_factory=MemorySource)

    def __post_init__(self) -> None:
        self.secret = secret_of(self.store, "address_key")

    @property
    def rules(self) -> Rules:
        return rules_of(self.settings)

    def open(self) -> None:
        """What a process does before it works."""
        prepare(self.store, self.rules, ["main"], "1.0", now=self.now)

    def feed(
        self,
        *records: AppointmentRecord | RowProblem,
        as_of: datetime | None = None,
        fails_with: Exception | None = None,
        **info: Any,
    ) -> MemoryFeed:
        """Put an input where the next reading finds it."""
        described = {"name": "export.csv", "mode": "snapshot"} | info
        one = MemoryFeed(FeedInfo(as_of=as_of or self.now, **described), records, fails_with)
        self.source.waiting.append(one)
        return one

    def sync(self, source: str = "agenda", **options: Any) -> list[FeedSummary]:
        table = next((t for t in self.settings.dpi if t.id == source), None)
        return sync(
            self.store,
            table or DpiTable(id=source, kind="csv"),
            self.source,
            SyncOptions(Limits(), live=self.settings.mode == "live", **options),
            now=self.now,
        )

    def read(
        self, *records: AppointmentRecord | RowProblem, source: str = "agenda", **info: Any
    ) -> FeedSummary:
        """One input of these records, read at once."""
        self.feed(*records, **info)
        return self.sync(source)[-1]

    def plan(self) -> PlanSummary:
        return plan(self.store, self.rules, self.secret, now=self.now)

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)

    def rows(self, sql: str, **values: object) -> Sequence[Record]:
        with self.store.read() as connection:
            return rows(connection, sql, **values)

    def value(self, sql: str, **values: object) -> Any:
        return self.rows(sql, **values)[0][0]

    def appointment(self, number: int = 1, source: str = "agenda") -> Record:
        return self.rows(
            "SELECT * FROM appointment WHERE external_id = :number AND source_id = :source",
            number=f"R{number}",
            source=source,
        )[0]

    def patient(self, number: int = 1) -> Record:
        return self.rows(
            "SELECT * FROM patient WHERE identifier = :identifier", identifier=f"{number:07}"
        )[0]

    def leave(self) -> int:
        """How many due messages the intent permits now; they are then on their way."""
        at = micros(self.now)
        with self.store.write() as connection:
            held.hold_due(connection, at)
            token, leased = outbox.lease(
                connection, "sms", now=at, until=at + 60 * SECOND, limit=100
            )
        with self.store.write() as connection:
            return len(outbox.permit(connection, token, [row.id for row in leased], now=at))

    def release(self, by: str = "nadia") -> tuple[int, int]:
        return release_holds(self.store, now=self.now, by=by)

    def holds(self) -> list[str]:
        """Codes of the active holds."""
        found = self.rows("SELECT code FROM hold WHERE released_at IS NULL ORDER BY code")
        return [row.code for row in found]

    def states(self) -> list[str]:
        return [row.state for row in self.rows("SELECT state FROM message ORDER BY id")]


def problem(row: int, external_id: str = "") -> RowProblem:
    return RowProblem(row, "DATE_RDV", "date", "Date illisible : l'écrire JJ/MM/AAAA.", external_id)


def counts(summary: FeedSummary) -> tuple[str, int, int, int]:
    return summary.status, summary.created, summary.changed, summary.vanished
