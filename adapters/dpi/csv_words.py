"""The words of a French CSV export: statuses, who cancelled, sex, language, identity."""

import re
from collections.abc import Mapping
from functools import lru_cache

from adapters.dpi.csv_values import plain
from reminders.domain.appointment import CancelledBy, Status

Told = tuple[Status, CancelledBy]
StatusWords = Mapping[str, Told]  # a site's own words, plain, and what they mean

_WORDS: dict[Told, str] = {
    (Status.BOOKED, CancelledBy.UNKNOWN): "planifié, prévu, pris, confirmé, programmé, réservé, "
    "booked, validé, à venir, fixé, maintenu, scheduled, inscrit",
    (Status.PENDING, CancelledBy.UNKNOWN): "provisoire, option, pré-réservé, à confirmer, "
    "en attente de confirmation, à valider",
    (Status.FULFILLED, CancelledBy.UNKNOWN): "honoré, venu, réalisé, terminé, fait, effectué, "
    "fulfilled, sorti, clos, complete",
    (Status.ARRIVED, CancelledBy.UNKNOWN): "arrivé, présent, en salle d'attente, admis, en cours",
    (Status.NOSHOW, CancelledBy.UNKNOWN): "absent, non venu, nvne, non venu non excusé, no show, "
    "noshow, non honoré, manqué, lapin, absent non excusé, non présenté",
    (Status.CANCELLED, CancelledBy.PATIENT): "excusé, absent excusé, non venu excusé, "
    "annulé par patient, annulé par le patient, annulé patient, annulation patient, décommandé, "
    "désisté, désistement",
    (Status.CANCELLED, CancelledBy.HOSPITAL): "annulé par l'hôpital, annulé hôpital, "
    "annulé par hôpital, annulé service, annulé par le service, annulé établissement, "
    "annulé par l'établissement, annulé médecin, annulé par le médecin, annulé praticien, "
    "annulé par le praticien, annulation hôpital, annulation service",
    # "reporté", "déplacé": this slot is over; the new one is another line.
    (Status.CANCELLED, CancelledBy.UNKNOWN): "annulé, canceled, annulation, reporté, déplacé",
    (Status.ENTERED_IN_ERROR, CancelledBy.UNKNOWN): "supprimé, effacé, erreur, saisi par erreur, "
    "deleted",
    (Status.WAITLIST, CancelledBy.UNKNOWN): "attente, en attente, liste d'attente",
}


@lru_cache(maxsize=8_192)
def stem(word: str) -> str:
    """The word without gender and number, so that « Annulé(e)s par la patiente » is one word."""
    known = re.sub(r"\((?:e|s|es|ee|ne)\)", "", plain(word).replace("_", " ").replace("-", " "))
    return " ".join(re.sub(r"e*s?$", "", one) or one for one in known.split() if one != "la")


_STEMS: dict[str, Told] = {
    **{stem(one.value): (one, CancelledBy.UNKNOWN) for one in Status},
    **{stem(word): told for told, words in _WORDS.items() for word in words.split(",")},
}
# What a site may map its words to: FHIR's, and who cancelled.
TARGETS: dict[str, Told] = {
    **{one.value: (one, CancelledBy.UNKNOWN) for one in Status},
    **{f"cancelled-by-{by}": (Status.CANCELLED, by) for by in CancelledBy if by != "unknown"},
}


def site_words(words: Mapping[str, str]) -> dict[str, Told]:
    """A site's own map of words, checked before."""
    return {plain(theirs): TARGETS[ours] for theirs, ours in words.items()}


def status_of(word: str, site: StatusWords) -> Told:
    """An unknown word, and an empty cell, is `unknown` ("à vérifier"), never silently booked."""
    found = site.get(plain(word)) or _STEMS.get(stem(word))
    return found or (Status.UNKNOWN, CancelledBy.UNKNOWN)


_PATIENT = re.compile(r"\b(?:patiente?s?|famille|parents?|proche)\b")
_HOSPITAL = re.compile(
    r"\b(?:hopital|service|praticiens?|medecins?|etablissement|secretariat|materiel|greve|panne)\b"
)


@lru_cache(maxsize=8_192)
def cancelled_by(text: str) -> CancelledBy:
    """Who cancelled, from a free text that names one of the two; both or none is unknown."""
    known = plain(text)
    patient, hospital = bool(_PATIENT.search(known)), bool(_HOSPITAL.search(known))
    if patient == hospital:
        return CancelledBy.UNKNOWN
    return CancelledBy.PATIENT if patient else CancelledBy.HOSPITAL


_SEXES = {
    **dict.fromkeys(("m", "h", "1", "masculin", "homme", "monsieur", "mr", "male"), "male"),
    **dict.fromkeys(("f", "2", "feminin", "femme", "madame", "mme", "mlle", "female"), "female"),
}


@lru_cache(maxsize=256)
def sex_of(word: str) -> str:
    return _SEXES.get(plain(word), "")


_LANGUAGES = {
    "francais": "fr", "anglais": "en", "arabe": "ar", "portugais": "pt", "espagnol": "es",
    "turc": "tr", "roumain": "ro", "italien": "it", "russe": "ru", "ukrainien": "uk",
    "chinois": "zh", "allemand": "de", "fra": "fr", "fre": "fr", "eng": "en", "ara": "ar",
    "por": "pt", "spa": "es", "tur": "tr", "ita": "it", "rus": "ru", "deu": "de", "ger": "de",
}  # fmt: skip


@lru_cache(maxsize=256)
def language_of(word: str) -> str:
    """A BCP 47 tag from a code or a French name; "" for anything else: never guessed."""
    known = plain(word)
    found = _LANGUAGES.get(known, known)
    return found if re.fullmatch(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*", found) else ""


_IDENTITIES = {
    "validee": "VALI", "qualifiee": "VALI", "provisoire": "PROV", "anonyme": "ANOM",
    "cachee": "CACH", "fictive": "FICT", "fictif": "FICT", "usurpee": "USUR",
    "desactivee": "DESA", "douteuse": "DOUT", "doublon": "DOUB", "invalidee": "INVA",
}  # fmt: skip


@lru_cache(maxsize=256)
def identity_of(word: str) -> str:
    """A code of HL7 table 0445 as France uses it, from the code or its French name."""
    return _IDENTITIES.get(plain(word), word.strip().upper())


@lru_cache(maxsize=8_192)
def refuses(word: str) -> bool:
    """Does a consent column refuse? Empty does not (an objection is a right, consent is not
    asked for); a word nobody knows does: nothing is sent on doubt."""
    known = plain(word)
    return bool(known) and known not in _CONSENTS


_CONSENTS = frozenset(
    {"o", "oui", "1", "x", "vrai", "true", "y", "yes", "accord", "accepte", "ok", "nr",
     "non renseigne", "inconnu", "non recueilli"}
)  # fmt: skip


@lru_cache(maxsize=8_192)
def flagged(word: str) -> bool:
    """A flag that forbids (deceased, confidential): anything written but a plain no counts."""
    known = plain(word)
    return bool(known) and known not in ("n", "non", "0", "faux", "false", "no", "aucune", "aucun")
