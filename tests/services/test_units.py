"""Services mapped on a page: who gets messages from then on, in every process, and who does not."""

import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reminders.config import ServiceTable
from reminders.domain.outbox import LEFT
from reminders.rendering import Renderer
from reminders.services.compose import Composer, Route
from reminders.services.deliver import Delivery
from reminders.services.page import open_page
from reminders.services.plan import plan
from reminders.services.preview import planned_lines
from reminders.services.rules import Rules, rules_of
from reminders.services.units import one, overview, save, with_service
from reminders.services.units_forecast import foresee
from reminders.services.units_form import ServiceForm, blank, filled, read, typed
from reminders.services.units_save import NotSaved
from reminders.store import units
from reminders.store.engine import Store, open_engine
from tests.support.clinic import paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom, new_reference
from tests.support.stores import address

TABLE = ServiceTable(uf="4999", site="sud", label="Consultations, accueil D1", sensitivity="normal")


def table(**changes: Any) -> ServiceTable:
    return ServiceTable.model_validate(TABLE.model_dump() | changes)


def office(store: Store, **settings: Any) -> tuple[Mailroom, Rules]:
    """A hospital, and the rules one of its processes has held since it started."""
    room = Mailroom(store, settings=settings_with(**(dict(LIVE) | settings)))
    rules = rules_of(room.settings)
    with store.read() as connection:
        rules.follow(connection)
    return room, rules


def planned(room: Mailroom, rules: Rules) -> list[str]:
    plan(room.store, rules, room.secret, now=room.now)
    return room.states()


def map_it(room: Mailroom, rules: Rules, number: int = 0, **changes: Any) -> None:
    save(room.store, rules, table(**changes), number=number, actor="paul", now=room.now)


# --- what sends nothing yet ----------------------------------------------------------------------


def test_what_sends_nothing_yet_comes_first_with_what_waits_for_it(store: Store) -> None:
    room, rules = office(store)
    room.read(*visits([1, 2, 3], uf="4999"), visit(4), visit(5, uf="5000", agenda="AG5"))
    found = overview(store, rules, now=room.now)
    assert [(u.uf, u.coming, u.patients) for u in found.unmapped] == [
        ("4999", 3, 3),
        ("5000", 1, 1),
    ]
    assert found.unmapped[1].agenda == "AG5"
    assert found.waiting == 4
    assert [(s.uf, s.owned, s.coming) for s in found.services] == [
        ("4220", False, 1), ("4230", False, 0),
    ]  # fmt: skip


def test_cancelled_and_past_appointments_wait_for_nothing(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, "2026-10-12 09:30", uf="4999"))
    room.pass_days(1)
    assert overview(store, rules, now=room.now).unmapped == ()


def test_who_sees_some_services_only_sees_no_other(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, uf="4999"))
    found = overview(store, rules, now=room.now, ufs=frozenset({"4230"}))
    assert [s.uf for s in found.services] == ["4230"]
    assert found.unmapped == ()


# --- mapping -------------------------------------------------------------------------------------


def test_a_mapped_unit_is_planned_by_a_process_that_was_there_before(store: Store) -> None:
    """Another process saves; this one plans at its next pass, without a restart."""
    room, rules = office(store)
    room.read(visit(1, uf="4999"))
    assert planned(room, rules) == []
    assert room.reasons() == {"*": "unmapped"}
    map_it(room, rules_of(room.settings))
    assert planned(room, rules) == ["PLANNED"] * len(room.states()) != []
    assert room.reasons()["J-3"] == "PLANNED"
    assert one(store, rules, "4999", now=room.now).service.author == "paul"  # type: ignore[union-attr]


def test_mapping_ends_the_task_that_asked_for_it(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, uf="4999"))
    planned(room, rules)
    assert room.tasks() == ["unmapped_uf"]
    map_it(room, rules)
    assert room.tasks() == []


def test_mapping_one_unit_leaves_the_others_plan_alone(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, uf="4999"), visit(2))
    planned(room, rules)
    map_it(room, rules)
    assert (room.patient(1).dirty, room.patient(2).dirty) == (1, 0)


def test_a_new_telephone_makes_nobody_be_planned_again(store: Store) -> None:
    room, rules = office(store)
    map_it(room, rules)
    room.read(visit(1, uf="4999"))
    room.release()
    planned(room, rules)
    map_it(room, rules, 1, phone="01 99 00 55 55")
    assert room.patient(1).dirty == 0
    room.at(paris("2026-10-17 10:00"))
    texts = send(room, rules)
    assert texts
    assert all("01 99 00 55 55" in text for text in texts)


