"""From a leased message to the text one patient will read: who, what, when, in which words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import NamedTuple

from reminders.domain.ics import Event, calendar
from reminders.domain.outbox import dedupe_key
from reminders.domain.preparation import build_variables, combined, in_language
from reminders.domain.sms import measure
from reminders.domain.writing import CALLED_OFF
from reminders.errors import TemplateError
from reminders.rendering import Renderer, Version
from reminders.services.rules import Desk, Rules
from reminders.store.engine import Record
from reminders.store.types import instant, instant_or_none

FALLBACK_LANGUAGE = "fr"


@dataclass(frozen=True, slots=True)
class Route:
    """One configured sender as delivery sees it. `rate` per second, 0 = unlimited."""

    id: str
    channel: str
    family: str = "link"
    rate: float = 0.0
    price_eur: float = 0.0


@dataclass(frozen=True, slots=True)
class Composed:
    """One text, ready to leave: frozen, one recipient, re-derived from the row at each lease."""

    message_id: int
    patient_id: int
    address: str
    channel: str
    kind: str
    subject: str
    text: str
    html: str
    calendar: bytes | None
    version_id: int
    segments: int
    closes_at: datetime
    retries: int
    told: tuple[tuple[int, int, int, str], ...]  # appointment, cycle, start (us), place
    token: str = ""  # of the patient's link in the text; only its hash is stored
    stop_token: str = ""  # of an e-mail's own address for objections (RFC 8058); likewise
    unsubscribe: tuple[str, ...] = ()  # that address


class Draft(NamedTuple):
    """A message before it is one, as the composer reads a row of it; instants in microseconds."""

    id: int
    kind: str
    channel: str
    patient_id: int
    recipient: str
    relation: str
    purpose: str
    language: str
    site_id: str
    closes_at: int
    retries: int = 0


class Item(NamedTuple):
    """An appointment a draft is about, likewise."""

    message_id: int
    step: str
    appointment_id: int
    version: int
    starts_at: int
    uf: str
    kind: str
    external_id: str
    duration_minutes: int | None
    given: str
    patient_id: int
    told_before: int | None = None
    late_minutes: int | None = None
    new_place: str | None = None


class NoTemplate(TemplateError):
    pass


class Overruled(TemplateError):
    """The rules of its service changed since it was planned: the planner decides afresh."""


class Templates:
    """Approved versions by (purpose, language, family, channel), the latest first."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self._found: dict[tuple[str, str, str, str], Version] = {
            (v.purpose, v.language, v.family, v.channel): v for v in versions
        }

    @classmethod
    def of(cls, rows: Sequence[Record]) -> "Templates":
        return cls(
            [
                Version(
                    id=row.id,
                    purpose=row.purpose,
                    language=row.language,
                    family=row.family,
                    channel=row.channel,
                    body=row.body,
                    subject=row.subject,
                    html=row.html,
                )
                for row in rows
            ]
        )

    def find(self, purpose: str, language: str, family: str, channel: str) -> Version | None:
        """The version in the patient's language, else in French; the family's own, else any.

        A text nobody reviewed is not among the approved ones: French leaves instead of it.
        """
        code = language.lower()
        for spoken in (code, code[:2], FALLBACK_LANGUAGE):
            for kept in (family, "any"):
                if version := self._found.get((purpose, spoken, kept, channel)):
                    return version
        return None


