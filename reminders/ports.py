"""What the outside must offer. Adapters implement these; the core knows nothing else of them.

An adapter is found by entry-point name (`reminders.dpi`, `reminders.sms`, `reminders.email`)
and built by `create(options, wiring)`: `options` are the keys of its own configuration table,
secrets already read; it raises ConfigurationError naming every mistake at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from reminders.domain.appointment import AppointmentRecord, RowProblem


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the composition root hands an adapter beside its own options."""

    id: str
    base_dir: Path = Path()  # relative paths of the configuration start here
    zone: ZoneInfo = field(
        default_factory=lambda: ZoneInfo("Europe/Paris")
    )  # civil times of the source
    proxy: str | None = None
    ca_file: Path | None = None  # a private CA, beside the system's
    callback_url: str | None = (
        None  # public, secret path included, no trailing slash; None = polling
    )
    timeout_seconds: float = 10.0
    connections: int = 100


# --- appointments in -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """What one input (a file, a poll) is, known before its rows are read.

    `as_of`: the instant the content describes (timestamp in a file's name, else its
    modification time; the start of a poll). `content_hash` makes a second pick-up harmless;
    "" for a poll. `layout` fingerprints the header; "" where there is none. A snapshot holds
    every appointment of `window` (None: from its first to its last start). `notes`: what an
    administrator should know of it though nothing is wrong (French).
    """

    name: str
    as_of: datetime
    mode: Literal["snapshot", "delta"]
    content_hash: str = ""
    layout: str = ""
    window: tuple[datetime, datetime] | None = None
    notes: tuple[str, ...] = ()


class Feed(Protocol):
    info: FeedInfo

    def rows(self) -> Iterator[AppointmentRecord | RowProblem]:
        """Every row, once, streaming. Raises FeedRefused or SourceUnavailable at any row, the
        last included: a caller stages first and applies only what ended without an error."""

    def accept(self) -> None:
        """The rows are committed: archive the input. Never called in a dry run."""

    def reject(self, reasons: Sequence[str]) -> None:
        """The feed was refused: set it aside with a report a person can read."""


class AppointmentSource(Protocol):
    def feeds(self, *, now: datetime, since: datetime | None) -> Iterator[Feed]:
        """What there is to read, oldest first; nothing new yields nothing.

        `since`: changes since that instant are enough (where the source can tell); None asks
        for the whole window. Raises SourceUnavailable.
        """

    def forget(self, *, before: datetime) -> int:
        """Delete inputs put away before `before`, since they name patients: how many."""
        ...


class PastFeed(Protocol):
    """Appointments that are over, to be counted: nothing of them is planned, archived or kept."""

    @property
    def info(self) -> FeedInfo: ...

    @property
    def unknown_words(self) -> Mapping[str, int]:
        """Status words nobody mapped and how often each came, once `rows` has ended."""

    def rows(self) -> Iterator[AppointmentRecord | RowProblem]:
        """Every line, once, streaming; an appointment may have several. Raises as Feed's."""


@runtime_checkable
class FileSource(Protocol):
    """What a source whose exports are files offers: reading one of them wherever it lies."""

    def file(self, path: Path, *, now: datetime) -> PastFeed:
        """Nothing is moved. Raises FeedRefused, SourceUnavailable."""


@runtime_checkable
class PastSource(Protocol):
    """What a source that can be asked for a period that is over offers."""

    def past(self, since: datetime, until: datetime, *, now: datetime) -> PastFeed: ...


