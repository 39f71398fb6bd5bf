"""What is wrong or doubtful in a template's text, said to whoever wrote it.

Refused: what would send a gap, mix the two families of messages (DESIGN 7.4), leave out the desk
phone, or ask for a word that providers take for an objection. Warned: what costs, reveals or tires.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reminders.domain.sms import measure, replacement
from reminders.domain.template import (
    LINKS,
    Channel,
    Family,
    always_printed,
    unguarded,
    variables_used,
)
from reminders.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of the lint. Refused ones block; warned ones are ticked by the approver."""

    level: Literal["refused", "warned"]
    code: str
    sentence: str
    line: int | None = None


REPLY_WORDS = re.compile(
    r"(?i)\br[ée]pond(?:ez|re|s)?\b|\breply\b|\btext (?:yes|no|back)\b|\banswer (?:yes|no)\b|"
    r"\b(?:envoyez|tapez|renvoyez|send)\s*[\"«'“]?\s*(?:oui|non|yes|no|ok|[0-9])\b"
)
# A word to send back that providers take for an objection: said right after the verb, or anywhere
# near it in capitals or quotes. "Reply NO to cancel" asks for NO.
_VERB = r"\b(?i:r[ée]pondez|envoyez|renvoyez|tapez|reply|text|send|answer)\b"
_STOPS = r"(?:stop|stopall|end|quit|cancel|unsubscribe|arret|arrêt)"
OPT_OUT_ANSWER = re.compile(
    rf"{_VERB}\s+(?i:{_STOPS})\b|{_VERB}[^.\n]{{0,40}}?(?:\b{_STOPS.upper()}\b|"
    rf"[\"«'“]\s*(?i:{_STOPS})\b)"
)
ADDRESS = re.compile(r"(?i)\bhttps?://|\bwww\.|\b[a-z0-9-]+\.(?:fr|com|org|net|eu|ly)/")
SENSITIVE = re.compile(
    r"(?i)\b(?:cardio\w*|onco\w*|chimio\w*|psychi\w*|addicto\w*|ivg|vih|hiv|gynéco\w*|gyneco\w*|"
    r"uro\w{3,}|dermato\w*|cancer\w*|dialys\w*|scanner|irm|mri|génétique|orthogénie|maternité)\b"
)
LONG_SENTENCE = 30  # words


def lint(source: str, *, channel: Channel, family: Family, html: bool = False) -> list[Finding]:
    """Every remark on a text, refusals first. An unreadable template is one refusal."""
    try:
        used = variables_used(source, channel)
        gaps = unguarded(source, channel)
        printed = always_printed(source, channel)
    except TemplateError as error:
        return [Finding("refused", error.code, error.sentence, error.line)]
    findings = [*_refusals(source, channel, family, used, gaps, printed)]
    return findings + ([] if html else [*_warnings(source, channel)])


def _refusals(
    source: str,
    channel: Channel,
    family: Family,
    used: frozenset[str],
    gaps: dict[str, int],
    printed: frozenset[str],
) -> Iterator[Finding]:
    if channel == "sms" and "telephone_secretariat" not in printed:
        yield Finding(
            "refused",
            "no_phone",
            "Le téléphone manque, toujours ou parfois : ajouter {{ telephone_secretariat }} "
            "hors de toute condition.",
        )
    if family != "reply" and (found := REPLY_WORDS.search(source)):
        yield Finding(
            "refused",
            "mixed_family",
            "Ce message ne peut pas recevoir de réponse.",
            _line(source, found),
        )
    if channel == "sms" and family != "link" and used & LINKS:
        yield Finding("refused", "mixed_family", "Un numéro à réponse n'envoie pas de lien.")
    if family == "reply" and (found := ADDRESS.search(source)):
        yield Finding(
            "refused",
            "mixed_family",
            "Un numéro à réponse n'envoie pas de lien.",
            _line(source, found),
        )
    if found := OPT_OUT_ANSWER.search(source):
        yield Finding(
            "refused",
            "opt_out_word",
            "STOP, CANCEL, END, QUIT arrêtent tous les messages : demander un autre mot.",
            _line(source, found),
        )
    for name, line in sorted(gaps.items(), key=lambda gap: gap[1]):
        yield Finding(
            "refused",
            "unguarded",
            f"« {name} » peut manquer : l'écrire dans {{% if {name} %}}…{{% endif %}}.",
            line,
        )


def _line(source: str, found: re.Match[str]) -> int:
    return source.count("\n", 0, found.start()) + 1


def _warnings(source: str, channel: Channel) -> Iterator[Finding]:
    text = re.sub(r"\{[{%].*?[}%]\}", " ", source)
    if found := SENSITIVE.search(text):
        yield Finding("warned", "sensitive", f"« {found[0]} » peut révéler des soins.")
    if channel == "sms":
        for character in measure(text).costly:
            other = replacement(character)
            advice = f" : écrire « {other} »" if other else ""
            yield Finding("warned", "costly", f"« {character} » double le coût{advice}.")
    if any(len(sentence.split()) > LONG_SENTENCE for sentence in re.split(r"[.!?\n]", text)):
        yield Finding("warned", "long_sentence", "Une phrase dépasse trente mots.")
