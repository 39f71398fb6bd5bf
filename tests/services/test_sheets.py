"""Preparation sheets: two people, immutable versions, and what patients read from when on."""

import json
from datetime import timedelta
from typing import Any

import pytest

from reminders.config import PreparationTable
from reminders.domain.appointment import ContactPoint
from reminders.domain.template_key import key_of
from reminders.services.compose import Route
from reminders.services.plan import plan
from reminders.services.rules import Rules, content_of, rules_of, table_of
from reminders.services.sheets import (
    changes,
    kinds,
    overview,
    page,
    uses_of,
    with_sheet,
)
from reminders.services.sheets_cost import Cost
from reminders.services.sheets_form import SheetForm, draft_of, filled, read, typed, warnings
from reminders.services.sheets_life import (
    approve,
    call_off,
    drop_draft,
    enter_due,
    propose,
    refuse,
    remarks,
    restore,
    save_draft,
    withdraw,
)
from reminders.services.sheets_preview import in_language, look, preview, told_by
from reminders.services.templates import figures
from reminders.services.units_save import NotSaved
from reminders.store import templates
from reminders.store.engine import Store
from reminders.store.types import micros
from tests.services.test_units import send
from tests.support.clinic import paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom
from tests.support.telephone import Telephone

SHEET = PreparationTable(
    id="imagerie", service="4230", instructions="Ne rien manger après minuit.", sms="Venir à jeun.",
    documents=("carte Vitale", "ordonnance"), arrival_point="Accueil C1",
)  # fmt: skip

ROUTES = (Route("main", "sms", "reply", price_eur=0.06), Route("email", "email"))


def sheet(**changes: Any) -> PreparationTable:
    return PreparationTable.model_validate(SHEET.model_dump() | changes)


def office(store: Store, **settings: Any) -> tuple[Mailroom, Rules]:
    room = Mailroom(store, settings=settings_with(**(dict(LIVE) | settings)))
    rules = rules_of(room.settings)
    with store.read() as connection:
        rules.follow(connection)
    return room, rules


def offer(room: Mailroom, rules: Rules, table: PreparationTable = SHEET, base: int = 0) -> int:
    return propose(room.store, rules, table, base=base, actor="anne", now=room.now)


def accept(room: Mailroom, rules: Rules, number: int, by: str = "paul", **more: Any) -> None:
    ticked = more.get("ticked", ("sensitive_sms", "acknowledge", "long_sentence", "costly_sms"))
    approve(
        room.store,
        rules,
        more.get("name", "imagerie"),
        number,
        actor=by,
        ticked=ticked,
        now=room.now,
        effective_at=more.get("since"),
    )


def test_a_price_counts_the_texts_that_say_the_sheet_and_nothing_else(store: Store) -> None:
    """Not an appointment elsewhere, nor a patient without a mobile, nor a text without it."""
    room, rules = office(store)
    room.routes = ROUTES
    landline = visit(
        5, uf="4230", patient=someone(5, contacts=(ContactPoint("phone", "01 99 00 55 55"),))
    )
    room.read(*visits(range(1, 5), uf="4230"), *visits(range(10, 15), uf="4220"), landline)
    room.release()
    room.plan()
    saying = {
        one.use.purpose
        for one in in_language(told_by(approved(store, room), rules, SHEET, now=room.now))
        if one.use.channel == "sms"
    }
    waiting = room.rows(
        "SELECT m.purpose, m.id FROM message m WHERE m.state = 'PLANNED' AND m.channel = 'sms' "
        "AND m.id IN (SELECT i.message_id FROM message_item i JOIN decision d "
        "ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
        "WHERE a.uf = '4230')"
    )
    those = [one for one in waiting if one.purpose in saying]
    assert 0 < len(those) < len(waiting)  # others leave without it
    dear = sheet(sms="Venir à jeun ☕", arrival_point="Accueil C1, derrière la chapelle")
    cost = preview(store, rules, room.routes, dear, now=room.now).cost
    assert cost.messages == len(those)
    assert cost.euros > cost.before > 0
    room.at(room.now + timedelta(days=40))  # a month later nothing waits, nothing left
    assert preview(store, rules, room.routes, SHEET, now=room.now).cost == Cost()


