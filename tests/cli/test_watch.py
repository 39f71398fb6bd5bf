"""Commands of people who watch and look: hold, release, object, purge, why, report, check."""

import json
import threading
import time

import pytest

from tests.support.desk import CSV, SITE, Desk, visit

DAY = [visit(1), visit(2, hour="10h00"), visit(3, date="16/10/2026", hour="11h00")]


def sending(hospital: Desk) -> None:
    """The first run was released, nothing has left yet."""
    hospital.export(DAY)
    assert hospital.run_at("run").code == 3
    assert hospital.run_at("release", "--yes").code == 0


# --- hold, release -----------------------------------------------------------------------------


def test_a_hold_stops_sending_until_release(hospital: Desk) -> None:
    sending(hospital)
    held = hospital.run_at("hold", "--why", "panne de l'agenda")
    assert held.code == 0
    assert "Envois suspendus." in held.out
    told = hospital.run_at("run")
    assert told.code == 3
    assert "tous les envois : panne de l'agenda" in told.err
    assert hospital.peers is not None
    assert hospital.peers.taken == []
    assert hospital.run_at("hold").out.startswith("Les envois étaient déjà suspendus.")
    assert hospital.run_at("release", "--yes").code == 0
    assert hospital.run_at("run").code == 0
    assert len(hospital.peers.taken) == 3


def test_a_hold_placed_before_anything_else_ran_is_kept(hospital: Desk) -> None:
    assert hospital.run_at("hold", "--why", "restauration").code == 0
    hospital.export(DAY)
    assert "restauration" in hospital.run_at("run").err


@pytest.mark.parametrize(
    ("answer", "code"), [("o\n", 0), ("oui\n", 0), ("y\n", 0), ("n\n", 3), ("\n", 3), (None, 3)]
)
def test_release_shows_what_would_leave_and_asks(
    hospital: Desk, answer: str | None, code: int
) -> None:
    hospital.export([visit(number) for number in range(1, 26)])
    hospital.run_at("run")
    told = hospital.run_at("release", answer=answer)
    assert told.code == code
    assert "25 messages partiraient aujourd'hui pour environ 1,50 €" in told.out
    texts = [line for line in told.lines if line.startswith("  06 •• •• •• ")]
    assert len(texts) == 20
    assert all("01 99 00 12 34" in text for text in texts), texts
    assert "39 98" not in told.out
    if code:
        assert "Rien n'est changé." in told.out
        assert hospital.run_at("run").code == 3
    else:
        assert "25 messages repris" in told.out
        assert hospital.run_at("run").code == 0


def test_release_says_who_did_it_and_has_nothing_to_do_twice(
    hospital: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "claire.exemple")
    hospital.export(DAY)
    hospital.run_at("run")
    assert "Libéré par claire.exemple" in hospital.run_at("release", "--yes").out
    assert hospital.run_at("release", "--yes").out == "Aucun envoi n'est retenu.\n"


def test_a_hold_that_comes_while_a_person_reads_is_not_released_unseen(hospital: Desk) -> None:
    hospital.export(DAY)
    hospital.run_at("run")

    def interrupted() -> str:
        assert hospital.run_at("hold", "--why", "panne").code == 0
        return "oui\n"

    told = hospital.run_at("release", answer=interrupted)
    assert told.code == 3
    assert "Un autre motif vient de retenir les envois" in told.out
    assert "panne" in hospital.run_at("run").err
    assert "panne" in hospital.run_at("release", "--yes").out
    assert hospital.run_at("run").code == 0


# --- objections ------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["06 39 98 00 02", "+33639980002", "0639980002"])
def test_an_objection_keeps_its_person_from_being_written_to(hospital: Desk, address: str) -> None:
    sending(hospital)
    told = hospital.run_at("object", address)
    assert told.code == 0
    assert "06 •• •• •• 02" in told.out
    assert "1 patient" in told.out
    assert hospital.run_at("run").code == 0
    assert hospital.peers is not None
    assert {entry.to for entry in hospital.peers.taken} == {"+33639980001", "+33639980003"}
    assert "opposition du patient" in hospital.run("why", "R2").out