class Composer:
    def __init__(self, rules: Rules, renderer: Renderer) -> None:
        self._rules = rules
        self._renderer = renderer

    def compose(
        self,
        row: Record,
        items: Sequence[Record],
        route: Route,
        templates: Templates,
        shared: frozenset[str],
        *,
        now: datetime,
    ) -> Composed:
        """Raises TemplateError when the text would have a gap or no template serves it."""
        version = templates.find(row.purpose, row.language, self._family(route), row.channel)
        if version is None:
            raise NoTemplate("no_template", "aucun modèle approuvé ne sert ce message")
        desk = self._desk(items)
        variables = dict(self._variables(row, items, desk, version.language, shared))
        token = self._token(row)
        if token:
            variables["lien_confirmation"] = f"{self._rules.public_url}/r/{token}"
        stop_token = token_urlsafe(16) if row.channel == "email" and self._rules.public_url else ""
        unsubscribe = f"{self._rules.public_url}/u/{stop_token}" if stop_token else ""
        if unsubscribe:
            variables["lien_opposition"] = unsubscribe
        if row.channel == "sms":
            text = self._renderer.render(version, variables)
            subject = html = ""
            attached = None
            segments = measure(text).segments
        else:
            subject, text, html = self._renderer.render_email(version, variables)
            segments = 0
            attached = self._calendar(row, items, desk, now)
        return Composed(
            message_id=row.id,
            patient_id=row.patient_id,
            address=row.recipient,
            channel=row.channel,
            kind=row.kind,
            subject=subject,
            text=text,
            html=html,
            calendar=attached,
            version_id=version.id,
            segments=segments,
            closes_at=instant(row.closes_at),
            retries=row.retries,
            told=tuple(
                (i.appointment_id, i.version, i.starts_at, self._rules.units[i.uf].place)
                for i in items
            ),
            token=token if token and token in text else "",
            stop_token=stop_token,
            unsubscribe=(unsubscribe,) if unsubscribe else (),
        )

    def _family(self, route: Route) -> str:
        """Without a public address no text may promise a link."""
        return "any" if route.family == "link" and not self._rules.public_url else route.family

    def _token(self, row: Record) -> str:
        """128 random bits for the page of one message; "" where no page answers."""
        asks = self._rules.public_url and row.kind in ("reminder", "correction", "staff")
        return token_urlsafe(16) if asks else ""

    def compose_first(
        self,
        row: Record,
        items: Sequence[Record],
        routes: Sequence[Route],
        templates: Templates,
        shared: frozenset[str],
        *,
        now: datetime,
    ) -> tuple[Composed, Route]:
        """The text for the first of these providers that has an approved one of its family; the
        service's own sender is tried first.

        Raises the first provider's TemplateError if none has, Overruled if the service's present
        rules do not want this text.
        """
        if not self._still_wanted(row, items):
            raise Overruled("overruled", "le réglage du service a changé")
        first: TemplateError | None = None
        preferred = self._rules.senders.get(items[0].uf, "") if items else ""
        for route in sorted(routes, key=lambda one: one.id != preferred):
            try:
                return self.compose(row, items, route, templates, shared, now=now), route
            except TemplateError as error:
                first = first or error
        raise first or NoTemplate("no_provider", "aucun opérateur ne sert ce canal")

    def _still_wanted(self, row: Record, items: Sequence[Record]) -> bool:
        """What tells somebody that their objection is in force leaves whatever the service."""
        if not items or row.purpose == "ack_stop":
            return True
        book = self._rules.book
        if not book.may_tell([item.uf for item in items]):
            return False
        return row.kind not in ("reminder", "booking") or all(
            book.asks(item.uf, item.step, row.purpose) for item in items
        )

    def _desk(self, items: Sequence[Record]) -> Desk:
        desk = self._rules.desks.get(items[0].uf) if items else None
        if desk is None:
            raise TemplateError("unmapped", "l'UF du rendez-vous n'a pas de réglage")
        return desk

    def _variables(
        self,
        row: Record,
        items: Sequence[Record],
        desk: Desk,
        language: str,
        shared: frozenset[str],
    ) -> Mapping[str, str]:
        first = items[0]
        named = row.recipient in shared and desk.sensitivity == "normal"
        told = [moment for i in items if (moment := instant_or_none(i.told_before)) is not None]
        return build_variables(
            language=language,
            channel=row.channel,
            sensitivity="neutral" if desk.sensitivity == "neutral" else "normal",
            establishment=desk.establishment,
            short_name=desk.short_name,
            desk_phone=desk.phone,
            starts=[instant(i.starts_at) for i in items],
            zone=desk.zone,
            preparation=combined(
                [in_language(self._rules.preparation(i.uf, i.kind), language) for i in items]
            ),
            first_name=first.given if named else None,
            relation=row.relation,
            told_starts=told if row.kind in ("correction", "notice") else (),
            address=desk.address,
            late_minutes=first.late_minutes or 0,
            new_place=first.new_place or "",
        )

    def _calendar(
        self, row: Record, items: Sequence[Record], desk: Desk, now: datetime
    ) -> bytes | None:
        events = [
            Event(
                uid=f"{dedupe_key('appointment', i.appointment_id)}@reminders",
                sequence=i.version,
                starts_at=instant(i.starts_at),
                ends_at=instant(i.starts_at) + timedelta(minutes=i.duration_minutes)
                if i.duration_minutes
                else None,
                zone=desk.zone,
                summary=f"Rendez-vous – {desk.short_name}",
            )
            for i in items
        ]
        cancelled = row.kind == "notice" or row.purpose in CALLED_OFF
        return calendar(events, cancelled=cancelled, stamp=now.astimezone(UTC))
