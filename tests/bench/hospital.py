"""A hospital of any size: appointments streamed, never held, and the rules they are planned by.

Names and addresses are invented; numbers are those kept for fiction (06 39 98 xx xx).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reminders.config import Settings
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
from reminders.services.rules import rules_of
from reminders.services.startup import prepare, secret_of
from reminders.services.sync import FeedSummary, SyncOptions, sync
from reminders.store.engine import Store, open_engine
from reminders.store.migrate import migrate

NOW = datetime(2026, 10, 12, 8, 30, tzinfo=UTC)  # a Monday, 10:30 in Paris
SERVICES = tuple(f"42{n:02}" for n in range(20))
FICTION = 10_000  # numbers there are


def settings(folder: Path, port: int = 9) -> Settings:
    """A live hospital whose only provider is this machine's own `port`, without a rate limit."""
    return Settings.model_validate(
        {
            "mode": "live",
            "store": {"url": "sqlite:///hospital.db"},
            "site": [
                {"id": "sud", "name": "Centre hospitalier Exemple", "short_name": "CH Exemple",
                 "phone": "01 99 00 12 34"}
            ],
            "service": [
                {"uf": uf, "site": "sud", "label": f"Consultations, accueil B{n}"}
                for n, uf in enumerate(SERVICES)
            ],
            "dpi": [{"id": "agenda", "kind": "csv", "path": "export/*.csv"}],
            "sms": [
                {"id": "main", "kind": "twilio", "base_url": f"http://127.0.0.1:{port}",
                 "account_sid": "AC00000000", "auth_token": "secret", "sender": "CHExemple",
                 "max_per_second": 0}
            ],
            "base_dir": folder,
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agenda:
    """`appointments` of as many patients (or of one patient each `per_patient`), spread over
    `days` working days from `first` on."""

    appointments: int
    per_patient: int = 1
    first: date = date(2026, 10, 26)
    days: int = 40
    changed: int = 0  # so many have another hour than before

    def records(self) -> Iterator[AppointmentRecord]:
        booked = NOW - timedelta(days=60)
        for n in range(self.appointments):
            number = n // self.per_patient
            pairs = f"{number // 100 % 100:02} {number % 100:02}"
            day = self.first + timedelta(days=n * 7 % self.days)
            hour, quarter = 8 + n % 8, n % 4 * 15 + (5 if n < self.changed else 0)
            yield AppointmentRecord(
                external_id=f"RDV{n:08}",
                status=Status.BOOKED,
                starts_at=datetime(day.year, day.month, day.day, hour, quarter, tzinfo=UTC),
                patient=PatientRecord(
                    identifier=f"{number:09}",
                    family="EXEMPLE",
                    given=f"Camille{number % 997}",
                    birth_date=date(1930 + number % 70, 1 + number % 12, 1 + number % 28),
                    contacts=(
                        ContactPoint("phone", f"06 39 98 {pairs}"),
                        ContactPoint("email", f"patient{number}@example.org"),
                    ),
                ),
                uf=SERVICES[n % len(SERVICES)],
                duration_minutes=15,
                agenda=f"AG{n % 50}",
                kind="CONSULT",
                booked_at=booked,
                row=n + 2,
            )


@dataclass(frozen=True, slots=True)
class Ready:
    """The same records, read beforehand: for what is measured without its source."""

    kept: Sequence[AppointmentRecord]

    def records(self) -> Iterator[AppointmentRecord]:
        return iter(self.kept)


@dataclass(slots=True)
class StreamedFeed:
    info: FeedInfo
    agenda: Agenda | Ready

    def rows(self) -> Iterator[AppointmentRecord | RowProblem]:
        return self.agenda.records()

    def accept(self) -> None:
        pass

    def reject(self, reasons: Sequence[str]) -> None:
        raise AssertionError(reasons)


@dataclass(slots=True)
class StreamedSource:
    agenda: Agenda | Ready
    name: str

    def feeds(self, *, now: datetime, since: datetime | None) -> Iterator[StreamedFeed]:
        info = FeedInfo(name=self.name, as_of=now, mode="snapshot", content_hash=self.name)
        yield StreamedFeed(info, self.agenda)

    def forget(self, *, before: datetime) -> int:
        return 0


def open_store(folder: Path, settings_: Settings) -> Store:
    """The hospital's database, at the present schema, with texts, pacers and keys."""
    store = Store(open_engine(settings_.store.url, folder))
    migrate(store)
    prepare(store, rules_of(settings_), [one.id for one in settings_.sms], "bench", now=NOW)
    secret_of(store, "address_key")
    return store


def read_agenda(
    store: Store,
    settings_: Settings,
    agenda: Agenda | Ready,
    name: str = "export.csv",
    now: datetime = NOW,
) -> FeedSummary:
    """One reading of the source. Held or refused is an error here: nothing would be measured."""
    options = SyncOptions(limits=Limits(), live=True)
    [summary] = sync(store, settings_.dpi[0], StreamedSource(agenda, name), options, now=now)
    assert summary.status == "accepted", summary
    return summary


def let_send(store: Store) -> None:
    """Somebody has looked at the first run."""
    release_holds(store, now=NOW, by="bench")
