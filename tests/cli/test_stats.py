"""`reminders stats compare`: one comparison, or a file of them."""

import json

import pytest

from tests.support.desk import Desk


def one_line_of(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def compared(desk: Desk, *words: str) -> str:
    told = desk.run("stats", "compare", *words)
    assert told.code == 0, told.err
    return told.out.replace("\u00a0", " ")


def test_a_comparison_is_told_with_its_interval_and_method(desk: Desk) -> None:
    told = compared(desk, "--treated", "387/592", "--control", "356/596", "--measure", "rr")
    assert "rapport de risques 1,0944 (IC 95 % 1,0020 à 1,1954), p = 0,0446" in one_line_of(told)


def test_counts_beyond_all_reason_are_one_clear_error(desk: Desk) -> None:
    many = "9" * 400
    told = desk.run("stats", "compare", "--treated", f"{many}/{many}", "--control", f"1/{many}")
    assert (told.code, "effectifs trop grands" in one_line_of(told.err)) == (1, True)
    assert "Traceback" not in told.err


def test_a_ratio_that_does_not_exist_is_said_on_its_line_and_the_others_follow(desk: Desk) -> None:
    file = desk.folder / "cases.csv"
    file.write_text("x1,n1,x0,n0,measure\n0,10,3,10,rr\n387,592,356,596,rr\n0,10,0,10,or\n")
    lines = one_line_of(compared(desk, "--file", str(file)))
    assert lines.count("ce rapport n'existe pas") == 2
    assert "0/10 contre 3/10 : rapport de risques : un bras" in lines
    assert "rapport de risques 1,0944" in lines
    told = json.loads(compared(desk, "--file", str(file), "--json").splitlines()[0])
    assert (told["estimate"], told["why"]) == (None, "no ratio")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_read_as_a_french_spreadsheet_writes_it(desk: Desk, separator: str) -> None:
    lines = ["X1, N1,X0,N0,Measure,étude", "387,592,356,596,rr,Odény", "", ",,,,,", "3,20,4,20,RD,"]
    file = desk.folder / "cases.csv"
    text = "\r\n".join(lines).replace(",", separator)
    file.write_bytes(text.encode("utf-8-sig" if separator == "," else "cp1252"))
    told = one_line_of(compared(desk, "--file", str(file)))
    assert "rapport de risques 1,0944" in told
    assert "différence de risque -0,0500" in told


def test_a_line_that_is_wrong_is_named_as_a_reader_counts(desk: Desk) -> None:
    file = desk.folder / "cases.csv"
    file.write_text("x1,n1,x0,n0,measure\n\n\n3,20,1_0,20,rd\n")
    told = desk.run("stats", "compare", "--file", str(file))
    assert (told.code, "cases.csv, ligne 4 : x1, n1" in one_line_of(told.err)) == (1, True)
    file.write_text("x1,n1,x0,n0,measure\n")
    assert "aucune ligne" in desk.run("stats", "compare", "--file", str(file)).err
    assert desk.run("stats", "compare", "--treated", "1_0/20", "--control", "3/20").code == 2


def test_a_file_beside_counts_is_refused(desk: Desk) -> None:
    file = desk.folder / "cases.csv"
    file.write_text("x1,n1,x0,n0,measure\n1,10,3,10,rd\n")
    for more in (("--treated", "1/2"), ("--control", "1/2"), ("--measure", "rr")):
        told = desk.run("stats", "compare", "--file", str(file), *more)
        assert (told.code, told.out) == (2, "")
        assert f"{more[0]}" in told.err
        assert "donné avec --file" in one_line_of(told.err)