def test_the_next_start_plans_nobody_again_for_what_was_saved(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, uf="4999"))
    map_it(room, rules)
    planned(room, rules)
    room.open()
    assert room.patient(1).dirty == 0
    assert room.reasons()["J-3"] == "PLANNED"


def test_what_the_file_defines_is_the_files(store: Store) -> None:
    room, rules = office(store)
    with pytest.raises(NotSaved) as refused:
        map_it(room, rules, uf="4220")
    assert refused.value.code == "file"
    assert room.value("SELECT COUNT(*) FROM service_version") == 0
    assert room.value("SELECT COUNT(*) FROM audit WHERE action = 'service.save'") == 0


def test_once_the_file_defines_a_unit_the_pages_version_rests(store: Store) -> None:
    room, rules = office(store)
    map_it(room, rules, label="De la page")
    told = {"uf": "4999", "site": "sud", "label": "Du fichier"}
    room.settings = settings_with(**LIVE, service=[told])
    again = rules_of(room.settings)
    with store.read() as connection:
        again.follow(connection)
    assert again.desks["4999"].label == "Du fichier"
    assert not one(store, again, "4999", now=room.now).service.owned  # type: ignore[union-attr]


def test_a_service_whose_site_is_gone_sends_nothing_and_is_shown(store: Store) -> None:
    site = {"id": "nord", "name": "Hôpital Nord", "short_name": "Nord", "phone": "01 99 00 00 01"}
    both = [settings_with().site[0].model_dump(), site]
    room, rules = office(store, site=both)
    map_it(room, rules, site="nord")
    _, without = office(store)
    assert "4999" not in without.units
    found = overview(store, without, now=room.now)
    assert [s.uf for s in found.services if s.lost] == ["4999"]


def test_two_people_never_lose_each_others_work(store: Store) -> None:
    room, rules = office(store)
    map_it(room, rules)
    map_it(room, rules, 1, label="Accueil D2")
    with pytest.raises(NotSaved) as late:
        map_it(room, rules, 1, label="Accueil D3")
    assert late.value.code == "changed"
    assert rules.desks["4999"].label == "Accueil D2"
    page = one(store, rules, "4999", now=room.now)
    assert page is not None
    assert [v.number for v in page.history] == [2, 1]


def test_of_two_who_map_a_unit_at_once_one_is_told(store: Store) -> None:
    room, _ = office(store)
    told: list[str] = []

    def by(label: str) -> Callable[[], None]:
        def run() -> None:
            own = Store(open_engine(address(store)))
            try:
                mine = rules_of(room.settings)
                save(own, mine, table(label=label), number=0, actor=label, now=room.now)
                told.append("saved")
            except NotSaved as error:
                told.append(error.code)
            finally:
                own.close()

        return run

    at_once([by("A"), by("B"), by("C")])
    assert sorted(told) == ["changed", "changed", "saved"]
    assert room.value("SELECT COUNT(*) FROM service_version") == 1


# --- never half changed, never unmapped ----------------------------------------------------------


def at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_reader_ever_sees_a_service_half_changed_or_unmapped(store: Store) -> None:
    """While one process saves thirty times, others that share the rules read them all along."""
    room, rules = office(store)
    map_it(room, rules, label="n0", phone="01 99 00 10 00")
    wrong: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            book = rules.book
            unit, desk, office_ = (
                book.units.get("4999"), book.desks.get("4999"), book.offices.get("4999"),
            )  # fmt: skip
            if unit is None or desk is None or office_ is None:
                wrong.append("unmapped")
            elif not unit.place.endswith(desk.label) or office_.label != desk.label:
                wrong.append("torn")
            if rules.units.get("4999") is None or rules.desks.get("4999") is None:
                wrong.append("unmapped by attribute")

    def follow() -> None:
        own = Store(open_engine(address(store)))
        try:
            while not done.is_set():
                with own.read() as connection:
                    rules.follow(connection)
        finally:
            own.close()

    def change() -> None:
        other = rules_of(room.settings)
        try:
            for n in range(1, 31):
                map_it(room, other, n, label=f"n{n}")
        finally:
            done.set()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns between nearly every two steps
    try:
        at_once([look, look, follow, change])
    finally:
        sys.setswitchinterval(before)
    with store.read() as connection:
        rules.follow(connection)
    assert wrong == []
    assert rules.desks["4999"].label == "n30"


