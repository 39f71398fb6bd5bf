"""Who calls is found in one field, by those who may see them; what they say is kept once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from reminders.config import RetentionTable
from reminders.domain.answer import SLIP
from reminders.domain.appointment import ContactPoint, Holder
from reminders.services import notes, patients, recipients
from reminders.services.answer import pass_on
from reminders.services.notes import NotNoted
from reminders.services.patients import Findings, NotSaid, Person
from reminders.services.purge import purge
from reminders.services.recipients import Told
from reminders.store.engine import Store, run
from reminders.store.patients import EVERYTHING
from tests.support.clinic import Clinic, paris, someone, visit
from tests.support.mailroom import Mailroom
from tests.support.worklist import NUMBER, hospital, reply


def who(number: int, family: str, given: str, born: str = "1956-10-14", **changes: Any) -> Any:
    return someone(
        number, family=family, given=given, birth_date=date.fromisoformat(born), **changes
    )


PEOPLE = (
    visit(1, patient=who(1, "DUPONT", "Léa")),
    visit(2, patient=who(2, "DUPONT-MARTIN", "Zoé", "1980-02-01"), uf="4230"),
    visit(3, patient=who(3, "MARTIN", "Léo", "1956-01-02")),
    visit(4, patient=who(4, "LE GALL", "Jean-Pierre", "1990-05-05")),
    visit(5, patient=who(5, "NG", "Ana", "2001-03-03")),
)


@pytest.fixture
def clinic(store: Store) -> Clinic:
    found = Clinic(store)
    found.open()
    found.read(*PEOPLE)
    return found


def search(clinic: Clinic, typed: str, ufs: frozenset[str] | None = None) -> Findings:
    return patients.search(clinic.store, clinic.secret, typed, ufs, now=clinic.now)


def names(clinic: Clinic, typed: str, ufs: frozenset[str] | None = None) -> list[str]:
    return [f"{one.row.family} {one.row.given}" for one in search(clinic, typed, ufs).found]


FOUND = {
    "dupont": ["DUPONT Léa", "DUPONT-MARTIN Zoé"],
    "Dupont Lea": ["DUPONT Léa"],
    "léa dup": ["DUPONT Léa"],
    "martin": ["DUPONT-MARTIN Zoé", "MARTIN Léo"],
    "legall": ["LE GALL Jean-Pierre"],
    "jean pierre le gall": ["LE GALL Jean-Pierre"],
    "ng": ["NG Ana"],
    "dupont 1956": ["DUPONT Léa"],
    "14/10/1956": ["DUPONT Léa"],
    "14101956": ["DUPONT Léa"],
    "02/01/56": ["MARTIN Léo"],
    "martin 2/1/1956": ["MARTIN Léo"],
    "0000003": ["MARTIN Léo"],
    "3": ["MARTIN Léo"],
    "martin 3": ["MARTIN Léo"],
    "dupont 3": [],
    "06 39.98-00/02": ["DUPONT-MARTIN Zoé"],
    "0033639980002": ["DUPONT-MARTIN Zoé"],
    "dupont 06 39 98 00 02": ["DUPONT-MARTIN Zoé"],
    "durand 06 39 98 00 02": [],
    "martinez": [],
    "du": [],
    "1956": [],
}


def test_one_field_finds_them(clinic: Clinic) -> None:
    assert {typed: names(clinic, typed) for typed in FOUND} == FOUND


def test_a_reader_finds_only_the_patients_of_their_services(clinic: Clinic) -> None:
    imaging = frozenset({"4230"})
    assert names(clinic, "dupont", imaging) == ["DUPONT-MARTIN Zoé"]
    assert names(clinic, "06 39 98 00 01", imaging) == []
    assert names(clinic, "14/10/1956", imaging) == []
    assert names(clinic, "0000001", imaging) == []
    assert names(clinic, "dupont", frozenset()) == []


def test_what_the_dpi_corrects_is_found_by_its_new_spelling(clinic: Clinic) -> None:
    clinic.pass_days(1)
    clinic.read(visit(1, patient=who(1, "DURAND", "Léa")), *PEOPLE[1:])
    assert names(clinic, "durand") == ["DURAND Léa"]
    assert names(clinic, "dupont") == ["DUPONT-MARTIN Zoé"]


def test_fifty_are_shown_and_more_are_said(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*(visit(n, patient=who(n, "DURAND", f"A{'bcdefghij'[n % 9]}")) for n in range(60)))
    found = search(clinic, "durand")
    assert (len(found.found), found.more) == (50, True)


def test_a_number_of_several_is_said_to_be_whose(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    parent = ContactPoint("phone", "06 39 98 00 77", "", 0, Holder.PARENT)
    child = who(2, "PETIT", "Tom", "2020-01-01", contacts=(parent,))
    clinic.read(
        visit(1, patient=who(1, "PETIT", "Ida", contacts=(ContactPoint("phone", "0639980077"),))),
        visit(2, patient=child),
    )
    found = search(clinic, "06 39 98 00 77").found
    assert [(one.row.given, one.ways[0][0]) for one in found] == [("Ida", "own"), ("Tom", "proxy")]


def test_an_e_mail_is_found_however_it_is_spelt(store: Store) -> None:
    """The DPI has it as somebody typed it; who is asked on the telephone types it otherwise."""
    clinic = Clinic(store)
    clinic.open()
    own = ContactPoint("email", "Ida.Petit@Example.org")
    parent = ContactPoint("email", "IDA.PETIT@example.org", "", 0, Holder.PARENT)
    clinic.read(
        visit(1, patient=who(1, "PETIT", "Ida", contacts=(own,))),
        visit(2, patient=who(2, "PETIT", "Tom", "2020-01-01", contacts=(parent,))),
        visit(3, patient=who(3, "PETIT", "Lou", contacts=())),
    )
    for typed in ("ida.petit@example.org", "Ida.Petit@Example.org", " IDA.PETIT@EXAMPLE.ORG "):
        found = search(clinic, typed).found
        assert [(one.row.given, one.ways[0][0]) for one in found] == [
            ("Ida", "own"), ("Tom", "proxy"),
        ], typed  # fmt: skip


def test_a_number_written_to_is_found_when_the_file_has_another(store: Store) -> None:
    """« Vous m'avez envoyé un SMS »: the number may be nobody's in the file by now."""
    room = hospital(store)
    room.pass_days(0.1)
    changed = someone(1, contacts=(ContactPoint("phone", "06 39 98 55 55"),))
    room.read(visit(1, starts="2026-10-13 09:30", patient=changed))
    [one] = search(room, NUMBER).found
    assert [way for way, _ in one.ways] == ["written"]


def test_merged_files_are_found_as_who_they_are_now(clinic: Clinic) -> None:
    kept, gone = clinic.patient(1).id, clinic.patient(3).id
    with clinic.store.write() as connection:
        run(connection, "UPDATE patient SET merged_into = :a WHERE id = :b", a=kept, b=gone)
    assert names(clinic, "martin léo") == ["DUPONT Léa"]
    together = person(clinic, kept)
    assert [one.id for one in together.files] == [kept, gone]
    assert len([line for line in together.ahead if line.kind == "visit"]) == 2


def test_an_erased_identity_is_found_by_nothing(clinic: Clinic) -> None:
    clinic.now += timedelta(days=200)
    purge(clinic.store, RetentionTable(), now=clinic.now)
    for typed in ("dupont", "14/10/1956", "0000001", "06 39 98 00 01", "dupont 1956"):
        assert names(clinic, typed) == []


# --- one person ----------------------------------------------------------------------------------


def person(
    clinic: Clinic,
    patient: int,
    ufs: frozenset[str] | None = None,
    kinds: Sequence[str] = EVERYTHING,
    **page: Any,
) -> Person:
    found = patients.person(
        clinic.store, clinic.secret, patient, ufs, kinds=kinds, now=clinic.now, **page
    )
    assert found is not None
    return found


def test_a_history_tells_everything_in_order(store: Store) -> None:
    room = hospital(store)
    patient = room.patient(1).id
    room.pass_days(0.01)
    task = reply(room, "Puis-je venir avec mon fils ?")
    room.pass_days(0.01)
    notes.add(store, patient, "Malentendante", uf="4220", origin="f1", by="nadia", now=room.now)
    found = person(room, patient)
    kinds = [line.kind for line in found.past]
    assert [one for one in kinds if one != "unsent"] == [
        "taken", "sent", "reply", "answer", "task", "note"
    ]  # fmt: skip
    assert [line.at for line in found.past] == sorted(line.at for line in found.past)
    sent = next(line for line in found.past if line.kind == "sent")
    assert sent.body == room.sent[0].text
    assert next(line for line in found.past if line.kind == "reply").body.startswith("Puis-je")
    assert next(line for line in found.past if line.kind == "task").id == task
    assert [line.kind for line in found.ahead] == ["planned", "visit"]  # our answer is due


def test_what_is_planned_stands_in_the_future_and_what_is_not_says_why(clinic: Clinic) -> None:
    clinic.plan()
    found = person(clinic, clinic.patient(1).id)
    ahead = [(line.kind, line.a) for line in found.ahead]
    assert ("planned", "J-3") in ahead
    assert ahead[-1][0] == "visit"


def test_every_kind_of_line_can_be_asked_for_alone(store: Store) -> None:
    room = hospital(store)
    reply(room, "Puis-je venir avec mon fils ?")
    patient = room.patient(1).id
    for kinds, first in ((("messages",), "sent"), (("answers",), "reply"), (("tasks",), "task")):
        assert first in {line.kind for line in person(room, patient, kinds=kinds).past}
    assert person(room, patient, kinds=("notes",)).past == []
    assert person(room, patient, kinds=("acts",)).past == []


def test_a_long_history_is_read_page_by_page(clinic: Clinic) -> None:
    patient = clinic.patient(1).id
    for number in range(120):
        clinic.now += timedelta(seconds=number % 3)
        notes.add(clinic.store, patient, f"n{number}", uf="4220", origin=f"f{number}", by="n",
                  now=clinic.now)  # fmt: skip
    seen: list[str] = []
    page = person(clinic, patient, kinds=("notes",))
    while True:
        seen = [line.body for line in page.past] + seen
        if page.older is None:
            break
        page = person(clinic, patient, kinds=("notes",), before=page.older)
    assert seen == [f"n{number}" for number in range(120)]


def test_other_services_are_counted_and_never_told(clinic: Clinic) -> None:
    clinic.pass_days(0.1)
    clinic.read(*PEOPLE, visit(9, patient=PEOPLE[0].patient, uf="4230"))
    patient = clinic.patient(1).id
    notes.add(clinic.store, patient, "CABINET", uf="4230", origin="f", by="n", now=clinic.now)
    found = person(clinic, patient, frozenset({"4220"}))
    assert found.elsewhere == 1
    assert {line.uf for line in (*found.past, *found.ahead)} == {"4220"}
    assert patients.person(
        clinic.store, clinic.secret, clinic.patient(3).id, frozenset({"4230"}), now=clinic.now
    ) is None  # fmt: skip


# --- what is said by telephone --------------------------------------------------------------------


def say(clinic: Clinic, kind: str, request: str = "r1", **changes: Any) -> patients.Said:
    one = clinic.appointment()
    told = {"version": one.version, "words": ""} | changes
    return patients.say(
        clinic.store, one.id, told["version"], kind, request=request, by="nadia",
        words=told["words"], now=clinic.now,
    )  # fmt: skip


def test_a_form_sent_twice_is_one_answer_and_one_note(clinic: Clinic) -> None:
    assert say(clinic, "question", words="Peut-on manger avant ?").new
    assert not say(clinic, "question", words="Peut-on manger avant ?").new
    assert clinic.value("SELECT COUNT(*) FROM answer") == 1
    assert clinic.value("SELECT COUNT(*) FROM note") == 1
    assert clinic.value("SELECT COUNT(*) FROM task WHERE kind = 'reply_question'") == 1


def test_a_cancellation_by_telephone_stops_the_reminders(store: Store) -> None:
    room = Mailroom(store)
    room.read(visit(1))
    room.release()
    room.plan()
    assert say(room, "cancelled").kind == "cancelled"
    room.plan()
    assert room.reasons()["J-3"] == "cancellation_asked"
    pass_on(store, now=room.now + SLIP)
    assert "answer_cancelled" in room.tasks()
    found = person(room, room.patient(1).id)
    answer = next(line for line in found.past if line.kind == "answer")
    assert (answer.a, answer.b, answer.who) == ("cancelled", "staff", "nadia")


def test_another_date_is_a_task_of_its_service(clinic: Clinic) -> None:
    assert say(clinic, "reschedule").task
    [task] = clinic.rows("SELECT * FROM task WHERE kind = 'reply_reschedule'")
    assert (task.uf, task.appointment_id) == ("4220", clinic.appointment().id)


def test_what_changed_meanwhile_is_not_answered_blindly(clinic: Clinic) -> None:
    with pytest.raises(NotSaid, match="moved"):
        say(clinic, "confirmed", version=7)
    clinic.now = paris("2026-10-20 10:00")
    with pytest.raises(NotSaid, match="past"):
        say(clinic, "confirmed")


def test_a_cancelled_appointment_is_not_confirmed(clinic: Clinic) -> None:
    clinic.pass_days(0.1)
    clinic.read(*(replace(PEOPLE[0], status=PEOPLE[0].status.__class__("cancelled")),), *PEOPLE[1:])
    with pytest.raises(NotSaid, match="cancelled"):
        say(clinic, "confirmed", version=clinic.appointment().version)


# --- notes ----------------------------------------------------------------------------------------


def note(clinic: Clinic, text: str, origin: str = "f1") -> bool:
    return notes.add(clinic.store, clinic.patient(1).id, text, uf="4220", origin=origin,
                     by="nadia", now=clinic.now)  # fmt: skip


def test_a_note_has_words_and_at_most_five_hundred_characters(clinic: Clinic) -> None:
    for text in ("", " \n ", "x" * 501):
        with pytest.raises(NotNoted):
            note(clinic, text)
    assert note(clinic, "x" * 500)
    assert not note(clinic, "x" * 500)


def test_notes_and_recipients_go_with_the_identity(clinic: Clinic) -> None:
    note(clinic, "CANARI-NOTE")
    told = Told("helper", "06 39 98 77 77", "canari.aide@example.org")
    patient = clinic.patient(1).id
    recipients.tell(clinic.store, clinic.secret, patient, told, origin="f2", by="n", now=clinic.now)
    clinic.now += timedelta(days=200)
    purge(clinic.store, RetentionTable(), now=clinic.now)
    for table in ("note", "recipient", "patient_key", "patient"):
        text = repr(clinic.rows(f"SELECT * FROM {table}"))
        for canary in ("CANARI-NOTE", "+33639987777", "canari.aide", "+33639980001", "DUPONT"):
            assert canary not in text, table
    with pytest.raises(NotNoted):
        note(clinic, "trop tard", "f3")
