"""What people do: until when a task may wait, how it can end, and what to say on the telephone.

A deadline counts the minutes in which the desk of the service is open, in the site's civil time:
Monday to Friday 8:30-17:30 unless said otherwise, never on a public holiday. An hour that the
clock skips is not worked, one that it repeats is worked twice.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.answer import Priority
from reminders.domain.calendar import LONGEST_CLOSURE, to_utc
from reminders.domain.holidays import is_holiday
from reminders.domain.recipient import OF_AGE


@dataclass(frozen=True, slots=True)
class DeskHours:
    """When somebody is at the desk: civil hours of its zone, half-open [opens, closes)."""

    zone: ZoneInfo
    opens: time = time(8, 30)
    closes: time = time(17, 30)
    weekdays: frozenset[int] = frozenset(range(5))  # 0 = Monday
    region: str = "metropole"

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError("a desk must open before it closes")
        if not self.weekdays:
            raise ValueError("a desk must be open on at least one day of the week")


# Working minutes a task may wait: the alert is read within a quarter of an hour, a cancellation
# frees its slot the same half-day, the rest is done within two days of nine hours.
MINUTES = {
    Priority.ALERT: 15,
    Priority.TODAY: 60,
    Priority.CANCELLATION: 4 * 60,
    Priority.REST: 2 * 9 * 60,
}


def deadline(
    since: datetime, priority: Priority, hours: DeskHours, *, starts_at: datetime | None = None
) -> datetime:
    """Until when a task that can be done from `since` on may wait, UTC.

    Never later than the start of its appointment, if that is still to come: afterwards calling
    is of no use.
    """
    end = after_working(since, MINUTES[priority], hours)
    return min(end, starts_at) if starts_at is not None and starts_at > since else end


def after_working(since: datetime, minutes: int, hours: DeskHours) -> datetime:
    """The instant (UTC) at which the desk has been open for so many minutes since `since`.

    Raises ValueError for a naive instant and for a desk closed for two months on end.
    """
    if since.tzinfo is None:
        raise ValueError("naive datetime refused: an instant needs its zone")
    left, now = timedelta(minutes=minutes), since.astimezone(UTC)
    day, closed = now.astimezone(hours.zone).date(), 0
    while closed < LONGEST_CLOSURE:
        closed += 1
        if _is_worked(day, hours):
            closed = 0
            opens = max(to_utc(day, hours.opens, hours.zone), now)
            open_for = to_utc(day, hours.closes, hours.zone) - opens
            if open_for >= left and open_for > timedelta(0):
                return opens + left
            left -= max(open_for, timedelta(0))
        day += timedelta(days=1)
    raise ValueError("the desk does not open within two months")


TRY_AGAIN = timedelta(hours=3)


def tried_again(tried_at: datetime, hours: DeskHours, *, starts_at: datetime | None) -> datetime:
    """When somebody who could not be spoken to is called again: three hours later, or as the desk
    opens next; half-way to the appointment where that would be too late."""
    back = after_working(tried_at + TRY_AGAIN, 0, hours)
    if starts_at is not None and tried_at < starts_at <= back:
        return tried_at + (starts_at - tried_at) / 2
    return back


def is_open(moment: datetime, hours: DeskHours) -> bool:
    day = moment.astimezone(hours.zone).date()
    opens, closes = (to_utc(day, at, hours.zone) for at in (hours.opens, hours.closes))
    return _is_worked(day, hours) and opens <= moment < closes


def _is_worked(day: date, hours: DeskHours) -> bool:
    return day.weekday() in hours.weekdays and not is_holiday(day, hours.region)


class Ending(StrEnum):
    """How a person ended a task. Each has its effect; « other » has none. TRIES end nothing."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    MOVED = "moved"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no-answer"
    WRONG_NUMBER = "wrong-number"
    OTHER = "other"
    ENTERED = "entered"  # what the patient said is in the DPI


ENDINGS = {
    Ending.CONFIRMED: "vient",
    Ending.CANCELLED: "ne vient pas",
    Ending.MOVED: "autre date donnée",
    Ending.VOICEMAIL: "message laissé",
    Ending.NO_ANSWER: "ne répond pas",
    Ending.WRONG_NUMBER: "mauvais numéro",
    Ending.OTHER: "autre",
    Ending.ENTERED: "enregistré dans le DPI",
}

# Nobody was spoken to: the try is kept, and the task comes back.
TRIES = frozenset({Ending.VOICEMAIL, Ending.NO_ANSWER})

# A patient, not the DPI, is on the telephone.
SPOKEN = tuple(one for one in Ending if one is not Ending.ENTERED)

# Kinds of calls that need no decision; they form the day's call list.
CALL = "call_"
PREPARATION_CALL = "call_preparation"