def test_planners_at_work_during_a_change_leave_nothing_planned_by_older_rules(
    store: Store,
) -> None:
    """Two processes plan all along while a third changes its mind; in the end the plan is what
    the last rules say, for everybody, without another start."""
    room, rules = office(store)
    map_it(room, rules)
    room.read(*visits(range(1, 31), uf="4999"))
    done = threading.Event()

    def plan_on() -> None:
        own = Store(open_engine(address(store)))
        mine = rules_of(room.settings)
        try:
            while not done.is_set():
                plan(own, mine, room.secret, now=room.now)
        finally:
            own.close()

    def change() -> None:
        try:
            for n in range(1, 9):
                map_it(room, rules, n, sensitivity="excluded" if n % 2 else "normal")
            map_it(room, rules, 9, sensitivity="excluded")
        finally:
            done.set()

    at_once([plan_on, plan_on, change])
    plan(store, rules_of(room.settings), room.secret, now=room.now)
    still = room.rows("SELECT id FROM message WHERE state IN ('PLANNED', 'HELD', 'LEASED')")
    assert len(still) == 0
    assert {
        tuple(row) for row in room.rows("SELECT step, reason FROM decision WHERE step = '*'")
    } == {("*", "excluded")}


def test_a_change_waits_for_those_who_work_by_the_present_rules(store: Store) -> None:
    room, rules = office(store)
    saved = threading.Event()

    def change() -> None:
        own = Store(open_engine(address(store)))
        try:
            save(own, rules_of(room.settings), TABLE, number=0, actor="paul", now=room.now)
            saved.set()
        finally:
            own.close()

    thread = threading.Thread(target=change)
    with store.write() as connection:
        rules.follow(connection, held=True)
        thread.start()
        assert not saved.wait(0.5)
        assert rules.follow(connection, held=True) == 0
    thread.join()
    assert saved.is_set()


def test_a_slow_reader_never_brings_back_older_rules(store: Store) -> None:
    room, rules = office(store)
    map_it(room, rules)
    late = rules_of(room.settings)
    with store.read() as connection:
        if not store.is_sqlite:
            late.follow(connection)  # its view of the database begins here
        map_it(room, late, 1, label="nouveau")
        late.follow(connection)
    assert late.desks["4999"].label == "nouveau"


# --- what must not leave after a change ----------------------------------------------------------


def composer(rules: Rules) -> Composer:
    return Composer(rules, Renderer())


def delivery(room: Mailroom, rules: Rules) -> Delivery:
    return Delivery(
        room.store, rules, composer(rules), room.settings.delivery, room.secret,
        new_reference,
    )  # fmt: skip


def send(room: Mailroom, rules: Rules) -> list[str]:
    """The texts of what a process holding these rules commits to leave now."""
    texts: list[str] = []
    while True:
        window = delivery(room, rules).open_window(room.routes, 100, now=room.now)
        texts += [envelope.composed.text for envelope in window.envelopes]
        if not window.leased:
            return texts


def due(store: Store, **changes: Any) -> tuple[Mailroom, Rules]:
    """A mapped unit's J-3 text is due now."""
    room, rules = office(store)
    map_it(room, rules, **changes)
    room.read(visit(1, uf="4999"))
    room.release()
    planned(room, rules)
    room.at(paris("2026-10-17 10:00"))
    return room, rules


def left(room: Mailroom) -> list[str]:
    return [state for state in room.states() if state in LEFT]


def test_a_due_text_leaves_as_long_as_nothing_changes(store: Store) -> None:
    room, rules = due(store)
    assert len(send(room, rules)) == 1


def test_nothing_leaves_of_a_service_excluded_since_it_was_planned(store: Store) -> None:
    """Another process excluded it; nobody has planned again yet."""
    room, rules = due(store)
    map_it(room, rules_of(room.settings), 1, sensitivity="excluded")
    assert send(room, rules) == []
    assert left(room) == []
    planned(room, rules)
    assert room.reasons()["*"] == "excluded"
    assert set(room.states()) <= {"CANCELLED", "EXPIRED"}


