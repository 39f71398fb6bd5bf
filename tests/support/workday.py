"""An office in the middle of its week, with everything a page may have to show.

Two weeks of appointments are lived through: reminders sent, received or lost, answers, tasks,
objections, attendance, a held feed, a service nobody mapped. With `hostile`, every text that
comes from outside (names, agendas, kinds, replies) is an attack on the page that shows it.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reminders.config import PreparationTable, ProtocolTable
from reminders.domain.appointment import AppointmentRecord, ContactPoint, PatientRecord, Status
from reminders.domain.calls import Motive
from reminders.domain.outcome import Attendance
from reminders.domain.report import Month
from reminders.domain.writing import Session
from reminders.ports import InboundSms, Received
from reminders.rendering import Renderer
from reminders.services import months, protocols, sheets_life, writing, writing_survey
from reminders.services.answer import pass_on, take_replies
from reminders.services.attendance import mark
from reminders.services.calls import import_calls, note
from reminders.services.compose import Composer
from reminders.services.receive import receive
from reminders.services.worklist import tend
from reminders.services.writing_survey import Means
from reminders.store.engine import Store
from tests.support.clinic import PARIS, paris
from tests.support.mailroom import receipt
from tests.support.office import Office, office_on
from tests.support.past import OPEN, imported, was, year

FAMILIES = (
    "MARTIN", "D’ALEMBERT-VANDENBROUCKE DE LA ROCHEFOUCAULD", "NGUYEN", "BENAÏSSA", "LE GOFF",
    "ÖZTÜRK", "DA SILVA PEREIRA", "O’CONNOR", "KŁOSOWSKI", "PETIT",
)  # fmt: skip
GIVENS = ("Léa", "Jean-Baptiste Marie Alexandre", "Fatoumata", "Noé", "Inès", "Zoé", "Karim")
REPLIES = (
    "OUI", "Non je ne pourrai pas venir", "Faut-il venir à jeun ?", "Je serai en retard de 10 min",
    "STOP", "C'est pour qui ? Je ne connais pas cette personne", "ok merci",
    "peut etre, si mon fils peut m'emmener, sinon on verra, je vous rappelle demain matin si j'ai "
    "le temps parce que ma voiture est au garage",
)  # fmt: skip
ATTACKS = (
    "<script>window.hit=1</script>", '"><img src=x onerror="window.hit=1">', "'-window.hit=1-'",
    "{{ 7 * 7 }}<svg/onload=window.hit=1>", "</textarea><script>window.hit=1</script>",
    "javascript:window.hit=1", "=HYPERLINK(\"http://x.example\")", "\u202egnitfihs",
)  # fmt: skip
SERVICES = [
    {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2", "phone": "01 99 00 22 00",
     "manager_email": "cadre@example.org", "escalation_desk": "Standard"},
    {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1"},
    {"uf": "6600", "site": "sud", "label": "Psychiatrie, centre de jour"},
]  # fmt: skip
SHEET = {
    "id": "scan", "service": "4220", "sms": "Venir à jeun.", "instructions": "Ne rien manger "
    "après minuit. Prendre ses médicaments avec un peu d’eau.", "documents": ["Carte Vitale",
    "Ordonnance"], "arrival_point": "Accueil B2", "floor": "2e étage", "arrive_minutes_before": 15,
}  # fmt: skip
WEEK = ("2026-10-08", "2026-10-09", "2026-10-12", "2026-10-13", "2026-10-14", "2026-10-15",
        "2026-10-16", "2026-10-19", "2026-10-22")  # fmt: skip


def workday(store: Store, *, hostile: bool = False, count: int = 96) -> Office:
    """The office on Wednesday 14 October 2026 at 10:40 in Paris.

    Lived in a thread of its own: where a browser is open, its loop counts as running in this one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_lived, store, hostile, count).result()


def _lived(store: Store, hostile: bool, count: int) -> Office:
    begin = paris("2026-10-06 08:00")
    few = [was(900 + n, uf="6600", **OPEN) for n in range(3)]
    imported(store, *year(), *year(weeks=20, each=3, uf="4230", first=500), *few, now=begin)
    office = office_on(store, now=begin, service=SERVICES, preparation=[SHEET])
    records = [*_appointments(count, hostile)]
    office.read(*records)
    office.release()
    _written(office)
    for day in range(6, 15):
        office.at(paris(f"2026-10-{day:02} 10:05"))
        if day == 13:
            records = _changed(records)
        office.read(*records)
        office.plan()
        office.deliver()
        _receipts(office)
        if day >= 9:
            _replies(office, hostile, day)
        pass_on(store, now=office.now)
        tend(store, office.rules, now=office.now)
    _attendance(office)
    _session(office)
    _calls(office)
    office.at(paris("2026-10-14 10:40"))
    months.close(store, office.rules, Month(2026, 9), by="", now=office.now)
    office.feed(*records[:3])  # a truncated export: the gate holds it
    office.sync()
    return office


def _written(office: Office) -> None:
    """What the pages own: a protocol nobody follows yet, a sheet and its next version."""
    rules, now = office.rules, office.now
    steps = [{"day": "booking", "template": "booking"}, {"day": "J-2", "template": "confirm"}]
    bloc = ProtocolTable.model_validate({"id": "bloc", "step": steps})
    protocols.save(office.store, rules, bloc, number=0, actor="cadre", now=now)
    sheet = PreparationTable.model_validate(SHEET | {"id": "imagerie", "service": "4230"})
    for number, text in ((1, sheet.sms), (2, "Venir à jeun depuis minuit.")):
        told = sheet.model_copy(update={"sms": text})
        sheets_life.propose(office.store, rules, told, base=number - 1, actor="auteur", now=now)
        if number == 1:
            sheets_life.approve(
                office.store, rules, "imagerie", 1, actor="cadre", ticked=(), now=now
            )