def test_an_objection_is_in_force_within_a_second_in_a_process_that_is_sending(
    hospital: Desk,
) -> None:
    text = hospital.config.read_text("utf-8").replace("max_per_second = 0", "max_per_second = 2")
    hospital.config.write_text(
        text.replace("[[sms]]", "[delivery]\nin_flight = 1\n[[sms]]"), "utf-8"
    )
    hospital.export([visit(number) for number in range(1, 31)])
    hospital.run_at("run")
    hospital.run_at("release", "--yes")
    process = hospital.start("run", "--at", "2026-10-13T10:20")
    assert hospital.peers is not None
    while len(hospital.peers.taken) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    for number in range(1, 31):
        if number % 10 == 0:
            assert hospital.run_at("object", f"06 39 98 00 {number:02d}").code == 0
    known = {entry.to for entry in hospital.peers.taken}
    time.sleep(1)  # what had its intent before the objection has left by now
    later = {entry.to for entry in hospital.peers.taken}
    process.terminate()
    process.communicate(timeout=100)
    objected = {"+33639980010", "+33639980020", "+33639980030"}
    assert hospital.run_at("run", at="2026-10-13T10:30").code == 0
    assert objected & {entry.to for entry in hospital.peers.taken} <= later
    assert len(objected & (later - known)) <= 1
    assert len(hospital.peers.taken) >= 27


def test_an_objection_may_be_to_one_service_and_can_be_taken_back(hospital: Desk) -> None:
    sending(hospital)
    assert hospital.run_at("object", "06 39 98 00 02", "--service", "4220").code == 0
    assert "pour l'UF 4220" in hospital.run("why", "R2").out

    told = hospital.run_at("object", "06 39 98 00 02", "--withdraw")
    assert "1 opposition levée pour 06 •• •• •• 02" in told.out
    assert hospital.run_at("run").code == 0
    assert hospital.peers is not None
    assert "+33639980002" in {entry.to for entry in hospital.peers.taken}
    assert "Aucune opposition" in hospital.run_at("object", "06 39 98 00 02", "--withdraw").out


@pytest.mark.parametrize(
    "words", [("--service", "9999"), ("--withdraw", "--service", "4220"),
              ("--withdraw", "--channel", "sms")],
)  # fmt: skip
def test_an_objection_that_cannot_be_meant_is_refused(
    hospital: Desk, words: tuple[str, ...]
) -> None:
    sending(hospital)
    told = hospital.run_at("object", "06 39 98 00 02", *words)
    assert told.code == 1
    assert words[0] in told.err


def test_what_is_neither_a_number_nor_an_address_is_no_objection(hospital: Desk) -> None:
    told = hospital.run_at("object", "n'importe quoi")
    assert told.code == 1
    assert "donner un numéro ou une adresse de courriel" in told.err


# --- why -------------------------------------------------------------------------------------


def test_why_tells_the_whole_story(hospital: Desk) -> None:
    sending(hospital)
    hospital.run_at("run")
    told = hospital.run("why", "R1")
    assert told.code == 0
    assert told.lines[0].startswith("Rendez-vous R1 (source « agenda »), mer. 14/10 09:30, UF 4220")
    assert "étape J-7, version 1 : pas envoyé — son moment est passé" in told.out
    assert "par « main » à 06 •• •• •• 01 : pris par l'opérateur" in told.out
    assert "39980001" not in told.out
    (story,) = [json.loads(line) for line in hospital.run("why", "R1", "--json").lines]
    assert story["appointment"] == "R1"
    assert all(entry["what"] for entry in story["entries"])


def test_an_unknown_appointment_is_said(hospital: Desk) -> None:
    sending(hospital)
    told = hospital.run("why", "R999")
    assert told.code == 1
    assert "rendez-vous « R999 » : inconnu → vérifier le numéro tel que le DPI l'écrit" in told.err


@pytest.mark.parametrize("words", [("why", "R1"), ("report", "--month", "2026-10")])
def test_a_command_that_looks_makes_no_database(desk: Desk, words: tuple[str, ...]) -> None:
    desk.configure(mode="rehearsal")
    told = desk.run(*words)
    assert told.code == 1
    assert "elle n'existe pas encore" in told.err
    assert not desk.database.exists()