# What to say, by kind; {when} is the appointment's day and hour. No specialty is named: whoever
# picks up may not be the patient.
_GREETING = "Bonjour, ici {place}. "
WORDS = {
    "call_cancelled": "Votre rendez-vous du {when} est annulé ; nous vous en proposons un autre.",
    "call_vanished": "Je vérifie avec vous le rendez-vous du {when} : l'avez-vous annulé ?",
    "call_moved": "Votre rendez-vous a changé : il est maintenant le {when}. Cela vous convient ?",
    "call_cancelled_stop": "Votre rendez-vous du {when} est annulé ; nous vous en proposons un "
    "autre. Vous ne vouliez plus de messages : je vous appelle pour cela.",
    "call_moved_stop": "Votre rendez-vous a changé : il est maintenant le {when}. Vous ne vouliez "
    "plus de messages : je vous appelle pour cela.",
    "call_no_contact": "Je vous rappelle votre rendez-vous du {when}. Viendrez-vous ? "
    "Avez-vous un numéro de mobile où vous prévenir ?",
    "call_not_reached": "Nos messages ne vous parviennent pas. Je vous rappelle votre "
    "rendez-vous du {when}. Viendrez-vous ?",
    "call_session_cancelled": "Votre rendez-vous du {when} n'aura pas lieu. "
    "Nous vous en proposons un autre.",
    "call_session_moved": "Votre rendez-vous du {when} est reporté : ne venez pas. "
    "Quels jours vous conviennent ?",
    "call_session_late": "Du retard est prévu pour votre rendez-vous du {when}{late}. "
    "Pouvez-vous patienter ?",
    "call_session_place": "Votre rendez-vous du {when} change de lieu : {there}.",
    "call_session_doubtful": "Votre rendez-vous du {when} est incertain. "
    "Appelez-nous avant de venir.",
    PREPARATION_CALL: "Votre rendez-vous du {when} demande une préparation. "
    "Avez-vous lu les consignes ?",
    "answer_cancelled": "",  # nobody is called: it is recorded in the DPI
    "reply_alert": "Vous nous avez écrit. Comment allez-vous ? En cas d'urgence, faites le 15.",
    "reply_deceased": "Toutes nos condoléances. Nous n'enverrons plus de message.",
    "reply_wrong_number": "",
    "reply_new_holder": "",
    "reply_stop": "Nous ne vous enverrons plus de messages. Que pouvons-nous faire pour vous ?",
    "provider_stop": "Nos SMS ne vous parviennent plus : votre réponse a pu les arrêter. "
    "Viendrez-vous le {when} ?",
    "start_stands": "Vous voulez de nouveau nos SMS. Je regarde ce qui les arrête encore.",
    "reply_proxy_cancel": "Un proche nous a écrit que vous ne viendrez pas le {when}. "
    "Faut-il annuler ?",
    "reply_which": "Nous avons reçu votre réponse. De quel rendez-vous parlez-vous ?",
    "reply_unbound": "Nous avons reçu un message de ce numéro. "
    "De quel rendez-vous s'agit-il, et au nom de qui ?",
    "reply_after": "Nous avons reçu votre message après l'heure du rendez-vous. "
    "Souhaitez-vous un autre rendez-vous ?",
    "reply_cancelled": "Votre rendez-vous du {when} est annulé. En souhaitez-vous un autre ?",
    "reply_moved": "Votre rendez-vous est maintenant le {when}. Viendrez-vous ?",
    "reply_changed_mind": "Vous aviez annulé, puis confirmé. Je regarde si la place est libre.",
    "reply_reschedule": "Vous souhaitez une autre date que le {when}. "
    "Quels jours vous conviennent ?",
    "reply_question": "Vous avez une question sur votre rendez-vous du {when}.",
    "reply_late": "Merci de nous avoir prévenus. Quand pensez-vous arriver ?",
    "reply_transport": "Vous avez une question de transport pour votre rendez-vous du {when}.",
    "reply_already": "Vous dites que c'est déjà fait. Est-ce bien le rendez-vous du {when} ?",
    "reply_complaint": "J'ai lu votre message et je vous écoute.",
    "reply_unclear": "Nous avons reçu votre réponse. Viendrez-vous le {when} ?",
    "reply_other": "Votre venue le {when} est notée. Vous ajoutiez quelque chose ?",
}
TELL_DETAILS = frozenset({"call_session_late", "call_session_place"})
ABOUT_INSTRUCTIONS = frozenset({PREPARATION_CALL, "reply_question"})


def suggested(kind: str, *, place: str, when: str, late: str = "", there: str = "") -> str:
    """What to say on the telephone; "" where nobody is called. `late`, `there`: what the text
    says to those it reaches, how late or where instead."""
    words = WORDS.get(kind, "")
    if not when:
        words = re.sub(r" (?:que )?(?:du|le) \{when\}", "", words)
    late = f", environ {late}" if late else ""
    there = there or "je vous l'explique"
    said = (_GREETING + words).format(place=place, when=when, late=late, there=there)
    return said if words else ""


def speaks_for(proxy: str, born: date | None, day: date, *, protected: bool) -> bool:
    """Is the representative (parent | guardian | helper) who is called that day, not the patient?

    A minor's, until the eighteenth birthday; a protected adult's guardian.
    """
    if proxy == "helper":
        return True
    if proxy not in ("parent", "guardian"):
        return False
    if born is not None:
        age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        if age < OF_AGE:
            return True
    return protected and proxy == "guardian"