def test_a_price_counts_what_left_as_the_templates_own_price_does(store: Store) -> None:
    room, rules = office(store)
    room.routes = ROUTES
    room.read(*visits(range(1, 5), uf="4230"))
    room.release()
    for day in range(12, 20):
        room.at(paris(f"2026-10-{day} 10:05"))
        room.read(*visits(range(1, 5), uf="4230"))
        room.plan()
        room.deliver()
    cost = preview(store, rules, room.routes, SHEET, now=room.now).cost
    total = 0
    with store.read() as connection:
        for use in uses_of(templates.versions(connection, micros(room.now))):
            if use.channel == "sms":
                key = key_of(use.purpose, use.language, use.family, use.channel)
                known = figures(connection, rules, key, room.routes, now=room.now)
                assert not known.volume.planned or not known.volume.messages
                total += known.volume.messages
    assert cost.messages == total > 0


def approved(store: Store, room: Mailroom) -> Any:
    with store.read() as connection:
        return templates.versions(connection, micros(room.now))


def refused(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(NotSaved) as found:
        act(*args, **kwargs)
    return found.value.code


# --- from a draft to what patients read ----------------------------------------------------------


def test_patients_read_a_sheet_once_a_second_person_approved_it(store: Store) -> None:
    room, rules = office(store)
    assert offer(room, rules) == 1
    assert rules.preparation("4230", "") is None
    assert refused(accept, room, rules, 1, by="anne") == "own"
    accept(room, rules, 1)
    found = rules.preparation("4230", "")
    assert found is not None
    assert (found.sms, found.documents) == ("Venir à jeun.", ("carte Vitale", "ordonnance"))


def test_another_process_tells_the_new_sheet_without_a_restart(store: Store) -> None:
    room, rules = office(store)
    room.read(visit(1, "2026-10-20 09:30", uf="4230"))
    room.release()
    plan(store, rules, room.secret, now=room.now)
    accept(room, rules_of(room.settings), offer(room, rules))
    room.at(paris("2026-10-17 10:00"))
    texts = send(room, rules)
    assert rules.preparations_by_service["4230"].sms == "Venir à jeun."
    assert texts


def test_the_hospital_may_let_one_person_approve_and_it_is_recorded(store: Store) -> None:
    room, rules = office(store, templates={"two_people": False})
    accept(room, rules, offer(room, rules), by="anne")
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert found.live is not None
    assert found.live.alone


def test_a_remark_must_be_ticked_before_patients_read_it(store: Store) -> None:
    room, rules = office(store)
    number = offer(room, rules, sheet(sms="Scanner : venir à jeun.", acknowledge=True))
    assert warnings(sheet(sms="Scanner."), rules.book) == ["sensitive_sms"]
    assert warnings(sheet(sms="Néphrologie."), rules.book) == ["sensitive_sms"]
    assert warnings(sheet(sms="Venir avec la cœlio."), rules.book) == ["costly_sms"]
    assert refused(accept, room, rules, number, ticked=("acknowledge",)) == "warned"
    accept(room, rules, number)
    found = rules.preparation("4230", "")
    assert found is not None
    assert found.acknowledge


def test_a_proposal_is_decided_once(store: Store) -> None:
    room, rules = office(store)
    number = offer(room, rules)
    accept(room, rules, number)
    assert refused(accept, room, rules, number) == "decided"
    assert (
        refused(refuse, store, "imagerie", number, actor="p", remark="", now=room.now) == "decided"
    )


def test_a_refused_proposal_says_why_and_changes_nothing(store: Store) -> None:
    room, rules = office(store)
    refuse(store, "imagerie", offer(room, rules), actor="paul", remark="Trop long", now=room.now)
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert [(v.state, v.remark, v.decided_by) for v in found.versions] == [
        ("refused", "Trop long", "paul")
    ]
    assert "4230" not in rules.preparations_by_service


def test_a_draft_survives_and_belongs_to_its_author(store: Store) -> None:
    room, rules = office(store)
    form = SheetForm("imagerie", about="uf:4230", sms="Ve")
    assert save_draft(store, form, base=0, revision=0, actor="anne", now=room.now) == 1
    assert save_draft(store, form, base=0, revision=1, actor="anne", now=room.now) == 2
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert found.draft is not None
    assert found.draft.form == form
    assert page(store, rules, "imagerie", actor="paul", now=room.now) is None
    assert [line.name for line in overview(store, rules, actor="anne")] == ["imagerie"]
    assert overview(store, rules, actor="paul") == []
    offer(room, rules)
    assert overview(store, rules, actor="anne")[0].draft is None


def test_withdrawing_a_proposal_gives_its_text_back_as_a_draft(store: Store) -> None:
    room, rules = office(store)
    number = offer(room, rules)
    assert refused(withdraw, store, "imagerie", number, actor="paul", now=room.now) == "unknown"
    withdraw(store, "imagerie", number, actor="anne", now=room.now)
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert found.waiting is None
    assert found.draft is not None
    assert found.draft.form == filled(SHEET)
    drop_draft(store, "imagerie", actor="anne")


# --- two people at once --------------------------------------------------------------------------


def test_two_people_writing_one_sheet_never_lose_a_text(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules))
    offer(room, rules, sheet(sms="À jeun, merci."), base=1)
    late = {"base": 1, "actor": "zoé", "now": room.now}
    assert refused(propose, store, rules, sheet(sms="Autre."), **late) == "waiting"
    accept(room, rules, 2)
    assert refused(propose, store, rules, sheet(sms="Autre."), **late) == "changed"
    assert rules.preparations_by_service["4230"].sms == "À jeun, merci."


