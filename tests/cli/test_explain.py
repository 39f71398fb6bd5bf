"""`reminders explain`: one text, one number, or a file of them."""

import json
from pathlib import Path

import pytest

from tests.support.desk import CSV, SITE, Desk


def objects(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_plain_text_is_one_sms(desk: Desk) -> None:
    told = desk.run("explain", "sms", "RDV le 14/10 à 9h30")
    assert told.code == 0
    assert "1 SMS · 19 unités · GSM-7" in told.out


def test_a_costly_character_is_named_with_what_to_write_instead(desk: Desk) -> None:
    told = desk.run("explain", "sms", "Rendez-vous à l’hôpital")
    assert "Unicode (UCS-2)" in told.out
    assert "« ’ » fait passer en Unicode : écrire « ' »" in told.out


def test_a_text_in_json_has_the_promised_keys(desk: Desk) -> None:
    (found,) = objects(desk.run("explain", "sms", "--json", "ê" * 70).out)
    assert found == {
        "text": "ê" * 70,
        "encoding": "ucs2",
        "units": 70,
        "segments": 1,
        "costly": ["ê"],
    }


@pytest.mark.parametrize(
    ("raw", "e164", "kind", "zone"),
    [
        ("06 39 98 00 12", "+33639980012", "mobile", "Europe/Paris"),
        ("01 99 00 12 34", "+33199001234", "landline", "Europe/Paris"),
        ("n'importe quoi", None, "invalid", None),
    ],
)
def test_a_number_in_json_has_the_promised_keys(
    desk: Desk, raw: str, e164: str | None, kind: str, zone: str | None
) -> None:
    (found,) = objects(desk.run("explain", "phone", raw, "--json").out)
    assert set(found) == {"raw", "e164", "kind", "zone", "reason"}
    assert (found["raw"], found["e164"], found["kind"], found["zone"]) == (raw, e164, kind, zone)


def test_an_overseas_number_tells_its_zone(desk: Desk) -> None:
    assert "Indian/Reunion" in desk.run("explain", "phone", "0692 12 34 56").out


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_file_gives_one_object_a_line_from_its_first_column(
    desk: Desk, tmp_path: Path, separator: str
) -> None:
    rows = [("numero", "note"), ("06 39 98 00 12", "a"), ("", "vide"), ('"01 99 00 12 34"', "b")]
    file = tmp_path / "numeros.csv"
    file.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding="utf-8-sig")
    found = objects(desk.run("explain", "phone", "--file", str(file), "--json").out)
    assert [one["raw"] for one in found] == ["06 39 98 00 12", "", "01 99 00 12 34"]
    assert [one["kind"] for one in found] == ["mobile", "invalid", "landline"]


def test_texts_in_a_file_keep_commas_and_line_ends_in_quotes(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "textes.csv"
    file.write_text('texte,note\n"Bonjour, voici\nvotre RDV",x\n', encoding="utf-8")
    (found,) = objects(desk.run("explain", "sms", "--file", str(file), "--json").out)
    assert found["text"] == "Bonjour, voici\nvotre RDV"


def test_a_file_with_its_header_only_gives_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "vide.csv").write_text("texte\n", encoding="utf-8")
    told = desk.run("explain", "sms", "--file", "vide.csv", "--json")
    assert (told.code, told.out) == (0, "")


@pytest.mark.parametrize("words", [("sms",), ("phone",), ("sms", "--file", "absent.csv")])
def test_nothing_to_explain_is_said(desk: Desk, words: tuple[str, ...]) -> None:
    told = desk.run("explain", *words)
    assert told.code == 1
    assert " → " in told.err


def test_a_file_in_another_encoding_is_said(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("texte\nhôpital\n".encode("latin-1"))
    told = desk.run("explain", "sms", "--file", "latin.csv")
    assert told.code == 1
    assert "UTF-8" in told.err


def test_with_a_configuration_the_price_is_told_and_a_wrong_one_is_refused(desk: Desk) -> None:
    sms = (
        '[[sms]]\nid = "main"\nkind = "twilio"\nsender = "CHExemple"\nauth_token = "x"\n'
        f'account_sid = "AC{"0" * 32}"\nprice_per_segment_eur = 0.07\n'
    )
    desk.configure(mode="rehearsal", tables=SITE + CSV + sms)
    told = desk.run("explain", "sms", "a" * 200, "--config", "hospital.toml")
    assert "2 SMS" in told.out
    assert "0,14 €" in told.out
    assert desk.run("explain", "phone", "1", "--config", "absent.toml").code == 2
