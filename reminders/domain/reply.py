"""What a patient's reply means, and what may be done about it without a person.

The error that must never happen is a cancellation nobody asked for; next, a confirmation nobody
gave. So a text acts only if every word of it is understood and all of it says one thing; what is
mixed, conditional, medical or unclear goes to a person. Words that stop messages never cancel an
appointment. Source: DOMAIN 9 (labels, safe actions, priorities), RELIABILITY 2 (4, 19, 20, 41).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from reminders.domain.reply_senses import Piece, Sense
from reminders.domain.reply_text import LONGEST, SIGNED, Plain, plain
from reminders.domain.reply_words import pieces


class Intent(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"
    AMBIGUOUS = "ambiguous"
    NEGATIVE_WITH_CONFIRM = "negative-with-confirm"
    QUESTION = "question"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    WRONG_NUMBER = "wrong-number"
    LATE = "late"
    PROXY_CONFIRMATION = "proxy-confirmation"
    PROXY_CANCEL = "proxy-cancel"
    THANKS = "thanks"
    MEDICAL_ALERT = "medical-alert"
    TRANSPORT = "transport"
    ALREADY_CANCELLED = "already-cancelled"
    COMPLAINT = "complaint"
    DECEASED = "deceased"
    AUTO_REPLY = "auto-reply"
    START = "start"


class Action(StrEnum):
    """What is done at once; « + human » opens a task as well, « urgent » one before all others."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    HUMAN = "human"
    CONFIRM_AND_HUMAN = "confirm+human"
    CANCEL_AND_HUMAN = "cancel+human"
    OPT_OUT = "optout"
    OPT_OUT_AND_HUMAN = "optout+human"
    OPT_IN = "optin"
    SUPPRESS_AND_HUMAN = "suppress+human"
    URGENT = "urgent"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reading:
    """`why`: French, one clause a secretary can check."""

    intent: Intent
    action: Action
    why: str


def interpret(text: str, language: str = "fr") -> Reading:
    """The meaning of one complete reply; parts of a long SMS are joined before.

    `language`: the language of the message it answers, which decides words that two languages
    share (« si », « nu »). Never raises; never longer than linear in the text.
    """
    if len(text) > LONGEST:
        return _human("texte trop long pour une réponse")
    read = plain(text)
    if read.reaction:
        return _reaction(read)
    if read.hidden:
        return _human("caractères invisibles dans un mot")
    if read.link:
        return _human("contient une adresse ou du code")
    if not read.words.strip(" .,"):
        return _human("texte vide")
    return _read(_Heard(_spoken(pieces(read.words), language)))


def _human(why: str, intent: Intent = Intent.AMBIGUOUS) -> Reading:
    return Reading(intent, Action.HUMAN, why)


def _reaction(read: Plain) -> Reading:
    if read.reaction == "liked":
        return Reading(Intent.CONFIRM, Action.CONFIRM, "réaction favorable à notre message")
    return _human("réaction à notre message, sans réponse claire")


def _spoken(found: Sequence[Piece], language: str) -> Sequence[Piece]:
    """Words two languages share mean what the message's own language says."""
    ours = language[:2].lower()
    meant = {"si": {"es": Sense.YES, "it": Sense.YES}, "nu": {"fr": Sense.UNKNOWN}}
    return [
        Piece(sense, piece.words)
        if (sense := meant.get(piece.words, {}).get(ours)) is not None
        else piece
        for piece in found
    ]


TITLES = ("madame", "monsieur", "docteur", "mademoisele")


def _without_names(found: Sequence[Piece]) -> Iterator[Piece]:
    """A title's name (« Mme Exemple », at most two words nobody knows) says nothing, nor does
    the one below « Cordialement »."""
    left, signed = 0, False
    for piece in found:
        if piece.words == SIGNED:
            left, signed = 3, True
        elif piece.words in TITLES:
            left = max(left, 2)
        elif piece.sense is Sense.UNKNOWN and left:
            left -= 1
            continue
        elif not (signed and (piece.sense is Sense.PAUSE or piece.words == "m")):
            left = 0
        yield piece


