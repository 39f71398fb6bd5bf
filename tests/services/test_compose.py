"""The right person gets the right text (R15): every send against a rendering of the test's own."""

from dataclasses import replace
from datetime import date, timedelta

from reminders.domain.appointment import AppointmentRecord, ContactPoint, Holder, PatientRecord
from reminders.store.engine import Store, run
from tests.services.test_deliver import STEP, with_mail
from tests.support.clinic import PARIS, paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom

EARLY = {"booked_at": paris("2026-06-01 10:00")}
PEOPLE = 700
FIRST = paris("2026-10-20 08:00")
DESKS = {"4220": "01 99 00 12 34", "4230": "01 99 00 56 78", "4240": "01 99 00 12 34"}
SERVICES = [
    {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2"},
    {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1", "phone": DESKS["4230"]},
    {"uf": "4240", "site": "sud", "label": "Accueil D", "sensitivity": "neutral"},
]
BODY = (
    "{% if prenom %}{{ prenom }} : {% endif %}{% if proche %}{{ proche }} {% endif %}"
    "{{ date_rdv }} {{ heure_rdv }} {{ etablissement_court }} {{ telephone_secretariat }}"
)


def number(n: int) -> str:
    """Every tenth patient shares the number of the one before."""
    own = n - 1 if n % 10 == 0 else n
    return f"06 39 98 {own // 100:02} {own % 100:02}"


def canary(n: int) -> PatientRecord:
    """Seven kinds of people in turn; each has a name nobody else has."""
    person = replace(someone(n), given=f"Canari{n}", contacts=(ContactPoint("phone", number(n)),))
    match n % 7:
        case 1:
            parent = ContactPoint(
                "phone", f"06 39 98 9{n // 100} {n % 100:02}", holder=Holder.PARENT
            )
            return replace(person, birth_date=date(2015, 5, 5), contacts=(*person.contacts, parent))
        case 2:
            return replace(person, contacts=(ContactPoint("email", f"canari{n}@example.org"),))
        case 3:
            return replace(person, language="en")
    return person


def appointment(n: int) -> AppointmentRecord:
    """Every patient has a start of their own, to the minute."""
    return AppointmentRecord(
        f"R{n}", visit().status, FIRST + timedelta(minutes=n % 600, days=n // 600),
        canary(n), list(DESKS)[n % 3], booked_at=paris("2026-06-01 10:00"),
    )  # fmt: skip


def expected(n: int) -> tuple[str, str]:
    """(recipient, text) as the records of the DPI alone say it should be."""
    record, person = appointment(n), canary(n)
    assert record.starts_at is not None
    start = record.starts_at.astimezone(PARIS)
    hour = f"{start:%-H:%M}" if person.language == "en" else f"{start:%-Hh}"
    if person.language != "en" and start.minute:
        hour += f"{start:%M}"
    point = person.contacts[-1]
    companion = n - 1 if n % 10 == 0 else n + 1
    shared = companion % 10 == 0 or n % 10 == 0
    both = n % 7 != 2 and companion % 7 != 2 and companion <= PEOPLE
    reached = point.system == "phone" and point.holder is Holder.SELF and record.uf != "4240"
    name = f"{person.given} : " if shared and both and reached else ""
    about = "enfant " if point.holder is Holder.PARENT and record.uf != "4240" else ""
    to = point.value if point.system == "email" else "+33" + point.value.replace(" ", "")[1:]
    return to, f"{name}{about}{start:%d/%m} {hour} CH Exemple {DESKS[record.uf]}"


def test_every_send_equals_an_independent_rendering(store: Store) -> None:
    """2,100 messages over three steps: recipient and text, nobody's left out, nobody's twice."""
    room = Mailroom(store, settings=settings_with(**LIVE, service=SERVICES))
    with store.write() as connection:
        run(connection, "UPDATE template_version SET body = :body", body=BODY)
    room.read(*(appointment(n) for n in range(1, PEOPLE + 1)))
    room.release()
    room.plan()
    # two days of visits: each step is open on one day or the other
    for moment in ("13", "14", "17", "19", "20"):
        room.at(paris(f"2026-10-{moment} 10:00"))
        room.plan()
        room.deliver()
    texts = sorted((sent.to, sent.text) for sent in room.sent)
    assert len(texts) == 3 * PEOPLE
    assert texts == sorted(expected(n) for n in range(1, PEOPLE + 1) for _ in range(3))


def text_of(store: Store, record: AppointmentRecord, **settings: object) -> Mailroom:
    room = Mailroom(store, settings=settings_with(**LIVE, **settings))
    room.read(record)
    room.release()
    room.plan()
    room.at(STEP)
    room.deliver()
    return room


def test_a_language_without_texts_is_french(store: Store) -> None:
    room = text_of(store, visit(1, patient=someone(1, language="pt-PT")))
    assert "Pour annuler" in room.sent[0].text


def test_english_is_english(store: Store) -> None:
    room = text_of(store, visit(1, patient=someone(1, language="en-GB")))
    assert "To cancel" in room.sent[0].text


def fasting(store: Store, language: str, **translated: object) -> str:
    """What a patient reads a week before, whose service's sheet says to come fasting."""
    sheet = {"id": "s", "service": "4220", "sms": "Venir à jeun.", **translated}
    room = Mailroom(store, settings=settings_with(**LIVE, preparation=[sheet]))
    room.read(visit(1, "2026-10-20 09:30", patient=someone(1, language=language), **EARLY))
    room.release()
    room.at(paris("2026-10-13 10:05"))
    room.plan()
    room.deliver()
    (sent,) = room.sent
    return sent.text


def test_instructions_leave_in_the_language_of_their_message(store: Store) -> None:
    text = fasting(store, "en", en={"sms": "Come fasting."})
    assert "Come fasting. To cancel" in text
    assert "jeun" not in text


def test_untranslated_instructions_still_leave_and_say_that_they_are_french(store: Store) -> None:
    assert "(in French) Venir à jeun. To cancel" in fasting(store, "en")


def test_an_e_mail_carries_the_visit_as_a_calendar_entry(store: Store) -> None:
    room = Mailroom(store)
    mail_only = replace(with_mail(1), contacts=with_mail(1).contacts[1:])
    room.read(visit(1, patient=mail_only, duration_minutes=30))
    room.release()
    room.plan()
    room.at(STEP)
    [envelope] = room.window().envelopes
    attached = envelope.composed.calendar
    assert attached is not None
    assert b"DTSTART;TZID=Europe/Paris:20261020T093000" in attached
    assert b"DTEND;TZID=Europe/Paris:20261020T100000" in attached
    assert "Canari" not in attached.decode()


def test_a_shared_number_is_told_whose_visit_it_is_and_never_for_a_neutral_service(
    store: Store,
) -> None:
    shared = (ContactPoint("phone", "06 39 98 00 77"),)
    first = someone(1, given="Ana", contacts=shared)
    second = someone(2, given="Bea", contacts=shared)
    room = Mailroom(store, settings=settings_with(**LIVE, service=SERVICES))
    room.read(visit(1, patient=first), visit(2, "2026-10-20 11:00", patient=second, uf="4240"))
    room.release()
    room.plan()
    room.at(STEP)
    room.deliver()
    named = {sent.text for sent in room.sent}
    assert {("Ana" in text, "Bea" in text) for text in named} == {(True, False), (False, False)}


def test_a_notice_names_the_visit_that_was_told(store: Store) -> None:
    """It moved and was cancelled before the correction left: the patient knows the first hour."""
    room = text_of(store, visit(1))
    moved = visit(1, "2026-10-28 14:00")
    room.read(moved, mode="delta")
    room.read(replace(moved, status=type(moved.status).CANCELLED), mode="delta")
    room.plan()
    room.deliver()
    assert "20/10 à 9h30" in room.sent[-1].text
