"""In which language a patient is written to: the one they chose, if its texts were reviewed."""

import pytest

from reminders.store import links
from reminders.store.engine import Store, run
from tests.support.clinic import paris, someone, visit
from tests.support.mailroom import Mailroom
from tests.support.telephone import Telephone


@pytest.mark.parametrize(
    ("recorded", "chosen", "expected"),
    [("fr", "", "fr"), ("fr", "en", "en"), ("en", "fr", "fr"), ("", "en", "en"), ("ar", "", "ar")],
)
def test_the_language_a_patient_chose_comes_before_the_records(
    store: Store, recorded: str, chosen: str, expected: str
) -> None:
    room = Mailroom(store)
    room.read(visit(1, patient=someone(1, language=recorded)))
    with store.write() as connection:
        links.speak(connection, room.patient().id, chosen)
    room.release()
    room.plan()

    assert {row.language for row in room.rows("SELECT language FROM message")} == {expected}


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Reminder: Fri 16/10"), ("ar", "RDV le ven."), ("falc", "RDV le ven.")],
)
def test_a_language_nobody_reviewed_is_written_to_in_french(
    store: Store, language: str, text: str
) -> None:
    room = Telephone(store).room
    with store.write() as connection:
        links.speak(connection, room.patient().id, language)
    room.plan()
    room.at(paris("2026-10-15 10:05"))
    room.deliver()

    assert len(room.sent) == 2
    assert text in room.sent[-1].text


def test_an_approved_text_is_in_the_words_of_its_language(store: Store) -> None:
    room = Telephone(store).room
    with store.write() as connection:
        run(connection, "UPDATE template_version SET state = 'approved' WHERE language = 'ar'")
        links.speak(connection, room.patient().id, "ar")
    room.plan()
    room.at(paris("2026-10-15 10:05"))
    room.deliver()

    assert "الجمعة 16/10 9:30، CH Exemple" in room.sent[-1].text
    assert room.sent[-1].text.endswith("0199001234")