IGNORED = frozenset({Sense.FILLER, Sense.PAUSE, Sense.WHEN, Sense.TOMORROW})
NO_TROUBLE = re.compile("probleme|souci")
SAYS_SO = re.compile(r"(?:je|nous|on) .*confirme")
HOUR = re.compile(r"\dh|heure|matin|soir|midi")
POLITE = frozenset({Sense.THANKS, Sense.SAD, Sense.GOD_WILLING})
POSITIVE = frozenset({Sense.YES, Sense.CONFIRM, Sense.NOT_CANCEL, Sense.TO_CONFIRM})
NEGATIVE = frozenset({Sense.NO, Sense.CANCEL, Sense.CANNOT, Sense.TO_CANCEL})


class _Heard:
    """The senses of one text and the few questions the rules ask of them."""

    def __init__(self, spoken: Sequence[Piece]) -> None:
        found = list(_without_names(spoken))
        self.found = [piece for piece in found if piece.sense is not Sense.PAUSE]
        self.senses = {piece.sense for piece in found}
        self.said = [piece for piece in self.found if piece.sense not in IGNORED]

    def __contains__(self, sense: Sense) -> bool:
        return sense in self.senses

    def any(self, *senses: Sense) -> bool:
        return not self.senses.isdisjoint(senses)

    def only(self, *senses: Sense) -> bool:
        """Nothing else is said, beside what every letter holds."""
        return all(piece.sense in senses for piece in self.said)

    def words_of(self, sense: Sense) -> str:
        return next((piece.words for piece in self.found if piece.sense is sense), "")

    @property
    def positive(self) -> bool:
        return not self.senses.isdisjoint(POSITIVE)

    @property
    def negative(self) -> bool:
        return not self.senses.isdisjoint(NEGATIVE)

    @property
    def two_moments(self) -> bool:
        """« Pas ce matin, cet après-midi » : two days, or two hours."""
        moments = [piece.words for piece in self.found if piece.sense is Sense.WHEN]
        hours = [one for one in moments if HOUR.search(one)]
        return len(hours) > 1 or len(moments) - len(hours) > 1

    @property
    def accompanied(self) -> bool:
        """« Je ne viens pas avec ma fille » may well come alone."""
        return any(p.sense is Sense.FILLER and p.words.startswith("avec ") for p in self.found)

    @property
    def begins_with_yes(self) -> bool:
        """« Oui » or « je confirme » first: what follows is another matter."""
        first = self.said[0] if self.said else None
        return first is not None and (
            first.sense is Sense.YES
            or (first.sense is Sense.CONFIRM and SAYS_SO.fullmatch(first.words) is not None)
        )


Rule = Callable[[_Heard], Reading | None]


def _read(heard: _Heard) -> Reading:
    for rule in RULES:
        if (reading := rule(heard)) is not None:
            return reading
    return _human("sens incertain")


# --- rules, in the order of what would hurt most if it were missed ---------------------------


def _automatic(heard: _Heard) -> Reading | None:
    if Sense.REASSIGNED in heard:
        return Reading(
            Intent.AUTO_REPLY, Action.SUPPRESS_AND_HUMAN, "le numéro a changé de titulaire"
        )
    if Sense.AUTOMATIC not in heard:
        return None
    if "auto" not in heard.words_of(Sense.AUTOMATIC) and (heard.positive or heard.negative):
        return _human("écrit en conduisant ou par un robot : réponse incertaine")
    return Reading(Intent.AUTO_REPLY, Action.NONE, "réponse automatique d'un téléphone")


def _medical(heard: _Heard) -> Reading | None:
    if Sense.MEDICAL not in heard:
        return None
    return Reading(Intent.MEDICAL_ALERT, Action.URGENT, "signe de santé à lire tout de suite")


def _deceased(heard: _Heard) -> Reading | None:
    if Sense.DECEASED not in heard:
        return None
    return Reading(Intent.DECEASED, Action.SUPPRESS_AND_HUMAN, "annonce d'un décès")


def _wrong_number(heard: _Heard) -> Reading | None:
    if Sense.WRONG not in heard:
        return None
    if Sense.YES in heard and "rdv" in heard.words_of(Sense.WRONG):
        return _human("« ok, pas de rendez-vous » : sens incertain")
    return Reading(
        Intent.WRONG_NUMBER, Action.SUPPRESS_AND_HUMAN, "ce numéro n'est pas celui du patient"
    )


