"""Accounts from the command line."""

import json

from tests.support.desk import Desk


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
