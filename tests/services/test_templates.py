"""Writing, proposing, approving and going back: nobody alone, nothing lost, nothing stale."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.template_key import TemplateText, key_from
from reminders.rendering import Renderer
from reminders.services.compose import Composer, Route
from reminders.services.deliver import Delivery
from reminders.services.rules import rules_of
from reminders.services.template_approval import call_off, reject, roll_back, withdraw
from reminders.services.templates import (
    Overtaken,
    Refused,
    drop_draft,
    figures,
    propose,
)
from reminders.store import templates
from reminders.store.engine import Store, open_engine, run
from tests.services.test_deliver import STEP
from tests.support.clinic import settings_with, someone, visit, visits
from tests.support.desk_of_templates import CONFIRM, GOOD, MAIL, PHONE, SHORT, Bureau
from tests.support.mailroom import new_reference
from tests.support.stores import address

OTHER = f"Nous vous attendons le {{{{ date_rdv }}}} à {{{{ heure_rdv }}}}. {PHONE}"

NEW = "Nouveau : le {{ date_rdv }} à {{ heure_rdv }}, " + PHONE


def refusal(act: Any, *given: Any, **named: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        act(*given, **named)
    return refused.value


# --- a text comes into service ---------------------------------------------------------------


def test_what_one_wrote_and_another_approved_is_what_leaves(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1))
    bureau.room.release()
    bureau.room.plan()
    assert bureau.put(NEW, CONFIRM) == 2
    bureau.room.at(STEP)
    bureau.room.deliver()
    assert [sent.text for sent in bureau.room.sent] == ["Nouveau : le 20/10 à 9h30, 01 99 00 12 34"]
    version = bureau.look(CONFIRM).live
    assert version is not None
    assert bureau.room.value("SELECT template_version_id FROM attempt") == version.id
    assert (version.author, version.approved_by, version.alone) == ("awa", "bea", False)


def test_a_process_that_sends_already_uses_what_another_one_approves(store: Store) -> None:
    """No restart, no cache: a sender that has sent the old text sends the new one next."""
    bureau = Bureau(store)
    bureau.room.read(*visits([1, 2]))
    bureau.room.release()
    bureau.room.plan()
    bureau.room.at(STEP)
    own = Store(open_engine(address(store)))
    delivery = Delivery(
        own, bureau.room.rules, Composer(bureau.room.rules, Renderer()),
        bureau.room.settings.delivery, bureau.room.secret, new_reference,
    )  # fmt: skip
    try:
        [first] = delivery.open_window(bureau.room.routes, 1, now=bureau.now).envelopes
        bureau.put(NEW, CONFIRM)
        [second] = delivery.open_window(bureau.room.routes, 1, now=bureau.now).envelopes
    finally:
        own.close()
    assert "Nouveau" not in first.composed.text
    assert second.composed.text == "Nouveau : le 20/10 à 9h30, 01 99 00 12 34"


def test_nobody_approves_their_own_text(store: Store) -> None:
    bureau = Bureau(store)
    before = bureau.live()
    number = bureau.propose(OTHER, by="awa")
    assert refusal(bureau.approve, number, by="awa").code == "own"
    assert bureau.live() == before
    bureau.approve(number, by="bea")
    assert bureau.live() == OTHER


def test_a_hospital_that_needs_one_person_only_has_it_written_down(store: Store) -> None:
    bureau = Bureau(store, two_people=False)
    bureau.approve(bureau.propose(OTHER, by="awa"), by="awa")
    live = bureau.look().live
    assert live is not None
    assert (live.alone, live.approved_by) == (True, "awa")
    details = bureau.room.value("SELECT detail FROM audit WHERE action = 'template.approve'")
    assert '"alone": true' in details


def test_a_second_person_there_is_not_called_alone(store: Store) -> None:
    bureau = Bureau(store, two_people=False)
    bureau.approve(bureau.propose(OTHER, by="awa"), by="bea")
    live = bureau.look().live
    assert live is not None
    assert not live.alone


def test_a_text_serves_from_its_day_on(store: Store) -> None:
    bureau = Bureau(store)
    before = bureau.live()
    number = bureau.propose(OTHER)
    bureau.approve(number, effective_at=bureau.now + timedelta(days=2))
    assert bureau.live() == before
    assert [one.number for one in bureau.look().to_come] == [number]
    bureau.room.pass_days(2)
    assert bureau.live() == OTHER
    assert bureau.look().to_come == ()


def test_what_leaves_before_that_day_is_the_text_of_before(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1), visit(2, "2026-10-27 09:30"))
    bureau.room.release()
    bureau.room.plan()
    number = bureau.propose(NEW, key=CONFIRM)
    bureau.approve(number, key=CONFIRM, effective_at=STEP + timedelta(days=2))
    bureau.room.at(STEP)
    bureau.room.deliver()
    assert [sent.text.startswith("Nouveau") for sent in bureau.room.sent] == [False]
    bureau.room.at(STEP + timedelta(days=7))
    bureau.room.deliver()
    assert bureau.room.sent[-1].text.startswith("Nouveau")


def test_a_text_whose_day_has_not_come_can_be_called_off(store: Store) -> None:
    bureau = Bureau(store)
    before = bureau.live()
    number = bureau.propose(OTHER)
    bureau.approve(number, effective_at=bureau.now + timedelta(days=2))
    call_off(store, SHORT, number, by="bea", now=bureau.now)
    bureau.room.pass_days(3)
    assert bureau.live() == before
    assert refusal(call_off, store, SHORT, number, by="bea", now=bureau.now).code == "gone"


def test_versions_are_numbered_for_each_template(store: Store) -> None:
    bureau = Bureau(store)
    assert [bureau.put(f"Texte {n}. {PHONE}") for n in range(3)] == [2, 3, 4]
    assert bureau.put(f"Texte. {PHONE}", CONFIRM) == 2
    found = bureau.room.rows(
        "SELECT purpose, language, family, channel, number, COUNT(*) AS n FROM template_version "
        "GROUP BY purpose, language, family, channel, number"
    )
    assert {row.n for row in found} == {1}
    assert min(row.number for row in found) == 1


def test_a_language_without_a_text_gets_its_first_one(store: Store) -> None:
    bureau = Bureau(store)
    arabic = key_from("preparation.ar.link.sms")
    assert bureau.look(arabic).newest is None
    bureau.put(f"موعد {{{{ date_rdv }}}} {PHONE}", arabic)
    live = bureau.look(arabic).live
    assert live is not None
    assert live.number == 1


# --- what is refused, again and again --------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Rendez-vous le {{ date }}. " + PHONE, "unknown_variable"),
        ("Rendez-vous de {{ specialite }}. " + PHONE, "forbidden_variable"),
        ("Répondez OUI. " + PHONE, "mixed_family"),
        ("Rendez-vous le {{ date_rdv }}.", "no_phone"),
        ("{{ prenom }} " + PHONE, "unguarded"),
        ("{{ ''.__class__ }}" + PHONE, "forbidden_expression"),
        ("{% include 'x' %}" + PHONE, "forbidden_tag"),
        ("", "empty"),
    ],
)
def test_what_the_lint_refuses_is_kept_as_a_draft_and_goes_no_further(
    store: Store, body: str, code: str
) -> None:
    bureau = Bureau(store)
    refused = refusal(bureau.propose, body)
    assert [one.code for one in refused.findings] == [code]
    draft = bureau.look().draft_of("awa")
    assert draft is not None
    assert draft.text.body == body
    assert bureau.look().waiting == ()


def test_a_version_altered_behind_our_back_is_refused_at_approval_and_at_rendering(
    store: Store,
) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1))
    bureau.room.release()
    bureau.room.plan()
    number = bureau.propose(OTHER, key=CONFIRM)
    bad = "{{ ''.__class__.__mro__ }} " + PHONE
    with store.write() as connection:
        run(connection, "UPDATE template_version SET body = :b WHERE author = 'awa'", b=bad)
    assert refusal(bureau.approve, number, key=CONFIRM).code == "lint"
    with store.write() as connection:
        run(
            connection,
            "UPDATE template_version SET state = 'approved', effective_at = 1 + "
            "(SELECT MAX(effective_at) FROM template_version) WHERE author = 'awa'",
        )
    bureau.room.at(STEP)
    bureau.room.deliver()
    assert bureau.room.sent == []
    assert "empty_variable" in bureau.room.tasks()


def test_every_warning_is_ticked_and_written_down(store: Store) -> None:
    bureau = Bureau(store)
    when = "Le {{ date_rdv }} à {{ heure_rdv }}"
    number = bureau.propose(f"{when} à l’hôpital, scanner. {PHONE}")
    refused = refusal(bureau.approve, number)
    assert refused.code == "tick"
    assert [one.code for one in refused.findings] == ["sensitive", "costly", "costly"]
    some = [one.mark for one in refused.findings[:-1]]
    assert refusal(bureau.approve, number, ticked=some).code == "tick"
    bureau.approve(number, ticked=[one.mark for one in refused.findings])
    live = bureau.look().live
    assert live is not None
    assert set(live.ticked) == {one.mark for one in refused.findings}


def test_more_than_five_hundred_patients_are_said_first(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(*visits(range(1, 502)))
    bureau.room.release()
    bureau.room.plan()
    number = bureau.propose(OTHER, key=CONFIRM)
    refused = refusal(bureau.approve, number, key=CONFIRM)
    assert (refused.code, refused.values["reach"]) == ("many", 501)
    assert "501 patients" in refused.sentence
    assert refusal(bureau.approve, number, key=CONFIRM, confirmed=400).code == "many"
    bureau.approve(number, key=CONFIRM, confirmed=501)
    live = bureau.look(CONFIRM).live
    assert live is not None
    assert live.reach == 501


def test_five_hundred_patients_are_not_asked_about(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(*visits(range(1, 501)))
    bureau.room.release()
    bureau.room.plan()
    bureau.approve(bureau.propose(OTHER, key=CONFIRM), key=CONFIRM)


def test_an_approval_that_compared_with_another_text_is_refused(store: Store) -> None:
    bureau = Bureau(store)
    first = bureau.look().live
    assert first is not None
    one = bureau.propose(OTHER)
    bureau.approve(one)
    two = bureau.propose(GOOD, by="awa")
    assert refusal(bureau.approve, two, live=first.id).code == "moved"


def test_a_proposal_is_decided_once(store: Store) -> None:
    bureau = Bureau(store)
    number = bureau.propose(OTHER)
    live = bureau.look().live
    assert live is not None
    outcomes: list[str] = []

    def decide(by: str) -> None:
        own = Bureau.__new__(Bureau)
        own.__dict__.update(bureau.__dict__)
        try:
            bureau.approve(number, by=by, live=live.id)
            outcomes.append("approved")
        except Refused as refused:
            outcomes.append(refused.code)

    threads = [threading.Thread(target=decide, args=(by,)) for by in ("bea", "chloe", "dora")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["approved", "gone", "gone"], ["approved", "gone", "moved"],
                                ["approved", "moved", "moved"])  # fmt: skip
    assert bureau.audit().count(("awa", "template.propose")) == 1


# --- turning down, taking back, going back ---------------------------------------------------


def test_a_proposal_is_turned_down_with_a_reason(store: Store) -> None:
    bureau = Bureau(store)
    number = bureau.propose(OTHER)
    given: dict[str, Any] = {"by": "bea", "now": bureau.now}
    assert refusal(reject, store, SHORT, number, reason="", text="", **given).code == "reason"
    assert refusal(reject, store, SHORT, number, reason="other", text=" ", **given).code == "reason"
    reject(store, SHORT, number, reason="unclear", text="Trop de mots", **given)
    found = bureau.look(number=number).asked
    assert found is not None
    assert (found.state, found.reason, found.reason_text, found.decided_by) == (
        "rejected", "unclear", "Trop de mots", "bea",
    )  # fmt: skip
    assert refusal(bureau.approve, number).code == "gone"
    assert "Trop" not in bureau.room.value(
        "SELECT detail FROM audit WHERE action = 'template.reject'"
    )


def test_a_proposal_is_taken_back_by_its_author_only(store: Store) -> None:
    bureau = Bureau(store)
    number = bureau.propose(OTHER)
    assert refusal(withdraw, store, SHORT, number, by="bea", now=bureau.now).code == "others"
    withdraw(store, SHORT, number, by="awa", now=bureau.now)
    assert refusal(bureau.approve, number).code == "gone"
    assert bureau.propose(OTHER) == number + 1


def test_one_person_goes_back_to_a_text_that_served(store: Store) -> None:
    bureau = Bureau(store)
    first = bureau.live()
    bureau.put(OTHER)
    fresh = roll_back(store, bureau.room.rules, SHORT, 1, by="bea", now=bureau.now)
    live = bureau.look().live
    assert live is not None
    assert (fresh, live.number, live.origin, live.approved_by) == (3, 3, "rollback", "bea")
    assert live.text.body == first
    assert ("bea", "template.rollback") in bureau.audit()


def test_nobody_goes_back_to_what_never_served(store: Store) -> None:
    bureau = Bureau(store)

    def back(number: int) -> str:
        return refusal(
            roll_back, store, bureau.room.rules, SHORT, number, by="bea", now=bureau.now
        ).code

    assert back(1) == "live"
    number = bureau.propose(OTHER)
    assert back(number) == "never"
    reject(store, SHORT, number, by="bea", reason="wrong", text="", now=bureau.now)
    assert back(number) == "never"
    later = bureau.propose(OTHER)
    bureau.approve(later, effective_at=bureau.now + timedelta(days=1))
    assert back(later) == "never"
    assert back(99) == "never"


# --- two people, two windows -----------------------------------------------------------------


def test_drafts_are_each_persons_own(store: Store) -> None:
    bureau = Bureau(store)
    bureau.write("de awa", by="awa")
    bureau.write("de bea", by="bea")
    assert {one.author: one.text.body for one in bureau.look().drafts} == {
        "awa": "de awa",
        "bea": "de bea",
    }


def test_an_older_window_does_not_overwrite_a_newer_one(store: Store) -> None:
    bureau = Bureau(store)
    first = bureau.write("premier")
    bureau.write("deuxième", revision=first)
    with pytest.raises(Overtaken) as overtaken:
        bureau.write("troisième", revision=first)
    assert overtaken.value.theirs.body == "deuxième"
    with pytest.raises(Overtaken):
        bureau.write("quatrième", revision=0)
    draft = bureau.look().draft_of("awa")
    assert draft is not None
    assert draft.text.body == "deuxième"
    bureau.write("les deux", revision=draft.revision)


def test_who_proposes_after_somebody_else_sees_both_texts_and_chooses(store: Store) -> None:
    bureau = Bureau(store)
    revision = bureau.write(GOOD, by="bea")
    theirs = bureau.propose(OTHER, by="awa")

    def mine(revision: int) -> int:
        return propose(
            store, bureau.room.rules, SHORT, author="bea", revision=revision, now=bureau.now
        )

    with pytest.raises(Overtaken) as overtaken:
        mine(revision)
    assert (overtaken.value.theirs.body, overtaken.value.by) == (OTHER, "awa")
    draft = bureau.look().draft_of("bea")
    assert draft is not None
    assert draft.text.body == GOOD
    head = bureau.look().head
    assert head is not None
    kept = bureau.write(GOOD, by="bea", base=head.id)
    assert mine(kept) == theirs + 1
    assert [one.author for one in bureau.look().waiting] == ["bea"]
    replaced = bureau.look(number=theirs).asked
    assert replaced is not None
    assert (replaced.state, replaced.text.body) == ("replaced", OTHER)


def test_an_edit_under_way_notices_a_return_to_an_older_text(store: Store) -> None:
    bureau = Bureau(store)
    bureau.put(OTHER)
    bureau.write(GOOD, by="awa")
    roll_back(store, bureau.room.rules, SHORT, 1, by="bea", now=bureau.now)
    with pytest.raises(Overtaken):
        bureau.propose(GOOD, by="awa")


def test_a_text_that_changes_nothing_is_not_proposed(store: Store) -> None:
    bureau = Bureau(store)
    assert refusal(bureau.propose, bureau.live()).code == "nothing_new"


def test_a_draft_is_thrown_away_only_as_it_was_read(store: Store) -> None:
    bureau = Bureau(store)
    revision = bureau.write("un")
    bureau.write("deux")
    given: dict[str, Any] = {"author": "awa", "now": bureau.now}
    assert not drop_draft(store, SHORT, revision=revision, **given)
    assert drop_draft(store, SHORT, revision=revision + 1, **given)
    assert bureau.look().drafts == ()


def test_a_text_too_long_to_keep_is_said(store: Store) -> None:
    refused = refusal(Bureau(store).write, "a" * 4_001)
    assert refused.code == "too_long"
    assert "4000" in refused.sentence


def test_what_a_release_brings_is_not_what_an_edit_starts_from(store: Store) -> None:
    bureau = Bureau(store)
    bureau.put(OTHER)
    with store.write() as connection:
        brought = {
            "purpose": "short", "language": "fr", "family": "any", "channel": "sms",
            "subject": "", "body": "livré", "html": "", "content_hash": "h", "reviewed": True,
        }  # fmt: skip
        templates.add_shipped(connection, [brought], release="2.0", at=1)
    head = bureau.look().head
    assert head is not None
    assert head.text.body == OTHER
    bureau.propose(GOOD)
    assert {one.author for one in bureau.look().waiting} == {"awa", "livré avec 2.0"}


# --- e-mails, figures ------------------------------------------------------------------------


def test_an_e_mail_without_html_gets_one_from_its_text(store: Store) -> None:
    bureau = Bureau(store)
    body = (
        "Bonjour,\n\nLe {{ date_rdv }} à {{ heure_rdv }} < 9 h & plus. {{ telephone_secretariat }}"
    )
    number = bureau.propose(body, key=MAIL, subject="Votre rendez-vous du {{ date_rdv }}")
    bureau.approve(number, key=MAIL)
    live = bureau.look(MAIL).live
    assert live is not None
    assert "&lt; 9 h &amp; plus" in live.text.html
    assert live.text.subject == "Votre rendez-vous du {{ date_rdv }}"


def test_an_e_mail_needs_a_subject_and_no_pixel(store: Store) -> None:
    bureau = Bureau(store)
    refused = refusal(bureau.propose, f"Bonjour {PHONE}", key=MAIL)
    assert {(one.code, one.part) for one in refused.findings} == {("subject", "subject")}
    refused = refusal(
        bureau.propose, f"Bonjour {PHONE}", key=MAIL, subject="x",
        html=f'<p onclick="x()">{PHONE}</p><img src=x>',
    )  # fmt: skip
    assert {(one.code, one.part) for one in refused.findings} == {("html_forbidden", "html")}


def test_volume_is_what_was_sent_else_what_waits(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(*visits([1, 2, 3]))
    bureau.room.release()
    bureau.room.plan()

    def found() -> tuple[int, int, bool]:
        with store.read() as connection:
            volume = figures(
                connection, bureau.room.rules, CONFIRM, bureau.routes, now=bureau.now
            ).volume
        return volume.messages, volume.reach, volume.planned

    assert found() == (3, 3, True)
    bureau.room.at(STEP)
    bureau.room.deliver()
    assert found() == (3, 3, False)
    bureau.room.pass_days(40)
    assert found()[0] == 0


def test_a_language_patients_speak_and_nobody_wrote_is_missing(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1, patient=someone(1, language="ar")))
    bureau.room.release()
    bureau.room.plan()
    with store.read() as connection:
        assert figures(
            connection, bureau.room.rules, CONFIRM, bureau.routes, now=bureau.now
        ).missing == ("ar",)
        assert figures(
            connection, bureau.room.rules, SHORT, bureau.routes, now=bureau.now
        ).missing == ("ar",)
    refused = refusal(bureau.approve, bureau.propose(OTHER, key=CONFIRM), key=CONFIRM)
    assert [one.code for one in refused.findings] == ["missing_translation"]


def test_a_family_is_counted_with_the_sender_that_carries_it(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1))
    bureau.room.release()
    bureau.room.plan()
    link, reply = key_from("short.fr.link.sms"), key_from("short.fr.reply.sms")
    rules = rules_of(settings_with(web={"public_url": "https://rdv.example.org"}))

    def reach(family: Any, key: Any) -> int:
        with store.read() as connection:
            routes = (Route("main", "sms", family),)
            return figures(connection, rules, key, routes, now=bureau.now).volume.reach

    assert (reach("link", link), reach("link", reply)) == (1, 0)
    assert (reach("reply", link), reach("reply", reply)) == (0, 1)


def test_a_text_that_comes_at_last_frees_those_that_waited_for_it(store: Store) -> None:
    bureau = Bureau(store)
    bureau.room.read(visit(1))
    bureau.room.release()
    bureau.room.plan()
    with store.write() as connection:
        run(connection, "UPDATE template_version SET state = 'rejected' WHERE purpose = 'confirm'")
    bureau.room.at(STEP)
    bureau.room.deliver()
    assert bureau.room.sent == []
    bureau.put(OTHER, CONFIRM)
    bureau.room.plan()
    bureau.room.deliver()
    assert len(bureau.room.sent) == 1


def test_texts_are_compared_as_people_read_them(store: Store) -> None:
    bureau = Bureau(store)
    windows = bureau.live().replace("\n", "\r\n") + "  \r\n"
    assert refusal(bureau.propose, windows).code == "nothing_new"
    assert TemplateText("a\r\nb ").normalised("sms") == TemplateText("a\nb")


def test_the_audit_calls_a_text_by_the_name_its_pages_have(store: Store) -> None:
    bureau = Bureau(store)
    bureau.put(GOOD)
    found = bureau.room.rows(
        "SELECT DISTINCT subject FROM audit "
        "WHERE action IN ('template.propose', 'template.approve')"
    )
    assert [row.subject for row in found] == [f"template:{SHORT.slug}"]
