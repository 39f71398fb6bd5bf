"""Is this feed, is this run plausible? The anomaly gate (DESIGN R11) and the send brake (R12):
pure numbers in, a verdict out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from reminders.domain.marking import N_, filled

SMALL = 5  # counts closer than this are chance, not an accident
MOVED_TOGETHER = 3  # fewer appointments sharing an offset are ordinary moves

EMPTY = N_("Le fichier du DPI ne contient aucun rendez-vous à venir.")
VANISHED = N_(
    "%(gone)s rendez-vous à venir ont disparu du fichier (sur %(known)s connus) : annulations "
    "réelles ou fichier incomplet ?"
)
MOVED = N_(
    "%(moved)s rendez-vous sont décalés d'une même durée (sur %(common)s) : erreur de fuseau ou "
    "d'export ?"
)
VOLUME = N_(
    "%(number)s rendez-vous à venir dans le fichier, contre %(usual)s d'habitude ce jour de la "
    "semaine."
)
BRAKED = N_(
    "%(number)s messages sont partis en une heure, pour %(limit)s au plus d'après les quatre "
    "dernières semaines : boucle, ou retard qui se rattrape ?"
)
SENTENCES = (EMPTY, VANISHED, MOVED, VOLUME, BRAKED)  # as a hold keeps them


@dataclass(frozen=True, slots=True)
class Limits:
    least_share: float = 0.5
    most_share: float = 2.0
    vanished_at_least: int = 10
    vanished_share: float = 0.10
    moved_share: float = 0.05


@dataclass(frozen=True, slots=True)
class FeedShape:
    """What a full feed would do. `known`: coming booked appointments the store holds in the
    feed's span; `common`: those the feed holds too."""

    expected: int  # coming booked appointments in the feed
    known: int
    vanished: int
    common: int
    moved_together: int  # largest number of common ones moved by one same offset
    same_weekday: Sequence[int] = ()  # `expected` of earlier accepted feeds of that weekday


@dataclass(frozen=True, slots=True)
class Verdict:
    code: str
    sentence: str


def examine(shape: FeedShape, limits: Limits) -> Verdict | None:
    """Why a person must look before anything of this feed is applied; None if nothing is odd."""
    return next(iter(verdicts(shape, limits)), None)


def verdicts(shape: FeedShape, limits: Limits) -> list[Verdict]:
    """Everything odd, the worst first: whoever releases a feed has seen all of it."""
    found = (
        _empty(shape),
        _volume(shape, limits) if shape.expected else None,
        _vanished(shape, limits),
        _moved(shape, limits),
    )
    return [verdict for verdict in found if verdict is not None]


def _empty(shape: FeedShape) -> Verdict | None:
    if shape.expected:
        return None
    return Verdict("empty", EMPTY)


def _vanished(shape: FeedShape, limits: Limits) -> Verdict | None:
    allowed = max(limits.vanished_at_least, limits.vanished_share * shape.known)
    if shape.vanished <= allowed:
        return None
    return Verdict("vanished", filled(VANISHED, gone=shape.vanished, known=shape.known))


def _moved(shape: FeedShape, limits: Limits) -> Verdict | None:
    together = shape.moved_together
    if together < MOVED_TOGETHER or together <= limits.moved_share * shape.common:
        return None
    return Verdict("moved", filled(MOVED, moved=together, common=shape.common))


def usual_of(shape: FeedShape) -> float | None:
    """What this weekday's feeds hold; None before the first."""
    return median(shape.same_weekday) if shape.same_weekday else None


def _volume(shape: FeedShape, limits: Limits) -> Verdict | None:
    usual = usual_of(shape)
    if usual is None:
        return None
    strange = shape.expected < limits.least_share * usual or (
        shape.expected > limits.most_share * usual
    )
    if strange and abs(shape.expected - usual) >= SMALL:
        return Verdict("volume", filled(VOLUME, number=shape.expected, usual=f"{usual:.0f}"))
    return None


# --- the send brake ------------------------------------------------------------------------------

BRAKE_DAYS = 28  # looked back on
BRAKE_KNOWN = 7  # days with any message, before they say what is usual
REPEATS = 2  # times one text about one appointment may leave for one address within a day


@dataclass(frozen=True, slots=True)
class Brake:
    least: int = 500  # messages an hour that are never too many
    times: float = 3.0


def hourly_limit(
    same_hour: Sequence[int], busiest: Sequence[int], brake: Brake, *, released: int = 0
) -> int | None:
    """How many messages may leave within this hour; None: too little is known of what is usual.

    `same_hour`: how many left at this civil hour of each of the last BRAKE_DAYS days; `busiest`:
    in the busiest hour of each of those days with any. A delay that is made up for may fill
    the busiest hour again, whatever hour it is (ADR 0020). Each release of the last day
    doubles the limit: whoever released it has seen why.
    """
    if len(busiest) < BRAKE_KNOWN:
        return None
    usual = max(brake.least, brake.times * _ninety_ninth(same_hour), _ninety_ninth(busiest))
    return ceil(usual) << released


def _ninety_ninth(values: Sequence[int]) -> int:
    """The 99th percentile by nearest rank: of up to a hundred values, the largest."""
    return sorted(values)[ceil(0.99 * len(values)) - 1] if values else 0
