"""Telephone calls of patients: their motive, and which appointment they are counted with."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from reminders.domain.marking import N_

UNTOLD = time(12)  # the civil hour of a call whose hour is not known
AFTER = timedelta(days=30)  # a call this long after an appointment may still be about it


class Motive(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"
    MOVE = "move"
    PREPARATION = "preparation"
    PLACE = "place"
    LATE = "late"
    OTHER = "other"
    UNKNOWN = ""


MOTIVES = {
    Motive.CONFIRM: N_("vient, ou vérifie la date"),
    Motive.CANCEL: N_("ne vient pas"),
    Motive.MOVE: N_("veut une autre date"),
    Motive.PREPARATION: N_("consignes ou papiers"),
    Motive.PLACE: N_("lieu ou heure d’arrivée"),
    Motive.LATE: N_("sera en retard"),
    Motive.OTHER: N_("autre chose"),
    Motive.UNKNOWN: N_("motif non noté"),
}


class Which(StrEnum):
    """Which calls a count is of."""

    ALL = "all"
    ONCE = "once"  # of a day and a service, those of the source that counts most
    LINKED = "linked"  # about an appointment that is known
    UNLINKED = "unlinked"
    NOTED = "noted"  # by a person; the others are of a file


# The first that is found counts; words without accents, as `motive_of` reads them.
_SAID = (
    (Motive.CANCEL, r"annul|ne vient pas|desist|cancel"),
    (Motive.MOVE, r"report|decal|deplac|autre date|avanc|modif|replanif|move"),
    (Motive.LATE, r"retard|late\b"),
    (Motive.PREPARATION, r"consigne|prepa|jeun|document|papier|ordonnance|resultat anterieur"),
    (Motive.PLACE, r"lieu|acces|adresse|plan\b|parking|transport|horaire|heure|place\b"),
    (Motive.CONFIRM, r"confirm|verif|rappel|date"),
)
_PLAIN = str.maketrans("éèêëàâîïôûùç", "eeeeaaiiouuc")


def motive_of(text: str) -> Motive:
    """What a word of a file or form stands for; OTHER for one we do not know."""
    plain = text.strip().lower().translate(_PLAIN)
    if not plain:
        return Motive.UNKNOWN
    if any(plain == one.value for one in Motive):
        return Motive(plain)
    return next((one for one, words in _SAID if re.search(words, plain)), Motive.OTHER)


@dataclass(frozen=True, slots=True)
class Near:
    """An appointment of whoever called."""

    id: int
    uf: str
    starts_at: datetime
    day: date  # civil, of its start


def about(at: datetime, uf: str, day: date, those: Iterable[Near]) -> int:
    """The appointment a call of `day` is about; 0: none can be told.

    The patient's next one in the service called (in any, where the file names none) from that day
    on, else the last one before, if it was not more than AFTER earlier. `at`: the call's moment,
    or noon of its day: an appointment of the same civil day counts as still to come.
    """
    found = [one for one in those if not uf or one.uf == uf]
    coming = [one for one in found if one.starts_at >= at or one.day == day]
    if coming:
        return min(coming, key=lambda one: (one.starts_at, one.id)).id
    past = [one for one in found if at - AFTER <= one.starts_at < at]
    return max(past, key=lambda one: (one.starts_at, one.id)).id if past else 0


def moment_of(text: str, hour: str = "") -> tuple[date, str] | None:
    """(civil day, « 09:30 » or "") of a date as spreadsheets and telephony write it; None for
    what is no date."""
    found = re.fullmatch(
        r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}))"
        r"(?:[T ,à]+(\d{1,2})[:hH](\d{2})?(?::\d{2})?(?:\.\d+)?)?",
        text.strip(),
    )
    if found is None:
        return None
    year, month, day = (
        (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    )
    clock = (found[7], found[8])
    if clock[0] is None and hour.strip():
        told = re.fullmatch(r"(\d{1,2})[:hH ]+(\d{2})?(?::\d{2})?", hour.strip())
        if told is None:
            return None
        clock = (told[1], told[2])
    try:
        civil = date(int(year), int(month), int(day))
    except ValueError:
        return None
    if clock[0] is None:
        return civil, ""
    hours, minutes = int(clock[0]), int(clock[1] or 0)
    return (civil, f"{hours:02}:{minutes:02}") if hours < 24 and minutes < 60 else None
