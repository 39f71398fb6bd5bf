"""The hold-out from the command line: proposed, read, approved by name, watched, stopped."""

import json

from tests.support.desk import Desk, visit


def test_from_the_proposal_to_the_end(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(n) for n in range(1, 4)])
    assert desk.run_at("holdout", "status").code == 1  # no database yet: it makes none
    desk.run_at("run")

    assert "Aucun groupe témoin" in desk.run_at("holdout", "status").out
    assert desk.run_at("holdout", "protocol").code == 1

    proposed = desk.run_at("holdout", "propose", "--share", "20", "--until", "2027-10-01")
    assert proposed.code == 0
    assert "rien n'est retenu" in proposed.out
    assert "20\u00a0% des patients, jusqu'au 01/10/2027." in proposed.out

    page = desk.run_at("holdout", "protocol").out
    assert page.startswith("PROTOCOLE")
    assert "Centre hospitalier Exemple" in page
    assert len(page.splitlines()) <= 62  # a page
    assert max(len(line) for line in page.splitlines()) <= 96
    assert " :" not in page  # French spaces do not break
    for said in ("20\u00a0%", "01/10/2027", "consignes de préparation", "écrire ou téléphoner"):
        assert said in page.replace("\n", " ")

    assert desk.run_at("holdout", "approve").code == 1  # nobody answers for it
    approved = desk.run_at("holdout", "approve", "--by", "Dr Claire Exemple")
    assert approved.code == 0
    assert "Groupe témoin en cours." in approved.out
    assert "Approuvé par Dr Claire Exemple" in approved.out

    found = json.loads(desk.run_at("holdout", "status", "--json").out)
    assert (found["state"], found["share"], found["approved_by"]) == (
        "approved",
        0.2,
        "Dr Claire Exemple",
    )
    assert desk.run_at("holdout", "propose").code == 1  # one at a time
    assert "reprennent" in desk.run_at("holdout", "stop").out
    assert "arrêté" in desk.run_at("holdout", "status").out


def test_mistakes_are_named(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1)])
    desk.run_at("run")
    for arguments, place, code in (
        (("--share", "60"), "--share", 1),
        (("--without", "0000"), "--without", 1),
        (("--until", "demain"), "--until", 2),
        (("--until", "0001-01-01"), "--until", 2),
        (("--share", "0.00001"), "--share", 1),
    ):
        done = desk.run_at("holdout", "propose", *arguments)
        assert done.code == code
        assert place in done.err


def test_the_effect_is_said_or_why_it_is_not(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1)])
    desk.run_at("run")
    assert desk.run_at("holdout", "effect").lines[0].startswith("Aucun groupe témoin approuvé")
    desk.run_at("holdout", "propose")
    desk.run_at("holdout", "approve", "--by", "Dr Claire Exemple")
    assert desk.run_at("holdout", "effect").lines[0].startswith("Pas encore mesurable")
    found = json.loads(desk.run_at("holdout", "effect", "--json").out)
    assert (found["verdict"], found["estimate"]) == ("too-small", None)
    assert found["hidden"] is False  # nobody is known yet