def _appointments(count: int, hostile: bool) -> Iterator[AppointmentRecord]:
    for number in range(1, count + 1):
        day, slot = WEEK[number % len(WEEK)], number // len(WEEK)
        yield AppointmentRecord(
            external_id=f"R{number}",
            status=Status.BOOKED,
            starts_at=paris(f"{day} {8 + slot % 10:02}:{(number * 10) % 60:02}"),
            patient=_patient(number, hostile),
            uf=("4220", "4220", "4230", "6600", "9998")[number % 5],
            agenda=ATTACKS[number % len(ATTACKS)] if hostile else f"Dr Exemple {number % 4}",
            kind=ATTACKS[(number + 1) % len(ATTACKS)] if hostile else "consultation",
            booked_at=paris("2026-06-01 10:00"),
        )


def _patient(number: int, hostile: bool) -> PatientRecord:
    contacts: tuple[ContactPoint, ...]
    contacts = (ContactPoint("phone", f"06 39 98 {number // 100:02} {number % 100:02}"),)
    if number % 9 == 0:
        contacts = (ContactPoint("phone", "01 99 00 55 55"),)  # a landline: nobody can text it
    if number % 11 == 0:
        contacts = (*contacts, ContactPoint("email", f"patient{number}@example.org"))
    family, given = FAMILIES[number % len(FAMILIES)], GIVENS[number % len(GIVENS)]
    if hostile:
        family = ATTACKS[number % len(ATTACKS)]
        given = ATTACKS[(number + 3) % len(ATTACKS)]
    return PatientRecord(
        identifier=f"{number:07}",
        authority="ipp",
        family=family,
        given=given,
        birth_date=date(1930 + number % 90, 1 + number % 12, 1 + number % 28),
        contacts=contacts,
    )


def _changed(records: list[AppointmentRecord]) -> list[AppointmentRecord]:
    """On Tuesday one moved, two were cancelled."""
    changes: dict[str, dict[str, Any]] = {
        "R6": {"starts_at": paris("2026-10-19 15:20")},
        "R7": {"status": Status.CANCELLED},
        "R14": {"status": Status.CANCELLED},
    }
    return [replace(one, **changes.get(one.external_id, {})) for one in records]


def _receipts(office: Office) -> None:
    done = {one.reference for one in office.rows("SELECT reference FROM receipt")}
    new = [one for one in office.sent if one.reference not in done and one.provider == "main"]
    for place, one in enumerate(new):
        office.receive(receipt(one.reference, "undelivered" if place % 8 == 7 else "delivered"))


def _replies(office: Office, hostile: bool, day: int) -> None:
    words = ATTACKS if hostile else REPLIES
    numbers = [one.to for one in office.sent if one.provider == "main"][-8:]
    for place, number in enumerate(dict.fromkeys(numbers)):
        text = words[(place + day) % len(words)]
        reply = InboundSms(f"in-{day}-{place}", number, "", text)
        receive(office.store, office.secret, "main", Received(replies=(reply,)), now=office.now)
    take_replies(office.store, office.rules, office.secret, now=office.now)
    pass_on(office.store, now=office.now)


def _attendance(office: Office) -> None:
    past = office.rows(
        "SELECT external_id FROM appointment WHERE starts_at < :now AND status = 'booked' "
        "ORDER BY id",
        now=int(office.now.timestamp() * 1_000_000),
    )
    words = (Attendance.CAME, Attendance.CAME, Attendance.CAME, Attendance.ABSENT)
    for place, one in enumerate(past[: len(past) * 2 // 3]):
        mark(office.store, "agenda", one.external_id, words[place % 4], by="agent", now=office.now)


def _session(office: Office) -> None:
    """Somebody told a whole afternoon that it will be late."""
    composer = Composer(office.rules, Renderer())
    means = Means(office.rules, composer, office.routes, office.secret, PARIS)
    session, purpose = Session(date(2026, 10, 22), "4220"), "session_late"
    seen = writing_survey.survey(office.store, means, session, purpose, None, now=office.now)
    order = writing.Order("form-1", "agent", seen.patients)
    writing.send(office.store, means, session, purpose, None, order, now=office.now)
    office.deliver()


def _calls(office: Office) -> None:
    """Two weeks of what the telephone system wrote down; and one call somebody noted."""
    lines = ["Date;Heure;Service;Motif;Rendez-vous;IPP"]
    for number in range(1, 70):
        about = (f"R{number};", f";{number:07}", ";")[number % 3]
        hour = f"{8 + number % 10}:{number % 60:02}" if number % 4 else ""
        motive = ("annulation", "report", "")[number % 3] if number > 6 else "à jeun ?"
        uf = ("4220", "4230")[number % 2]
        lines.append(f"{1 + number % 13:02}/10/2026;{hour};{uf};{motive};{about}")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "appels.csv"
        file.write_text("\n".join(lines), encoding="utf-8")
        import_calls(office.store, office.rules, file, PARIS, actor="agent", now=office.now)
    one = office.rows("SELECT id, patient_id, uf FROM appointment WHERE external_id = 'R3'")[0]
    note(office.store, one.id, one.patient_id, one.uf, Motive.LATE, PARIS, actor="agent",
         now=office.now)  # fmt: skip


__all__ = ["ATTACKS", "workday"]
