"""What a change of an appointment is called, on its story and on its patient's."""

from dataclasses import dataclass
from datetime import datetime

from reminders.web.staff.words import Words


@dataclass(frozen=True, slots=True)
class Change:
    """One version replaced by the next. `*_all_day`: a day without an hour."""

    was: datetime
    was_all_day: bool
    was_status: str
    now: datetime
    all_day: bool
    other_service: bool
    other_patient: bool


def told(words: Words, change: Change) -> tuple[str, str]:
    """(title, what else changed). The service before is not named: who reads may not hold it."""
    before = _when(words, change.was, change.was_all_day)
    after = _when(words, change.now, change.all_day)
    others = [
        sentence
        for sentence, so in (
            (words.gettext("Le service a changé."), change.other_service),
            (words.gettext("Le patient a changé."), change.other_patient),
        )
        if so
    ]
    if change.was_status != "booked":
        title = words.gettext("De nouveau prévu : le %(when)s", when=after)
        if before != after:
            others.insert(0, words.gettext("Il était le %(when)s.", when=before))
    elif before != after:
        title = words.gettext("Déplacé : du %(before)s au %(after)s", before=before, after=after)
    else:
        title = words.gettext("Changé dans le DPI, toujours le %(when)s", when=after)
    return title, " ".join(others)


def _when(words: Words, moment: datetime, all_day: bool) -> str:
    return words.day(moment) if all_day else words.full_moment(moment)
