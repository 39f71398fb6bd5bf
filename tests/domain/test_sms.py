"""What a text costs, against brute force and two packages that know the alphabet."""

import unicodedata
from functools import cache

import gsm0338
import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.sms import (
    BASIC,
    EXTENSION,
    GSM7,
    measure,
    parts,
    replacement,
    transliterate,
)

CODEC = gsm0338.Codec()


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("a", "gsm7", 1, 1),
        ("é" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("a" + "€" * 80, "gsm7", 161, 2),
        ("a" * 152 + "€" + "a" * 10, "gsm7", 164, 2),  # € starts the second part
        ("€" * 153, "gsm7", 306, 3),  # 76 in a part: one septet of each is lost
        ("ê" * 70, "ucs2", 70, 1),
        ("ê" * 71, "ucs2", 71, 2),
        ("ê" * 134, "ucs2", 134, 2),
        ("ê" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        ("ê" * 66 + "😀" + "ê" * 10, "ucs2", 78, 2),
        ("😀" * 67, "ucs2", 134, 3),  # 33 in a part: a pair is never cut
        ("€ê", "ucs2", 2, 1),  # an extension character is dearer in GSM-7 only
        ("Rendez-vous à l'hôpital", "ucs2", 23, 1),
        ("\f^{}\\[~]|€", "gsm7", 20, 1),
    ],
)
def test_a_text_is_measured(text: str, encoding: str, units: int, segments: int) -> None:
    found = measure(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


def test_the_alphabet_is_the_one_of_the_standard() -> None:
    """Both packages agree with it, over every script of Europe and far beyond."""
    assert (len(BASIC), len(EXTENSION)) == (127, 10)
    for character in map(chr, range(0x3000)):
        if character == "\x1b":  # the escape itself is no character
            assert character not in GSM7
            continue
        known = character in GSM7
        assert known == smsutil.is_valid_gsm(character) == _encodes(character), repr(character)
        if known:
            assert len(CODEC.encode(character)[0]) == (2 if character in EXTENSION else 1)


def _encodes(character: str) -> bool:
    try:
        CODEC.encode(character)
    except (UnicodeError, KeyError):
        return False
    return True


@pytest.mark.parametrize("letter", "éèùàìòÇÉäöüñ")
def test_accents_that_cost_nothing(letter: str) -> None:
    assert measure(letter).encoding == "gsm7"


@pytest.mark.parametrize("letter", "êëâîïôûùçœÈÀÊ’“«»–…°²\u00a0\u202f".replace("ù", ""))
def test_letters_that_double_the_price_are_named(letter: str) -> None:
    assert measure(f"a{letter}b{letter}").costly == (letter,)


def test_costly_characters_are_named_once_in_their_order() -> None:
    assert measure("hôpital, où ? là-bas, bientôt : ça… ’").costly == ("ô", "ç", "…", "’")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("hôpital", "hopital"),
        ("reçu", "recu"),
        ("août", "aout"),
        ("cœur", "coeur"),
        ("l’été", "l'été"),
        ("« oui »", '" oui "'),
        ("9\u202fh\u00a030", "9 h 30"),
        ("Bât. B – 2e", "Bat. B - 2e"),
        ("n° 2…", "no 2..."),
        ("ÊTRE À L'HEURE", "ETRE A L'HEURE"),
        ("Zoe\u0308 e\u0301", "Zoe é"),
        ("موعد", "موعد"),  # nothing says the same
    ],
)
def test_a_text_can_be_spelt_in_cheap_letters(text: str, plain: str) -> None:
    assert transliterate(text) == plain


TEXTS = st.text(
    st.one_of(
        st.sampled_from("ab é€[]~\n"),
        st.sampled_from("êç’😀\u00a0"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=400,
)
GSM_TEXTS = st.text(st.sampled_from(sorted(GSM7)), max_size=500)
WIDE_TEXTS = st.text(st.sampled_from("aê😀"), max_size=220)


@given(TEXTS | GSM_TEXTS | WIDE_TEXTS)
def test_a_text_is_measured_as_its_bytes_are(text: str) -> None:
    found = measure(text)
    if found.encoding == "gsm7":
        assert found.units == len(CODEC.encode(text)[0])
    else:
        assert found.units == len(text.encode("utf-16-be")) // 2
        assert found.costly == tuple(dict.fromkeys(c for c in text if c not in GSM7))
        assert found.costly


@given(TEXTS | GSM_TEXTS | WIDE_TEXTS)
def test_segments_are_those_of_another_package(text: str) -> None:
    found, theirs = measure(text), smsutil.split(text)
    sizes = sum(part.bytes for part in theirs.parts)
    assert found.segments == len(theirs.parts)
    assert found.units == (sizes if found.encoding == "gsm7" else sizes // 2)


@given(TEXTS | GSM_TEXTS | WIDE_TEXTS)
def test_parts_are_whole_and_none_is_too_long(text: str) -> None:
    found, cut = measure(text), parts(text)
    assert "".join(cut) == text
    assert len(cut) == found.segments
    if found.segments > 1:
        for part in cut:
            if found.encoding == "gsm7":
                assert 0 < len(CODEC.encode(part)[0]) <= 153
            else:
                assert 0 < len(part.encode("utf-16-be")) <= 134


@given(st.text(st.sampled_from("a€"), min_size=150, max_size=330))
def test_fewer_segments_are_impossible_by_brute_force(text: str) -> None:
    """Every way to cut the text is tried, from the end back."""
    sizes = [2 if character == "€" else 1 for character in text]
    if sum(sizes) <= 160:
        assert measure(text).segments == 1
        return

    @cache
    def fewest(left: int) -> int:
        if left == 0:
            return 0
        best, used = left, 0
        for start in range(left - 1, -1, -1):
            used += sizes[start]
            if used > 153:
                break
            if used > 140 or start == 0:  # a part much shorter than another can be filled up
                best = min(best, 1 + fewest(start))
        return best

    for left in range(0, len(text), 100):  # shallow recursion
        fewest(left)
    assert measure(text).segments == fewest(len(text))


@given(TEXTS)
def test_a_cheaper_spelling_is_no_longer_costly_and_loses_no_letter(text: str) -> None:
    plain = transliterate(text)
    assert transliterate(plain) == plain
    for character in unicodedata.normalize("NFC", text):
        other = replacement(character)
        if other is not None:
            assert all(one in GSM7 for one in other)
    kept = {c for c in plain if c not in GSM7}
    assert all(replacement(character) is None for character in kept)