def test_ones_own_newer_proposal_replaces_the_older(store: Store) -> None:
    room, rules = office(store)
    assert (offer(room, rules), offer(room, rules, sheet(sms="Mieux."))) == (1, 2)
    assert refused(accept, room, rules, 1) == "decided"
    accept(room, rules, 2)
    assert rules.preparations_by_service["4230"].sms == "Mieux."


def test_one_person_may_go_back_to_what_was_approved(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules))
    accept(room, rules, offer(room, rules, sheet(sms="Faux."), base=1))
    assert refused(restore, store, rules, "imagerie", 2, actor="anne", now=room.now) == "unknown"
    assert restore(store, rules, "imagerie", 1, actor="anne", now=room.now) == 3
    assert rules.preparations_by_service["4230"].sms == "Venir à jeun."
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert [(v.number, v.restores) for v in found.versions] == [(3, 1), (2, 0), (1, 0)]


def test_two_windows_never_overwrite_each_others_draft(store: Store) -> None:
    room, rules = office(store)
    first = SheetForm("imagerie", about="uf:4230", sms="Un")
    late = SheetForm("imagerie", about="uf:4230", sms="Deux")
    given: dict[str, Any] = {"base": 0, "actor": "anne", "now": room.now}
    save_draft(store, first, revision=0, **given)
    assert refused(save_draft, store, late, revision=0, **given) == "draft"
    save_draft(store, first, revision=1, **given)
    assert refused(save_draft, store, late, revision=1, **given) == "draft"
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert found.draft is not None
    assert (found.draft.form.sms, found.draft.revision) == ("Un", 2)


# --- from a day on -------------------------------------------------------------------------------


def told(rules: Rules) -> str:
    found = rules.preparation("4230", "")
    return found.sms if found else ""


