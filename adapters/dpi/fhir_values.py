"""Reading FHIR's small types: instants, periods, identifiers, codes. Pure."""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from adapters.dpi.fhir_resources import Concept, Identifier, Period, Reference

UTC_ZONE = ZoneInfo("UTC")

UfPlace = Literal["serviceType", "HealthcareService", "Location", "specialty"]
UF_PLACES: tuple[UfPlace, ...] = ("serviceType", "HealthcareService", "Location", "specialty")

# The national health identity (INS-NIR .8, INS-NIA .9, test .10, demo .11, INS-C .2): never kept.
INS = re.compile(r"(urn:oid:)?1\.2\.250\.1\.213\.1\.4(\.|$)")
INS_TYPES = frozenset({"INS", "INS-NIR", "INS-NIA", "INS-C", "INS-NIR-TEST", "INS-NIR-DEMO", "NH"})


DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class EntryProblem(Exception):
    """One entry that cannot be used. `sentence` is French and quotes no personal data."""

    def __init__(self, column: str, code: str, sentence: str) -> None:
        super().__init__(code)
        self.column = column
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Reading:
    """How the resources of one server are to be read (systems are URIs, "" = any)."""

    zone: ZoneInfo
    ipp_systems: tuple[str, ...] = ()  # in order of preference
    appointment_system: str = ""
    uf_system: str = ""
    uf_from: tuple[UfPlace, ...] = UF_PLACES


# --- instants --------------------------------------------------------------------------------


def instant(text: str, column: str) -> datetime:
    """A FHIR instant. Raises EntryProblem: unreadable, without offset, or outside 1900-2200."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EntryProblem(
            column, "bad_date", f"{column} n'est pas une date FHIR : à corriger dans le DPI"
        ) from None
    if moment.tzinfo is None:
        raise EntryProblem(
            column,
            "no_offset",
            f"{column} est sans fuseau horaire : le DPI doit écrire le décalage (+02:00)",
        )
    if not 1900 <= moment.year <= 2200:
        raise EntryProblem(column, "bad_date", f"{column} : année impossible, à corriger")
    return moment.astimezone(UTC)


def known_instant(text: str, zone: ZoneInfo) -> datetime | None:
    """A FHIR dateTime as an instant; None if absent, partial or unreadable.

    A date is its first moment in `zone`; a time without offset is read in `zone`.
    """
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if moment is None or not 1900 <= moment.year <= 2200:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def birth_date(text: str) -> date | None:
    """A whole date; a partial one (`1979`, `1979-03`) is no birth date we can check."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def current(period: Period, now: datetime, zone: ZoneInfo) -> bool:
    """Has begun and is not over. An end without a time includes that whole day (FHIR).

    An end nobody can read counts as over: an address is not used on a doubt.
    """
    start = known_instant(period.start, zone)
    if start is not None and start > now:
        return False
    return not period.end or now <= _end(period.end, zone)


def _end(text: str, zone: ZoneInfo) -> datetime:
    """The last moment of a FHIR dateTime, whole or partial."""
    if DATE.fullmatch(text):
        year, month, day = (int(part) for part in (*text.split("-"), "12", "31")[:3])
        if year >= 2200:
            return datetime.max.replace(tzinfo=UTC)  # 9999 is how some write "never"
        try:
            last = day if len(text) == 10 else monthrange(year, month)[1]
            return datetime.combine(date(year, month, last), time.max, zone)
        except ValueError:
            return LONG_AGO
    return known_instant(text, zone) or LONG_AGO


# --- identifiers and codes -------------------------------------------------------------------


def is_ins(identifier: Identifier) -> bool:
    """The national identity, by OID or by type: the type code varies in the wild."""
    return bool(INS.match(identifier.system)) or not INS_TYPES.isdisjoint(codes(identifier.type))


def codes(concept: Concept) -> set[str]:
    return {coding.code for coding in concept.coding if coding.code}


def ipp(identifiers: Iterable[Identifier], reading: Reading) -> Identifier | None:
    """The hospital's own patient number: a configured system, else type PI, else MR."""
    usable = [each for each in identifiers if each.value and each.use != "old" and not is_ins(each)]
    for system in reading.ipp_systems:
        for each in usable:
            if each.system == system:
                return each
    for wanted in ("PI", "MR"):
        for each in usable:
            if wanted in codes(each.type):
                return each
    return None


def external_id(identifiers: Iterable[Identifier], logical_id: str, reading: Reading) -> str:
    """The number the DPI gives an appointment; "" if it has none.

    With a configured system: the identifier of that system. Else the first one that has a
    system, else the logical id of the resource.
    """
    usable = [each for each in identifiers if each.value and each.use != "old"]
    for each in usable:
        if each.system == reading.appointment_system if reading.appointment_system else each.system:
            return each.value
    return logical_id


def actor_type(actor: Reference) -> str:
    """The resource type an actor points at: its reference says, else its declared type."""
    parts = actor.reference.partition("/_history/")[0].split("/")
    if len(parts) >= 2 and not actor.reference.startswith(("urn:", "#")):
        return parts[-2]
    return actor.type


def reference_id(reference: str) -> str:
    path = reference.partition("/_history/")[0]
    return path.rsplit("/", 1)[-1] if "/" in path else ""
