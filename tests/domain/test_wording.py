"""Dates, hours, lists and sheets as patients read them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.preparation import (
    Preparation,
    Translation,
    build_variables,
    combined,
    in_language,
)
from reminders.domain.sms import GSM7
from reminders.domain.template import TOGETHER, VARIABLES
from reminders.domain.wording import (
    DAYS,
    MONTHS,
    SHORT_DAYS,
    grouped_phone,
    hour,
    joined,
    lasting,
    long_date,
    short_date,
    spoken,
)
from tests.support.bookings import PARIS, paris


@pytest.mark.parametrize(
    ("at", "french", "english"),
    [(time(9, 30), "9h30", "9:30"), (time(14), "14h", "14:00"), (time(0, 5), "0h05", "0:05")],
)
def test_hours_are_said_as_people_say_them(at: time, french: str, english: str) -> None:
    assert (hour(at, "fr"), hour(at, "en")) == (french, english)


def test_dates_put_the_day_first_in_both_languages() -> None:
    day = date(2026, 10, 1)
    assert (short_date(day, "fr"), short_date(day, "en")) == ("jeu. 01/10", "Thu 01/10")
    assert (long_date(day, "fr"), long_date(day, "en")) == (
        "jeudi 1er octobre",
        "Thursday 1 October",
    )


def test_an_sms_spells_august_without_its_accent() -> None:
    day = date(2026, 8, 12)
    assert long_date(day, "fr") == "mercredi 12 août"
    assert long_date(day, "fr", plain=True) == "mercredi 12 aout"


def test_every_word_of_a_date_fits_an_sms_in_plain() -> None:
    for language in DAYS:
        assert (len(DAYS[language]), len(SHORT_DAYS[language]), len(MONTHS[language])) == (7, 7, 12)
        for month in range(1, 13):
            for day in range(1, 8):
                words = long_date(date(2026, month, day), language, plain=True)
                words += short_date(date(2026, month, day), language)
                assert set(words) <= GSM7 or language == "ar"


@pytest.mark.parametrize(
    ("language", "spoken_one"),
    [("fr", "fr"), ("fr-FR", "fr"), ("en", "en"), ("EN-gb", "en"), ("pt", "fr"), ("", "fr")],
)
def test_a_language_without_texts_is_answered_in_french(language: str, spoken_one: str) -> None:
    assert spoken(language) == spoken_one


@pytest.mark.parametrize(
    ("words", "said"),
    [([], ""), (["9h"], "9h"), (["9h", "11h"], "9h et 11h"), (["a", "b", "c"], "a, b et c")],
)
def test_lists_are_said_with_and(words: list[str], said: str) -> None:
    assert joined(words, "fr") == said


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("0199001234", "01 99 00 12 34"),
        ("01.99.00.12.34", "01 99 00 12 34"),
        ("+33199001234", "01 99 00 12 34"),
        ("+33 1 99 00 12 34", "01 99 00 12 34"),
        ("36 30", "36 30"),
        ("+32 2 555 12 12", "+32 2 555 12 12"),
    ],
)
def test_a_desk_phone_is_grouped_by_two(written: str, shown: str) -> None:
    assert grouped_phone(written) == shown


def variables(**changes: object) -> dict[str, str]:
    given: dict[str, object] = {
        "language": "fr",
        "channel": "email",
        "sensitivity": "normal",
        "establishment": "Centre hospitalier Exemple",
        "short_name": "CH Exemple",
        "desk_phone": "0199001234",
        "starts": [paris("2026-10-14 09:30")],
        "zone": PARIS,
        "preparation": None,
        "first_name": None,
        "relation": "",
    }
    return build_variables(**(given | changes))  # type: ignore[arg-type]


SHEET = Preparation("a", instructions="Venir à jeun.", arrival_point="Accueil B2",
                    documents=("carte Vitale", "ordonnance"), address="2 rue du Test",
                    arrive_minutes_before=15)  # fmt: skip


TRANSLATED = replace(
    SHEET, sms="Venir à jeun.",
    translations=(("en", Translation("Do not eat before.", "Come fasting.", ("Vitale card",))),),
)  # fmt: skip


def told_in(language: str, sheet: Preparation) -> tuple[str | None, ...]:
    spoken = in_language(sheet, language)
    mail = variables(preparation=spoken, language=language)
    sms = variables(preparation=spoken, language=language, channel="sms")
    return mail.get("consignes"), mail.get("documents_a_apporter"), sms.get("consignes_sms")


def test_a_sheet_is_said_in_the_language_of_the_text() -> None:
    assert told_in("en-GB", TRANSLATED) == ("Do not eat before.", "Vitale card", "Come fasting.")
    french = ("Venir à jeun.", "carte Vitale et ordonnance", "Venir à jeun.")
    assert told_in("fr", TRANSLATED) == told_in("falc", TRANSLATED) == french
    assert told_in("pt", TRANSLATED) == french


def test_what_nobody_translated_is_said_in_french_and_says_so() -> None:
    half = replace(TRANSLATED, translations=(("en", Translation(sms="Come fasting.")),))
    assert told_in("en", half) == (
        "(in French) Venir à jeun.", "(in French) carte Vitale et ordonnance", "Come fasting.",
    )  # fmt: skip
    assert told_in("ar", half)[2] == "(بالفرنسية) Venir à jeun."
    nothing = Preparation("b", arrival_point="Accueil B2")
    assert told_in("en", nothing) == (None, None, None)


def test_several_sheets_of_a_day_are_each_said_in_the_texts_language() -> None:
    other = Preparation("b", sms="Douche la veille.")
    both = combined([in_language(one, "en") for one in (TRANSLATED, other)])
    told = variables(preparation=both, language="en", channel="sms")
    assert told["consignes_sms"] == "Come fasting. (in French) Douche la veille."


def test_only_what_is_known_is_there_and_nothing_is_empty() -> None:
    found = variables(preparation=SHEET, address="1 rue du Test")
    assert all(value.strip() for value in found.values())
    assert set(found) <= set(VARIABLES)
    assert found["documents_a_apporter"] == "carte Vitale et ordonnance"
    assert found["heure_arrivee"] == "9h15"
    assert "etage" not in found
    assert "nb_rdv" not in found


def test_the_sheets_address_comes_before_the_sites() -> None:
    assert variables(preparation=SHEET, address="1 rue du Test")["adresse"] == "2 rue du Test"
    bare = Preparation("b", instructions="x")
    assert variables(preparation=bare, address="1 rue du Test")["adresse"] == "1 rue du Test"
    assert variables(address="1 rue du Test")["adresse"] == "1 rue du Test"
    assert "adresse" not in variables(channel="sms", address="1 rue du Test")


def test_a_neutral_service_says_who_when_and_whom_to_call() -> None:
    found = variables(
        sensitivity="neutral", preparation=SHEET, first_name="Léa", relation="parent", address="x"
    )
    assert set(found) == {
        "etablissement", "etablissement_court", "telephone_secretariat", "date_rdv", "jour_rdv",
        "date_rdv_courte", "heure_rdv",
    }  # fmt: skip


def test_several_visits_are_told_in_their_order() -> None:
    later, sooner = paris("2026-10-14 14:00"), paris("2026-10-14 09:30")
    found = variables(starts=[later, sooner])
    assert (found["heure_rdv"], found["nb_rdv"]) == ("9h30 et 14h", "2")


def test_a_message_about_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        variables(starts=[])


def test_the_old_start_is_told_only_if_it_was_another() -> None:
    old = variables(told_starts=[paris("2026-10-12 11:00")])
    assert (old["ancienne_date"], old["ancien_jour"], old["ancienne_heure"]) == (
        "12/10",
        "lundi 12 octobre",
        "11h",
    )
    same = variables(told_starts=[paris("2026-10-14 09:30")])
    assert not {name for name in same if name.startswith("ancien")}


@given(
    st.lists(st.integers(0, 10_000), max_size=2),
    st.sampled_from(["sms", "email"]),
    st.sampled_from(["fr", "en", "ar"]),
    st.sampled_from(["normal", "neutral"]),
)
def test_what_stands_together_is_there_together(
    minutes: list[int], channel: str, language: str, sensitivity: str
) -> None:
    told = [datetime(2026, 10, 10, tzinfo=UTC) + timedelta(minutes=one) for one in minutes]
    found = variables(told_starts=told, channel=channel, language=language, sensitivity=sensitivity)
    for group in TOGETHER:
        assert len(group & set(found)) in (0, len(group))


def test_an_sms_is_spelt_in_its_alphabet() -> None:
    found = variables(
        channel="sms",
        first_name="Zoë",
        short_name="Hôpital d’Août",
        preparation=Preparation("a", sms="Reçu à l’arrivée", arrival_point="Bât. B"),
    )
    assert found["prenom"] == "Zoe"
    assert found["etablissement_court"] == "Hopital d'Aout"
    assert found["consignes_sms"] == "Recu à l'arrivée"
    assert found["point_accueil"] == "Bat. B"
    assert variables(first_name="Zoë")["prenom"] == "Zoë"


def test_the_sheets_of_a_day_are_one_and_no_instruction_is_lost() -> None:
    fasting = Preparation("b", instructions="Venir à jeun.", sms="Venir à jeun.",
                          documents=("carte Vitale", "bilan"), arrival_point="Labo")  # fmt: skip
    water = Preparation("c", sms="Boire un litre d'eau.")
    both = combined([fasting, None, water, fasting])
    assert both is not None
    assert both.instructions == "Venir à jeun.\nBoire un litre d'eau."
    assert both.sms == "Venir à jeun. Boire un litre d'eau."
    assert both.documents == ("carte Vitale", "bilan")
    assert both.arrival_point == "Labo"


def test_the_place_of_a_later_visit_is_not_given_for_the_first() -> None:
    fasting = Preparation("b", instructions="Venir à jeun.", arrival_point="Labo")
    water = Preparation("c", instructions="Boire.", arrival_point="Accueil A")
    for sheets in ([None, fasting, water], [None, fasting]):
        both = combined(sheets)
        assert both is not None
        assert both.arrival_point == ""
        assert both.instructions.startswith("Venir à jeun.")
    assert combined([None]) is None
    assert combined([]) is None
    assert combined([fasting, fasting]) == fasting


@pytest.mark.parametrize(
    ("minutes", "fr", "falc", "ar"),
    [
        (1, "1 min", "1 minute", "1 دقيقة"),
        (5, "5 min", "5 minutes", "5 دقائق"),
        (11, "11 min", "11 minutes", "11 دقيقة"),
        (60, "1h", "1 heure", "60 دقيقة"),
        (90, "1h30", "1 heure 30", "90 دقيقة"),
        (125, "2h05", "2 heures 05", "125 دقيقة"),
        (105, "1h45", "1 heure 45", "105 دقائق"),
        (600, "10h", "10 heures", "600 دقيقة"),
    ],
)
def test_how_long_is_told_as_each_language_reads_it(
    minutes: int, fr: str, falc: str, ar: str
) -> None:
    assert [lasting(minutes, one) for one in ("fr", "en", "falc", "ar")] == [fr, fr, falc, ar]
