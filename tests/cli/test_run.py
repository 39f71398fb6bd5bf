"""`reminders run`, as typed and as cron runs it, on an export and providers on loopback."""

import json
import os
import signal
import stat
import subprocess
import time

import pytest

from tests.support.desk import EXPORT, SITE, Desk, visit

DAY = [visit(1), visit(2, hour="10h00"), visit(3, date="16/10/2026", hour="11h00")]


def released(hospital: Desk) -> None:
    assert hospital.run_at("run").code == 3
    assert hospital.run_at("release", "--yes").code == 0


def test_the_first_live_run_is_held_and_after_release_the_second_sends(hospital: Desk) -> None:
    hospital.export(DAY)
    first = hospital.run_at("run")
    assert first.code == 3
    assert "rien : les envois sont retenus" in first.out
    assert "RETENU       source « agenda »" in first.err
    assert "reminders release" in first.err
    assert hospital.peers is not None
    assert hospital.peers.taken == []
    assert hospital.run_at("release", "--yes").code == 0
    second = hospital.run_at("run")
    assert second.code == 0
    assert "3 pris par les opérateurs" in second.out
    assert sorted(entry.to for entry in hospital.peers.taken) == [
        "+33639980001",
        "+33639980002",
        "+33639980003",
    ]


def test_repeated_every_five_minutes_it_sends_each_message_once(hospital: Desk) -> None:
    hospital.export(DAY)
    released(hospital)
    for minute in (5, 10, 15, 20):
        assert hospital.run_at("run", at=f"2026-10-13T10:{minute:02d}").code == 0
    assert hospital.peers is not None
    assert len(hospital.peers.taken) == 3


def test_two_at_once_send_each_message_once(hospital: Desk) -> None:
    hospital.export([visit(number) for number in range(1, 61)])
    released(hospital)
    both = [hospital.start("run", "--at", "2026-10-13T10:20") for _ in range(2)]
    codes = [process.wait(timeout=100) for process in both]
    told = [process.communicate() for process in both]
    assert codes == [0, 0], told
    assert hospital.peers is not None
    assert len({entry.to for entry in hospital.peers.taken}) == len(hospital.peers.taken) == 60


def test_the_summary_answers_one_question_a_line(hospital: Desk) -> None:
    hospital.export([*DAY, visit(4, mobile="06 39 98"), visit(5, date="31/02/2026")])
    released(hospital)
    told = hospital.run_at("run", at="2026-10-13T10:10").lines
    titles = [line[:13].strip() for line in told if line[:1].strip()]
    assert titles[0] == "Mode"
    assert titles[-3:] == ["Envois", "Aujourd'hui", "À traiter"]


def test_a_line_of_the_export_that_cannot_be_read_is_named_and_the_rest_goes_on(
    hospital: Desk,
) -> None:
    hospital.export([visit(1), visit(2, date="31/02/2026")])
    told = hospital.run_at("run")
    assert "1 ligne écartée" in told.out
    assert "ligne 3, DATE_RDV" in told.out


def test_json_is_one_object_with_counts_and_nobody_s_name(hospital: Desk) -> None:
    hospital.export(DAY)
    told = hospital.run_at("run", "--json")
    found = json.loads(told.out)
    assert found["exit_code"] == told.code == 3
    assert found["feeds"][0]["rows"] == 3
    assert found["held"] == [{"source": "agenda", "code": "first_run"}]
    assert "EXEMPLE" not in told.out + told.err
    assert "3998" not in told.out + told.err