def test_a_sheet_approved_for_a_day_is_read_from_that_day_on(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules))
    accept(room, rules, offer(room, rules, sheet(sms="Sans manger."), base=1),
           since=paris("2026-10-14 08:00"))  # fmt: skip
    assert enter_due(store, rules, now=paris("2026-10-14 07:59")) == 0
    assert told(rules) == "Venir à jeun."
    elsewhere = rules_of(room.settings)
    assert enter_due(store, elsewhere, now=paris("2026-10-14 08:00")) == 1
    assert told(elsewhere) == "Sans manger."
    assert enter_due(store, elsewhere, now=paris("2026-10-14 08:01")) == 0
    rules.catch_up(store)
    assert told(rules) == "Sans manger."


def test_what_waits_for_its_day_may_be_called_off(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules), since=paris("2026-10-14 08:00"))
    [line] = overview(store, rules, actor="anne")
    assert line.to_come is not None
    call_off(store, "imagerie", 1, actor="paul", now=room.now)
    assert refused(call_off, store, "imagerie", 1, actor="paul", now=room.now) == "decided"
    assert enter_due(store, rules, now=paris("2026-10-15 08:00")) == 0
    assert told(rules) == ""


def test_something_newer_takes_the_place_of_what_waits_for_its_day(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules), since=paris("2026-10-14 08:00"))
    accept(room, rules, offer(room, rules, sheet(sms="Mieux.")))
    assert enter_due(store, rules, now=paris("2026-10-15 08:00")) == 0
    assert told(rules) == "Mieux."


def test_a_sheet_whose_place_was_taken_meanwhile_stays_out_and_says_why(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules), since=paris("2026-10-14 08:00"))
    accept(room, rules, offer(room, rules, sheet(id="autre", sms="Autre.")), name="autre")
    assert enter_due(store, rules, now=paris("2026-10-15 08:00")) == 0
    assert told(rules) == "Autre."
    found = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert found is not None
    assert found.versions[0].remark.startswith("Une autre fiche")
    kept = room.rows("SELECT actor, subject FROM audit WHERE action = 'sheet.call-off'")
    assert [tuple(one) for one in kept] == [("reminders", "sheet:imagerie")]


def test_going_back_to_a_sheet_for_many_asks_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reminders.domain.template_life.MANY_PATIENTS", 2)
    room, rules = office(store)
    room.read(*visits(range(1, 5), uf="4230"))
    accept(room, rules, offer(room, rules), ticked=("many",))
    accept(room, rules, offer(room, rules, sheet(sms="Faux."), base=1), ticked=("many",))
    back: dict[str, Any] = {"actor": "paul", "now": room.now}
    assert refused(restore, store, rules, "imagerie", 1, **back) == "many"
    assert restore(store, rules, "imagerie", 1, confirmed=4, **back) == 3


# --- whose is it ---------------------------------------------------------------------------------

OWNED = {"id": "labo", "service": "4220", "sms": "Boire de l'eau."}


def test_the_files_sheets_are_the_files(store: Store) -> None:
    room, rules = office(store, preparation=[OWNED])
    assert refused(offer, room, rules, sheet(id="labo", service="4220")) == "file"
    assert refused(offer, room, rules, sheet(id="autre", service="4220")) == "subject"
    found = overview(store, rules, actor="anne")
    assert [(line.name, line.in_file) for line in found] == [("labo", True)]
    assert page(store, rules, "labo", actor="anne", now=room.now) is not None


def test_two_sheets_never_speak_for_the_same_appointments(store: Store) -> None:
    room, rules = office(store)
    accept(room, rules, offer(room, rules))
    assert refused(offer, room, rules, sheet(id="autre")) == "subject"
    assert offer(room, rules, sheet(id="autre", service=None, type="IRM")) == 1


# --- who reads it --------------------------------------------------------------------------------


