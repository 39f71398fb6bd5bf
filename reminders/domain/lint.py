"""What is wrong or doubtful in a template's text, said to whoever wrote it.

Refused: what would send a gap, mix the two families of messages (DESIGN 7.4), leave out the desk
phone, or ask for a word that providers take for an objection. Warned: what costs, reveals or
tires. Each rule is explained in template_rules.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from reminders.domain.marking import N_
from reminders.domain.sms import GSM7, UCS2_SINGLE, Measure, measure, replacement
from reminders.domain.template import (
    LINKS,
    Channel,
    Family,
    always_printed,
    unguarded,
    variables_used,
)
from reminders.domain.template_key import LANGUAGES, Part, TemplateKey, TemplateText
from reminders.domain.template_problems import problems
from reminders.domain.template_rules import SAY
from reminders.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of the lint. Refused ones block; warned ones are ticked by the approver.

    `say` % `values` is the sentence, so that it can be said in another language. `part` says
    where it stands in an e-mail. Line and column count from 1.
    """

    level: Literal["refused", "warned"]
    code: str
    sentence: str
    line: int | None = None
    column: int | None = field(default=None, compare=False)
    part: Part = field(default="body", compare=False)
    say: str = field(default="", compare=False)
    values: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def mark(self) -> str:
        """What an approver ticks: the rule, and what it is about."""
        return f"{self.code}:{self.part}:{'|'.join(self.values.values())}"


REPLY_WORDS = re.compile(
    r"(?i)(?<!\bne )(?<!\bpas )(?<!\bpas y )(?<!\bnot )(?<!n't )(?<!\binutile de )(?<!\bsans )"
    r"\b(?:r[ée]pond(?:ez|re|s)?|reply)\b|"
    r"\btext (?:yes|no|back)\b|\banswer (?:yes|no)\b|"
    r"\b(?:envoye[zr]|tape[zr]|renvoye[zr]|retourne[zr]|[ée]crivez|send|respond)\b"
    r"[^.\n]{0,20}?\b(?:oui|non|yes|no|ok)\b|"
    r"\b(?:envoyez|tapez|renvoyez|send)\s*[\"«'“]?\s*[0-9]\b|"
    r"\b(?:oui|ok|yes)\b[\"»'”]?\s+(?:pour|to)\s+(?:confirm|valid)|"
    r"\b(?:non|no)\b[\"»'”]?\s+(?:pour|to)\s+(?:annul|cancel|d[ée]comm)"
)
# A word to send back that providers take for an objection: said right after the verb, or anywhere
# near it in capitals or quotes. "Reply NO to cancel" asks for NO.
_VERB = (
    r"\b(?i:r[ée]pond(?:ez|re)|envoye[zr]|renvoye[zr]|retourne[zr]|tape[zr]|[ée]crivez|reply|text|"
    r"send|answer|respond)\b"
)
_STOPS = r"(?:stop|stopall|end|quit|cancel|unsubscribe|arret|arrêt)"
OPT_OUT_ANSWER = re.compile(
    rf"{_VERB}\s+(?i:{_STOPS})\b|{_VERB}[^.\n]{{0,40}}?(?:\b{_STOPS.upper()}\b|"
    rf"[\"«'“]\s*(?i:{_STOPS})\b)|"
    rf"\b{_STOPS.upper()}\b[\"»'”]?\s+(?i:pour|to)\s+(?i:annul|cancel|confirm)"
)
# A link, with or without its protocol; an e-mail address is none.
ADDRESS = re.compile(
    r"(?i)\bhttps?://|\bwww\.|"
    r"(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:fr|com|org|net|eu|ly)(?:/|\b(?!\.?\w))"
)
# Specialties, diseases, examinations and wards, French and English, with their endings.
_UNACCENTED = str.maketrans("àâäéèêëîïôöùûüçÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ", "aaaeeeeiioouuucAAAEEEEIIOOUUUC")
_SENSITIVE = re.compile(  # of a text without its accents: they are often left out
    r"(?i)\b(?:cardio\w*|pneumolog\w*|gastro\w*|neurolog\w*|rhumatolog\w*|ophtalmo\w*|orl|"
    r"nephro\w*|hemato\w*|hepat\w*|diabet\w*|infectiolog\w*|allergolog\w*|geriatr\w*|"
    r"onco\w*|chimio\w*|radiotherap\w*|psy|psychi\w*|psycho\w*|addicto\w*|alcool\w*|"
    r"toxico\w*|ivg|vih|hiv|sida|aids|ist|mst|std|gyneco\w*|obstetri\w*|matern\w*|"
    r"orthogenie|contracepti\w*|fertilit\w*|amp|pma|uro\w{3,}|dermato\w*|cancer\w*|tumeu?r\w*|"
    r"(?:hemo)?dialys\w*|scanner|irm|mri|echograph\w*|mammograph\w*|coloscop\w*|endoscop\w*|biops\w*|"
    r"depistage|genetique|sexolog\w*|palliati\w*|chirurg\w*|surgery|operation|bloc op\w*|"
    r"cmp|cattp|csapa|cegidd|umj|uaped|usmp|hopital de jour|hdj|grossesse|pediatr\w*|radiolog\w*|"
    r"prise de sang|medecine legale|transidentit\w*|douleur)\b"
)
LONG_SENTENCE = 30  # words
_HTML_FORBIDDEN = re.compile(
    r"(?i)<\s*/?\s*(?:script|iframe|object|embed|form|input|button|img|svg|link|base|video|audio|"
    r"source|picture)\b|\s(?:background|srcset)\s*=|\son[a-z]+\s*=|javascript:|data:|url\s*\(|@import"
)
_MARKS = re.compile(r"(?is)<style\b.*?</style\s*>|<[^>]*>|&#?\w+;")
TAG = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)


