"""Appointments from a DPI that speaks FHIR R4 (Appointment, Patient, RelatedPerson), by polling.

Search: https://hl7.org/fhir/R4/search.html. The French guide "Gestion d'agendas partagés" (ANS)
declares neither PATCH nor Subscription, hence the poll.

A *snapshot* asks for the whole window and refuses itself unless every page was read and as many
appointments were seen as the server announced: what is missing from it may count as vanished.
A *delta* asks for what changed (`_lastUpdated`) and filters nothing: an appointment moved out
of the window, or cancelled, is exactly what must be told. It also re-reads the appointments of
patients who changed, because a new phone or a death does not touch the appointment.

Where the UF is read (`uf_from`, first found): Appointment.serviceType, the HealthcareService
participant, the Location participant, Appointment.specialty; for a participant its identifier,
else the id in its reference. With `uf_system`, only codes and identifiers of that system.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from adapters.dpi.fhir_http import Access, NotUnderstood, Session
from adapters.dpi.fhir_past import FhirPast, months
from adapters.dpi.fhir_patients import Abilities, Patients, batches
from adapters.dpi.fhir_reader import Reader, ignored_filter, last_updates
from adapters.dpi.fhir_resources import Bundle
from adapters.dpi.fhir_values import UF_PLACES, Reading, UfPlace
from adapters.dpi.fhir_write import FhirWriter
from adapters.options import parse_options
from reminders.domain.appointment import AppointmentRecord, RowProblem, Status
from reminders.errors import ConfigurationError, FeedRefused, Problem
from reminders.ports import (
    AppointmentSource,
    Change,
    Feed,
    FeedInfo,
    PastFeed,
    Wiring,
    Written,
)

ALL_STATUSES = tuple(status for status in Status if status is not Status.UNKNOWN)


class FhirOptions(BaseModel):
    """The keys of a `[[dpi]]` table of kind "fhir"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str  # of the FHIR endpoint: https://dpi.example.org/fhir
    auth: Literal["none", "basic", "bearer"] = "none"
    username: str = ""
    password: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    horizon_days: int = Field(90, ge=1, le=730)
    history_days: int = Field(14, ge=0, le=365)
    page_size: int = Field(100, ge=1, le=1000)
    max_pages: int = Field(2000, ge=1)  # per query; more is refused, never cut
    include: bool = True  # ask for the patients with the appointments
    status: tuple[Status, ...] = ALL_STATUSES
    ipp_system: tuple[str, ...] = ()  # systems of the hospital's patient number, best first
    appointment_system: str = ""  # system of the appointment's number; "" = the first with one
    uf_system: str = ""
    uf_from: tuple[UfPlace, ...] = UF_PLACES
    related_persons: bool = False  # fetch RelatedPerson for minors
    patient_changes: bool = True  # a delta re-reads appointments of changed patients
    overlap_minutes: int = Field(2, ge=0, le=1440)  # of a delta with the poll before it
    timezone: str = ""  # of dates without offset; "" = the site's

    @field_validator("base_url")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("adresse complète attendue, par exemple https://dpi.example.org/fhir")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("ni identifiant, ni « ? », ni « # » dans l'adresse")
        return value.rstrip("/")

    @field_validator("ipp_system", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (KeyError, ValueError, OSError):
            raise ValueError("fuseau inconnu, par exemple Europe/Paris") from None
        return value

    @field_validator("status")
    @classmethod
    def _told(cls, value: tuple[Status, ...]) -> tuple[Status, ...]:
        if not {Status.BOOKED, Status.CANCELLED} <= set(value):
            raise ValueError("booked et cancelled sont indispensables")
        return value

    @model_validator(mode="after")
    def _credentials(self) -> "FhirOptions":
        if self.auth == "basic" and not (self.username and self.password):
            raise ValueError("auth = basic demande username et password")
        if self.auth == "bearer" and not self.token:
            raise ValueError("auth = bearer demande token")
        if self.auth == "none" and (self.username or self.password or self.token):
            raise ValueError("des identifiants sont donnés mais auth = none")
        return self


def create(options: Mapping[str, Any], wiring: Wiring) -> AppointmentSource:
    return FhirSource(parse_options(FhirOptions, options), wiring)


class FhirSource:
    """`sleep` waits out a short Retry-After; tests give their own."""

    def __init__(
        self, options: FhirOptions, wiring: Wiring, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._options = options
        self._id = wiring.id
        self._access = _access(options, wiring, sleep)
        self._abilities = Abilities()
        self._reading = Reading(
            zone=ZoneInfo(options.timezone) if options.timezone else wiring.zone,
            ipp_systems=options.ipp_system,
            appointment_system=options.appointment_system,
            uf_system=options.uf_system,
            uf_from=options.uf_from,
        )
        self._writer = FhirWriter(self._access, self._reading)

    async def write(self, change: Change, *, now: datetime) -> Written:
        return await self._writer.write(change, now=now)

    def feeds(self, *, now: datetime, since: datetime | None) -> Iterator[Feed]:
        """One feed: a delta if asked for and the server can, else the whole window.

        `since` is the `as_of` of the last feed that was accepted.
        """
        if now.tzinfo is None or (since is not None and since.tzinfo is None):
            raise ValueError("naive datetime refused: an instant needs its zone")
        now = now.astimezone(UTC)
        window = (
            now - timedelta(days=self._options.history_days),
            now + timedelta(days=self._options.horizon_days),
        )
        delta = self._delta(now, window, since) if since and self._abilities.delta else None
        yield delta or self._feed("snapshot", now, window)

    def past(self, since: datetime, until: datetime, *, now: datetime) -> PastFeed:
        """A period that is over, a month at a time: what one query may hold is limited."""
        if since.tzinfo is None or until.tzinfo is None:
            raise ValueError("naive datetime refused: an instant needs its zone")
        info = FeedInfo(self._id, now, "snapshot", window=(since, until))
        windows = months(since.astimezone(UTC), until.astimezone(UTC))
        return FhirPast(info, [self._feed("snapshot", now, window) for window in windows])

    def forget(self, *, before: datetime) -> int:
        """0: a poll keeps no input."""
        return 0

    def _delta(
        self, now: datetime, window: tuple[datetime, datetime], since: datetime
    ) -> "FhirFeed | None":
        """The first page is read at once: it tells whether the server knows `_lastUpdated`.

        A page that cannot be trusted is left to `rows`, which reads it again and says why.
        """
        asked = since.astimezone(UTC) - timedelta(minutes=self._options.overlap_minutes)
        page: Bundle | None = None
        with self._access.session() as session:
            url = session.url("Appointment", changed_since(asked), *page_of(self._options))
            try:
                page = session.bundle(url)
            except NotUnderstood as refusal:
                self._abilities.delta = refusal.status == 404  # no such endpoint at all
            except FeedRefused:
                pass
        if page is not None and ignored_filter(page, "_lastUpdated", asked):
            self._abilities.delta = False
        if not self._abilities.delta:
            return None
        return self._feed("delta", now, window, Start(url, page, asked))

    def _feed(
        self,
        mode: Literal["snapshot", "delta"],
        now: datetime,
        window: tuple[datetime, datetime],
        start: "Start | None" = None,
    ) -> "FhirFeed":
        info = FeedInfo(
            name=f"{self._id} {now:%Y-%m-%dT%H:%M:%SZ}",
            as_of=now,
            mode=mode,
            window=window if mode == "snapshot" else None,
        )
        return FhirFeed(
            info, window, start, self._options, self._access, self._reading, self._abilities
        )


@dataclass(frozen=True, slots=True)
class Start:
    """Where a delta begins, and its first page if it could be read."""

    url: httpx.URL
    page: Bundle | None
    asked: datetime


@dataclass(slots=True)
class FhirFeed:
    info: FeedInfo
    window: tuple[datetime, datetime]
    start: Start | None  # of a delta
    options: FhirOptions
    access: Access
    reading: Reading
    abilities: Abilities

    def rows(self) -> Iterator[AppointmentRecord | RowProblem]:
        with self.access.session() as session:
            patients = Patients(
                session,
                self.reading,
                self.abilities,
                base_url=self.options.base_url,
                now=self.info.as_of,
                related_persons=self.options.related_persons,
            )
            told: dict[str, str] = {}
            if self.start is None:
                yield from self._snapshot(session, Reader(session, patients, self.reading, told))
                return
            reader = Reader(session, patients, self.reading, told)
            first = self.start.page or session.bundle(self.start.url)
            for page in session.following(first, self.start.url, at_most=self.options.max_pages):
                yield from reader.read(page)
            reader.check_complete()
            yield from self._of_changed_patients(session, patients, told, self.start.asked)

    def accept(self) -> None:
        """Nothing to archive: the DPI keeps its own."""

    def reject(self, reasons: Sequence[str]) -> None:
        """Nothing to set aside."""

    def _snapshot(
        self, session: Session, reader: Reader
    ) -> Iterator[AppointmentRecord | RowProblem]:
        url = session.url(
            "Appointment",
            *within(self.window),
            ("status", ",".join(self.options.status)),
            *page_of(self.options),
        )
        for page in session.pages(url, at_most=self.options.max_pages):
            yield from (row for row in reader.read(page) if self._wanted(row))
        reader.check_complete(exactly=True)

    def _wanted(self, row: AppointmentRecord | RowProblem) -> bool:
        """Servers ignore filters they do not know: ours decide."""
        if isinstance(row, RowProblem):
            return True
        if row.status not in self.options.status and row.status is not Status.UNKNOWN:
            return False
        return row.starts_at is None or self.window[0] <= row.starts_at < self.window[1]

    def _of_changed_patients(
        self, session: Session, patients: Patients, told: dict[str, str], asked: datetime
    ) -> Iterator[AppointmentRecord | RowProblem]:
        for batch in batches(self._changed_patients(session, asked)):
            url = session.url(
                "Appointment",
                ("patient", ",".join(batch)),
                *within(self.window),
                *page_of(self.options),
            )
            reader = Reader(session, patients, self.reading, told, only=frozenset(batch))
            try:
                for page in session.pages(url, at_most=self.options.max_pages):
                    yield from (row for row in reader.read(page) if self._wanted(row))
            except NotUnderstood:
                self.abilities.patient_changes = False
                return
            reader.check_complete()

    def _changed_patients(self, session: Session, asked: datetime) -> list[str]:
        """`Patient/id` of those changed since; none if the server cannot tell."""
        if not (self.options.patient_changes and self.abilities.patient_changes):
            return []
        url = session.url("Patient", changed_since(asked), ("_count", str(self.options.page_size)))
        changed: list[str] = []
        try:
            for page in session.pages(url, at_most=self.options.max_pages):
                if ignored_filter(page, "_lastUpdated", asked):
                    self.abilities.patient_changes = False
                    return []
                changed.extend(f"Patient/{one}" for one in last_updates(page, "Patient"))
        except NotUnderstood:
            self.abilities.patient_changes = False
        return changed


def changed_since(moment: datetime) -> tuple[str, str]:
    return "_lastUpdated", f"ge{moment:%Y-%m-%dT%H:%M:%SZ}"


def within(window: tuple[datetime, datetime]) -> tuple[tuple[str, str], ...]:
    start, end = window
    return ("date", f"ge{start:%Y-%m-%dT%H:%M:%SZ}"), ("date", f"lt{end:%Y-%m-%dT%H:%M:%SZ}")


def page_of(options: FhirOptions) -> tuple[tuple[str, str], ...]:
    included = (("_include", "Appointment:patient"),) if options.include else ()
    return (*included, ("_count", str(options.page_size)))


@cache  # reading the system's authorities takes a tenth of a second
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _access(options: FhirOptions, wiring: Wiring, sleep: Callable[[float], None]) -> Access:
    try:
        tls = _tls(wiring.base_dir / wiring.ca_file if wiring.ca_file else None)
    except OSError:  # ssl.SSLError is one
        raise ConfigurationError(
            [
                Problem(
                    f"{wiring.id}.ca_file",
                    "autorité de certification illisible",
                    "donnez un fichier PEM",
                )
            ]
        ) from None
    password, token = (each.get_secret_value() for each in (options.password, options.token))
    basic = options.auth == "basic"
    return Access(
        source=wiring.id,
        base_url=options.base_url,
        auth=httpx.BasicAuth(options.username, password) if basic else None,
        headers={"Authorization": f"Bearer {token}"} if options.auth == "bearer" else {},
        timeout=wiring.timeout_seconds,
        tls=tls,
        proxy=wiring.proxy,
        sleep=sleep,
    )
