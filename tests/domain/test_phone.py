"""What a DPI's phone field holds, and who may be sent an SMS there."""

import re
import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from reminders.domain.phone import OVERSEAS, REASONS, ZONES, Kind, classify, numbers_in

FICTION = "+33639980012"


@pytest.mark.parametrize(
    "written",
    [
        "0639980012",
        "06 39 98 00 12",
        "06.39.98.00.12",
        "06-39-98-00-12",
        "06/39/98/00/12",
        "06_39_98_00_12",
        "0639 980 012",
        "(06) 39 98 00 12",
        "+33639980012",
        "+33 6 39 98 00 12",
        "+33 (0)6 39 98 00 12",
        "+33(0)639980012",
        "+33 06 39 98 00 12",
        "(+33) 6 39 98 00 12",
        "0033639980012",
        "00 33 6 39 98 00 12",
        "0033(0)639980012",
        "33639980012",
        "330639980012",
        "+0639980012",
        "639980012",
        "6 39 98 00 12",
        "639980012.0",
        "639980012,00",
        "6,39980012E+08",
        "6.39980012E+08",
        "6.39980012e8",
        "3,3639980012E+10",
        "'0639980012",
        '="0639980012"',
        "=+33639980012",
        "tel:+33639980012",
        "Tél. : 06 39 98 00 12",
        "GSM 06 39 98 00 12",
        "O639980012",
        "\u00a006\u00a039\u00a098\u202f00\u00a012 ",
        "06\u200b39980012",
        "\u202a0639980012\u202c",
        "０６３９９８００１２",
        "٠٦٣٩٩٨٠٠١٢",
        "06 39 98 00 12 (fils)",
        "06.39.98.00.12(mari)",
        "(épouse) 06 39 98 00 12",
        "06 39 98 00 12 sa fille Léa",
        "06 39 98 00 12 après 18 h",
        "06 39 98 00 12 (ne pas appeler avant 9h30)",
        "06 39 98 00 12 poste 12",
        "06 39 98 00 12 depuis le 12/03/2024",
    ],
)
def test_one_number_however_it_is_written(written: str) -> None:
    assert classify(written).e164 == FICTION
    assert [phone.e164 for phone in numbers_in(written)] == [FICTION]


def test_a_fictional_mobile_is_a_probable_one_and_says_so() -> None:
    phone = classify("06 39 98 00 12")
    assert phone.raw == "06 39 98 00 12"
    assert (phone.kind, phone.zone, phone.textable) == (Kind.MOBILE, "Europe/Paris", True)
    assert phone.reason == "mobile probable : tranche non attribuée"


@pytest.mark.parametrize("written", ["0712345678", "0700123456", "+33 7 00 12 34 56"])
def test_a_range_not_yet_allocated_is_a_probable_mobile(written: str) -> None:
    assert (classify(written).kind, classify(written).code) == (Kind.MOBILE, "unallocated")


