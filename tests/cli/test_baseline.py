"""The starting point from the command line: looked at, agreed to, read, removed."""

import json

import pytest

from tests.support.desk import CSV, SITE, Desk
from tests.support.past_file import lines, write_past

PAST = "passe.csv"


@pytest.fixture
def clinic(desk: Desk) -> Desk:
    desk.configure(mode="rehearsal")
    desk.change('accueil B2"', 'accueil B2"\nslot_cost_eur = 50')
    write_past(desk.folder / PAST, 1_500)
    return desk


def test_the_state_of_the_data_comes_first_and_nothing_is_kept_unasked(clinic: Desk) -> None:
    looked = clinic.run("baseline", "import", PAST, "--check")
    assert looked.code == 0
    out = looked.out.replace("\u00a0", " ").replace("\u202f", " ")
    assert out.startswith("Lu : passe.csv\nÀ compter : 1 4")
    assert "▲ À VÉRIFIER : Lignes au statut inconnu" in out
    assert "« Bof »" in out
    assert "→ Traduire ces mots par l’option statuses" in out
    assert "✓ Plus de douze mois" in out
    assert clinic.run("baseline", "show").code == 1
    refused = clinic.run("baseline", "import", PAST, answer="n\n")
    assert "Rien n'a été changé." in refused.out
    assert clinic.run("baseline", "show").code == 1
    agreed = clinic.run("baseline", "import", PAST, answer="o\n")
    assert "rendez-vous comptés" in agreed.out
    assert clinic.run("baseline", "show").code == 0


def test_where_there_is_nothing_to_count_nobody_is_asked_to(clinic: Desk) -> None:
    heads, *_ = (clinic.folder / PAST).read_text(encoding="utf-8").splitlines()
    (clinic.folder / "vide.csv").write_text(heads + "\n", encoding="utf-8")
    for words in ((), ("--yes",), ("--format", "json", "--yes")):
        told = clinic.run("baseline", "import", "vide.csv", *words, answer="o\n")
        assert told.code == 1
        assert "aucun rendez-vous passé à compter" in told.err
        assert "comme état de départ ?" not in told.out
    assert clinic.run("baseline", "import", "vide.csv", "--check").code == 0
    assert clinic.run("baseline", "show").code == 1


def test_a_program_is_asked_nothing_and_a_slip_is_named(clinic: Desk) -> None:
    """What JSON and a question make together is no JSON."""
    refused = clinic.run("baseline", "import", PAST, "--format", "json", answer="o\n")
    assert (refused.code, refused.out) == (2, "")
    assert "ajouter --yes, ou --check" in refused.err
    assert clinic.run("baseline", "import", PAST, "--format", "csv", "--check").code == 2
    for words in ("--check", "--yes"):
        told = clinic.run("baseline", "import", PAST, "--format", "json", words)
        assert json.loads(told.out)["appointments"] > 0
    unknown = clinic.run("baseline", "show", "--uf", "0000")
    assert (unknown.code, "aucun rendez-vous de l'UF « 0000 »" in unknown.err) == (1, True)


def test_what_was_counted_is_read_for_people_programs_and_spreadsheets(clinic: Desk) -> None:
    clinic.run("baseline", "import", PAST, "--yes")
    text = clinic.run("baseline", "show").out.replace("\u00a0", " ").replace("\u202f", " ")
    assert "Par où commencer, dans l'ordre du coût évitable" in text
    assert "1. 4220 Consultations, accueil B2" in text
    assert "€ par an (hypothèse)" in text
    assert "de non-venues hors rendez-vous pris le jour même, " in text  # the tables' is of all
    assert "Hypothèse, pas une mesure" in text
    one = clinic.run("baseline", "show", "--uf", "4220").out
    for title in ("Nouveau ou déjà venu", "Délai entre", "Jour de la semaine", "Heure", "Âge"):
        assert title in one
    assert "4230" not in one.split("Par service")[1]
    found = json.loads(clinic.run("baseline", "show", "--by", "lead", "--format", "json").out)
    assert found["start"]["ranked_by"] == "avoidable cost (hypothesis)"
    assert {one["by"] for one in found["rates"]} == {"lead"}
    shown = next(one for one in found["rates"] if not one["hidden"])
    assert 0 <= shown["low"] <= shown["rate"] <= shown["high"] <= 1
    sheet = clinic.run("baseline", "show", "--by", "age", "--format", "csv").out
    assert sheet.startswith("\ufeffSelon;UF;")
    assert any(line.endswith(";oui") for line in sheet.splitlines())


