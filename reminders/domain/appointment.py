"""An appointment as a DPI tells it, in FHIR R4 words."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Status(StrEnum):
    """FHIR R4 AppointmentStatus, plus `unknown` for a word nobody mapped ("à vérifier").

    Source: https://hl7.org/fhir/R4/valueset-appointmentstatus.html
    """

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"
    CHECKED_IN = "checked-in"
    WAITLIST = "waitlist"
    UNKNOWN = "unknown"


REMINDABLE = frozenset({Status.BOOKED})  # the only state in which a reminder is true

# What an appointment is when its lines differ: what happened, else a doubt, else the living.
STRONGEST = (
    Status.FULFILLED, Status.ARRIVED, Status.CHECKED_IN, Status.NOSHOW, Status.UNKNOWN,
    Status.BOOKED, Status.PENDING, Status.PROPOSED, Status.WAITLIST, Status.CANCELLED,
    Status.ENTERED_IN_ERROR,
)  # fmt: skip


class CancelledBy(StrEnum):
    PATIENT = "patient"
    HOSPITAL = "hospital"
    UNKNOWN = "unknown"


class Holder(StrEnum):
    """Whose address a contact point is."""

    SELF = "self"
    PARENT = "parent"  # holder of parental authority
    GUARDIAN = "guardian"  # legal representative of a protected adult
    OTHER = "other"  # trusted person, carer: never written to by default


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One raw address as the DPI wrote it; nothing is classified yet.

    `system` is "phone" (any number: labels lie, classify by the number), or "email".
    `use` is FHIR's: home, mobile, work, old, temp or "". `ended`: its period is over.
    """

    system: str
    value: str
    use: str = ""
    rank: int = 0  # 1 is preferred; 0 is unranked
    holder: Holder = Holder.SELF
    ended: bool = False


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """A patient as one feed tells it. No INS, no social security number, ever."""

    identifier: str  # IPP, leading zeros kept
    authority: str = ""  # assigning authority of the IPP; "" = the source's own
    family: str = ""
    given: str = ""
    birth_date: date | None = None
    sex: str = ""  # FHIR administrative gender, "" unknown
    language: str = ""  # BCP 47, from the DPI only, never guessed
    deceased: bool = False
    active: bool = True
    identity_status: str = ""  # HL7 table 0445 as used in France: VALI, ANOM, CACH, ...
    confidential: bool = False  # VIP, incognito, non-disclosure of presence
    protected_adult: bool = False
    sms_refused: bool = False  # the DPI says this person refuses messages
    contacts: tuple[ContactPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class AppointmentRecord:
    """One appointment of one feed. Instants are aware; a naive one is refused.

    `uf` is the code the configuration maps to a service; "" = none told (unmapped).
    `place` is what the DPI says of the place: routing data, never shown as it is.
    `all_day`: only the date is known, so no hour may be written.
    `row` is the line of a file (from 1) or the index of an entry, for error messages.
    """

    external_id: str
    status: Status
    starts_at: datetime | None
    patient: PatientRecord | None  # None: no patient told; a task, never a message
    uf: str = ""
    site: str = ""
    duration_minutes: int | None = None
    agenda: str = ""
    kind: str = ""  # appointment type, used for routing only
    place: str = ""
    booked_at: datetime | None = None
    modified_at: datetime | None = None
    cancelled_by: CancelledBy = CancelledBy.UNKNOWN
    all_day: bool = False
    row: int = 0

    def __post_init__(self) -> None:
        for moment in (self.starts_at, self.booked_at, self.modified_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError("naive datetime refused: an instant needs its zone")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One line or entry that could not be used; the good rest goes on.

    `sentence` is French, names the remedy and quotes no personal data. `column` is the
    header as the file writes it (or a FHIR path); `code` is stable.
    """

    row: int
    column: str
    code: str
    sentence: str
    external_id: str = ""
