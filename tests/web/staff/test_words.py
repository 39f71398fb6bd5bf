"""The words of the pages: French keeps its signs on their line, English speaks English."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from reminders.domain.access import Role
from reminders.domain.guard import EMPTY, VANISHED
from reminders.domain.marking import filled
from reminders.rendering import shipped
from reminders.store.engine import Store
from reminders.web.staff.words import Words, spaced
from tests.support.office import office_on
from tests.support.reading import french_in

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 10, 14, 8, 40, tzinfo=UTC)


def words(language: str) -> Words:
    return Words(language, PARIS, NOW)


@pytest.mark.parametrize(
    ("typed", "set_as"),
    [
        ("Pourquoi ? Rien : tout va ;", "Pourquoi\u00a0? Rien\u00a0: tout va\u00a0;"),
        ("la source « agenda » est lue", "la source «\u00a0agenda\u00a0» est lue"),
        ("12 % à 9 h, 30 min et 5 €", "12\u00a0% à 9\u00a0h, 30\u00a0min et 5\u00a0€"),
        ("à %(hour)s, 95 %% au plus", "à %(hour)s, 95\u00a0%% au plus"),
        ("déjà\u00a0: rien à faire", "déjà\u00a0: rien à faire"),
        ("voir https://example.org", "voir https://example.org"),
        ("écrire {%% if %(name)s %%}", "écrire {%% if %(name)s %%}"),
    ],
)  # fmt: skip
def test_french_signs_stay_with_their_word(typed: str, set_as: str) -> None:
    assert spaced(typed) == set_as


def test_english_has_no_french_space() -> None:
    said = words("en").gettext(filled("La source « %(name)s »", name="x"))
    assert said == "La source « x »"  # untranslated: as it is
    assert "\u00a0" not in words("en").gettext(EMPTY)
    assert (words("en").colon, words("fr").colon) == (":", "\u00a0:")


def test_numbers_are_written_as_their_reader_does() -> None:
    french, english = words("fr"), words("en")
    assert (french.percent(0.125), english.percent(0.125)) == ("12,5\u00a0%", "12.5%")
    assert (french.euros(1234.5), english.euros(1234.5)) == ("1\u202f234,50\u00a0€", "€1,234.50")
    assert (french.number(12345), english.number(12345)) == ("12\u202f345", "12,345")
    assert (french.euros(-3060, 0), english.euros(-3060, 0)) == (
        "\u22123\u202f060\u00a0€", "\u2212€3,060",
    )  # fmt: skip
    assert (french.number(-16.1, 1), english.percent(-0.161)) == ("\u221216,1", "\u221216.1%")


def test_a_filled_sentence_is_translated_with_its_values() -> None:
    kept = filled(VANISHED, gone=12, known=345)
    assert kept.startswith("12 rendez-vous à venir ont disparu")
    assert words("en").gettext(kept).startswith("12 coming appointments are gone from the file")
    assert "fichier incomplet\u00a0?" in words("fr").gettext(kept)


def test_a_value_may_be_a_sentence_of_ours() -> None:
    whole = filled(("%(file)s : écarté par %(who)s."), file=filled(EMPTY), who="a.martin")
    assert (
        words("en").gettext(whole)
        == "The EHR’s file holds no coming appointment.: set aside by a.martin."
    )


@pytest.mark.parametrize(
    ("address", "fields", "expected"),
    [
        ("/comptes", {"identifiant": "a b", "nom": "X"}, "Choose at least one role."),
        ("/comptes", {"identifiant": "a b", "nom": "X", "droit": "agent@"}, "A login is expected"),
        ("/comptes", {"identifiant": "chef", "nom": "X", "droit": "agent@"}, "is taken already"),
        ("/compte", {"nom": ""}, "Give your name."),
        ("/compte", {"nom": "X", "telephone": "1"}, "A mobile number is expected"),
        ("/compte/mot-de-passe", {"nouveau": "a", "encore": "b"}, "passwords are not the same"),
        ("/compte/mot-de-passe", {"actuel": "x"}, "not the current password"),
        ("/retenus/suspendre", {"motif": ""}, "Say why, in a few words."),
        (
            "/modeles/confirm.fr.any.sms/ecrire",
            {"texte": "{{ motif }}", "faire": "proposer"},
            "care",
        ),
        ("/retenus/999/liberer", {"vu": "oui"}, "There is no such page"),
    ],
)
def test_what_is_refused_is_refused_in_english(
    address: str, fields: dict[str, str], expected: str, store: Store
) -> None:
    clerk = office_on(store).clerk(*Role, login="chef")
    clerk.post("/compte/langue", langue="en")
    answer = clerk.post(address, fields)
    assert answer.status_code >= 400
    assert expected in answer.text
    assert french_in(answer.text, ["Consultations, accueil B2"]) == []


def test_no_text_for_patients_has_a_space_that_does_not_break() -> None:
    """It is outside the alphabet of an SMS: each would cost a second one."""
    for text in shipped():
        if text.channel == "sms":
            assert not {"\u00a0", "\u202f"} & set(text.body), (text.purpose, text.language)


def test_the_door_speaks_english_too(store: Store) -> None:
    visitor = office_on(store).visitor(doors={"chef": "Chef Exemple"})
    visitor.client.post("/connexion/langue", data={"langue": "en"})
    for address in ("/connexion", "/connexion/premiere-fois"):
        page = visitor.get(address)
        assert page.status_code == 200
        assert '<html lang="en">' in page.text
        assert french_in(page.text, ["Centre hospitalier Exemple"]) == []
    wrong = visitor.send("/connexion", {"identifiant": "nobody", "mot_de_passe": "x"})
    assert "Wrong login or password." in wrong.text
    assert french_in(wrong.text, ["Centre hospitalier Exemple"]) == []


BLOCK = re.compile(r"\{%.*?%\}")


def test_no_line_end_glues_two_words(pytestconfig: pytest.Config) -> None:
    """Jinja takes the line end after a block away, and the indent before the next one: what ends
    one line and what begins the next would be one word (« le patientpose »)."""
    glued = []
    for file in sorted((pytestconfig.rootpath / "templates/pages/staff").rglob("*.html")):
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, (line, after) in enumerate(pairwise(lines), start=1):
            if not (line.endswith("%}") and after.lstrip().startswith("{%")):
                continue
            left, right = BLOCK.sub("", line), BLOCK.sub("", after.lstrip())
            badge = right.startswith("{{ parts.badge")  # a box with a margin of its own
            apart = after.lstrip().startswith(("{% else", "{% elif", "{% macro"))
            whole = left.strip() and right.strip() and not (badge or apart)
            if whole and not (left.endswith((" ", ">")) or right.startswith((" ", "<"))):
                glued.append(f"{file.name}:{number}")
    assert glued == []


def test_french_says_none_as_it_says_one() -> None:
    french = words("fr")
    english = words("en")
    form = ("%(num)s patient recevra ce message", "%(num)s patients recevront ce message")
    assert [french.ngettext(*form, number).split()[2] for number in (0, 1, 2)] == [
        "recevra", "recevra", "recevront",
    ]  # fmt: skip
    assert english.ngettext(*form, 0).startswith("0 patients")
    assert french.ngettext("La veille", "%(num)s jours avant", 0) == "0 jours avant"


@pytest.mark.parametrize("role", Role)
def test_the_help_lists_the_search_where_its_key_works(store: Store, role: Role) -> None:
    page = office_on(store).clerk(role).get("/").text
    assert ("<kbd>/</kbd>" in page) == ('href="/patients"' in page)