# --- report, purge ---------------------------------------------------------------------------


def month_of_visits(desk: Desk, elsewhere: int = 0) -> None:
    """Eight came, two did not; another service had two visits. `elsewhere`: in no service."""
    tables = (
        SITE + CSV + ('[[service]]\nuf = "4230"\nsite = "sud"\nlabel = "Imagerie, accueil C1"\n')
    )
    desk.configure(mode="rehearsal", tables=tables)
    past = [visit(number, date="05/10/2026", status="Honoré") for number in range(1, 9)]
    past += [visit(number, date="05/10/2026", status="Absent") for number in range(9, 11)]
    past += [visit(n, date="05/10/2026", status="Honoré", uf="4230") for n in (12, 13)]
    past += [visit(20 + n, date="05/10/2026", status="Honoré", uf="9990") for n in range(elsewhere)]
    desk.export([*past, visit(11)])
    assert desk.run_at("run").code in ((0,) if not elsewhere else (0, 3))


def test_the_month_s_report_counts_outcomes_by_service(desk: Desk) -> None:
    month_of_visits(desk)
    told = desk.run_at("report", "--month", "2026-10", "--json")
    assert told.code == 0
    found = json.loads(told.out)
    assert found["figures"]["primary"]["missed"] == 2
    assert found["figures"]["primary"]["among"] == 12
    by_uf = {line["value"]: line for line in found["breakdowns"]["service"]["lines"]}
    assert by_uf["4230"]["hidden"]
    page = desk.run_at("report", "--month", "2026-10").out
    assert "16,7 % des rendez-vous suivis ont été manqués" in one_line_of(page)
    assert "masqué" in page


def test_the_text_says_the_work_the_cost_and_what_no_total_counts(desk: Desk) -> None:
    month_of_visits(desk, elsewhere=3)
    told = desk.run_at("report", "--month", "2026-10")
    page = one_line_of(told.out)
    assert "3 rendez-vous ne sont dans aucun total : leur UF n’a pas de réglage (9990)." in page
    for said in ("Rendez-vous suivis, heure passée 12", "Un rappel était prévu 0 0,0 % des suivis",
                 "Contacts (SMS, page, appels notés) 0", "0,00 €",
                 "Relances sous 7 jours 0 sur 0 rendez-vous avec un contact"):  # fmt: skip
        assert said in page
    found = json.loads(desk.run_at("report", "--month", "2026-10", "--json").out)
    assert found["unmapped"] == {"9990": 3}
    one = desk.run_at("report", "--month", "2026-10", "--service", "4220").out
    assert "aucun total" not in one


