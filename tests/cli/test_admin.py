"""Accounts from the command line: each role where it holds, the language its maker chose."""

import json

from tests.support.desk import Desk, visit


def grants(desk: Desk, login: str) -> set[tuple[str, str, str]]:
    told = json.loads(desk.run("admin", "list", "--json").out)["accounts"]
    account = next(one for one in told if one["login"] == login)
    return {(one["role"], one["site"], one["uf"]) for one in account["grants"]}


def test_each_role_has_its_own_place(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1)])
    desk.run_at("run")
    roles = ("--role", "approver", "--role", "manager:4220")
    made = desk.run("admin", "create", "mixte", "--name", "Mixte", *roles)
    assert made.code == 0, made.err
    assert "approver, manager@4220" in made.out
    assert grants(desk, "mixte") == {("approver", "", ""), ("manager", "", "4220")}
    both = ("--role", "agent", "--role", "author", "--uf", "4220", "--uf", "4300")
    desk.run("admin", "create", "nadia", "--name", "Nadia", *both)
    assert len(grants(desk, "nadia")) == 4
    wrong = desk.run("admin", "create", "x", "--name", "X", "--role", "boss:4220")
    assert wrong.code == 2
    assert "« boss » est inconnu" in wrong.err


def test_an_account_speaks_the_language_its_maker_chose(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    first = desk.run("admin", "create", "claire.b", "--name", "Claire Bernard")
    assert first.code == 0, first.err
    other = ("admin", "create", "amy.j", "--name", "Amy Jones", "--role", "agent")
    assert desk.run(*other, "--language", "en").code == 0
    listed = json.loads(desk.run("admin", "list", "--json").out)["accounts"]
    assert {one["login"]: one["language"] for one in listed} == {"claire.b": "fr", "amy.j": "en"}
    wrong = desk.run("admin", "create", "x.y", "--name", "X Y", "--language", "xx")
    assert wrong.code == 2
    assert "Cette langue n’est pas connue : fr ou en." in wrong.err