def test_the_json_of_an_import_says_every_check(clinic: Desk) -> None:
    told = json.loads(clinic.run("baseline", "import", PAST, "--check", "--format", "json").out)
    assert told["appointments"] > 1_400
    assert len(told["findings"]) == 19
    for one in told["findings"]:
        assert set(one) >= {"check", "weight", "number", "whole", "consequence", "remedy"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "donner un FICHIER, ou --dpi"),
        ((PAST, "--dpi"), 2, "donner un FICHIER, ou --dpi"),
        (("--dpi",), 1, "aucune source ne peut redonner le passé"),
        (("--dpi", "--months", "40"), 2, "--months"),
        (("absent.csv",), 1, "absent.csv ne peut pas être lu"),
        (("hospital.toml",), 1, "aucun en-tête reconnu"),
        ((PAST, "--source", "autre"), 1, "« autre » est inconnue"),
    ],
)
def test_mistakes_are_one_sentence_with_a_remedy(
    clinic: Desk, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = clinic.run("baseline", "import", *arguments, "--yes")
    assert done.code == code
    assert said in done.err
    assert "→" in done.err


def test_a_wrong_file_leaves_the_starting_point_as_it_was(clinic: Desk) -> None:
    clinic.run("baseline", "import", PAST, "--yes")
    before = clinic.run("baseline", "show", "--uf", "4220", "--format", "json").out
    wrong = clinic.folder / "faux.csv"
    wrong.write_text("".join(lines(50)).replace(";", "|"), "utf-8")
    assert clinic.run("baseline", "import", "faux.csv", "--yes").code == 1
    workbook = clinic.folder / "passe.xlsx"
    workbook.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "CSV UTF-8" in clinic.run("baseline", "import", "passe.xlsx", "--yes").err
    assert clinic.run("baseline", "show", "--uf", "4220", "--format", "json").out == before
    assert (clinic.folder / PAST).exists()  # read where it lies, and left there


def test_removing_asks_and_leaves_nothing(clinic: Desk) -> None:
    clinic.run("baseline", "import", PAST, "--yes")
    assert "Rien n'a été changé." in clinic.run("baseline", "remove", answer="n\n").out
    assert "effacé" in clinic.run("baseline", "remove", "--yes").out
    assert clinic.run("baseline", "show").code == 1
    assert "Il n'y avait pas" in clinic.run("baseline", "remove").out


def test_the_whole_cross_is_told_of_one_service_at_a_time(clinic: Desk) -> None:
    clinic.run("baseline", "import", PAST, "--yes")
    assert clinic.run("baseline", "show", "--by", "cell").code == 2
    assert clinic.run("baseline", "show", "--by", "autre").code == 2
    whole = clinic.run("baseline", "show", "--by", "cell", "--uf", "4220", "--format", "csv")
    assert len(whole.lines) > 100


def test_the_words_are_those_of_the_source(desk: Desk) -> None:
    desk.configure(mode="rehearsal", tables=_with_words())
    write_past(desk.folder / PAST, 400)
    found = json.loads(desk.run("baseline", "import", PAST, "--check", "--format", "json").out)
    words = next(one for one in found["findings"] if one["check"] == "unknown-words")
    assert words["number"] == 0


def _with_words() -> str:
    return SITE + CSV + '\n[dpi.statuses]\nBof = "fulfilled"\n'