def _start(heard: _Heard) -> Reading | None:
    if Sense.START not in heard or heard.negative or Sense.STOP in heard:
        return None
    return Reading(Intent.START, Action.OPT_IN, "demande à recevoir de nouveau les messages")


def _stop(heard: _Heard) -> Reading | None:
    if Sense.STOP not in heard:
        return None
    words = [piece.words for piece in heard.said]
    if ("non", "stop") in pairwise(words):
        return _human("« non stop » : expression", Intent.STOP)
    if heard.only(Sense.STOP, Sense.THANKS, Sense.SAD):
        return Reading(Intent.STOP, Action.OPT_OUT, "ne veut plus recevoir de messages")
    return Reading(
        Intent.STOP, Action.OPT_OUT_AND_HUMAN, "ne veut plus de messages, et dit autre chose"
    )


def _already(heard: _Heard) -> Reading | None:
    if Sense.ALREADY not in heard:
        return None
    return _human("dit que c'est déjà fait : vérifier dans le DPI", Intent.ALREADY_CANCELLED)


def _complaint(heard: _Heard) -> Reading | None:
    return _human("réclamation", Intent.COMPLAINT) if Sense.COMPLAINT in heard else None


def _late(heard: _Heard) -> Reading | None:
    return _human("annonce un retard", Intent.LATE) if Sense.LATE in heard else None


def _transport(heard: _Heard) -> Reading | None:
    """A transport that is settled beside a yes disturbs nothing; any other needs a person."""
    if Sense.TRANSPORT not in heard and Sense.TROUBLE not in heard:
        return None
    if Sense.TRANSPORT not in heard and Sense.ASKED in heard:
        return _human("pose une question", Intent.QUESTION)
    if Sense.BUT in heard or heard.negative or not heard.positive:
        return _human("question de transport", Intent.TRANSPORT)
    if Sense.UNSURE in heard:
        return _human("question de transport", Intent.TRANSPORT)
    if heard.begins_with_yes and heard.any(Sense.TROUBLE, Sense.QUESTION, Sense.ASKED):
        return Reading(Intent.QUESTION, Action.CONFIRM_AND_HUMAN, "confirme, et parle de transport")
    if heard.any(Sense.TROUBLE, Sense.QUESTION, Sense.ASKED):
        return _human("question de transport", Intent.TRANSPORT)
    return None


def _reschedule(heard: _Heard) -> Reading | None:
    if Sense.RESCHEDULE not in heard:
        return None
    return _human("demande une autre date ou une autre heure", Intent.RESCHEDULE)


def _unclear(heard: _Heard) -> Reading | None:
    if Sense.SEVERAL in heard:
        return _human("parle de plusieurs rendez-vous")
    if Sense.BUT in heard and not heard.only(Sense.NOT_CANCEL, Sense.BUT):
        other = Intent.RESCHEDULE if Sense.WHEN in heard else Intent.AMBIGUOUS
        return _human("réserve dans la réponse", other)
    if Sense.UNSURE in heard:
        return _human("réponse incertaine ou conditionnelle")
    return None


def _question(heard: _Heard) -> Reading | None:
    if not heard.any(Sense.QUESTION, Sense.ASKED):
        return None
    clear = heard.begins_with_yes and not heard.negative
    if clear and Sense.QUESTION in heard and heard.said[0].words not in ("ok",):
        return Reading(Intent.QUESTION, Action.CONFIRM_AND_HUMAN, "confirme, et pose une question")
    return _human("pose une question", Intent.QUESTION)


def _not_understood(heard: _Heard) -> Reading | None:
    return _human("un mot n'est pas compris") if Sense.UNKNOWN in heard else None


def _keeps(heard: _Heard) -> Reading | None:
    """A negation that keeps the appointment: « n'annulez pas », « pas de problème »."""
    if Sense.NOT_CANCEL not in heard or heard.any(
        Sense.CANCEL, Sense.CANNOT, Sense.TO_CANCEL, Sense.REASON
    ):
        return None
    if Sense.NO in heard and NO_TROUBLE.search(heard.words_of(Sense.NOT_CANCEL)):
        return None if Sense.CONFIRM in heard else _human("« non, pas de problème » : incertain")
    return Reading(
        Intent.NEGATIVE_WITH_CONFIRM, Action.CONFIRM, "une négation qui maintient le rendez-vous"
    )


