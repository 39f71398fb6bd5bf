"""A hold as its page shows it: what was seen, ten samples masked by role, what a release does."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from reminders.domain.appointment import AppointmentRecord
from reminders.rendering import Renderer
from reminders.services.compose import Composer, Route
from reminders.services.hold import discard_feed, hold_everything, release_hold
from reminders.services.holding import HIDDEN, PAGE, Held, held_of, holds_of
from reminders.store import holds
from reminders.store.engine import Store
from reminders.store.lists import Ufs
from tests.support.clinic import PARIS, Clinic, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom

HOUR = timedelta(hours=1)
ROUTES = (Route("main", "sms", "link", price_eur=0.06),)


def tomorrow(numbers: Sequence[int], **changes: Any) -> list[AppointmentRecord]:
    return visits(numbers, starts="2026-10-13 15:00", **changes)


def first(store: Store) -> int:
    with store.read() as connection:
        return int(holds.active(connection)[0].id)


def look(
    clinic: Clinic, hold: int = 0, ufs: Ufs = None, named: Ufs = None, decides: Ufs = None
) -> Held:
    composer = Composer(clinic.rules, Renderer())
    found = held_of(
        clinic.store, composer, ROUTES, hold or first(clinic.store), ufs=ufs, named=named,
        decides=decides, zone=PARIS, now=clinic.now,
    )  # fmt: skip
    assert found is not None
    return found


def waiting(store: Store, *records: AppointmentRecord) -> Mailroom:
    """All sending is held on Monday at 11:00."""
    room = Mailroom(store, settings=settings_with(**LIVE))
    room.read(*records)
    room.release()
    room.plan()
    room.now += 2 * HOUR
    hold_everything(store, "changement de DPI", now=room.now, by="paul")
    room.leave()
    return room


def test_a_hold_shows_what_waits_and_what_it_costs(store: Store) -> None:
    room = waiting(store, *tomorrow(range(1, 13)), visit(20, "2026-10-14 15:00"))
    found = look(room)
    assert (found.held, found.late, found.later) == (12, 0, 0)
    assert round(found.price_eur, 2) == 0.72
    assert len(found.texts) == 10
    assert {one.address for one in found.texts} >= {"06 •• •• •• 01"}
    assert all("15h" in one.text for one in found.texts)
    assert [one.sentence for one in found.reasons] == ["changement de DPI"]
    assert (found.by, found.has_file, found.seen, found.ended) == ("paul", False, None, "")


def test_names_are_masked_where_they_may_not_be_seen(store: Store) -> None:
    twins = [
        visit(n, "2026-10-13 15:00", patient=someone(n, contacts=someone(1).contacts))
        for n in (1, 2)
    ]
    room = waiting(store, *twins)
    assert "Léa" in look(room).texts[0].text  # a shared number: the text names its patient
    assert look(room).texts[0].name == "Léa EXEMPLE"
    masked = look(room, named=frozenset()).texts[0]
    assert masked.name == ""
    assert "Léa" not in masked.text
    assert HIDDEN in masked.text


def test_samples_are_of_ones_services(store: Store) -> None:
    room = waiting(store, *tomorrow([1]), *tomorrow([2], uf="4230"))
    assert [one.uf for one in look(room, ufs=frozenset({"4230"})).texts] == ["4230"]
    assert look(room, decides=frozenset({"4230"})).elsewhere
    assert not look(room, decides=frozenset({"4220", "4230"})).elsewhere
    assert not look(room).elsewhere


def test_a_held_feed_shows_what_it_would_cancel(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(30)), *visits(range(30, 40), uf="4230"))
    clinic.read(*visits(range(12, 40)), content_hash="half")
    found = look(clinic)
    assert found.has_file
    assert found.seen is not None
    assert (found.seen.known, found.seen.received, found.seen.vanished) == (40, 28, 12)
    assert len(found.appointments) == 10
    assert {one.name for one in found.appointments} == {"Léa EXEMPLE"}
    assert {one.name for one in look(clinic, named=frozenset()).appointments} == {""}
    assert look(clinic, ufs=frozenset({"4230"})).appointments == []


def test_an_empty_file_shows_what_is_known_and_missing_from_it(store: Store) -> None:
    """Without a line, or with past ones only; and it has no example: it would cancel nothing."""
    for lines in ([], visits([90], starts="2026-10-09 15:00")):
        clinic = Clinic(store)
        clinic.read(*visits(range(8)), *visits(range(8, 10), uf="4230"), content_hash="monday")
        clinic.read(*lines, content_hash=f"empty-{len(lines)}")
        found = look(clinic)
        assert [one.code for one in found.reasons] == ["empty"]
        assert found.seen is not None
        assert (found.seen.known, found.seen.received, found.seen.vanished) == (10, 0, 10)
        assert {unit.uf: unit.known for unit in found.seen.units} == {"4220": 8, "4230": 2}
        assert found.appointments == []
        discard_feed(store, found.id, [found.id], now=clinic.now, by="nadia")
        assert clinic.value("SELECT COUNT(*) FROM appointment WHERE status = 'booked'") == 10


def test_an_ended_hold_says_how_and_by_whom(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(range(30)))
    clinic.read(*visits(range(12, 30)), content_hash="half")
    hold = first(store)
    discard_feed(store, hold, [hold], now=clinic.now, by="nadia")
    found = look(clinic, hold)
    assert (found.ended, found.ended_by, found.ended_at) == ("discarded", "nadia", clinic.now)
    assert found.texts == []


def test_a_text_that_cannot_be_made_says_why(store: Store) -> None:
    room = waiting(store, *tomorrow([1]))
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE template_version SET state = 'proposed'")
    (text,) = look(room).texts
    assert (text.text, text.problem) == ("", "no_template")
    release_hold(store, first(store), [first(store)], now=room.now, by="nadia")


def test_there_is_no_other_hold(store: Store) -> None:
    clinic = Clinic(store)
    composer = Composer(clinic.rules, Renderer())
    assert held_of(
        store, composer, ROUTES, 7, ufs=None, named=None, zone=PARIS, now=clinic.now
    ) is None  # fmt: skip


def test_holds_in_force_come_first_then_the_ended_ones_page_by_page(store: Store) -> None:
    clinic = Clinic(store)
    for number in range(PAGE + 3):
        clinic.now += HOUR
        hold_everything(store, f"panne {number}", now=clinic.now, by="paul")
        clinic.release()
    clinic.read(*visits(range(30)))
    clinic.read(*visits(range(12, 30)), content_hash="half")
    hold_everything(store, "encore", now=clinic.now + HOUR, by="paul")
    found = holds_of(store)
    assert [one.code for one in found.active] == ["vanished", "manual"]
    assert [one.sentence for one in found.ended] == [
        f"panne {number}" for number in range(PAGE + 2, 2, -1)
    ]
    rest = holds_of(store, found.after)
    assert ([one.sentence for one in rest.ended], rest.active, rest.after) == (
        ["panne 2", "panne 1", "panne 0"], [], None,
    )  # fmt: skip
