"""The life of a simulated hospital: everything that happens there, in order, up to a moment.

Nothing runs by itself: `advance` plays the events that are due. What patients do depends on the
messages that truly reached them (`accepted` is called by the simulated providers), and the
service learns of it only as it would outside: from the DPI, from receipts, from replies.
"""

import asyncio
import heapq
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import Outcome, outcome_of
from reminders.simulation.boxes import Box, Boxes, Message
from reminders.simulation.chance import stream
from reminders.simulation.fhir_store import FhirStore
from reminders.simulation.hospital import PARIS, Booking, Hospital
from reminders.simulation.ledger import Entry
from reminders.simulation.patients import Draws, Facts, Told, conduct, draws_of
from reminders.simulation.people import Person, canonical
from reminders.simulation.records import appointment_resource, patient_resource
from reminders.simulation.sms_servers import SmsProviders
from reminders.simulation.wording import day_and_hour, hour, names_day

AT_ONCE = 24  # provider calls in flight
JOURNAL = 200  # sentences kept
LINK = re.compile(r"https?://\S+")
NOTICED = timedelta(days=21)  # a message is about an appointment no further away

Happening = Callable[[], Awaitable[object] | None]


@dataclass(slots=True)
class Visit:
    """An appointment as it stands in the hospital."""

    booking: Booking
    starts_at: datetime
    draws: Draws
    status: str = "booked"
    cancelled_at: datetime | None = None
    cancelled_by: str = ""
    told: list[Told] = field(default_factory=list)
    planned_call: bool = False
    replied: bool = False

    @property
    def facts(self) -> Facts:
        booking = self.booking
        return Facts(booking.id, self.starts_at, booking.booked_at, booking.person.tendency)


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the hospital's day. `box` shows where its message is, "" if nowhere."""

    at: datetime
    sentence: str
    box: str = ""