def one_line_of(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def test_a_report_is_taken_away_as_a_table_or_a_workbook(desk: Desk) -> None:
    month_of_visits(desk)
    shown = desk.run_at("report", "--month", "2026-10", "--format", "csv")
    assert shown.out.startswith("\ufeffPartie;Ligne;Mesure;Valeur;Unité;Remarque")
    book = desk.folder / "octobre.xlsx"
    words = ("report", "--month", "2026-10", "--format", "xlsx")
    told = desk.run_at(*words)
    assert (told.code, "--output" in told.err) == (2, True)
    assert desk.run_at(*words, "--output", str(book)).code == 0
    assert book.read_bytes()[:2] == b"PK"
    told = desk.run_at("report", "--month", "2026-10", "--service", "9999")
    assert (told.code, "UF sans réglage : 9999" in told.err) == (2, True)
    told = desk.run_at("report", "--month", "2026-10", "--until", "2026-09")
    assert (told.code, "--until" in told.err) == (2, True)


def test_a_month_without_appointments_has_no_rate(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export(DAY)
    desk.run_at("run")
    told = one_line_of(desk.run_at("report", "--month", "2025-01").out)
    assert told == "En janvier 2025 : aucun rendez-vous n’est compté."


def test_purge_says_what_it_erased(hospital: Desk) -> None:
    sending(hospital)
    hospital.run_at("run")
    told = hospital.run_at("purge", at="2027-12-01T10:00")
    assert told.code == 0
    assert "3 rendez-vous" in told.out
    assert hospital.run_at("purge", at="2027-12-01T10:00").code == 0
    assert hospital.run("why", "R1").code == 1


# --- check, migrate --------------------------------------------------------------------------


def test_check_names_readable_secrets_sensitive_services_and_open_pages(desk: Desk) -> None:
    token = desk.folder / "twilio.token"
    token.write_text("s3cret", encoding="utf-8")
    token.chmod(0o644)
    tables = SITE + (
        '[[service]]\nuf = "1"\nsite = "sud"\nlabel = "Addictologie"\n'
        '[[dpi]]\nid = "agenda"\nkind = "fhir"\nbase_url = "http://127.0.0.1:1/fhir"\n'
        '[[sms]]\nid = "main"\nkind = "twilio"\nsender = "CHExemple"\n'
        f'account_sid = "AC{"0" * 32}"\nauth_token_file = "twilio.token"\n'
    )
    desk.configure('[web]\ninternal_host = "0.0.0.0"', mode="rehearsal", tables=tables)
    told = desk.run("check")
    assert told.code == 0
    warnings = [line for line in told.lines if line.startswith("Attention")]
    assert len(warnings) == 4
    assert "notice d'information des patients est incomplète" in warnings[3]
    assert "UF 1 exclue d'office" in warnings[0]
    assert "chmod 600 twilio.token" in warnings[1]
    assert "0.0.0.0" in warnings[2]
    assert "s3cret" not in told.out + told.err
    token.chmod(0o600)
    assert "chmod" not in desk.run("check").out
    assert not desk.database.exists()


def test_check_shows_the_callback_addresses_once_there_is_a_database(hospital: Desk) -> None:
    hospital.configure('[web]\npublic_url = "https://rdv.example.org"')
    assert "après reminders migrate" in hospital.run("check").out
    assert hospital.run("migrate").code == 0
    (line,) = [one for one in hospital.run("check").lines if one.startswith("Retours de « main »")]
    address = line.split(" : ", 1)[1]
    assert address.startswith("https://rdv.example.org/callbacks/main/")
    assert len(address.rsplit("/", 1)[1]) == 32
    assert line in hospital.run("check").out


def test_migrate_makes_the_database_then_has_nothing_to_do(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    assert "vide → 0" in desk.run("migrate").out
    assert desk.run("migrate").out.startswith("Base déjà à jour (0")


# --- --at ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [("run",), ("serve",), ("hold",), ("release", "--yes"), ("object", "0639980012"), ("purge",)],
)
def test_a_made_up_moment_is_refused_where_a_message_could_really_leave(
    desk: Desk, words: tuple[str, ...]
) -> None:
    real = (
        '[[sms]]\nid = "main"\nkind = "twilio"\nsender = "CHExemple"\n'
        f'account_sid = "AC{"0" * 32}"\nauth_token = "x"\n'
    )
    tables = SITE + '[[dpi]]\nid = "agenda"\nkind = "csv"\npath = "export/*.csv"\n' + real
    desk.configure(tables=tables)
    told = desk.run_at(*words)
    assert told.code == 2
    assert "--at : refusé" in told.err
    local = tables.replace("sender", 'base_url = "http://127.0.0.1:9"\nsender')
    desk.configure(tables=local + '[email]\nhost = "smtp.example.org"\nsender = "a@example.org"\n')
    assert desk.run_at(*words).code == 2


def test_reports_of_any_moment_are_allowed_since_they_send_nothing(hospital: Desk) -> None:
    sending(hospital)
    text = hospital.config.read_text("utf-8").replace(
        'host = "127.0.0.1"', 'host = "a.example.org"'
    )
    hospital.config.write_text(text.replace('security = "none"\n', ""), "utf-8")
    assert hospital.run_at("report", "--month", "2026-10").code == 0


def test_a_database_another_process_keeps_busy_is_waited_for(desk: Desk) -> None:
    import sqlite3

    desk.configure(mode="rehearsal")
    assert desk.run("migrate").code == 0
    busy = sqlite3.connect(desk.database, isolation_level=None, check_same_thread=False)
    busy.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, busy.commit)
    timer.start()
    assert desk.run("hold").code == 0
    timer.join()
    busy.close()