def remark(
    level: Literal["refused", "warned"],
    code: str,
    source: str = "",
    start: int | None = None,
    *,
    say: str = "",
    **values: str,
) -> Finding:
    """A finding at an offset of `source`, its sentence made from SAY."""
    line = column = None
    if start is not None:
        line, column = position(source, start)
    sentence = SAY[say or code]
    filled = sentence % values if values else sentence
    return Finding(level, code, filled, line, column, say=sentence, values=values)


def position(source: str, start: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return source.count("\n", 0, start) + 1, start - source.rfind("\n", 0, start)


def lint(source: str, *, channel: Channel, family: Family, html: bool = False) -> list[Finding]:
    """Every remark on one part of a text, refusals first. Of one that cannot be read, what its
    variables would say has to wait; its words have not."""
    refused = [
        Finding("refused", one.code, one.sentence, one.line, one.column)
        for one in problems(source, channel)
    ]
    if any(one.line is None for one in refused):
        return refused  # too long or too full to be looked at any further
    told = _sensitive(_unmarked(source)) if html else _warnings(source, channel)
    found = refused or _variables(source, channel, family)
    return [*found, *_wordings(source, channel, family), *told]


def lint_text(key: TemplateKey, text: TemplateText) -> list[Finding]:
    """Every remark on all the parts of a text as it was written, refusals first."""
    found = _part("body", lint(text.body, channel=key.channel, family=key.family))
    if not text.body.strip():
        found = [remark("refused", "empty")]
    if key.channel == "email":
        found += _lint_mail(key, text)
    found += _without_moment(key, text)
    return sorted(found, key=lambda one: one.level)


# Texts that announce an appointment, and how each says its day or its hour.
ANNOUNCES = frozenset({"booking", "preparation", "confirm", "short", "correction"})
_MOMENT = {
    "no_day": frozenset({"date_rdv", "date_rdv_courte", "jour_rdv"}),
    "no_hour": frozenset({"heure_rdv"}),
}


def _without_moment(key: TemplateKey, text: TemplateText) -> list[Finding]:
    """Does an announcement say when?"""
    try:
        used = variables_used(text.body, key.channel)
    except TemplateError:
        return []
    if key.purpose not in ANNOUNCES or not text.body.strip():
        return []
    return [
        remark("warned", "no_moment", say=say) for say, those in _MOMENT.items() if not used & those
    ]


def _lint_mail(key: TemplateKey, text: TemplateText) -> list[Finding]:
    found = _part("subject", lint(text.subject, channel="email", family=key.family))
    if not text.subject.strip() or "\n" in text.subject.strip():
        found += _part("subject", [remark("refused", "subject")])
    if text.html:
        said = {_plain_word(one[0]) for one in sensitive(text.body)}
        found += _part(
            "html",
            [
                one
                for one in lint(text.html, channel="email", family=key.family, html=True)
                if one.code != "sensitive" or _plain_word(one.values["name"]) not in said
            ],
        )
        found += _part(
            "html",
            [
                remark("refused", "html_forbidden", text.html, one.start(), name=one[0].strip())
                for one in list(_HTML_FORBIDDEN.finditer(text.html))[:5]
            ],
        )
    for part, source in (("body", text.body), ("html", text.html)):
        if source.strip() and _never_calls(source):
            found += _part(part, [remark("refused", "no_phone")])  # type: ignore[arg-type]
    return found


def _never_calls(source: str) -> bool:
    try:
        return "telephone_secretariat" not in always_printed(source, "email")
    except TemplateError:
        return False  # refused already


def _part(part: Part, found: Sequence[Finding]) -> list[Finding]:
    return [replace(one, part=part) for one in found]


def _variables(source: str, channel: Channel, family: Family) -> Iterator[Finding]:
    """What a readable text's variables are refused for."""
    if channel == "sms" and "telephone_secretariat" not in always_printed(source, channel):
        yield remark("refused", "no_phone")
    if channel == "sms" and family != "link" and variables_used(source, channel) & LINKS:
        yield remark("refused", "mixed_family", say="mixed_link")
    gaps = unguarded(source, channel)
    for name, line in sorted(gaps.items(), key=lambda gap: gap[1]):
        yield replace(remark("refused", "unguarded", name=name), line=line)


def _wordings(source: str, channel: Channel, family: Family) -> Iterator[Finding]:
    """What a text's words are refused for."""
    if family != "reply" and (found := REPLY_WORDS.search(source)):
        yield remark("refused", "mixed_family", source, found.start(), say="mixed_asks")
    if channel == "sms" and family != "link" and (found := ADDRESS.search(source)):
        yield remark("refused", "mixed_family", source, found.start(), say="mixed_link")
    if found := OPT_OUT_ANSWER.search(source):
        yield remark("refused", "opt_out_word", source, found.start())


def plain_text(source: str) -> str:
    """The text around the tags, every character at its place."""
    return TAG.sub(lambda tag: re.sub(r"[^\n]", " ", tag[0]), source)


def _warnings(source: str, channel: Channel) -> Iterator[Finding]:
    text = plain_text(source)
    yield from _sensitive(source)
    if channel == "sms":
        yield from _costs(source)
    if (start := _long_sentence(text)) is not None:
        yield remark("warned", "long_sentence", source, start)


def _unmarked(source: str) -> str:
    """HTML without its tags, styles and entities, every character at its place."""
    return _MARKS.sub(lambda one: re.sub(r"[^\n]", " ", one[0]), source)


def sensitive(text: str) -> Iterator[re.Match[str]]:
    """Words that tell of an illness or a ward; the matches are of the text without its accents,
    at the same places."""
    return _SENSITIVE.finditer(text.translate(_UNACCENTED))


def _plain_word(text: str) -> str:
    return text.translate(_UNACCENTED).lower()


def _sensitive(source: str) -> Iterator[Finding]:
    """Each word once, however it is accented."""
    text = plain_text(source)
    seen: set[str] = set()
    for found in sensitive(text):
        word = text[found.start() : found.end()]
        if word.lower() not in seen:
            seen.add(word.lower())
            yield remark("warned", "sensitive", source, found.start(), name=word)


def _long_sentence(text: str) -> int | None:
    """Where the first sentence of more than thirty words starts."""
    start = 0
    for end in re.finditer(r"[.!?\n]|\Z", text):
        if len(text[start : end.start()].split()) > LONG_SENTENCE:
            return start + len(text[start:]) - len(text[start:].lstrip())
        start = end.end()
    return None


@dataclass(frozen=True, slots=True)
class Costly:
    """A character outside the SMS alphabet, where it stands, and what says the same inside it.

    `equivalent` None: nothing does; "": it can go. `places` are offsets into the source.
    """

    character: str
    equivalent: str | None
    places: tuple[int, ...]

    @property
    def visible(self) -> str:
        """How to show it: one that is not seen is named."""
        if self.character.isprintable() and not self.character.isspace():
            return self.character
        return _SPACES.get(self.character, f"U+{ord(self.character):04X}")


_SPACES = {"\u00a0": N_("espace insécable"), "\u202f": N_("espace fine insécable")}
_PLAIN_SPACE = N_("espace ordinaire")
SCRIPT = 3  # letters without an equivalent; more of them are a writing, not an accident


def costly(source: str) -> list[Costly]:
    """Each costly character of a text, in order of appearance; those of tags cost nothing."""
    places: dict[str, list[int]] = {}
    for place, character in enumerate(plain_text(source)):
        if character not in GSM7 and character != "\r":
            places.setdefault(character, []).append(place)
    return [Costly(one, replacement(one), tuple(found)) for one, found in places.items()]


def another_script(found: Sequence[Costly]) -> bool:
    """Is the text in letters no SMS alphabet has? Then nothing in it can be spelt cheaper."""
    alone = [one for one in found if one.equivalent is None and one.character.isalpha()]
    return len(alone) > SCRIPT


def _costs(source: str) -> Iterator[Finding]:
    """Each costly character, or one remark on a text in another script."""
    found = costly(source)
    if not another_script(found):
        yield from (_cost(one, source) for one in found)
        return
    some = " ".join(one.character for one in found if one.character.isalpha())[:9]
    yield remark("warned", "costly", source, found[0].places[0], say="costly_script", name=some)


def _cost(one: Costly, source: str) -> Finding:
    start = one.places[0]
    if one.equivalent is None:
        return remark("warned", "costly", source, start, name=one.visible)
    if not one.equivalent.strip() and one.equivalent != " ":
        return remark("warned", "costly", source, start, say="costly_drop", name=one.visible)
    other = one.equivalent if one.equivalent.strip() else _PLAIN_SPACE
    return remark(
        "warned", "costly", source, start, say="costly_advice", name=one.visible, other=other
    )


def with_equivalents(source: str, characters: str, *, at: int | None = None) -> str:
    """These characters replaced by what says the same in the SMS alphabet, outside tags; only
    the one at offset `at` if it is said."""
    written = list(source)
    for one in costly(source):
        if one.character in characters and one.equivalent is not None:
            for place in one.places:
                if at in (None, place):
                    written[place] = one.equivalent
    return "".join(written)


# --- what only rendered texts show ---------------------------------------------------------------


def lint_longest(longest: str) -> list[Finding]:
    """Does the longest text a patient may get need a second SMS?"""
    found = measure(longest)
    if found.segments < 2:
        return []
    return [
        remark(
            "warned", "second_segment", segments=str(found.segments), units=str(found.units),
            most=str(most_of(found)),
        )
    ]  # fmt: skip


def most_of(found: Measure) -> int:
    """Characters one SMS holds in this text's alphabet."""
    return UCS2_SINGLE if found.encoding == "ucs2" else 160


# Punctuation that has lost what it belonged to.
_ORPHAN = re.compile(
    r"[,:;(]\s*[.;,!?)](?!\.)|\(\s*\)|(?:^|\n)[,.;:!?)](?:\s|$)|[,(]\s*(?=\n|$)|\s,|:\s*(?=\n\n|$)"
)


def lint_cases(whole: str, without: Mapping[str, str]) -> list[Finding]:
    """Which missing variable leaves punctuation behind. `without`: the text without each."""
    usual = {one[0] for one in _ORPHAN.finditer(whole)}
    found = []
    for name, text in without.items():
        left = [one for one in _ORPHAN.finditer(text) if one[0] not in usual]
        if left:
            around = text[max(0, left[0].start() - 12) : left[0].end()].strip()
            found.append(remark("warned", "empty_case", name=name, left=around.replace("\n", " ")))
    return found


def lint_languages(missing: Sequence[str]) -> list[Finding]:
    """Languages spoken by patients of this message that have no text in service."""
    return [
        remark("warned", "missing_translation", language=LANGUAGES.get(one, one)) for one in missing
    ]


def lint_same(text: str, html_text: str) -> list[Finding]:
    """The first word of an e-mail's text that its HTML does not say."""
    said = set(re.findall(r"\w+", html_text.lower()))
    for word in re.findall(r"\w+", re.sub(r"https?://\S+", "", text)):
        if len(word) > 3 and word.lower() not in said:
            return [replace(remark("warned", "html_differs", name=word), part="html")]
    return []