def test_a_rehearsal_records_everything_and_sends_nothing(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export(DAY)
    told = desk.run_at("run")
    assert told.code == 0
    assert "RÉPÉTITION" in told.lines[0]
    assert "3 répétés sans partir" in told.out


def test_test_mode_writes_to_its_list_and_to_nobody_else(hospital: Desk) -> None:
    hospital.configure('only_to = ["+33639980002"]', mode="test")
    hospital.export(DAY)
    plan = hospital.run_at("run", "--dry-run").out
    assert plan.count("mode test : destinataire hors de la liste") >= 2
    assert hospital.run_at("run").code == 0
    assert hospital.peers is not None
    assert [entry.to for entry in hospital.peers.taken] == ["+33639980002"]


def test_a_provider_that_refuses_our_credentials_asks_for_a_repair(hospital: Desk) -> None:
    hospital.change("auth_token = ", 'auth_token = "wrong" # ')
    hospital.export(DAY)
    released(hospital)
    told = hospital.run_at("run")
    assert told.code == 1
    assert "un opérateur refuse nos identifiants" in told.err
    assert hospital.peers is not None
    assert hospital.peers.taken == []


def test_a_refused_export_is_held_and_says_why(hospital: Desk) -> None:
    hospital.export(DAY, "agenda_20261001_060000.csv")
    told = hospital.run_at("run")
    assert told.code in (1, 3)
    assert "REFUSÉ" in told.out


def test_no_export_at_all_is_said(hospital: Desk) -> None:
    told = hospital.run_at("run")
    assert "rien de neuf à lire" in told.out or "INACCESSIBLE" in told.out


def test_the_database_is_readable_by_its_owner_only(hospital: Desk) -> None:
    hospital.export(DAY)
    hospital.run_at("run")
    for file in hospital.folder.glob("hospital.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


# --- dry run ---------------------------------------------------------------------------------


def test_a_dry_run_prints_a_line_per_message_and_changes_nothing(hospital: Desk) -> None:
    export = hospital.export([*DAY, visit(4, uf="9999")])
    told = hospital.run_at("run", "--dry-run")
    assert told.code == 0
    (first,) = [line for line in told.lines if line.endswith("rdv R1") and "J-1" in line]
    assert first.startswith("mar. 13/10 10:00  06 •• •• •• 01 · SMS · short v")
    assert "1 segment" in first
    assert "J-7 rdv R1 · son moment est passé" in told.out
    assert "R4 · l'UF n'a pas de réglage" in told.out
    assert "écartés" in told.lines[-2] + told.lines[-1]
    assert export.exists()
    assert sorted(file.name for file in hospital.folder.iterdir()) == [
        "export",
        "hospital.toml",
        "ledger.jsonl",
    ]
    assert [file.name for file in export.parent.iterdir()] == [EXPORT]


def test_a_dry_run_leaves_the_database_as_it_was(hospital: Desk) -> None:
    hospital.export(DAY)
    hospital.run_at("run")
    before = hospital.database.read_bytes()
    hospital.export([visit(1, hour="15h00"), *DAY[1:]], "agenda_20261013_090000.csv")
    told = hospital.run_at("run", "--dry-run")
    assert "retenu" in told.err
    assert hospital.database.read_bytes() == before
    assert (hospital.folder / "export" / "agenda_20261013_090000.csv").exists()


def test_a_dry_run_in_json_is_one_object_a_line_and_masks_addresses(hospital: Desk) -> None:
    hospital.export(DAY)
    told = hospital.run_at("run", "--dry-run", "--json")
    found = [json.loads(line) for line in told.lines]
    planned = [line for line in found if line["state"] == "planned"]
    assert {line["recipient"] for line in planned} == {
        "06 •• •• •• 01",
        "06 •• •• •• 02",
        "06 •• •• •• 03",
    }
    assert {"moment", "channel", "template_version", "segments", "reason"} <= set(found[0])
    assert all(line["reason"] for line in found if line["state"] == "suppressed")
    assert "98 00 01" not in told.out


def test_a_dry_run_of_a_made_up_moment_is_allowed_with_real_providers(desk: Desk) -> None:
    sms = '[[sms]]\nid = "main"\nkind = "twilio"\nauth_token = "x"\nsender = "CHExemple"\n'
    account = f'account_sid = "AC{"0" * 32}"\n'
    desk.configure(tables=SITE + '[[dpi]]\nid = "agenda"\nkind = "csv"\npath = "e/*.csv"\n')
    desk.config.write_text(desk.config.read_text("utf-8") + sms + account, "utf-8")
    (desk.folder / "e").mkdir()
    assert desk.run_at("run", "--dry-run").code in (0, 1)
    refused = desk.run_at("run")
    assert refused.code == 2
    assert "--at : refusé : un message pourrait vraiment partir" in refused.err
    assert not desk.database.exists()


# --- interruptions ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_the_next_one_goes_on(hospital: Desk, number: int) -> None:
    hospital.configure("[delivery]\nin_flight = 2")
    hospital.change("max_per_second = 0", "max_per_second = 4")
    hospital.export([visit(number) for number in range(1, 41)])
    released(hospital)
    assert hospital.peers is not None
    process = hospital.start("run", "--at", "2026-10-13T10:20")
    while len(hospital.peers.taken) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, (out, err)
    assert "Interruption" in err
    assert "Traceback" not in err
    taken = len(hospital.peers.taken)
    assert taken < 40
    hospital.change("max_per_second = 4", "max_per_second = 0")
    assert hospital.run_at("run", at="2026-10-13T10:25").code == 0
    assert len({entry.to for entry in hospital.peers.taken}) == len(hospital.peers.taken) == 40


def test_a_reader_that_closes_the_pipe_is_no_error(hospital: Desk) -> None:
    hospital.export([visit(number) for number in range(1, 200)])
    read, write = os.pipe()
    process = hospital.start("run", "--dry-run", "--at", "2026-10-13T10:20", stdout=write)
    os.close(write)
    os.read(read, 10)
    os.close(read)
    _, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (0, "")


def test_the_module_can_be_run_where_the_command_is_not_on_the_path(desk: Desk) -> None:
    process = desk.start("--version", stderr=subprocess.STDOUT)
    assert process.communicate(timeout=60)[0].startswith("reminders ")
    assert process.returncode == 0
