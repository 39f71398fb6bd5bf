"""Costs from the command line: listed with what the settings say, entered, imported whole."""

import json

from tests.support.desk import Desk, visit


def test_costs_are_entered_listed_and_withdrawn(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.change('accueil B2"', 'accueil B2"\nslot_cost_eur = 50')
    desk.export([visit(1)])
    desk.run_at("run")
    before = json.loads(desk.run_at("costs", "list", "--json").out)["costs"]
    assert {(one["component"], one["configured"]) for one in before} >= {("slot", True)}
    done = desk.run_at(
        "costs", "set", "slot", "80", "--low", "60", "--high", "110,50", "--source",
        "Contrôle de gestion", "--from", "2026-10-01", "--uf", "4220",
    )  # fmt: skip
    assert done.code == 0, done.err
    shown = desk.run_at("costs", "list").out
    assert "80,00" in shown
    assert "110,50" in shown
    assert "Sans montant : segment, call, task, fee, hosting" in shown
    assert "segment, un SMS (une partie) ;" in shown
    done = desk.run_at("costs", "set", "slot", "none", "--from", "2026-10-02", "--uf", "4220")
    assert done.code == 0, done.err
    assert json.loads(desk.run_at("costs", "list", "--json").out)["costs"] == before
    earlier = json.loads(desk.run_at("costs", "list", "--json", "--day", "2026-10-01").out)
    assert [one["value"] for one in earlier["costs"] if one["uf"] == "4220"] == [80.0]


def test_each_mistake_of_a_command_and_of_a_file_is_named(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1)])
    desk.run_at("run")
    done = desk.run_at("costs", "set", "lunch", "80")
    assert done.code == 2
    for place in ("QUOI", "--low", "--high", "--source", "--from"):
        assert place in done.err
    file = desk.folder / "couts.csv"
    file.write_text(
        "Quoi;UF;Valeur;Au plus bas;Au plus haut;Source;Depuis\r\n"
        "slot;4220;80;60;110,50;Contrôle de gestion;01/10/2026\r\n"
        "fee;4220;900;900;900;contrat;01/10/2026\r\n",
        encoding="cp1252",
    )
    done = desk.run_at("costs", "import", str(file))
    assert done.code == 2
    assert "couts.csv, ligne 3, uf" in done.err
    assert "80,00" not in desk.run_at("costs", "list").out  # nothing of it
    twice = desk.folder / "deux.csv"
    line = "slot;4220;80;60;110,50;Contrôle de gestion;01/10/2026\r\n"
    head = "Quoi;UF;Valeur;Au plus bas;Au plus haut;Source;Depuis\r\n"
    twice.write_text(head + line + line.replace(";80;", ";90;"), encoding="cp1252")
    done = desk.run_at("costs", "import", str(twice))
    assert (done.code, "deux.csv, ligne 3 : une ligne plus haut" in done.err) == (2, True)
    file.write_text(file.read_text("cp1252").replace("fee;4220", "fee;"), encoding="utf-8")
    assert "2 coûts saisis" in desk.run_at("costs", "import", str(file)).out
    shown = desk.run_at("costs", "list", "--csv").out
    assert "900,00" in shown