def test_a_sheets_page_says_who_reads_it_and_which_texts_say_it(store: Store) -> None:
    room, rules = office(store)
    room.read(
        visit(1, uf="4230"), visit(2, uf="4230", kind="IRM"), visit(3, uf="4220", kind="IRM"),
        visit(4, "2026-10-12 09:30", uf="4230"),
    )  # fmt: skip
    room.pass_days(1)
    accept(room, rules, offer(room, rules))
    of_service = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert of_service is not None
    assert (of_service.appointments, of_service.ufs) == (2, ("4230",))
    purposes = {(use.purpose, use.channel) for use in of_service.uses}
    assert ("preparation", "sms") in purposes
    assert of_service.scripts
    accept(room, rules, offer(room, rules, sheet(id="irm", service=None, type="IRM")), name="irm")
    of_type = page(store, rules, "irm", actor="anne", now=room.now)
    assert of_type is not None
    assert of_type.appointments == 2
    again = page(store, rules, "imagerie", actor="anne", now=room.now)
    assert again is not None
    assert again.appointments == 1
    assert kinds(store, now=room.now) == ["IRM"]


def test_a_discreet_services_sheet_is_shown_to_nobody_and_says_so(store: Store) -> None:
    quiet = {"uf": "4230", "site": "sud", "label": "Accueil C1", "sensitivity": "neutral"}
    room, rules = office(store, service=[quiet])
    number = offer(room, rules)
    assert warnings(SHEET, rules.book) == ["neutral"]
    accept(room, rules, number, ticked=("neutral",))
    assert rules.preparation("4230", "") is None


def test_a_preview_reads_the_sheet_and_nobody_else_does(store: Store) -> None:
    _, rules = office(store)
    book = with_sheet(rules, sheet(sms="À voir."))
    previewed = rules.as_if(book).preparation("4230", "")
    assert previewed is not None
    assert previewed.sms == "À voir."
    assert rules.preparation("4230", "") is None


# --- differences and the form --------------------------------------------------------------------


def test_a_difference_names_the_field_and_the_words() -> None:
    book = rules_of(settings_with()).book
    found = changes(SHEET, sheet(sms="Venir sans manger.", building="Bâtiment B"), book)
    assert [one.label for one in found] == ["Phrase du SMS", "Bâtiment"]
    assert [(p.kind, p.text) for p in found[0].pieces if p.kind != "same"] == [
        ("gone", "à jeun"), ("new", "sans manger"),
    ]  # fmt: skip
    assert changes(SHEET, SHEET, book) == []
    assert len(changes(None, SHEET, book)) >= 5


def test_a_difference_speaks_of_services_and_types_by_their_names() -> None:
    book = rules_of(settings_with()).book
    other = sheet(service=None, type="Scanner", acknowledge=True, arrive_minutes_before=15)
    found = {one.label: [p.text for p in one.pieces] for one in changes(SHEET, other, book)}
    assert found["Pour qui"] == [f"{book.services['4230'].label} (4230)", "type « Scanner »"]
    assert found["Lecture à confirmer"] == ["non", "oui"]
    assert found["Arriver en avance"] == ["à l’heure", "15 min avant"]


def test_a_sheet_comes_back_as_it_was_typed() -> None:
    book = rules_of(settings_with()).book
    assert read(filled(SHEET), book) == (SHEET, {})
    assert draft_of(filled(SHEET).content) == filled(SHEET)
    assert draft_of("{") is None
    told = sheet(en={"sms": "Come fasting.", "documents": ["Vitale card", "prescription"]})
    assert read(filled(told), book) == (told, {})
    assert filled(told).en_documents == "Vitale card\nprescription"


def test_a_translation_is_a_field_of_its_own_in_a_difference() -> None:
    book = rules_of(settings_with()).book
    (found,) = changes(SHEET, sheet(en={"sms": "Come fasting."}), book)
    assert (found.label, found.language) == ("Phrase du SMS, en anglais", "en")


def test_a_sheet_without_translations_is_kept_as_an_older_release_reads_it() -> None:
    assert not {"en", "ar", "falc"} & json.loads(content_of(SHEET)).keys()
    kept = content_of(sheet(en={"sms": "Come fasting."}))
    assert table_of(kept, PreparationTable) == sheet(en={"sms": "Come fasting."})


