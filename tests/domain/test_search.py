"""What is typed into the one search field is read by its shape."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.search import Asked, asked, folded, identifier_key, keys_of

BORN = date(1956, 10, 14)
NUMBER = "+33639980001"

# --- telephone numbers ----------------------------------------------------------------------------

SIGNS = st.lists(st.sampled_from(["", " ", ".", "-", "/", "\u00a0", " . "]), min_size=9, max_size=9)
STARTS = st.sampled_from(["0", "+33", "0033", "+33 (0)", "0033 ", "(+33) "])


def spelt(digits: str, start: str, signs: list[str]) -> str:
    """The nine digits of a national number behind a start, with a sign after every second one."""
    pieces = [digits[0], *(digits[place : place + 2] for place in range(1, 9, 2))]
    return start + "".join(a + b for a, b in zip(pieces, [*signs[:4], ""], strict=True))


@given(STARTS, SIGNS)
def test_a_number_is_found_however_it_is_spelt(start: str, signs: list[str]) -> None:
    assert asked(spelt("639980001", start, signs)).phone == NUMBER


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0692 12 34 56", "+262692123456"),
        ("+262 692 12 34 56", "+262692123456"),
        ("06 39.98-00/01", NUMBER),
        ("０６３９９８０００１", NUMBER),
        ("01 99 00 12 34", "+33199001234"),
        ("04 05 06 19 56", "+33405061956"),  # not the fifth of June 1956
    ],
)
def test_overseas_and_odd_spellings(typed: str, number: str) -> None:
    assert asked(typed).phone == number


def test_a_landline_is_read_and_doubted() -> None:
    assert asked("01 99 00 12 34").problem == "landline"


def test_digits_alone_may_be_a_file_number_too() -> None:
    assert asked("0639980001").identifiers == ("639980001",)
    assert asked("06 39 98 00 01").identifiers == ()


def test_a_number_with_a_digit_too_few_is_said_to_be_one() -> None:
    assert asked("06 39 98 00").problem == "bad_number"


# --- birth dates ----------------------------------------------------------------------------------

MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
DAYS = st.dates(date(1900, 1, 1), date(2026, 12, 31))


@given(DAYS, st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %m %Y"]))
def test_a_birth_date_is_read_day_first_in_every_spelling(day: date, spelling: str) -> None:
    assert asked(day.strftime(spelling)).born == (day,)


@given(DAYS)
def test_a_birth_date_without_signs_may_be_a_file_number_too(day: date) -> None:
    read = asked(f"{day:%d%m%Y}")
    assert read.born == (day,)
    assert read.identifiers == (identifier_key(f"{day:%d%m%Y}"),)


@given(DAYS, st.booleans())
def test_months_may_be_words(day: date, short: bool) -> None:
    month = MONTHS.split()[day.month - 1]
    assert asked(f"{day.day} {month[:4] if short else month} {day.year}").born == (day,)


def test_spelt_as_people_do() -> None:
    for typed in ("14 oct 1956", "14 oct. 1956", "14 OCTOBRE 1956", "14/10/1956", "14101956"):
        assert asked(typed).born == (BORN,), typed
    assert asked("1er mai 1950").born == (date(1950, 5, 1),)


def test_two_digits_of_a_year_are_both_centuries() -> None:
    assert asked("14/10/56").born == (BORN, date(2056, 10, 14))


def test_nobody_is_born_after_today() -> None:
    assert asked("17.6.75", date(2026, 11, 25)).born == (date(1975, 6, 17),)
    assert asked("17.6.15", date(2026, 11, 25)).born == (date(1915, 6, 17), date(2015, 6, 17))
    assert asked("17/6/2027", date(2026, 11, 25)).born == ()


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("IPP 8000236", ("8000236",)), ("ipp : 08000236", ("8000236",)),
        ("IPP n° 8000236", ("8000236",)), ("dossier A12-34", ("a1234",)),
        ("NIP 28031979", ("28031979",)),
    ],
)  # fmt: skip
def test_a_file_number_is_read_as_our_pages_print_it(typed: str, same: tuple[str, ...]) -> None:
    assert asked(typed) == Asked(identifiers=same)


@pytest.mark.parametrize("label", ["tel:", "Tél. ", "téléphone ", "Portable : ", "n° ", "mobile "])
def test_a_number_is_read_after_its_label(label: str) -> None:
    assert asked(f"{label}06 39 98 00 01").phone == "+33639980001"


def test_a_label_alone_may_be_a_name() -> None:
    assert asked("Mobile").names == ("mobile",)


def test_no_day_no_date() -> None:
    assert asked("31/02/1956").born == ()
    assert asked("14/13/1956").born == ()


# --- names ----------------------------------------------------------------------------------------


def test_a_name_and_a_year_hold_together() -> None:
    read = asked("Dupont 1956")
    assert (read.names, read.year) == (("dupont",), 1956)


def test_a_name_and_a_date() -> None:
    read = asked("mme Dupont née le 14/10/1956")
    assert read.born == (BORN,)
    assert read.names == ("dupont",)


def test_a_year_alone_is_a_year_or_a_file_number() -> None:
    read = asked("1956")
    assert (read.year, read.identifiers, read.problem) == (1956, ("1956",), "year_alone")


def test_a_file_number_keeps_no_leading_zero() -> None:
    assert asked("0001234").identifiers == ("1234",)
    assert identifier_key("0001234") == identifier_key("1234") == "1234"
    assert identifier_key("000") == "000"


def matches(typed: str, family: str, given_name: str) -> bool:
    keys = keys_of(family, given_name)
    return any(
        any(key.startswith(f) for key in keys.families)
        and any(key.startswith(g) for key in keys.givens or ("",))
        for f, g in asked(typed).splits
    )


@pytest.mark.parametrize(
    "typed",
    [
        "dupont", "DUPONT", "Dupont-Martin", "dupont martin", "martin", "dup", "léa dupont",
        "Dupont-Martin, Léa", "dupont lea", "lea", "martin lea", "dupont martin lea-rose",
    ],
)  # fmt: skip
def test_a_double_name_is_found_by_either_half_in_any_order(typed: str) -> None:
    assert matches(typed, "DUPONT-MARTIN", "Léa Rose")


@pytest.mark.parametrize(
    ("typed", "family"),
    [
        ("le gall", "LEGALL"), ("legall", "LE GALL"), ("gall", "LE GALL"), ("d'arc", "D’ARC"),
        ("arc", "D'ARC"), ("oconnor", "O'Connor"), ("de la tour", "DE LA TOUR"),
        ("tour", "DE LA TOUR"),
        ("silva", "DA SILVA PEREIRA"), ("pereira", "DA SILVA PEREIRA"),
        ("lœb", "LOEB"), ("loeb", "LŒB"), ("muller", "MÜLLER"),
        ("Çelik", "CELIK"), ("иванова", "ИВАНОВА"), ("ng", "NG"),
    ],
)  # fmt: skip
def test_particles_signs_and_letters_do_not_matter(typed: str, family: str) -> None:
    assert matches(typed, family, "Zoé")


LONG = ("D’ALEMBERT-VANDENBROUCKE DE LA ROCHEFOUCAULD", "Jean-Baptiste Marie Alexandre")


@pytest.mark.parametrize(
    "typed",
    [
        "rochefoucauld", "la rochefoucauld", "de la rochefoucauld", "vandenbroucke", "alembert",
        "d'alembert", "alexandre", "marie alexandre", "baptiste", "jean-baptiste d'alembert",
        "alexandre d'alembert", "vandenbroucke jean", "De La Rochefoucauld, Jean-Baptiste",
    ],
)  # fmt: skip
def test_each_part_of_a_long_name_finds_it(typed: str) -> None:
    assert matches(typed, *LONG)


@pytest.mark.parametrize(
    "typed", ["pereira da silva", "silva pereira", "pereira silva", "PEREIRA DA SILVA Ana"]
)
def test_the_parts_of_a_name_may_be_turned(typed: str) -> None:
    if typed.endswith("Ana"):
        assert matches("pereira da silva", "DA SILVA PEREIRA", "Ana")
        return
    assert matches(typed, "DA SILVA PEREIRA", "Ana")


def test_a_name_of_particles_alone_is_one() -> None:
    assert matches("le van", "LE", "Van")
    assert matches("la", "LA", "Zoé")


NAME = st.text("abcdéèçñôœ -'", min_size=2, max_size=14).filter(lambda one: len(folded(one)) > 1)


@given(NAME, NAME, st.data())
def test_who_is_stored_is_found_by_what_is_written_on_the_file(
    family: str, given_name: str, data: st.DataObject
) -> None:
    keys = keys_of(family, given_name)
    if len(folded(f"{family} {given_name}").split()) > 6 or not keys.given:
        return
    one = data.draw(st.sampled_from([family, family.upper(), unicodedata.normalize("NFD", family)]))
    two = data.draw(st.sampled_from([given_name, given_name.title()]))
    typed = data.draw(st.sampled_from([f"{one} {two}", f"{two} {one}", one]))
    if asked(typed).born or asked(typed).problem == "too_short":
        return
    assert matches(typed, family, given_name)


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read(typed: str) -> None:
    read = asked(typed)
    assert read.kinds or read.problem


def test_nothing_and_too_much_are_said() -> None:
    assert asked("  ").problem == "empty"
    assert asked("--- ???").problem == "empty"
    assert asked("x" * 500).problem == "too_long"
    assert asked("x").problem == "too_short"
    assert asked("lea@").problem == "bad_mail"
    assert asked("lea.test@example.org").mail == "lea.test@example.org"