# --- answers back ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What a patient answered of one appointment, as the patient knew it.

    `doubtful`: an earlier writing of this very change may have arrived.
    """

    external_id: str
    patient: str  # the identifier the source told
    starts_at: datetime
    answer: Literal["confirmed", "cancelled"]
    doubtful: bool = False


class Written(StrEnum):
    DONE = "done"
    ALREADY = "already"  # the DPI says so itself: nothing was written
    CHANGED = "changed"  # another start or patient by now: nothing was written
    CLOSED = "closed"  # called off, over or gone by now: nothing was written


@runtime_checkable
class AppointmentWriter(Protocol):
    """What a source that can also be written to offers; not every source does."""

    async def write(self, change: Change, *, now: datetime) -> Written:
        """Look at the appointment as the DPI has it, then change that and nothing else of it.

        A doubtful change is repeated only if the DPI shows it did not arrive and refuses the
        later of two. Raises SendError: NotSent and Unknown are tried again, the others are not.
        """


# --- messages out ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sms:
    reference: str  # ours, 17 base62 characters, chosen before the first byte leaves
    to: str  # E.164
    text: str
    valid_for: timedelta  # the provider must not deliver later than this from now


@dataclass(frozen=True, slots=True)
class Email:
    reference: str
    to: str
    subject: str
    text: str
    html: str
    calendar: bytes | None = None  # a complete iCalendar object
    unsubscribe: tuple[str, ...] = ()  # where this recipient may object: https: addresses


@dataclass(frozen=True, slots=True)
class Accepted:
    provider_id: str  # "" if the provider names none
    segments: int | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a sender offers when an answer was lost."""

    lookup: bool = False  # can be asked for our reference
    absence_proves: bool = False  # "not found" means it was never accepted, by contract
    idempotent: bool = False  # honours our reference as an idempotency key
    receipts: bool = True  # will ever tell what became of a message
    block_list: bool = False  # can be asked which numbers it refuses: a BlockList


class ReceiptState(StrEnum):
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"  # a word of theirs we do not know: kept, changes nothing


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. At least one of `reference` and `provider_id` is set.

    `event` identifies this event at the provider, so that the same one told twice (callback
    and poll) is applied once: build it from their ids and status, never from the moment.
    """

    event: str
    state: ReceiptState
    reference: str = ""
    provider_id: str = ""
    code: str = ""
    opted_out: bool = False  # their block list refused it
    bad_recipient: bool = False  # the address will never work


@dataclass(frozen=True, slots=True)
class InboundSms:
    """`provider_id` is the provider's own id of this reply, the key of exactly-once."""

    provider_id: str
    sender: str  # E.164
    recipient: str
    text: str
    in_reply_to: str = ""  # provider id or reference of the message it answers, where told
    # What the provider did to its own block list because of this reply, where it says so.
    block: Literal["", "set", "lifted"] = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request of a provider. `url` is the configured public URL of this path with the
    query as received, never rebuilt from forwarded headers."""

    method: str
    url: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """What a callback or a poll told. `hints`: something changed, ask by polling soon; `hinted`
    names the provider ids it may concern, unproven: poll those of them that are ours."""

    receipts: tuple[Receipt, ...] = ()
    replies: tuple[InboundSms, ...] = ()
    hints: bool = False
    hinted: tuple[str, ...] = ()


class SmsSender(Protocol):
    capabilities: Capabilities

    async def send(self, sms: Sms) -> Accepted:
        """Submit once. Raises SendError; anything else is a bug, and treated as Unknown."""

    async def lookup(self, reference: str) -> Receipt | None:
        """What the provider knows of our reference; None = nothing. Only if capabilities.lookup."""

    async def poll(self, provider_ids: Sequence[str]) -> Received:
        """Receipts of these messages and the replies waiting; for sites without a public URL."""

    def receive(self, callback: Callback) -> Received:
        """Verify, then read a callback. Raises Forged. An unsigned provider's is only a hint
        where acting on it could harm."""

    async def aclose(self) -> None: ...


class BlockList(Protocol):
    """What a sender with capabilities.block_list offers beside the rest."""

    async def blocked(self) -> Sequence[str]:
        """The numbers (E.164) the provider refuses because their holders said stop. The whole
        list; raises SendError where it cannot be had whole."""
        ...


class EmailSender(Protocol):
    capabilities: Capabilities

    async def send(self, email: Email) -> Accepted: ...

    async def aclose(self) -> None: ...
