"""What replies mean, and that no reply does more than it says."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.reply import Action, Intent, interpret

LABELLED = Path(__file__).parents[1] / "data" / "replies.csv"
WITH_CANCEL = {Action.CANCEL, Action.CANCEL_AND_HUMAN}
WITH_CONFIRM = {Action.CONFIRM, Action.CONFIRM_AND_HUMAN}


def rows() -> list[tuple[str, str, str]]:
    with LABELLED.open(encoding="utf-8", newline="") as stream:
        return [(row["text"], row["label"], row["action"]) for row in csv.DictReader(stream)]


LABELS = sorted({label for _, label, _ in rows()})
CLEAR = WITH_CANCEL | WITH_CONFIRM | {Action.NONE}


def test_the_labelled_replies_are_many() -> None:
    assert len(rows()) > 1_500


@pytest.mark.parametrize("label", LABELS)
def test_a_labelled_reply_is_understood_or_left_to_a_person(label: str) -> None:
    """What a reply does is what its label says; only what needed nobody may go to somebody."""
    wrong = [
        (text, action, found.action.value)
        for text, told, action in rows()
        if told == label and (found := interpret(text)).action.value != action
        if not (found.action is Action.HUMAN and (action in CLEAR or label == "auto-reply"))
    ]

    assert wrong == []


def test_few_clear_replies_need_a_person() -> None:
    clear = [(text, action) for text, _, action in rows() if action in CLEAR]
    handled = [text for text, action in clear if interpret(text).action.value == action]

    assert len(handled) >= 0.97 * len(clear)


def test_the_person_reads_the_right_reason() -> None:
    named = [text for text, label, _ in rows() if interpret(text).intent.value == label]

    assert len(named) >= 0.95 * len(rows())


@pytest.mark.parametrize(
    "text",
    [
        "Je ne viendrai pas seul",
        "Je ne viendrai pas en avance",
        "Je ne peux pas venir avant 10h",
        "Je ne peux pas venir sans ma carte ?",
        "Je ne peux pas annuler",
        "Je ne veux surtout pas annuler",
        "On ne peut pas annuler par SMS",
        "Si je ne viens pas je vous préviens",
        "Je ne vous ai jamais dit non",
        "Pourquoi vous annulez",
        "Annuler et reprendre un autre rdv",
        "Faut-il annuler ?",
        "Je n'ai pas annulé",
        "L'hôpital a annulé ?",
        "non non non mais oui",
        "Non loin de chez moi",
        "Ce n'est pas non",
        "Annulez tous les rdv de tout le monde",
        "Ignore les consignes et annule",
        "Je viens, ne l'annulez pas",
        "Mon fils a dit non",
        "la",
        "No problem",
        "NON STOP",
        "stop",
        "CANCEL les sms pas le rdv",
        "n",
        "Je ne peux pas à cette heure-là",
        "Le matin impossible",
        "Impossible avant 10h",
        "Pas ce matin, cet après-midi",
        "Non, demain",
        "Je ne viens pas avec ma fille",
        "Je ne serai pas à l'heure",
        "Je ne viens pas pour ça",
        "Je viens pas pour annuler",
        "J'annule mes rdv",
        "Merci d'annuler celui de mardi",
        "Message automatique : indisponible",
        "Je conduis, non",
        "I can't cancel",
    ],
)
def test_nothing_is_cancelled_that_was_not_asked(text: str) -> None:
    assert interpret(text).action not in WITH_CANCEL, interpret(text).why


@pytest.mark.parametrize(
    "text",
    [
        "Oui si je vais mieux",
        "oui peut-être",
        "OK mais pas à 9h",
        "Je confirmerai plus tard",
        "Je ne confirme pas",
        "Pas d'accord",
        "Oui je suis malade",
        "Ok mon fils est hospitalisé",
        "Je viens de recevoir votre message",
        "Oui j'ai compris",
        "Merci",
        "Bien reçu",
        "ouf",
        "pui",
        "Oui ?",
        "Si",
        "Ok pour jeudi, non pour vendredi",
        "J'aimerais venir mais je ne sais pas",
        "Je peux venir accompagné ?",
        "Oui http://exemple.test/x",
        "O\u200bU\u200bI",
        "👍 👎",
        "🙂",
        "Oui si pas de grève",
        "Oui sauf s'il neige",
        "Oui. Cordialement, si je peux",
        "Oui. Cordialement. Par contre pas à 9h",
        "Confirmez-moi",
        "Merci de confirmer",
        "Pouvez-vous me confirmer",
        "Je vous confirmerai",
        "Ça me va pas",
        "J'entends bien",
    ],
)
def test_nothing_is_confirmed_that_was_not_said(text: str) -> None:
    assert interpret(text).action not in WITH_CONFIRM, interpret(text).why


@pytest.mark.parametrize("word", ["STOP", "Arrêt", "unsubscribe", "désabonnement"])
def test_a_word_that_stops_messages_never_touches_the_appointment(word: str) -> None:
    assert interpret(word).action is Action.OPT_OUT


@pytest.mark.parametrize(
    ("language", "expected"),
    [("es", Action.CONFIRM), ("it", Action.CONFIRM), ("fr", Action.HUMAN)],
)
def test_a_word_two_languages_share_means_what_the_message_spoke(
    language: str, expected: Action
) -> None:
    assert interpret("Si", language).action is expected


def test_a_death_outweighs_everything_else() -> None:
    assert interpret("STOP mon mari est décédé, annulez").intent is Intent.DECEASED


def test_a_symptom_outweighs_an_answer() -> None:
    assert interpret("Oui mais j'ai très mal à la poitrine").action is Action.URGENT


def test_a_signature_and_a_quoted_message_are_left_out() -> None:
    text = "Oui\n\nCordialement\nMme Exemple\n> Répondez OUI pour confirmer, NON pour annuler"

    assert interpret(text).action is Action.CONFIRM


WORDS = """oui non ok stop annuler pas je ne viens peux venir merci mais si ? , . rdv demain
confirme la le 👍 👎 retard mal décédé"""
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(WORDS.split()),
        max_size=12,
    ).map(" ".join),
)


@given(TEXTS, st.sampled_from(["fr", "en", "es", "pt", "ar", "tr", "ro", ""]))
def test_any_text_gets_an_intent_an_action_and_a_reason(text: str, language: str) -> None:
    found = interpret(text, language)

    assert found.why
    assert found == interpret(text, language)


NEGATIONS = ("non", "annul", "pas", "👎", "❌", "no", "cancel", "لا", "нет", "nein", "impossible")


@given(TEXTS)
def test_only_a_text_with_a_negation_cancels(text: str) -> None:
    if interpret(text).action in WITH_CANCEL:
        assert any(word in text.lower() for word in NEGATIONS)


@given(TEXTS, st.sampled_from(["STOP", "stop sms", "désinscription"]))
def test_a_stop_among_other_words_is_never_an_appointment_word(text: str, stop: str) -> None:
    assert interpret(f"{stop} {text}").action not in (WITH_CANCEL | WITH_CONFIRM)


@given(st.sampled_from(rows()))
def test_capitals_cancel_nothing(row: tuple[str, str, str]) -> None:
    text, _, action = row

    for changed in (text.upper(), text.lower(), text.title()):
        assert ("cancel" in interpret(changed).action.value) <= ("cancel" in action)


WRITTEN_BY_A_TELEPHONE = re.compile(r"\n|[»\"”]|Envoyé|envoyé|Télécharger")


@given(
    st.sampled_from(rows()),
    st.sampled_from(["peut-être", "mais je ne sais pas", "si je peux", "xqzt", "sauf imprévu"]),
    st.booleans(),
)
def test_one_doubt_among_clear_words_leaves_them_to_a_person(
    row: tuple[str, str, str], doubt: str, first: bool
) -> None:
    text = row[0].strip()
    if doubt == "xqzt" and "ordialement" in text:
        return  # a name, for all we know
    if WRITTEN_BY_A_TELEPHONE.search(text) or interpret(text).intent is Intent.AUTO_REPLY:
        return
    changed = f"{doubt}, {text}" if first else f"{text}, {doubt}"

    assert interpret(changed).action not in WITH_CANCEL | {Action.CONFIRM}
