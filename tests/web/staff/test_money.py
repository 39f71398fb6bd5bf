"""The pages of money: what is measured, described and supposed never meet; lists for who may."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from reminders.domain.appointment import Status
from reminders.domain.holdout import Arm
from reminders.domain.savings import Component, UnitCost
from reminders.services import costs, money
from reminders.services.holdout import stop
from reminders.services.rollup import refresh
from reminders.store.engine import Store, run
from tests.support.clinic import paris, visit, visits
from tests.support.comparison import CAME, MISSED, NOW, Comparison
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles
from tests.support.trial import measured

FORM = {
    "component": "task", "uf": "", "value": "6", "low": "4,50", "high": "8", "source": "DRH 2026",
    "valid_from": "01/03/2026",
}  # fmt: skip


@pytest.fixture(scope="module")
def lived(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A hold-out of three months whose savings are measured."""
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("money"))) as store:
        yield measured(store)


@pytest.fixture
def empty(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield office_on(store)


def text_of(clerk: Clerk, address: str, status: int = 200) -> str:
    answer = clerk.get(address)
    assert answer.status_code == status, answer.text[:500]
    plain = re.sub(r"<[^>]+>", " ", answer.text).replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s+", " ", plain)


def test_without_a_hold_out_the_first_line_says_so_and_no_saving_is_shown(empty: Office) -> None:
    page = text_of(empty.clerk(Role.MANAGER), "/rapports/economies")
    assert "Pas mesuré : aucune économie n’est affichée" in page
    assert page.index("Pas mesuré") < page.index("Projection : ce que donneraient des hypothèses")
    assert "Les rappels ont fait économiser" not in page
    assert "Prudent, central, favorable" not in page


def test_a_fee_nobody_entered_is_named_and_no_saving_is_told(empty: Office) -> None:
    trial = Comparison(empty.store)
    trial.patients(Arm.REMINDED, [[MISSED]] * 160 + [[CAME]] * 1_440)
    trial.patients(Arm.HELD, [[MISSED]] * 104 + [[CAME]] * 296)
    empty.now = NOW
    since = date(2026, 1, 1)
    entered = [UnitCost(Component.SLOT, 80, 60, 110, "Comptes 2025", since),
               UnitCost(Component.HOSTING, 0, 0, 0, "DSI", date(2026, 4, 1))]  # fmt: skip
    costs.add(empty.store, entered, actor="nadia", now=datetime(2026, 3, 1, tzinfo=UTC))
    money.compute(empty.store, empty.rules, now=NOW)
    clerk = empty.clerk(Role.MANAGER)
    page = text_of(clerk, "/rapports/economies")
    assert "Montants qui manquent : L’abonnement au service, par mois, L’hébergement" in page
    assert "saisir 0 ce qui ne coûte rien" in page
    assert "Prudent, central, favorable" not in page
    more = [UnitCost(Component.FEE, 900, 700, 1_200, "Devis", since),
            UnitCost(Component.HOSTING, 0, 0, 0, "DSI", since)]  # fmt: skip
    costs.add(empty.store, more, actor="nadia", now=datetime(2026, 3, 2, tzinfo=UTC))
    found = money.compute(empty.store, empty.rules, now=NOW)
    assert found["fees"] == {"fee": 2_700.0, "hosting": 0.0}
    assert found["fee_ranges"] == {"fee": [2_100.0, 3_600.0], "hosting": [0.0, 0.0]}
    assert "Prudent, central, favorable" in text_of(clerk, "/rapports/economies")


def test_a_projection_is_marked_and_changes_nothing_that_is_measured(lived: Office) -> None:
    clerk = lived.clerk(Role.MANAGER)
    plain = text_of(clerk, "/rapports/economies?mois=2026-05")
    asked = (
        "/rapports/economies?mois=2026-05&h-no-shows=1&no-shows-n=200&h-slot=1&slot-bas=50"
        "&slot-haut=300&h-staff=1"
    )
    page = text_of(clerk, asked)
    before, _, after = page.partition("Projection : ce que donneraient des hypothèses")
    assert before == plain.partition("Projection : ce que donneraient des hypothèses")[0]
    assert "60,0 à 100,0" in after  # 30 to 50 % of 200
    assert "3 000 € à 30 000 €" in after
    assert after.count("hypothèse") >= 4
    assert lived.rows("SELECT content FROM savings_estimate")[0].content.count("slot-bas") == 0


def test_a_hypothesis_that_cannot_be_read_keeps_what_was_typed(empty: Office) -> None:
    address = "/rapports/economies?h-no-shows=1&no-shows-bas=beaucoup&no-shows-n=12"
    page = empty.clerk(Role.MANAGER).get(address).text
    assert "Écrire des nombres" in page
    assert 'value="beaucoup"' in page


def test_the_saving_is_told_with_its_parts_formula_and_lists(lived: Office) -> None:
    clerk = lived.clerk(Role.MANAGER)
    page = text_of(clerk, "/rapports/economies")
    assert page.index("Mesuré : tirage au sort") < page.index("Prudent, central, favorable")
    assert "Ce que coûte un rendez-vous" in page
    assert "non mesuré : moins de 10 appels" in page
    assert "Les additionner compterait deux fois" in page
    assert "Économie = 1 600 rendez-vous" in page
    value = money.kept(lived.store).value
    assert value is not None
    assert f"{round(value['total']['central']):,}".replace(",", " ") in page  # type: ignore[index,call-overload,arg-type]
    assert "quoi=known&amp;bras=held" in clerk.get("/rapports/economies").text
    assert "Rendez-vous comptés" in text_of(clerk, "/rapports/economies/liste?quoi=known&bras=held")
    listed = text_of(clerk, "/rapports/economies/liste?quoi=no-shows&bras=held")
    assert listed.count("non venu") >= 50
    assert "Suite" in listed


def test_who_sees_no_patient_gets_figures_and_no_list(lived: Office) -> None:
    reader = lived.clerk(Role.READER)
    page = reader.get("/rapports/economies").text
    assert "Mesuré" in page
    assert "/rapports/economies/liste" not in page
    assert reader.get("/rapports/economies/liste").status_code == 403
    assert reader.post("/rapports/couts", FORM).status_code == 403
    assert reader.post("/rapports/mois", mois="2026-04").status_code == 403


def test_a_list_holds_the_services_of_its_reader_only(lived: Office) -> None:
    other = lived.clerk(Role.AGENT, login="imagerie", ufs=["4230"])
    page = text_of(other, "/rapports/economies/liste?quoi=no-shows&bras=held")
    assert "non venu" not in page


def test_whose_role_is_one_service_sees_that_ones_savings_and_no_closed_month(
    lived: Office,
) -> None:
    mine = lived.clerk(Role.MANAGER, login="b2", ufs=["4220"])
    assert "Accueil" in text_of(mine, "/rapports/economies")
    assert mine.get("/rapports/economies?service=4230").status_code == 404
    assert mine.get("/rapports/mois").status_code == 403
    assert mine.get("/rapports/mois/2026-04").status_code == 403
    assert mine.post("/rapports/economies", service="").status_code == 404
    assert mine.post("/rapports/couts", FORM).status_code == 403  # everybody's
    assert mine.post("/rapports/couts", FORM | {"uf": "4220"}).status_code == 303


def test_a_cost_is_entered_and_a_mistake_keeps_what_was_typed(empty: Office) -> None:
    clerk = empty.clerk(Role.MANAGER)
    wrong = clerk.post("/rapports/couts", FORM | {"low": "9"})
    assert wrong.status_code == 422
    assert 'value="9"' in wrong.text
    assert "Le plus bas ne peut pas dépasser la valeur" in wrong.text
    twice = clerk.post("/rapports/couts", FORM | {"value": "x", "high": "y"}).text
    for field in ("Valeur, en euros", "Au plus haut"):  # two alike would not say of what
        assert f"{field} : Écrire un montant" in twice.replace("\u00a0", " ")
    done = clerk.follow(clerk.post("/rapports/couts", FORM))
    assert "C’est enregistré" in done.text
    page = text_of(clerk, "/rapports/couts")
    assert "DRH 2026" in page
    assert "repris des réglages" in page  # a slot's price nobody entered
    (line,) = empty.rows("SELECT actor FROM audit WHERE action = 'cost.set'")
    assert line.actor == "manager"


def test_a_cost_entered_later_makes_the_shown_savings_old(lived: Office) -> None:
    later = replace(
        UnitCost(Component.CALL, 3, 2, 4, "standard", date(2026, 3, 1)), source="standard 2026"
    )
    clerk = lived.clerk(Role.MANAGER)
    costs.add(lived.store, [later], actor="nadia", now=datetime(2026, 6, 2, tzinfo=UTC))
    assert "Un coût a été saisi depuis ce calcul" in text_of(clerk, "/rapports/economies")


def test_a_sum_says_what_its_interval_is_and_a_total_is_not_by_month(lived: Office) -> None:
    page = text_of(lived.clerk(Role.READER), "/rapports/economies?h-staff=1&h-slot=1&mois=2026-04")
    assert re.search(
        r"fait économiser [\d ]+ € \(intervalle à 95 % : [\d ]+ € à [\d ]+ €\), du", page
    )
    assert re.search(r"Abonnement sur toute la période −2 700 €", page)
    assert "L’abonnement au service, par mois" not in page
    assert re.search(r"Messages partis au sujet de ces rendez-vous \d+ \([\d,]+ €\)", page)
    assert "Projection pour ce mois" in page
    assert "50 € à 300 €" in page
    assert "0,0 à 1,0 équivalents temps plein" in page


def test_a_month_is_closed_and_revised_on_the_page(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        trial, office = small(store)
        clerk = office.clerk(Role.MANAGER)
        assert "Aucun mois" in text_of(clerk, "/rapports/mois")
        for typed, status, why in (
            ("2026-06", 409, "Il n’est pas fini. Attendre le 01/07/2026."),
            ("juin", 422, "Mois illisible : l’écrire comme 2026-10."),
        ):
            refused = clerk.post("/rapports/mois", mois=typed, geste="clore")
            assert refused.status_code == status
            page = refused.text.replace("\u00a0", " ").replace("'", "’")
            assert page.count(why) == 2  # first on the page, and beside the month
            assert f'value="{typed}"' in page
            assert "Quelqu’un d’autre" not in page
        done = clerk.follow(clerk.post("/rapports/mois", mois="2026-04", geste="clore"))
        assert "ne changeront plus" in done.text
        trial.change(1, status="noshow")
        done = clerk.follow(clerk.post("/rapports/mois", mois="2026-04", geste="reviser"))
        assert "Révision 2 enregistrée" in done.text
        page = text_of(clerk, "/rapports/mois/2026-04")
        assert "Ce qui a changé depuis la révision 1" in page
        assert "Ce qui a changé" not in text_of(clerk, "/rapports/mois/2026-04?revision=1")
        missing = text_of(clerk, "/rapports/mois/2026-03", 404)  # among those that are closed
        assert missing.index("Ce mois n’est pas clos.") < missing.index("Avril 2026")
        assert clerk.get("/rapports/mois/hier").status_code == 404
        reader = office.clerk(Role.READER, login="reader").get("/rapports/mois/2026-03").text
        assert "Ce mois n’est pas clos." in reader
        assert 'href="#mois"' not in reader  # whoever closes none has no such field


def test_a_closed_month_reads_as_a_report_with_units_dates_and_its_last_revision(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        clerk = measured(store).clerk(Role.MANAGER)
        page = text_of(clerk, "/rapports/mois/2026-03")
        assert "En mars 2026, 9,1 % des rendez-vous suivis ont été manqués" in page
        assert "Gelé le 01/06/2026 à 2 h 00 par le service" in page  # today too: it is printed
        assert page.index("Mesuré : tirage au sort") < page.index("19 540 € (intervalle à 95 %")
        assert "effet mesuré −16,00 points −16,06 points" in page
        assert re.search(r"coût d’un rendez-vous avec rappels 11,20 € 11,15 €", page)
        assert "économie 19 460 € 19 540 €" in page
        assert "révisés depuis" not in page
        before = text_of(clerk, "/rapports/mois/2026-03?revision=1")
        assert "Ces chiffres ont été révisés depuis. La révision 2" in before
        assert "2 h 00" in text_of(clerk, "/rapports/mois").split("01/06/2026 à ")[1][:8]


def small(store: Store) -> tuple[Comparison, Office]:
    trial = Comparison(store)
    trial.patients(Arm.REMINDED, [["fulfilled"]] * 9, since=datetime(2026, 4, 2, tzinfo=UTC))
    return trial, office_on(store, now=NOW)


def test_a_call_is_noted_on_the_appointments_page(empty: Office) -> None:
    from tests.support.clinic import visit

    empty.read(visit(1))
    (row,) = empty.rows("SELECT id FROM appointment")
    agent = empty.clerk(Role.AGENT)
    assert "Noter cet appel" in agent.get(f"/rendez-vous/{row.id}").text
    done = agent.follow(agent.post(f"/rendez-vous/{row.id}/appel", motif="move"))
    assert "L’appel est noté" in done.text
    other = empty.clerk(Role.AGENT, login="ailleurs", ufs=["4230"])
    assert other.post(f"/rendez-vous/{row.id}/appel", motif="move").status_code == 404
    page = text_of(empty.clerk(Role.MANAGER), "/rapports/appels")
    assert "Octobre 2026" in page
    assert "masqué" in page  # one call of one motive
    with empty.store.write() as connection:
        run(connection, "DELETE FROM call_entry")
    assert "Aucun appel enregistré" in text_of(empty.clerk(Role.MANAGER), "/rapports/appels")


def test_a_month_that_cannot_be_counted_is_said_beside_its_field(empty: Office) -> None:
    clerk = empty.clerk(Role.MANAGER)
    for typed, said in (("oct", "Mois illisible"), ("2019-01", "de 2024-09 à 2026-10")):
        page = clerk.get(f"/rapports/economies?mois={typed}").text
        assert said in page
        assert 'aria-invalid="true"' in page
    assert 'aria-invalid="true"' not in clerk.get("/rapports/economies?mois=2026-08").text


def test_without_a_hold_out_a_computation_says_so(store: Store) -> None:
    clerk = office_on(store).clerk(Role.MANAGER)
    assert clerk.post("/rapports/economies").status_code == 303
    assert "rien n’y est une économie" in text_of(clerk, "/rapports/economies")


def test_the_effect_says_its_method_its_p_and_opens_its_lists(lived: Office) -> None:
    clerk = lived.clerk(Role.MANAGER, Role.AGENT, login="lists")
    page = text_of(clerk, "/rapports/temoin")
    assert "p &lt; 0,001 ; effet de grappe" in page
    assert "Méthode : en intention de traiter (ITT), variance par patient ; intervalle" in page
    raw = clerk.get("/rapports/temoin").text
    assert "/rapports/economies/liste?quoi=no-shows&amp;bras=held" in raw
    listed = text_of(clerk, "/rapports/economies/liste?quoi=no-shows&bras=held")
    assert "Non-venues" in listed
    page = text_of(clerk, "/rapports/economies")
    assert "L’économie, dessinée" in page
    assert re.search(r"Non-venues −\d+ −\d+ à −\d+", page)
    clerk.post("/compte/langue", langue="en")
    for address in ("/rapports/economies", "/rapports/temoin"):
        assert "intention to treat (ITT), variance by patient" in text_of(clerk, address)


def test_pages_tell_one_detectable_effect_of_one_moment(empty: Office) -> None:
    """The first page and the savings are computed in the morning, the effect's own page was each
    time somebody looked: two figures under one name."""
    trial = Comparison(empty.store)
    trial.arm(Arm.REMINDED, 800, 40)
    trial.arm(Arm.HELD, 200, 40)
    empty.now = NOW
    money.compute(empty.store, empty.rules, now=empty.now)
    trial.arm(Arm.REMINDED, 400, 20)
    trial.arm(Arm.HELD, 100, 20)
    empty.now = NOW + timedelta(hours=5)
    clerk = empty.clerk(Role.MANAGER)
    assert "effet détectable : 7,0 points" in text_of(clerk, "/")
    assert "montreraient : 7,0 points" in text_of(clerk, "/rapports/economies")
    page = text_of(clerk, "/rapports/temoin")
    assert "Plus petit effet détectable : 7,0 points" in page
    assert "Calculé il y a 5 heures" in page
    empty.now = NOW + timedelta(hours=6)
    stop(empty.store, now=empty.now, by="nadia")  # what was kept is of another state
    assert "Plus petit effet détectable : 5,7 points" in text_of(clerk, "/rapports/temoin")


def test_a_month_hides_what_the_no_show_report_hides(empty: Office) -> None:
    """Three of a service missed theirs, of thirty nothing is known: who the three are is not told,
    nor may it be projected."""
    empty.at(paris("2026-10-05 09:00"))
    empty.read(*visits(range(20, 60), starts="2026-10-20 09:30"), visit(1, "2026-10-21 09:30"),
               *visits(range(100, 133), starts="2026-10-20 10:30", uf="4230"))  # fmt: skip
    empty.at(paris("2026-10-25 09:00"))
    empty.read(*visits(range(20, 58), starts="2026-10-20 09:30", status=Status.FULFILLED),
               *visits(range(58, 60), starts="2026-10-20 09:30", status=Status.NOSHOW),
               visit(1, "2026-10-21 09:30", status=Status.FULFILLED),
               *visits(range(100, 103), starts="2026-10-20 10:30", uf="4230",
                       status=Status.NOSHOW),
               *visits(range(103, 133), starts="2026-10-20 10:30", uf="4230"),
               visit(2, "2026-12-21 09:30"))  # fmt: skip
    refresh(empty.store, empty.rules, now=empty.now)
    clerk = empty.clerk(Role.MANAGER)
    here = "/rapports/economies?mois=2026-10&h-no-shows=1"
    page = text_of(clerk, here)
    assert "l’issue connue 44 Non venus 5" in page
    page = text_of(clerk, f"{here}&service=4230")
    assert "l’issue connue masqué (&lt; 5) Non venus masqué (&lt; 5)" in page
    assert "Le mois ne dit pas combien" in page
    assert "masqué" in text_of(clerk, f"{here}&service=4220")  # else by subtraction