def test_a_text_composed_before_the_exclusion_does_not_leave(store: Store) -> None:
    """The change is committed between the rendering and the intent."""
    room, rules = due(store)

    saved: list[bool] = []

    class Slow(Composer):
        def compose_first(self, *args: Any, **kwargs: Any) -> Any:
            done = super().compose_first(*args, **kwargs)
            if not saved:
                saved.append(True)
                map_it(room, rules_of(room.settings), 1, sensitivity="excluded")
            return done

    late = Delivery(
        store, rules, Slow(rules, Renderer()), room.settings.delivery, room.secret, new_reference
    )
    assert late.open_window(room.routes, 100, now=room.now).envelopes == []
    assert saved
    assert send(room, rules) == []
    assert left(room) == []


def test_a_service_made_neutral_is_told_neutrally_from_then_on(store: Store) -> None:
    """Two people share a number: the text names its patient, unless the service is neutral."""
    room, rules = office(store)
    map_it(room, rules)
    lea = someone(1)
    tom = someone(2, given="Tom", contacts=lea.contacts)
    room.read(visit(1, uf="4999"), visit(2, "2027-01-20 09:30", patient=tom))
    room.release()
    planned(room, rules)
    room.at(paris("2026-10-17 10:00"))
    named = [one.text for one in planned_lines(store, composer(rules), room.routes, now=room.now)]
    assert any("Léa" in text or "Lea" in text for text in named)
    map_it(room, rules_of(room.settings), 1, sensitivity="neutral")
    texts = send(room, rules)
    assert len(texts) == 1
    assert "Lea" not in texts[0]
    assert "Léa" not in texts[0]


def test_a_text_about_two_services_waits_once_one_is_told_more_discreetly(store: Store) -> None:
    """Planned as one message for the day; decided afresh before anything leaves."""
    room, rules = office(store)
    map_it(room, rules)
    lea = someone(1)
    room.read(visit(1, uf="4999"), visit(2, "2026-10-20 11:00", patient=lea))
    room.release()
    planned(room, rules)
    room.at(paris("2026-10-17 10:00"))
    map_it(room, rules_of(room.settings), 1, sensitivity="neutral")
    assert send(room, rules) == []
    planned(room, rules)
    room.at(room.now + timedelta(minutes=1))
    assert len(send(room, rules)) == 2 - 1  # the day's other reminder waits for its own day


def test_a_step_the_protocol_no_longer_has_does_not_leave(store: Store) -> None:
    """Rules of a later file, before the plan is made again."""
    room, _ = due(store)
    later = [{"id": "default", "step": [{"day": "J-1", "template": "short"}]}]
    changed = rules_of(settings_with(**LIVE, protocol=later))
    assert send(room, changed) == []
    assert room.patient(1).dirty == 1


def test_the_patients_page_hides_what_became_neutral_at_once(store: Store) -> None:
    room, rules = due(store)
    map_it(room, rules_of(room.settings), 1, sensitivity="neutral")
    open_page(store, rules, "nothing", now=room.now)
    assert rules.desks["4999"].sensitivity == "neutral"


# --- the sender tried first ----------------------------------------------------------------------


def test_a_service_is_written_to_by_its_own_sender_first(store: Store) -> None:
    senders = [{"id": name, "kind": "twilio", "max_per_second": 0} for name in ("main", "second")]
    room, rules = office(store, sms=senders)
    routes = [Route("main", "sms"), Route("second", "sms"), Route("email", "email")]
    room.routes = routes
    room.open()
    map_it(room, rules, sender="second")
    room.read(visit(1, uf="4999"), visit(2))
    room.release()
    planned(room, rules)
    room.at(paris("2026-10-17 10:00"))
    window = delivery(room, rules).open_window(routes, 100, now=room.now)
    found = {e.composed.address: e.route.id for e in window.envelopes}
    assert found == {"+33639980001": "second", "+33639980002": "main"}


def test_another_sender_stands_by(store: Store) -> None:
    room, rules = due(store, sender="second")
    window = delivery(room, rules).open_window(room.routes, 100, now=room.now)
    assert [e.route.id for e in window.envelopes] == ["main"]


# --- saying first what will happen ---------------------------------------------------------------