def test_who_would_read_french_for_want_of_a_translation_is_counted(store: Store) -> None:
    """Two of these patients read English; each gets its three reminders."""
    room, rules = office(store)
    booked = paris("2026-06-01 10:00")
    room.read(
        *(visit(n, f"2026-10-2{n} 09:30", uf="4230", booked_at=booked, patient=someone(
            n, language="en-GB" if n < 3 else "fr")) for n in range(1, 5)),
        visit(5, "2026-10-21 09:30", patient=someone(5, language="en"), booked_at=booked),
    )  # fmt: skip
    room.plan()
    number = offer(room, rules)
    assert refused(accept, room, rules, number) == "warned"
    found = look(store, rules, ROUTES, "imagerie", number, named=None, now=room.now)
    assert found is not None
    assert found.foreign == {"en": 6}
    told = remarks(SHEET, rules.book, 0, found.foreign)
    assert "anglais" in told["untranslated_en"]
    assert ": 6." in told["untranslated_en"].replace("\u00a0", " ")
    assert "untranslated_ar" not in told  # nobody reads Arabic
    whole = sheet(en={
        "sms": "Come fasting.", "instructions": "Eat nothing.", "documents": ["Vitale card"],
    })  # fmt: skip
    assert "untranslated_en" not in remarks(whole, rules.book, 0, found.foreign)
    english = [one for one in found.told if one.use.language == "en"]
    assert ["(in French) Venir à jeun." in one.rendering.text for one in english] == [True]


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"name": "Été"}, "name"),
        ({"about": ""}, "about"),
        ({"about": "uf:absent"}, "about"),
        ({"sms": "x" * 61}, "sms"),
        ({"sms": "deux\nlignes"}, "sms"),
        ({"sms": "Répondez STOP pour annuler"}, "sms"),
        ({"sms": "Répondez OUI"}, "sms"),
        ({"arrival_point": "Plan : bit.ly/abc"}, "arrival_point"),
        ({"instructions": "x" * 2_001}, "instructions"),
        ({"instructions": "mot\u200binvisible"}, "instructions"),
        ({"documents": "{{ ins }}"}, "documents"),
        ({"map_url": "javascript:alert(1)"}, "map_url"),
        ({"arrive_minutes_before": "beaucoup"}, "arrive_minutes_before"),
        ({"arrive_minutes_before": "300"}, "arrive_minutes_before"),
        ({"en_sms": "x" * 61}, "en_sms"),
        ({"ar_sms": "Plan : bit.ly/abc"}, "ar_sms"),
        ({"falc_instructions": "mot\u200binvisible"}, "falc_instructions"),
    ],
)
def test_each_field_of_a_sheet_says_what_is_wrong(told: dict[str, Any], field: str) -> None:
    given = {name: getattr(filled(SHEET), name) for name in SheetForm.__slots__} | told
    table, errors = read(SheetForm(**given), rules_of(settings_with()).book)
    assert table is None
    assert list(errors) == [field]


def test_a_forms_lines_are_kept_and_its_space_is_not() -> None:
    form = typed("a", {"documents": " carte\r\nordonnance ", "acknowledge": "1"})
    assert (form.documents, form.acknowledge) == ("carte\nordonnance", True)


def test_the_patients_page_shows_what_was_approved_in_another_process(store: Store) -> None:
    phone = Telephone(store, preparation=[])
    office_rules = rules_of(phone.room.settings)
    phone.give_birth_date()
    assert "Ne rien manger" not in phone.see()
    accept(phone.room, office_rules, offer(phone.room, office_rules, sheet(service="4220")))
    page = phone.see()
    assert "Ne rien manger après minuit." in page
    assert "carte Vitale" in page


def test_a_sheet_that_reaches_very_many_says_so_and_is_agreed_to(store: Store) -> None:
    room, rules = office(store)
    room.read(*visits(range(1, 502), uf="4230"))
    number = offer(room, rules)
    assert refused(accept, room, rules, number) == "warned"
    accept(room, rules, number, ticked=("many",))
    assert rules.preparation("4230", "") is not None