class Life:
    def __init__(self, hospital: Hospital, start: datetime, store: FhirStore) -> None:
        self.now = start
        self.start = start
        self.hospital = hospital
        self.boxes = Boxes(hospital.people)
        self.visits: dict[str, Visit] = {}
        self.journal: deque[Line] = deque(maxlen=JOURNAL)
        self.happened = 0  # sentences said since the beginning
        self.receipts = 0  # that tell a fate; "on its way" is none
        self.replies = 0
        self.providers: SmsProviders | None = None
        self._store = store
        self._events: list[tuple[datetime, int, Happening]] = []
        self._count = 0
        self._of_person: dict[str, list[Visit]] = {}
        self._sent: Counter[tuple[str, str]] = Counter()
        self._changed: set[str] = set()
        self._playing = asyncio.Lock()
        self._open_the_doors()

    # --- time --------------------------------------------------------------------------------

    @property
    def next_event(self) -> datetime | None:
        return self._events[0][0] if self._events else None

    def at(self, moment: datetime, happening: Happening) -> None:
        """Let it happen at `moment`, or next if that is past."""
        self._count += 1
        heapq.heappush(self._events, (max(moment, self.now), self._count, happening))

    async def advance(self, to: datetime) -> None:
        """Play every event due at or before `to`. What providers tell the service is told
        before this returns."""
        async with self._playing:
            calls: list[Awaitable[object]] = []
            while self._events and self._events[0][0] <= to:
                moment, _, happening = heapq.heappop(self._events)
                self.now = max(self.now, moment)
                if (call := happening()) is not None:
                    calls.append(call)
                if len(calls) >= AT_ONCE:
                    await asyncio.gather(*calls)
                    calls.clear()
            await asyncio.gather(*calls)
            self.now = max(self.now, to)

    def _open_the_doors(self) -> None:
        """What the DPI already holds when this life begins was written the day before."""
        self.now = self.start - timedelta(days=1)
        for person in self.hospital.people:
            self._store.put_patient(patient_resource(person), self.now)
            if person.changes_after is not None:
                self.at(self.start + person.changes_after, partial(self._renumber, person))
        for booking in self.hospital.bookings:
            if booking.booked_at <= self.start:
                if self._stands(booking):
                    self.book(booking, quietly=True)
            else:
                self.at(booking.booked_at, partial(self.book, booking))
        self.now = self.start

    def _stands(self, booking: Booking) -> bool:
        """Was it neither held nor called off before this life began?"""
        visit = Visit(booking, booking.starts_at, draws_of(self.hospital.seed, booking.id))
        called = conduct(visit.facts, (), visit.draws).cancels_at
        change = booking.change
        by_hospital = change is not None and change.to is None and change.at <= self.start
        begins = change.to if change and change.to and change.at <= self.start else visit.starts_at
        return begins > self.start and not by_hospital and not (called and called <= self.start)

    def say(self, sentence: str, box: Box | None = None) -> None:
        self.happened += 1
        self.journal.appendleft(Line(self.now, sentence, box.id if box else ""))

    # --- appointments ------------------------------------------------------------------------

    def book(self, booking: Booking, *, quietly: bool = False) -> None:
        visit = Visit(booking, booking.starts_at, draws_of(self.hospital.seed, booking.id))
        change = booking.change
        if change is not None and change.to and change.at <= self.start:
            visit.starts_at = change.to  # moved long before this life
        elif change is not None:
            self.at(change.at, lambda: self.change(visit, change.to))
        self.visits[booking.id] = visit
        self._of_person.setdefault(booking.person.id, []).append(visit)
        self._put(visit)
        self._expect(visit)
        self._reconsider(visit)
        if not quietly:
            self.say(f"{booking.person.name} prend rendez-vous pour le {_when(visit.starts_at)}.")

    def change(self, visit: Visit, to: datetime | None) -> None:
        """The hospital moves an appointment to `to`, or cancels it (None)."""
        if visit.status != "booked":
            return
        name, before = visit.booking.person.name, _when(visit.starts_at)
        if to is None:
            self._cancel(visit, "hospital")
            self.say(f"L’hôpital annule le rendez-vous de {name} du {before}.")
            return
        visit.starts_at = to
        visit.planned_call = False
        self._put(visit)
        self._expect(visit)
        self._reconsider(visit)
        same_day = before.split(" à ")[0] == _when(to).split(" à ")[0]
        after = hour(to, PARIS) if same_day else f"le {_when(to)}"
        self.say(f"L’hôpital déplace le rendez-vous de {name} du {before} : ce sera {after}.")

    def call_off(self, visit: Visit) -> None:
        """The patient calls the desk."""
        if visit.status == "booked" and visit.starts_at > self.now:
            self._cancel(visit, "patient")
            self.say(
                f"{visit.booking.person.name} appelle l’accueil et annule "
                f"son rendez-vous du {_when(visit.starts_at)}."
            )

    def _cancel(self, visit: Visit, by: str) -> None:
        visit.status, visit.cancelled_by, visit.cancelled_at = "cancelled", by, self.now
        self._put(visit)

    def _put(self, visit: Visit) -> None:
        resource = appointment_resource(
            visit.booking, visit.status, visit.starts_at, visit.cancelled_by
        )
        self._store.put_appointment(resource, self.now)

    # --- the day itself ----------------------------------------------------------------------

    def _expect(self, visit: Visit) -> None:
        expected = visit.starts_at
        if expected >= self.start and visit.status == "booked":
            self.at(expected, lambda: self._begin(visit, expected))

    def _begin(self, visit: Visit, expected: datetime) -> None:
        """The start of an appointment; one moved or cancelled since begins elsewhere or never."""
        if visit.status != "booked" or visit.starts_at != expected or visit.draws.recorded < 0.03:
            return
        what = conduct(visit.facts, visit.told, visit.draws)
        late = timedelta(minutes=25 * visit.draws.late**3)
        if what.attends:
            self.at(expected + late, lambda: self._arrive(visit))
        else:
            wait = timedelta(minutes=45 + 100 * visit.draws.late)
            self.at(expected + wait, lambda: self._miss(visit))

    def _arrive(self, visit: Visit) -> None:
        visit.status = "arrived"
        self._put(visit)
        self.say(f"{visit.booking.person.name} arrive pour {hour(visit.starts_at, PARIS)}.")
        self.at(self.now + timedelta(minutes=visit.booking.unit.minutes), lambda: self._end(visit))

    def _end(self, visit: Visit) -> None:
        visit.status = "fulfilled"
        self._put(visit)

    def _miss(self, visit: Visit) -> None:
        visit.status = "noshow"
        self._put(visit)
        name, at = visit.booking.person.name, hour(visit.starts_at, PARIS)
        self.say(f"{name} n’est pas venu{_e(visit.booking.person)} à {at}, sans prévenir.")

    # --- numbers -----------------------------------------------------------------------------

    def _renumber(self, person: Person) -> None:
        """A new mobile. One in two tells the hospital; the old number goes to a stranger."""
        for line in person.lines:
            box = self.boxes.at(line.value)
            if box.kind == "phone" and box.address.startswith("+336") and person in box.holders:
                box.holders.remove(person)
                box.strangers += 1
        self.boxes.at(person.new_mobile).holders.append(person)
        self._changed.add(person.id)
        if stream(self.hospital.seed, "tells", person.id).random() < 0.5:
            self._store.put_patient(patient_resource(person, changed_number=True), self.now)
            self.say(f"{person.name} donne son nouveau numéro à l’accueil.")
        else:
            self.say(f"{person.name} change de numéro sans le dire à l’hôpital.")

    # --- messages ----------------------------------------------------------------------------

    def accepted(self, entry: Entry, _callback: str | None = None) -> None:
        """A provider took a message: sooner or later its fate is known."""
        message = self.boxes.take(entry, self.now)
        # Not its rank: two may arrive in any order. Not its link: that is secret, hence random.
        what = (message.box.address, LINK.sub("", entry.text))
        self._sent[what] += 1
        chance = stream(self.hospital.seed, "delivery", *what, self._sent[what])
        dead = any(one.dead_number for one in message.box.holders)
        if entry.channel == "email":
            self.at(self.now + timedelta(seconds=1), lambda: self._reach(message))
            return
        seconds = 2 + chance.expovariate(1 / 6)
        if dead or chance.random() < 0.008:
            codes = {"twilio": "30005", "ovh": "23"} if dead else {"twilio": "30003", "ovh": "24"}
            code = codes[entry.provider]
            self.at(
                self.now + timedelta(seconds=30 * seconds),
                lambda: self._report(message, "undelivered", code=code),
            )
            return
        self._tell(message, self.now + timedelta(seconds=seconds), chance.random())

    def _tell(self, message: Message, at: datetime, kind: float) -> None:
        """Receipts as operators send them: mostly once, some twice, some late, a few never."""
        self.at(at, lambda: self._reach(message))
        if kind < 0.005:
            return
        times = 2 if kind < 0.03 else 1
        self.at(at, lambda: self._report(message, "delivered", times=times))
        if kind > 0.9:
            self.at(at - timedelta(seconds=1), lambda: self._report(message, "sent"))
        elif kind > 0.87:
            self.at(at + timedelta(seconds=9), lambda: self._report(message, "sent"))

    def _report(
        self, message: Message, status: str, *, code: str | None = None, times: int = 1
    ) -> Awaitable[object]:
        assert self.providers is not None
        assert message.entry is not None
        if status == "delivered" or (status == "undelivered" and message.state == "accepted"):
            message.state = "delivered" if status == "delivered" else "undelivered"
            self.receipts += 1  # however often it is told
        return self.providers.report(message.entry, status, error_code=code, times=times)

    def _reach(self, message: Message) -> None:
        """The message is on the patient's screen: what does it change?"""
        for visit in self._about(message):
            stranger = message.box.strangers > 0 and not message.box.holders
            visit.told.append(Told(self.now, message.answerable, stranger))
            self._reconsider(visit, message)

    def _about(self, message: Message) -> Iterator[Visit]:
        """The appointments a text speaks of: those whose day it names, else the nearest."""
        people = message.box.holders or [
            one
            for one in self.hospital.people
            if one.id in self._changed
            and any(canonical(line.value) == message.box.address for line in one.lines)
        ]
        near = sorted(
            (
                visit
                for person in people
                for visit in self._of_person.get(person.id, ())
                if visit.status == "booked" and self.now < visit.starts_at < self.now + NOTICED
            ),
            key=lambda visit: visit.starts_at,
        )
        text = f"{message.subject}\n{message.text}"
        named = [x for x in near if names_day(text, x.starts_at.astimezone(PARIS).date())]
        yield from named or near[:1]

    def _reconsider(self, visit: Visit, message: Message | None = None) -> None:
        what = conduct(visit.facts, visit.told, visit.draws)
        if what.cancels_at and not visit.planned_call and what.cancels_at > self.start:
            visit.planned_call = True
            self.at(what.cancels_at, lambda: self.call_off(visit))
        if what.replies_at and not visit.replied and message and message.answerable:
            visit.replied = True
            self.at(what.replies_at, lambda: self.reply(message, what.reply))

    def reply(self, message: Message, text: str) -> Awaitable[object]:
        """Whoever holds the telephone answers a message."""
        assert self.providers is not None
        assert message.entry is not None
        self.boxes.reply(message.box, text, self.now)
        self.replies += 1
        who = message.box.holders[0].name if message.box.holders else "Un inconnu"
        self.say(f"{who} répond : « {text} »", message.box)
        return self.providers.reply(message.box.address, text, message.entry)

    # --- what became of it all ---------------------------------------------------------------

    def outcomes(self, since: datetime, until: datetime) -> dict[str, int]:
        """Outcomes of appointments that start in [since, until), by the definitions of reports."""
        found = Counter(
            outcome.value
            for visit in self.visits.values()
            if since <= visit.starts_at < until and (outcome := self._outcome(visit)) is not None
        )
        return dict(found)

    def truth(self, since: datetime, until: datetime) -> dict[str, int]:
        """What no real hospital can know, of the appointments that start in [since, until) and
        that the hospital kept: how many their patients miss, and how many the same patients, with
        the same draws, would have missed had nobody written to them."""
        kept = [
            visit
            for visit in self.visits.values()
            if since <= visit.starts_at < until and visit.cancelled_by != "hospital"
        ]
        return {
            "appointments": len(kept),
            "missed": sum(_missed(visit, visit.told) for visit in kept),
            "without": sum(_missed(visit, ()) for visit in kept),
        }

    def _outcome(self, visit: Visit) -> Outcome | None:
        return outcome_of(
            Status(visit.status),
            visit.starts_at,
            visit.cancelled_at,
            CancelledBy(visit.cancelled_by or "unknown"),
            self.now,
        )


def _missed(visit: Visit, told: Sequence[Told]) -> bool:
    what = conduct(visit.facts, told, visit.draws)
    return not what.attends and what.cancels_at is None


def _when(moment: datetime) -> str:
    return day_and_hour(moment, PARIS)


def _e(person: Person) -> str:
    return "e" if person.sex == "female" else ""