def test_a_mapping_says_first_what_it_will_do_and_then_does_it(store: Store) -> None:
    room, rules = office(store)
    room.read(
        visit(1, "2026-10-20 09:30", uf="4999"),
        visit(2, "2026-10-14 09:30", uf="4999"),
        visit(3, "2026-10-16 09:30", uf="4999", patient=visit(3).patient),
        visit(4, "2026-10-20 11:00"),
    )
    planned(room, rules)
    change = foresee(store, rules, room.secret, with_service(rules, TABLE), ["4999"], now=room.now)
    assert (change.before.appointments, change.before.reminded) == (3, 0)
    assert change.before.nothing == {"unmapped": 3}
    assert not change.estimated
    assert room.states() == room.states()
    before = room.value("SELECT COUNT(*) FROM message")
    map_it(room, rules)
    planned(room, rules)
    tomorrow = (room.now + timedelta(days=1)).date()
    opened = room.rows(
        "SELECT d.opens_at, d.appointment_id FROM decision d JOIN appointment a "
        "ON a.id = d.appointment_id WHERE a.uf = '4999' AND d.state = 'PLANNED'"
    )
    from reminders.store.types import instant

    assert before < room.value("SELECT COUNT(*) FROM message")
    assert change.after.reminded == len({row.appointment_id for row in opened})
    assert change.after.tomorrow == sum(instant(r.opens_at).date() == tomorrow for r in opened)


def test_an_excluded_mapping_says_that_nobody_gets_anything(store: Store) -> None:
    room, rules = office(store)
    room.read(*visits([1, 2], uf="4999"))
    after = with_service(rules, table(sensitivity="excluded"))
    change = foresee(store, rules, room.secret, after, ["4999"], now=room.now)
    assert (change.after.reminded, change.after.nothing) == (0, {"excluded": 2})


def test_looking_ahead_writes_nothing(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, uf="4999"))
    planned(room, rules)
    before = room.outbox()
    foresee(store, rules, room.secret, with_service(rules, TABLE), ["4999"], now=room.now)
    assert room.outbox() == before
    assert "4999" not in rules.units


# --- the form ------------------------------------------------------------------------------------


def problems(**changes: Any) -> dict[str, str]:
    settings = settings_with(**LIVE)
    rules = rules_of(settings)
    told = {name: getattr(filled(TABLE), name) for name in ServiceForm.__slots__}
    return read(ServiceForm(**(told | changes)), settings, rules.book)[1]


def test_a_new_service_is_excluded_until_somebody_says_otherwise() -> None:
    assert blank(settings_with(), "4999").sensitivity == "excluded"
    assert blank(settings_with(), "4999", "sud").site == "sud"


def test_what_was_saved_comes_back_as_it_was_typed() -> None:
    settings = settings_with(**LIVE)
    told = table(slot_cost_eur=52.5, desk_opens="7:45", desk_days=(1, 3), phone="01 99 00 12 99")
    assert read(filled(told), settings, rules_of(settings).book) == (told, {})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 81}, "label"),
        ({"site": "ailleurs"}, "site"),
        ({"sensitivity": "secret"}, "sensitivity"),
        ({"protocol": "absent"}, "protocol"),
        ({"sender": "absent"}, "sender"),
        ({"slot_cost_eur": "beaucoup"}, "slot_cost_eur"),
        ({"slot_cost_eur": "-3"}, "slot_cost_eur"),
        ({"phone": "12"}, "phone"),
        ({"manager_email": "paul"}, "manager_email"),
        ({"desk_opens": "25h"}, "desk_opens"),
        ({"desk_opens": "18:00"}, "desk_closes"),
        ({"desk_days": ()}, "desk_days"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(changes: dict[str, Any], field: str) -> None:
    found = problems(**changes)
    assert list(found) == [field]
    assert found[field].endswith((".", "30."))


def test_a_name_of_sensitive_care_is_excluded_or_confirmed() -> None:
    assert list(problems(label="Consultations de psychiatrie")) == ["sensitivity"]
    assert problems(label="Consultations de psychiatrie", sure=True) == {}
    assert problems(label="Consultations de psychiatrie", sensitivity="excluded") == {}


@pytest.mark.parametrize("cost", ["52,50", "52.50", "1 200", "1\u202f200 €", "0"])
def test_a_cost_is_read_as_people_write_it(cost: str) -> None:
    assert problems(slot_cost_eur=cost) == {}


def test_a_forms_fields_are_read_whatever_is_missing() -> None:
    form = typed("4999", {"label": " Accueil ", "sure": "1"}, ["1", "x"])
    assert (form.label, form.sure, form.site, form.desk_days) == ("Accueil", True, "", ("1", "x"))
    assert set(read(form, settings_with(), rules_of(settings_with()).book)[1]) >= {"site"}


def test_the_revision_counts_changes_of_the_rules(store: Store) -> None:
    room, rules = office(store)
    with store.read() as connection:
        before = units.revision(connection)
    map_it(room, rules)
    with store.read() as connection:
        assert units.revision(connection) == before + 1 == rules.revision