@pytest.mark.parametrize(
    ("written", "e164", "kind", "zone"),
    [
        ("0692123456", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("06 93 12 34 56", "+262693123456", Kind.MOBILE, "Indian/Reunion"),
        ("0262123456", "+262262123456", Kind.LANDLINE, "Indian/Reunion"),
        ("0263123456", "+262263123456", Kind.LANDLINE, "Indian/Reunion"),
        ("0639123456", "+262639123456", Kind.MOBILE, "Indian/Mayotte"),
        ("0639990012", "+262639990012", Kind.MOBILE, "Indian/Mayotte"),
        ("0639970012", "+262639970012", Kind.MOBILE, "Indian/Mayotte"),
        ("0269612345", "+262269612345", Kind.LANDLINE, "Indian/Mayotte"),
        ("0690123456", "+590690123456", Kind.MOBILE, "America/Guadeloupe"),
        ("0691123456", "+590691123456", Kind.MOBILE, "America/Guadeloupe"),
        ("0590123456", "+590590123456", Kind.LANDLINE, "America/Guadeloupe"),
        ("0694123456", "+594694123456", Kind.MOBILE, "America/Cayenne"),
        ("0594123456", "+594594123456", Kind.LANDLINE, "America/Cayenne"),
        ("0696123456", "+596696123456", Kind.MOBILE, "America/Martinique"),
        ("0697123456", "+596697123456", Kind.MOBILE, "America/Martinique"),
        ("0596123456", "+596596123456", Kind.LANDLINE, "America/Martinique"),
        ("0508551234", "+508551234", Kind.MOBILE, "America/Miquelon"),
        ("0508412345", "+508412345", Kind.LANDLINE, "America/Miquelon"),
        ("+33 692 12 34 56", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("+33 (0)6 90 12 34 56", "+590690123456", Kind.MOBILE, "America/Guadeloupe"),
        ("0033694123456", "+594694123456", Kind.MOBILE, "America/Cayenne"),
        ("692123456", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("6,92123456E+08", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("+262 692 12 34 56", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("+262 (0)692 12 34 56", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("+262 0692 12 34 56", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("00262639123456", "+262639123456", Kind.MOBILE, "Indian/Mayotte"),
        ("262692123456", "+262692123456", Kind.MOBILE, "Indian/Reunion"),
        ("+687 75 12 34", "+687751234", Kind.MOBILE, "Pacific/Noumea"),
        ("+689 87 12 34 56", "+68987123456", Kind.MOBILE, "Pacific/Tahiti"),
        ("+689 40 12 34 56", "+68940123456", Kind.LANDLINE, "Pacific/Tahiti"),
        ("+681 82 12 34", "+681821234", Kind.MOBILE, "Pacific/Wallis"),
    ],
)
def test_an_overseas_number_belongs_to_its_own_country_code_and_zone(
    written: str, e164: str, kind: Kind, zone: str
) -> None:
    phone = classify(written)
    assert (phone.e164, phone.kind, phone.zone) == (e164, kind, zone)


def test_the_range_for_fiction_stays_in_the_metropole_though_0639_is_mayotte() -> None:
    assert classify("0639980012").zone == "Europe/Paris"
    assert classify("0639979999").zone == "Indian/Mayotte"
    assert classify("0639990000").zone == "Indian/Mayotte"


@pytest.mark.parametrize(
    ("written", "kind", "code"),
    [
        ("01 99 00 12 34", Kind.LANDLINE, "fixed"),
        ("0261910012", Kind.LANDLINE, "fixed"),
        ("0353010012", Kind.LANDLINE, "fixed"),
        ("0465710012", Kind.LANDLINE, "fixed"),
        ("0536490012", Kind.LANDLINE, "fixed"),
        ("0162345678", Kind.LANDLINE, "fixed"),
        ("199001234", Kind.LANDLINE, "fixed"),
        ("0912345678", Kind.VOIP, "voip"),
        ("09 37 00 12 34", Kind.VOIP, "voip"),
        ("0800 123 456", Kind.OTHER, "special"),
        ("0899123456", Kind.OTHER, "special"),
        ("0810123456", Kind.OTHER, "special"),
    ],
)
def test_what_receives_no_sms_keeps_its_number_and_says_why(
    written: str, kind: Kind, code: str
) -> None:
    phone = classify(written)
    assert (phone.kind, phone.code, phone.textable) == (kind, code, False)
    assert phone.e164 is not None
    assert phone.reason


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("néant", "not_a_number"),
        ("NC", "not_a_number"),
        ("?", "not_a_number"),
        ("-", "not_a_number"),
        ("+", "not_a_number"),
        ("06XXXXXXXX", "not_a_number"),
        ("12 rue du Test", "not_a_number"),
        ("lea.test@example.org", "not_a_number"),
        ("6" * 300, "not_a_number"),
        ("15", "too_short"),
        ("36 31", "too_short"),
        ("06 39 98 00 1", "too_short"),
        ("06 39 98 00", "too_short"),
        ("06 39 98 00 12 9", "too_long"),
        ("063998001299", "too_long"),
        ("279035121518989", "too_long"),
        ("07001234567890", "m2m"),
        ("6,4E+08", "lost_digits"),
        ("6.3998E+08", "lost_digits"),
        ("3,36E+10", "lost_digits"),
        ("0600000000", "dummy"),
        ("06 00 00 00 00", "dummy"),
        ("+33600000000", "dummy"),
        ("0606060606", "dummy"),
        ("+33 (0)6 06 06 06 06", "dummy"),
        ("0102030405", "dummy"),
        ("0123456789", "dummy"),
        ("0699999999", "dummy"),
        ("0000000000", "dummy"),
        ("1111111111", "dummy"),
        ("9999999999", "dummy"),
        ("0101010101", "dummy"),
        ("+336123", "impossible"),
    ],
)
def test_what_is_no_number_has_a_reason_and_no_address(written: str, code: str) -> None:
    phone = classify(written)
    assert (phone.e164, phone.kind, phone.code, phone.zone) == (None, Kind.INVALID, code, None)
    assert phone.reason == REASONS[code]


@pytest.mark.parametrize(
    ("written", "e164", "zone"),
    [
        ("+32 470 12 34 56", "+32470123456", "Europe/Brussels"),
        ("0032 470/12.34.56", "+32470123456", "Europe/Brussels"),
        ("+352 621 123 456", "+352621123456", "Europe/Luxembourg"),
        ("+41 79 123 45 67", "+41791234567", "Europe/Zurich"),
        ("+41 (0)79 123 45 67", "+41791234567", "Europe/Zurich"),
        ("+49 1512 3456789", "+4915123456789", "Europe/Berlin"),
        ("+39 312 345 6789", "+393123456789", "Europe/Rome"),
        ("+34 612 34 56 78", "+34612345678", "Europe/Madrid"),
        ("+376 312 345", "+376312345", "Europe/Andorra"),
        ("+377 6 12 34 56 78", "+377612345678", "Europe/Monaco"),
    ],
)
def test_a_neighbour_may_be_written_to(written: str, e164: str, zone: str) -> None:
    phone = classify(written)
    assert (phone.e164, phone.kind, phone.zone) == (e164, Kind.MOBILE, zone)


@pytest.mark.parametrize(
    "written", ["+1 202 555 0123", "+212612345678", "00213551234567", "+44 7911 123456"]
)
def test_any_other_country_is_refused(written: str) -> None:
    phone = classify(written)
    assert (phone.e164, phone.kind, phone.code) == (None, Kind.OTHER, "country_not_allowed")


@pytest.mark.parametrize(
    "cell",
    [
        "06 39 98 00 12 / 06 39 98 00 13",
        "0639980012/0639980013",
        "0639980012;0639980013",
        "0639980012,0639980013",
        "0639980012 , 0639980013",
        "0639980012 ou 0639980013",
        "0639980012OU0639980013",
        "0639980012 et 0639980013",
        "0639980012 - 0639980013",
        "0639980012-0639980013",
        "0639980012 0639980013",
        "06399800120639980013",
        "06 39 98 00 12 06 39 98 00 13",
        "06 39 98 00 12\n06 39 98 00 13",
        "0639980012\t639980013",
        "+33639980012 +33639980013",
        "+33639980012+33639980013",
        "0033639980012 0033639980013",
        "639980012 / 639980013",
        "6,39980012E+08 ; 6,39980013E+08",
        "0639980012 (mari) / 0639980013 (femme)",
        "06.39.98.00.12 (mari) 06.39.98.00.13 (femme)",
        "M. 06 39 98 00 12, Mme 06 39 98 00 13",
        "N° 1 : 06 39 98 00 12 n° 2 : 06 39 98 00 13",
        "06/39/98/00/12 ou 06/39/98/00/13",
        "0639980012 et 0639980013 et encore 0639980012",
    ],
)
def test_a_cell_may_hold_two_numbers(cell: str) -> None:
    assert [phone.e164 for phone in numbers_in(cell)] == [FICTION, "+33639980013"]
    assert classify(cell).code == "several"


@pytest.mark.parametrize(
    "cell",
    [
        "01 99 00 12 34 / 06 39 98 00 12",
        "Dom 01 99 00 12 34 Port 06 39 98 00 12",
        "D:0199001234 P:0639980012",
        "01 99 00 12 34 - 06 39 98 00 12",
    ],
)
def test_a_mobile_is_found_behind_a_landline(cell: str) -> None:
    assert [(p.e164, p.textable) for p in numbers_in(cell)] == [
        ("+33199001234", False),
        (FICTION, True),
    ]


def test_a_usable_number_beside_a_useless_one_is_the_one_that_counts() -> None:
    assert classify("06 39 98 00 / 06 39 98 00 12").e164 == FICTION
    assert classify("0600000000 ou 0639980012").e164 == FICTION
    assert [phone.code for phone in numbers_in("0600000000 ou 0639980012")] == [
        "dummy",
        "unallocated",
    ]


def test_an_empty_cell_still_answers_why() -> None:
    assert [phone.code for phone in numbers_in(" ")] == ["empty"]
    assert [phone.code for phone in numbers_in("inconnu")] == ["not_a_number"]


def test_every_reason_can_be_read_by_a_person() -> None:
    assert all(reason and "_" not in reason for reason in REASONS.values())


def _spaced(digits: str, gaps: list[str]) -> str:
    return "".join(digit + gap for digit, gap in zip(digits, gaps, strict=True))


@given(
    digits=st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True),
    gaps=st.lists(st.sampled_from(["", " ", ".", "-", "\u00a0"]), min_size=10, max_size=10),
    prefix=st.sampled_from(["0", "+33", "0033", "+33 (0)", "33"]),
)
def test_a_metropolitan_number_is_what_the_library_says_it_is(
    digits: str, gaps: list[str], prefix: str
) -> None:
    """`phonenumbers` is right about every allocated number that is not an overseas one."""
    phone = classify(prefix + _spaced(digits, gaps)[1:].lstrip())
    oracle = phonenumbers.parse(digits, "FR")
    if digits[:4] in OVERSEAS or phone.code == "dummy":
        return
    assert phone.e164 == phonenumbers.format_number(oracle, phonenumbers.PhoneNumberFormat.E164)
    expected = {
        PhoneNumberType.MOBILE: Kind.MOBILE,
        PhoneNumberType.FIXED_LINE: Kind.LANDLINE,
        PhoneNumberType.VOIP: Kind.VOIP,
    }.get(phonenumbers.number_type(oracle))
    if expected is not None:
        assert phone.kind is expected


@given(
    prefix=st.sampled_from(sorted(OVERSEAS)), rest=st.from_regex(r"[1-9][0-9]{5}", fullmatch=True)
)
def test_every_overseas_prefix_leads_overseas_and_never_to_the_metropole(
    prefix: str, rest: str
) -> None:
    phone = classify(prefix + rest)
    if (prefix + rest).startswith("063998"):
        assert phone.e164 == "+33" + (prefix + rest)[1:]
    elif phone.e164 is not None:
        assert phone.e164.startswith(f"+{OVERSEAS[prefix]}")
        assert phone.zone not in (None, "Europe/Paris")
    else:
        assert prefix == "0508"  # its six digits may be impossible


CELLS = st.text(st.sampled_from("0123456789+()./,-;:eE oOuéà x\t\n?&|"), max_size=80)


@given(CELLS | st.text(max_size=300))
def test_any_text_has_an_answer_and_a_number_is_never_made_up(cell: str) -> None:
    found = numbers_in(cell)
    assert found
    for phone in (*found, classify(cell)):
        if phone.e164 is None:
            assert phone.reason
            continue
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", phone.e164)
        assert phone.zone in ZONES.values() or phone.zone == "Indian/Mayotte"
        assert classify(phone.e164).e164 == phone.e164
        last = phone.e164[-6:]
        assert last in "".join(re.findall(r"[0-9]", _digits_of(cell)))


def _digits_of(cell: str) -> str:
    return "".join(
        str(unicodedata.digit(c)) for c in unicodedata.normalize("NFKC", cell) if c.isdigit()
    )
