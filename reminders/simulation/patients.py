"""How simulated patients behave: a pure function of what they were told and of their own chance.

A person's draws are the same whether reminders are sent or not, and every answer grows or
shrinks with the chance of it (a reminder never *causes* an absence), so that two lives of one
hospital differ by what reminders did and by nothing else.

Sources (EVIDENCE 1): odds of missing × 0.68 after one reminder (Guy 2012, RCT subset), fewer
again after a second (Steiner 2018: 4.4 % with two against 5.3 % with one); reminders bring
cancellations forward (Berliner Senderey 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import exp

from reminders.domain.calendar import to_utc
from reminders.simulation.chance import stream
from reminders.simulation.hospital import PARIS, desk_time_after

BASE_LOG_ODDS = -2.25  # 11 to 12 % of no-shows without reminders, over all tendencies and leads
ODDS_RATIOS = (1.0, 0.68, 0.58)  # after none, one, two or more reminders
SPONTANEOUS = 0.05  # cancel without being reminded
PROMPTED = 0.02  # cancel because a reminder made them look at their diary
CALLS_RATHER = 0.5  # of those a reminder kept from forgetting: who cannot come, and says so
ANSWERS = 0.16
USELESS_HOURS = 6  # a reminder later than this before the start changes nothing
COMING = (
    *("Oui", "OUI", "oui merci", "ok", "Ok merci", "C'est noté, merci", "Je confirme ma présence"),
    *("D’accord 👍", "Bonjour, je serai là. Cordialement", "Présent", "oui je viens", "Noté"),
    *("Merci pour le rappel", "Est-ce que je dois venir à jeun ?", "Où se garer svp ?"),
)
NOT_COMING = (
    *("je ne peux pas venir", "Non", "Bonjour, je suis malade je dois annuler", "NON désolé"),
    *("Impossible ce jour là, peut on reporter ?", "Annulez svp", "je travaille ce jour la"),
)
STRANGERS = ("Vous vous trompez de numéro", "Qui êtes-vous ? je ne suis pas cette personne")


@dataclass(frozen=True, slots=True)
class Facts:
    """What an appointment is to its patient. `tendency`: log odds; instants are aware."""

    id: str
    starts_at: datetime
    booked_at: datetime
    tendency: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """A message that reached the patient before the start."""

    at: datetime
    answerable: bool = False  # the sender takes replies
    stranger: bool = False  # it reached whoever has the number now


@dataclass(frozen=True, slots=True)
class Draws:
    """The chance of one appointment, uniform on [0, 1)."""

    forgets: float
    cancels: float
    moment: float
    conscience: float
    answers: float
    word: float
    delay: float
    recorded: float
    late: float


@dataclass(frozen=True, slots=True)
class Conduct:
    """What this patient will do if told nothing more."""

    attends: bool
    cancels_at: datetime | None = None  # told to the desk, in its hours, before the start
    replies_at: datetime | None = None
    reply: str = ""


def draws_of(seed: int, appointment: str) -> Draws:
    chance = stream(seed, "conduct", appointment)
    return Draws(*(chance.random() for _ in range(9)))


def no_show_chance(facts: Facts, reminders: int) -> float:
    """The probability of missing the appointment without a word, after so many reminders."""
    lead = max(0.0, (facts.starts_at - facts.booked_at) / timedelta(days=60))
    odds = exp(BASE_LOG_ODDS + facts.tendency + 0.6 * (min(lead, 1.0) - 0.3))
    odds *= ODDS_RATIOS[min(reminders, len(ODDS_RATIOS) - 1)]
    return odds / (1 + odds)


def conduct(facts: Facts, told: Sequence[Told], draws: Draws) -> Conduct:
    """Pure: the same facts, messages and draws give the same conduct.

    `told` is in order of time; what came too late to help is ignored.
    """
    useful = [one for one in told if facts.starts_at - one.at >= timedelta(hours=USELESS_HOURS)]
    reached = [one for one in useful if not one.stranger]
    missing = draws.forgets < no_show_chance(facts, len(reached))
    cancels_at = _cancels_at(facts, reached, draws)
    replies_at, reply = _reply(useful, draws, not_coming=cancels_at is not None)
    if replies_at is not None and replies_at >= facts.starts_at:
        replies_at, reply = None, ""
    return Conduct(not missing and cancels_at is None, cancels_at, replies_at, reply)


def _cancels_at(facts: Facts, reached: Sequence[Told], draws: Draws) -> datetime | None:
    """When the patient calls the desk, if ever."""
    if draws.cancels < SPONTANEOUS:
        wait = (facts.starts_at - facts.booked_at) * (0.2 + 0.75 * draws.moment)
        return _at_the_desk(facts.booked_at + wait, facts)
    if not reached:
        return None
    would_have_missed = draws.forgets < no_show_chance(facts, 0)
    still_misses = draws.forgets < no_show_chance(facts, len(reached))
    awakened = would_have_missed and not still_misses and draws.conscience < CALLS_RATHER
    if not awakened and draws.cancels >= SPONTANEOUS + PROMPTED:
        return None
    # One whom only the second message awoke calls after the second.
    first = reached[0]
    if awakened and draws.forgets < no_show_chance(facts, 1):
        first = reached[min(1, len(reached) - 1)]
    return _at_the_desk(first.at + timedelta(minutes=5 + 300 * draws.delay), facts)


def _at_the_desk(moment: datetime, facts: Facts) -> datetime | None:
    answered = desk_time_after(moment)
    return answered if answered < facts.starts_at - timedelta(minutes=30) else None


def _reply(
    useful: Sequence[Told], draws: Draws, *, not_coming: bool
) -> tuple[datetime | None, str]:
    first = next((one for one in useful if one.answerable), None)
    if first is None or draws.answers >= ANSWERS:
        return None, ""
    words: Sequence[str] = NOT_COMING if not_coming else COMING
    if first.stranger:
        words = STRANGERS
    moment = _awake(first.at + timedelta(minutes=1 + 120 * draws.delay**2))
    return moment, words[int(draws.word * len(words))]


def _awake(moment: datetime) -> datetime:
    """Nobody answers between 21:30 and 8:00."""
    local = moment.astimezone(PARIS)
    if time(8) <= local.time() <= time(21, 30):
        return moment
    day = local.date() + timedelta(days=local.time() > time(12))
    return to_utc(day, time(8, 5), PARIS)
