"""What the pages of templates share: the key in the address, a rendering, a remark in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from reminders.domain.access import May
from reminders.domain.lint import Finding
from reminders.domain.sms import Measure
from reminders.domain.template_diff import Piece, difference
from reminders.domain.template_key import (
    CHANNELS,
    FAMILIES,
    LANGUAGES,
    PARTS,
    PURPOSES,
    Part,
    TemplateKey,
    TemplateText,
    key_from,
)
from reminders.domain.template_life import REASONS, STATES
from reminders.domain.template_mail import shown_html
from reminders.domain.template_rules import RULES, Rule, legible
from reminders.errors import TemplateError
from reminders.services.template_preview import Rendering
from reminders.services.templates import Figures, Stored, figures
from reminders.web.staff.visit import Visit
from reminders.web.staff.words import Words

LINE_SHOWN = 120  # characters of a line with a mistake

LABELS: Mapping[str, Mapping[str, str]] = {
    "purpose": PURPOSES, "language": LANGUAGES, "family": FAMILIES, "channel": CHANNELS,
    "state": STATES, "reason": REASONS, "part": dict(PARTS.items()),
}  # fmt: skip


def key_of_visit(visit: Visit) -> TemplateKey | None:
    """The template of the address; None where there can be none."""
    try:
        return key_from(str(visit.path["modele"]))
    except TemplateError:
        return None


def may_exist(visit: Visit, key: TemplateKey) -> bool:
    """Is this a message we know, or one a protocol asks for?"""
    return key.purpose in PURPOSES or any(
        step.purpose == key.purpose
        for unit in visit.staff.rules.units.values()
        for step in unit.steps
    )


def named(visit: Visit) -> frozenset[str] | None:
    """The services whose patients may be named to this person; None: all."""
    return visit.viewer.ufs(May.SEE_PATIENTS)


def volumes(visit: Visit, key: TemplateKey, *, fresh: bool = False) -> Figures:
    """How much of a template is sent, counted at most every few minutes: it reads a month.

    `fresh`: counted now. An approval always counts for itself.
    """
    staff = visit.staff

    def count() -> Figures:
        with staff.store.read() as connection:
            return figures(connection, staff.rules, key, staff.routes, now=visit.now)

    return count() if fresh else staff.volumes.get(key, count, now=visit.now).value


@dataclass(frozen=True, slots=True)
class Shown:
    """A rendering as a page holds it: `html` is structure and escaped text only."""

    case: str
    starts_at: datetime | None
    person: str
    subject: str
    text: str
    html: Markup
    problem: str
    measure: Measure


def shown(one: Rendering) -> Shown:
    return Shown(
        one.case, one.starts_at, one.person, one.subject, one.text,
        Markup(shown_html(one.html)),  # noqa: S704  shown_html lets no attribute or script through
        one.problem, one.measure,
    )  # fmt: skip


def changed_parts(old: Stored | None, new: Stored) -> list[tuple[Part, list[Piece]]]:
    """The parts that differ from one version to another, word by word; all of a first one."""
    parts: tuple[Part, ...] = (
        ("subject", "body", "html") if new.key.channel == "email" else ("body",)
    )
    pairs = [(one, getattr(old.text, one) if old else "", getattr(new.text, one)) for one in parts]
    return [(part, difference(before, now)) for part, before, now in pairs if before != now]


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding in the reader's language, with its rule."""

    level: str
    code: str
    sentence: str
    place: str  # "Objet, ligne 1"; the text's own lines are not named
    part: str
    mark: str
    rule: Rule
    values: Mapping[str, str]
    written: str = ""  # the line it is about


def remark(words: Words, found: Finding, text: TemplateText | None = None) -> Remark:
    """`text`: what the remark is about, so that a mistake stands beside its line."""
    said, place = _said(words, found)
    written = _line_of(found, text) if text and found.level == "refused" else ""
    return Remark(
        found.level, found.code, said, place, found.part, found.mark, RULES[found.code],
        found.values, written,
    )  # fmt: skip


def _line_of(found: Finding, text: TemplateText) -> str:
    lines = str(getattr(text, found.part)).split("\n")
    line = lines[found.line - 1].strip() if found.line and found.line <= len(lines) else ""
    around = max(0, (found.column or 0) - LINE_SHOWN // 2) if len(line) > LINE_SHOWN else 0
    shown = legible(line[around : around + LINE_SHOWN])
    return ("…" if around else "") + shown + ("…" if around + LINE_SHOWN < len(line) else "")


def _said(words: Words, found: Finding) -> tuple[str, str]:
    """The sentence and its place. The parser's sentences begin with their line."""
    part = "" if found.part == "body" else words.gettext(PARTS[found.part])
    if not found.say:
        return words.gettext(found.sentence), part
    values = dict(found.values)
    for name in _OURS.get(found.code, ()):
        if name in values:
            values[name] = words.gettext(values[name])
    sentence = words.gettext(found.say, **values)
    line = ""
    if found.line and found.column:
        line = words.gettext("ligne %(line)s, colonne %(column)s", line=found.line,
                             column=found.column)  # fmt: skip
    elif found.line:
        line = words.gettext("ligne %(line)s", line=found.line)
    return sentence, ", ".join(one for one in (part, line) if one)


# Values that are words of ours, not of the text.
_OURS = {"missing_translation": ("language",), "costly": ("name", "other")}
