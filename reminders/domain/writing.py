"""What staff may write outside the plan, to whom, when, and why not (DESIGN 5: `staff:{request}`).

Such a text counts in no cap and moves later, never earlier, to the permitted hours; what forbids
a send forbids it too. Who cannot be reached by it is called.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.calendar import (
    ContactHours,
    next_permitted,
    permitted_window,
    to_utc,
)
from reminders.domain.lint import ADDRESS, REPLY_WORDS, sensitive
from reminders.domain.marking import N_

# The purposes a session may be written to with, and what each says, for staff.
SESSION: Mapping[str, str] = {
    "session_cancelled": N_("La séance n’aura pas lieu"),
    "session_moved": N_("La séance est reportée, une autre date suivra"),
    "session_late": N_("Du retard est prévu"),
    "session_place": N_("Le lieu change"),
    "session_doubtful": N_("La séance est incertaine, appeler avant de venir"),
}
LATE, ELSEWHERE = "session_late", "session_place"
LATEST = 600  # minutes
PLACE_LONGEST = 60
# After these the patient no longer comes: no reminder may say the contrary, whatever the DPI
# still holds.
CALLED_OFF = frozenset({"session_cancelled", "session_moved"})
# What a reminder says may be said again; an answer to a reply, a notice or a correction may not.
RESENDABLE = frozenset({"booking", "preparation", "confirm", "short"})

# Who needs no call although no text goes: they know, they cannot know, or nobody is known.
NO_CALL = frozenset(
    {"deceased", "merged", "inactive", "cancellation_asked", "already_written", "no_patient"}
)
ASKS_A_NUMBER = 500  # above it the sender types how many patients will be written to
MOST = 2_000  # appointments of one session
SOONEST = timedelta(minutes=1)  # a moment shorter than this is none


@dataclass(frozen=True, slots=True)
class Details:
    """What only this text says: how late, or where instead. 0 and "": it does not say."""

    late_minutes: int = 0
    place: str = ""

    def of(self, purpose: str) -> "Details":
        """What of it a text of this purpose says."""
        return Details(
            self.late_minutes if purpose == LATE else 0, self.place if purpose == ELSEWHERE else ""
        )

    def mistake(self) -> tuple[str, str]:
        """(field, why it may not be said); ("", "") if it may."""
        if not 0 <= self.late_minutes <= LATEST:
            return "retard", N_("Un retard se dit en minutes, de 1 à 600.")
        if len(self.place) > PLACE_LONGEST:
            return "lieu", N_("Le lieu est trop long : 60 signes au plus.")
        if any(one.search(self.place) for one in (_NO_PLACE, ADDRESS, REPLY_WORDS)):
            return "lieu", N_(
                "Écrire seulement un lieu : ni adresse Internet, ni numéro à appeler."
            )
        if next(sensitive(self.place), None) is not None:
            return "lieu", N_(
                "Ce lieu dirait de quels soins il s’agit : écrire un bâtiment, une porte."
            )
        return "", ""


NOTHING = Details()
# No gap of a template, no mark, no sign that is not seen or turns what follows, no number to call.
_NO_PLACE = re.compile(
    r"[{}<>\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|(?:\d[ .-]?){8}"
)


@dataclass(frozen=True, slots=True)
class Session:
    """A day, a service or an agenda or both, and perhaps hours of it (civil time, half-open)."""

    day: date
    uf: str = ""
    agenda: str = ""
    begins: time | None = None
    ends: time | None = None
    details: Details = NOTHING

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """[from, until) as instants; the whole civil day where no hours are told."""
        starts = to_utc(self.day, self.begins or time(0), zone)
        if self.ends is not None:
            return starts, to_utc(self.day, self.ends, zone)
        return starts, to_utc(self.day + timedelta(days=1), time(0), zone)

    def mistake(self) -> str:
        """Why this is no session, for a person; "" if it is one."""
        if not self.uf and not self.agenda:
            return N_("Choisir un service ou un agenda.")
        if self.begins and self.ends and self.begins >= self.ends:
            return N_("L’heure de fin doit venir après l’heure de début.")
        return ""


def moment_for(
    starts_at: datetime, hours: ContactHours, zone: str, *, now: datetime
) -> tuple[datetime, datetime] | None:
    """[opens, closes): now, else the next permitted hours, until they end or the appointment
    starts. None: no permitted moment is left. `zone` is of the number, "" for the site's."""
    number = ZoneInfo(zone) if zone else None
    opens = next_permitted(now, hours, number)
    closes = permitted_window(opens.astimezone(hours.zone).date(), hours, number)[1]
    closes = min(closes, starts_at)
    return (opens, closes) if opens + SOONEST <= closes else None
