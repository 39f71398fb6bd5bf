"""A text on real and invented appointments, its cost, one to one's own phone, and as files."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reminders.domain.appointment import ContactPoint
from reminders.domain.preparation import IN_FRENCH
from reminders.domain.template_key import TemplateText, key_from
from reminders.errors import ConfigurationError
from reminders.rendering import Renderer, shipped
from reminders.services.compose import Composer, Route
from reminders.services.preview import planned_lines
from reminders.services.purge import purge
from reminders.services.rules import rules_of
from reminders.services.template_files import export, import_
from reminders.services.template_preview import (
    coming,
    monthly_cost,
    on_invented,
    on_real,
    price_of,
    shown_ufs,
)
from reminders.services.template_review import longest_values, review
from reminders.services.template_test import MOST, send_test
from reminders.services.templates import Refused
from reminders.store import template_samples
from reminders.store.engine import Store, run
from tests.services.test_deliver import STEP
from tests.support.clinic import settings_with, someone, visit, visits
from tests.support.desk_of_templates import CONFIRM, GOOD, MAIL, PHONE, SHORT, Bureau, text

RULES = rules_of(settings_with(web={"public_url": "https://rdv.ch-exemple.fr"}))
LINK = key_from("short.fr.link.sms")


# --- on appointments -------------------------------------------------------------------------


def renderings(bureau: Bureau, ufs: Any = None, named: Any = None, body: str = GOOD) -> list[Any]:
    rules = bureau.room.rules
    with bureau.store.read() as connection:
        found = coming(connection, shown_ufs(rules, ufs), now=bureau.now, limit=10)
    return on_real(rules, CONFIRM, text(body), found, named=named, now=bureau.now)


def test_a_text_is_shown_as_it_will_leave(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(*visits([1, 2, 3]))
    bureau.room.release()
    bureau.room.plan()
    bureau.put(GOOD, CONFIRM)
    shown = [one.text for one in renderings(bureau)]
    bureau.room.at(STEP)
    bureau.room.deliver()
    assert sorted(shown) == sorted(sent.text for sent in bureau.room.sent)


def test_at_most_ten_of_the_services_one_may_see(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(*visits(range(1, 13)), visit(20, uf="4230"), visit(21, uf="unmapped"))
    assert len(renderings(bureau)) == 10
    assert {one.case for one in renderings(bureau, frozenset({"4230"}))} == {"4230"}
    assert renderings(bureau, frozenset()) == []


def test_who_may_not_see_patients_sees_no_name(store: Store) -> None:
    shared = (ContactPoint("phone", "06 39 98 00 77"),)
    bureau = Bureau(store)
    bureau.room.read(
        visit(1, patient=someone(1, given="Zélie", contacts=shared)),
        visit(2, patient=someone(2, given="Ulysse", contacts=shared)),
    )
    body = "RDV{% if prenom %} pour {{ prenom }}{% endif %}. " + PHONE
    named = renderings(bureau, body=body)
    masked = renderings(bureau, named=frozenset(), body=body)
    assert {one.person for one in named} == {"Zélie EXEMPLE", "Ulysse EXEMPLE"}
    assert "pour Zélie" in named[0].text
    assert {one.person for one in masked} == {"Xxxxxxx Xxxxxxxx"}  # nobody's length, nor hyphens
    assert not any("Z" in one.text or "U" in one.text for one in masked)
    assert len({one.measure.units for one in masked}) == 1
    assert [one.measure.segments for one in masked] == [one.measure.segments for one in named]


def test_whoever_is_not_written_to_is_not_shown(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1, patient=someone(1, deceased=True)))
    assert renderings(bureau) == []


@pytest.mark.parametrize(
    "one",
    [t for t in shipped() if t.reviewed],
    ids=lambda t: f"{t.language}-{t.purpose}-{t.family}-{t.channel}",
)
def test_every_shipped_text_is_shown_in_every_invented_case(one: Any) -> None:
    key = key_from(f"{one.purpose}.{one.language}.{one.family}.{one.channel}")
    parts = TemplateText(one.body, one.subject, one.html)
    cases = on_invented(RULES, key, parts, now=STEP)
    said = "consignes" in "".join((one.body, one.subject, one.html))  # a sheet, in that language
    french = said and one.language in ("en", "ar")
    assert len(cases) == 6 + french
    assert any(IN_FRENCH.get(one.language, "?") in case.text for case in cases) == french
    assert [case.problem for case in cases] == [""] * len(cases)
    assert not review(RULES, key, parts).refused


def test_a_gap_is_said_where_the_text_would_be() -> None:
    cases = on_invented(RULES, SHORT, text("{{ prenom }} " + PHONE), now=STEP)
    assert all(case.problem for case in cases)


def test_no_case_is_longer_than_the_longest() -> None:
    for one in shipped():
        if one.channel == "sms" and one.reviewed:
            key = key_from(f"{one.purpose}.{one.language}.{one.family}.sms")
            parts = TemplateText(one.body)
            longest = len(review(RULES, key, parts).longest)
            cases = on_invented(RULES, key, parts, now=STEP)
            assert max(len(case.text) for case in cases) <= longest


def test_the_longest_case_chooses_the_longer_branch() -> None:
    body = "{% if prenom %}a{% else %}" + "b" * 100 + "{% endif %} " + PHONE
    assert review(RULES, SHORT, text(body)).longest.startswith("b" * 100)


def test_the_longest_values_are_this_hospitals() -> None:
    values = longest_values(RULES, LINK)
    assert values["lien_confirmation"].startswith("https://rdv.ch-exemple.fr/r/")
    assert values["etablissement_court"] == "CH Exemple"
    assert "lien_confirmation" not in longest_values(RULES, key_from("short.fr.reply.sms"))


def test_a_second_sms_and_a_limping_text_are_warned_about() -> None:
    def codes(body: str) -> list[str]:
        return [one.code for one in review(RULES, SHORT, text(body)).findings]

    assert codes(GOOD) == []
    when = "Le {{ date_rdv }} à {{ heure_rdv }}. "
    assert codes(when + "Venez. " * 20 + PHONE) == ["second_segment"]
    limping = when + "Venez, {% if point_accueil %}{{ point_accueil }}{% endif %}. " + PHONE
    assert codes(limping) == ["empty_case"]


def test_the_price_is_that_of_the_sender_that_carries_the_family() -> None:
    routes = (Route("a", "sms", "reply", price_eur=0.08), Route("b", "sms", "link", price_eur=0.06))
    assert (price_of(LINK, routes), price_of(SHORT, routes), price_of(MAIL, routes)) == (
        0.06, 0.08, 0.0,
    )  # fmt: skip
    two = on_invented(RULES, SHORT, text("a" * 200 + PHONE), now=STEP)
    assert monthly_cost(two, 1_000, 0.06) == pytest.approx(120)
    assert monthly_cost([], 1_000, 0.06) == 0


# --- to one's own phone ----------------------------------------------------------------------

PHONE_OF_AWA = "+33639980099"


def ask(bureau: Bureau, body: str = GOOD, **changes: Any) -> Any:
    room = bureau.room
    given: dict[str, Any] = {"account": "awa", "phone": PHONE_OF_AWA, "now": bureau.now}
    key = changes.pop("key", SHORT)
    routes = changes.pop("routes", room.routes)
    return send_test(
        bureau.store, room.rules, routes, room.secret, key, text(body), **(given | changes)
    )


def refused(bureau: Bureau, *given: Any, **named: Any) -> str:
    with pytest.raises(Refused) as found:
        ask(bureau, *given, **named)
    return found.value.code


def test_a_test_leaves_through_the_outbox_to_ones_own_phone(store: Store) -> None:
    bureau = Bureau(store)
    asked = ask(bureau)
    assert asked.leaves
    bureau.room.deliver()
    assert [(sent.to, sent.text) for sent in bureau.room.sent] == [(PHONE_OF_AWA, asked.text)]
    assert bureau.room.value("SELECT state FROM message") == "ACCEPTED"
    assert bureau.room.value("SELECT dedupe_key FROM message").startswith("test:")
    assert bureau.audit() == [("awa", "template.test")]
    bureau.room.deliver()
    assert len(bureau.room.sent) == 1


def test_each_test_is_a_message_of_its_own(store: Store) -> None:
    bureau = Bureau(store)
    ask(bureau)
    ask(bureau)
    bureau.room.deliver()
    assert len(bureau.room.sent) == 2


def test_in_rehearsal_a_test_stays_and_says_so(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.settings = settings_with(mode="rehearsal")
    assert not ask(bureau).leaves
    bureau.room.deliver()
    assert bureau.room.sent == []
    assert bureau.room.value("SELECT reason FROM message") == "rehearsal"


def test_in_test_mode_it_leaves_to_the_listed_addresses_only(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.settings = settings_with(mode="test", only_to=["06 39 98 00 99"])
    assert ask(bureau).leaves
    assert not ask(bureau, phone="+33639980098").leaves
    bureau.room.deliver()
    assert [sent.to for sent in bureau.room.sent] == [PHONE_OF_AWA]


def test_a_test_waits_for_a_hold_and_is_too_old_after_a_quarter_of_an_hour(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.hold()
    assert ask(bureau).held
    bureau.room.deliver()
    assert bureau.room.sent == []
    bureau.room.at(bureau.now + timedelta(minutes=16))
    bureau.room.release()
    bureau.room.tidy()
    bureau.room.deliver()
    assert bureau.room.sent == []


def test_who_objected_gets_no_test_either(store: Store) -> None:
    bureau = Bureau(store)
    ask(bureau)
    bureau.room.object(PHONE_OF_AWA)
    bureau.room.deliver()
    assert bureau.room.sent == []
    assert refused(bureau) == "objection"


def test_what_cannot_be_sent_is_said_at_once(store: Store) -> None:
    bureau = Bureau(store)
    assert refused(bureau, "{{ motif }}" + PHONE) == "lint"
    assert refused(bureau, phone="") == "no_phone"
    assert refused(bureau, phone="+33199001234") == "no_mobile"
    assert refused(bureau, key=MAIL) == "channel"
    assert refused(bureau, key=key_from("short.fr.reply.sms")) == "no_sender"
    assert bureau.room.states() == []


def test_a_person_has_a_few_tests_a_day(store: Store) -> None:
    bureau = Bureau(store)
    for _ in range(MOST):
        ask(bureau)
    assert refused(bureau) == "many"
    ask(bureau, account="bea")
    ask(bureau, now=bureau.now + timedelta(days=1, minutes=1))


def test_a_test_holds_nobodys_appointment_and_goes_with_the_messages(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1, "2026-10-20 11:45"))
    asked = ask(bureau)
    assert "11h45" not in asked.text
    assert "20/10" not in asked.text
    bureau.room.deliver()
    with store.read() as connection:
        assert len(template_samples.last_tests(connection, "awa")) == 1
    purge(store, bureau.room.settings.retention, now=bureau.now + timedelta(days=800))
    assert bureau.room.value("SELECT COUNT(*) FROM template_test") == 0
    assert bureau.room.value("SELECT COUNT(*) FROM message") == 0


def test_what_is_planned_is_previewed_beside_a_test(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1))
    bureau.room.release()
    bureau.room.plan()
    ask(bureau)
    composer = Composer(bureau.room.rules, Renderer())
    lines = list(planned_lines(store, composer, bureau.room.routes, now=bureau.now))
    assert PHONE_OF_AWA not in {line.address for line in lines}
    assert {line.state for line in lines} == {"planned"}
    bureau.room.plan_everybody()
    bureau.room.deliver()
    assert [sent.to for sent in bureau.room.sent] == [PHONE_OF_AWA]


# --- as files --------------------------------------------------------------------------------


def exported(bureau: Bureau, folder: Path) -> Path:
    export(bureau.store, folder / "modeles", now=bureau.now)
    return folder / "modeles"


def take_in(bureau: Bureau, folder: Path, **given: Any) -> Any:
    return import_(bureau.store, bureau.room.rules, folder, by="nadia", now=bureau.now, **given)


def problems(bureau: Bureau, folder: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as found:
        take_in(bureau, folder)
    return [f"{one.where} : {one.what}" for one in found.value.problems]


def test_every_version_is_a_file_and_the_manifest_says_what_became_of_it(
    store: Store, tmp_path: Path
) -> None:
    bureau = Bureau(store)
    bureau.put(GOOD)
    folder = exported(bureau, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    ours = [one for one in manifest["versions"] if one["template"] == SHORT.slug]
    assert [(one["number"], one["state"], one["live"]) for one in ours] == [
        (1, "approved", False),
        (2, "approved", True),
    ]
    assert ours[1]["author"] == "awa"
    assert ours[1]["approved_by"] == "bea"
    assert (folder / "fr/short.any.sms/v0002.txt").read_text() == GOOD + "\n"
    assert (folder / "fr/short.any.email/v0001.subject.txt").exists()
    assert len(manifest["versions"]) == len(shipped()) + 1


def test_what_was_exported_comes_back_as_known(store: Store, tmp_path: Path) -> None:
    bureau = Bureau(store)
    bureau.put(GOOD)
    done = take_in(bureau, exported(bureau, tmp_path))
    assert {one.outcome for one in done.changes} == {"same"}
    assert bureau.look().waiting == ()


def test_a_changed_file_becomes_a_proposal_and_is_never_approved(
    store: Store, tmp_path: Path
) -> None:
    bureau = Bureau(store)
    folder = exported(bureau, tmp_path)
    (folder / "fr/short.any.sms/v0001.txt").write_text(f"L’autre texte. {PHONE}\n")
    before = bureau.live()
    dry = take_in(bureau, folder, dry_run=True)
    assert (dry.proposed, bureau.look().waiting) == (1, ())
    done = take_in(bureau, folder)
    [change] = [one for one in done.changes if one.outcome == "proposed"]
    assert (change.template, change.number) == (SHORT.slug, 2)
    assert change.warnings
    assert bureau.live() == before
    [waiting] = bureau.look().waiting
    assert (waiting.author, waiting.origin, waiting.text.body) == (
        "nadia", "import", f"L’autre texte. {PHONE}",
    )  # fmt: skip
    assert take_in(bureau, folder).proposed == 0


def test_a_whole_folder_comes_into_another_hospital_as_proposals(
    store: Store, tmp_path: Path
) -> None:
    bureau = Bureau(store)
    folder = exported(bureau, tmp_path)
    with store.write() as connection:
        run(connection, "DELETE FROM template_version")
    done = take_in(bureau, folder)
    assert done.proposed == len(shipped())
    assert bureau.room.value("SELECT COUNT(*) FROM template_version WHERE state <> 'proposed'") == 0


def test_a_mistake_is_named_with_its_file_and_line_and_nothing_is_written(
    store: Store, tmp_path: Path
) -> None:
    bureau = Bureau(store)
    folder = exported(bureau, tmp_path)
    (folder / "fr/short.any.sms/v0001.txt").write_text(f"Bonjour\n\n{{{{ motif }}}} {PHONE}")
    (folder / "fr/confirm.any.sms/v0001.txt").write_text("Sans téléphone")
    (folder / "fr/notice.any.sms/v0001.txt").write_bytes(b"Bonjour\n\xe9t\xe9")
    (folder / "fr/booking.any.email/v0001.subject.txt").unlink()
    (folder / "fr/booking.any.sms/v0001.txt").write_text(f"Autre texte. {PHONE}")
    found = "\n".join(problems(bureau, folder))
    assert "fr/short.any.sms/v0001.txt, ligne 3 : Ligne 3" in found
    assert "fr/confirm.any.sms/v0001.txt : Le téléphone manque" in found
    assert "fr/notice.any.sms/v0001.txt, ligne 2 : lettres illisibles" in found
    assert "fr/booking.any.email/v0001.subject.txt : fichier absent" in found
    assert bureau.look(key_from("booking.fr.any.sms")).waiting == ()


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("{", "JSON mal écrit"),
        ("[]", "une entrée"),
        ('{"format": 2, "versions": []}', "format inconnu"),
        ('{"format": 1, "versions": [{"template": "../../etc.fr.any.sms", "number": 1}]}', "forme"),
        ('{"format": 1, "versions": [{"template": "short.fr.any.sms"}]}', "forme"),
        ('{"format": 1, "versions": [{"template": "short.fr.any.sms", "number": "x"}]}', "forme"),
    ],
)
def test_a_manifest_that_is_not_one_is_refused(
    store: Store, tmp_path: Path, manifest: str, told: str
) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    assert told in problems(Bureau(store), tmp_path)[0]


def test_a_folder_of_something_else_is_neither_read_nor_written(
    store: Store, tmp_path: Path
) -> None:
    bureau = Bureau(store)
    (tmp_path / "notes.txt").write_text("x")
    assert "illisible" in problems(bureau, tmp_path)[0]
    with pytest.raises(ConfigurationError):
        export(store, tmp_path, now=bureau.now)
    link = exported(bureau, tmp_path) / "fr/short.any.sms/v0001.txt"
    link.unlink()
    link.symlink_to("/etc/passwd")
    assert "ce n'est pas un modèle" in problems(bureau, tmp_path / "modeles")[0]