def _cancel(heard: _Heard) -> Reading | None:
    if not heard.negative:
        return None
    asks = heard.any(Sense.CANCEL, Sense.CANNOT, Sense.TO_CANCEL)
    if Sense.TO_CANCEL in heard and heard.any(Sense.CANCEL, Sense.CANNOT):
        return _human("« je ne viens pas pour annuler » : sens incertain")
    if heard.any(Sense.CONFIRM, Sense.NOT_CANCEL, Sense.TO_CONFIRM) or Sense.GOD_WILLING in heard:
        return _human("dit une chose et son contraire", Intent.NEGATIVE_WITH_CONFIRM)
    if Sense.YES in heard and not _yes_then_cancels(heard):
        return _human("dit oui et annule", Intent.NEGATIVE_WITH_CONFIRM)
    if Sense.CANNOT in heard and Sense.CANCEL not in heard and Sense.WHEN in heard:
        return _human("ne peut pas ce jour ou à cette heure : autre date ?", Intent.RESCHEDULE)
    if not asks and heard.any(Sense.WHEN, Sense.TOMORROW):
        return _human("« non » avec un jour ou une heure")
    if heard.said[-1].sense is Sense.NO and asks:
        return _human("« annuler, non » : sens incertain")
    if Sense.WHEN in heard and "absent" in heard.words_of(Sense.CANCEL):
        return _human("absent à un moment : sens incertain")
    if heard.two_moments or heard.accompanied:
        return _human("deux moments, ou une réserve sur la venue : sens incertain")
    if Sense.TRANSPORT in heard:
        return _human("question de transport", Intent.TRANSPORT)
    if Sense.PROXY in heard or _of_somebody(heard):
        return Reading(Intent.PROXY_CANCEL, Action.CANCEL_AND_HUMAN, "annulation par un tiers")
    if Sense.YES in heard or "confirme" in heard.words_of(Sense.CANCEL):
        return Reading(Intent.NEGATIVE_WITH_CONFIRM, Action.CANCEL, "un oui qui annule clairement")
    return Reading(Intent.CANCEL, Action.CANCEL, "dit clairement qu'il ne viendra pas")


def _yes_then_cancels(heard: _Heard) -> bool:
    """« Oui j'annule », « OK pour annuler »; not « Oui pour annuler », which mixes the two words
    the message offered."""
    if Sense.CANCEL in heard:
        return True
    return Sense.TO_CANCEL in heard and heard.words_of(Sense.YES) in ("ok", "d acord")


THIRD_PERSON = ("il ", "ele ", "ils ", "eles ", "ma ", "mon ", "mes ", "maman ", "papa ", "le pat")
SOMEBODY_ELSE = ("transportable", "se deplacer", "refuse", "viendra ")


def _of_somebody(heard: _Heard) -> bool:
    words = heard.words_of(Sense.CANCEL) or heard.words_of(Sense.CONFIRM)
    if words.startswith(("on ", "nous ")):
        return False
    return words.startswith(THIRD_PERSON) or any(one in words for one in SOMEBODY_ELSE)


def _confirm(heard: _Heard) -> Reading | None:
    if not heard.positive:
        return None
    if heard.any(Sense.REASON, Sense.SAD):
        return _human("un oui avec une excuse ou un empêchement")
    if Sense.PROXY in heard or (Sense.CONFIRM in heard and _of_somebody(heard)):
        return Reading(Intent.PROXY_CONFIRMATION, Action.CONFIRM, "un proche confirme")
    return Reading(Intent.CONFIRM, Action.CONFIRM, "dit clairement qu'il viendra")


def _thanks(heard: _Heard) -> Reading | None:
    if Sense.THANKS in heard and heard.only(Sense.THANKS):
        return Reading(Intent.THANKS, Action.NONE, "remercie, sans répondre à la question")
    return None


RULES: tuple[Rule, ...] = (
    _automatic,
    _medical,
    _deceased,
    _wrong_number,
    _start,
    _stop,
    _already,
    _complaint,
    _late,
    _transport,
    _reschedule,
    _unclear,
    _question,
    _not_understood,
    _keeps,
    _cancel,
    _confirm,
    _thanks,
)
