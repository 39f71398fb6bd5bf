"""Rendering an approved version: the same refusals again, and never a gap.

A value is data: it is inserted as it is (escaped in HTML), never read as a template. A text with
an unknown or empty variable, a leftover marker or an invisible character is not a text.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from jinja2 import StrictUndefined, Template, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reminders.domain.marking import N_, filled
from reminders.domain.template import FILTERS, Channel, unguarded
from reminders.errors import TemplateError

_BLANKS = re.compile(r"\n{3,}")  # what skipped conditions leave
LEFTOVERS = re.compile(r"\{\{|\}\}|\{%|%\}")
NOTHINGS = frozenset({"none", "null", "undefined", "nan"})  # an absence some program spelt out
LONGEST_VALUE = 2_000
ALLOWED_CONTROLS = "\n"
TEXTS_KEPT = 4_096
EMPTY = N_("La variable « %(name)s » est vide.")
NOTHING_SENT = N_("La variable « %(name)s » est vide : rien n'est envoyé.")
TOO_LONG = N_("La valeur de « %(name)s » est trop longue.")
UNSEEN = N_("La valeur de « %(name)s » porte un caractère invisible.")


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version of a template. For an SMS only `body` is used."""

    id: int
    purpose: str
    language: str
    family: str
    channel: Literal["sms", "email"]
    body: str
    subject: str = ""
    html: str = ""


class Renderer:
    def __init__(self) -> None:
        self._texts: dict[tuple[object, ...], str] = {}

    def render(self, version: Version, variables: Mapping[str, str]) -> str:
        """The text of an SMS. Raises TemplateError; the caller sends nothing then.

        Patients seen at the same hour are told the same: their text is composed once.
        """
        key = (version.body, *variables.items())
        text = self._texts.get(key)
        if text is None:
            text = self._render(version, "body", version.body, variables)
            if len(self._texts) == TEXTS_KEPT:
                self._texts.clear()
            self._texts[key] = text
        return text

    def render_email(self, version: Version, variables: Mapping[str, str]) -> tuple[str, str, str]:
        """(subject, text, html). The subject is one line."""
        subject = self._render(version, "subject", version.subject, variables)
        if "\n" in subject:
            raise TemplateError("subject_lines", N_("L'objet doit tenir sur une ligne."))
        text = self._render(version, "body", version.body, variables)
        return subject, text, self._render(version, "html", version.html, variables)

    def _render(
        self, version: Version, part: str, source: str, variables: Mapping[str, str]
    ) -> str:
        html = part == "html"
        template = _compiled(source, version.channel, html)
        for name, value in variables.items():
            _check_value(name, value)
        try:
            text = template.render(variables)
        except UndefinedError as error:
            name = str(error).split("'")[1] if "'" in str(error) else "?"
            raise TemplateError(
                "empty_variable",
                filled(N_("La variable « %(name)s » est vide : rien n'est envoyé."), name=name),
            ) from None
        text = _BLANKS.sub("\n\n", text.strip()) if html else _tidy(text)
        if not text or LEFTOVERS.search(text):
            raise TemplateError("leftover", N_("Le texte composé garde un trou ou une accolade."))
        return text


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=_GuardOnly, autoescape=autoescape, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update({name: one.apply for name, one in FILTERS.items()})
    environment.tests.clear()
    return environment


# By its text: a preview's version has no number. Compiling takes a hundred times as long as
# rendering, and a page of previews renders all that is in service several times.
@lru_cache(maxsize=1_024)
def _compiled(source: str, channel: Channel, html: bool) -> Template:
    if gaps := unguarded(source, channel):  # refuses what `parse` does
        told = filled(N_("« %(name)s » peut manquer sans garde."), name=min(gaps))
        raise TemplateError("unguarded", told)
    return (_HTML if html else _TEXT).from_string(source)


class _GuardOnly(StrictUndefined):
    """A missing variable may be tested by {% if %}, and nothing else."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


_TEXT = _environment(autoescape=False)
_HTML = _environment(autoescape=True)


@lru_cache(maxsize=8_192)
def _check_value(name: str, value: str) -> None:
    """Personalisation is printable text: no control, no invisible filler, nothing endless."""
    if not value.strip() or value.strip().lower() in NOTHINGS:
        raise TemplateError("empty_variable", filled(EMPTY, name=name))
    if len(value) > LONGEST_VALUE:
        raise TemplateError("long_value", filled(TOO_LONG, name=name))
    if value.isascii() and value.isprintable():
        return
    for character in value:
        if character in ALLOWED_CONTROLS or character in "\u00a0\u202f":
            continue
        if unicodedata.category(character)[0] in "CZ" and character != " ":
            raise TemplateError("invisible_character", filled(UNSEEN, name=name))
        if character in "\u115f\u1160\u3164\uffa0\u2800":
            raise TemplateError("invisible_character", filled(UNSEEN, name=name))


def _tidy(text: str) -> str:
    """Blanks a skipped condition leaves behind are closed up; lines stay lines."""
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().split("\n")]
    return _BLANKS.sub("\n\n", "\n".join(lines))


@dataclass(frozen=True, slots=True)
class Shipped:
    """One text of this release, before it enters a store."""

    purpose: str
    language: str
    family: str
    channel: Literal["sms", "email"]
    body: str
    subject: str
    html: str
    content_hash: str
    reviewed: bool  # by a person, as the language's REVIEW.toml says


@lru_cache(maxsize=1)
def shipped() -> tuple[Shipped, ...]:
    """Every text of the `templates` package: messages/<language>/<purpose>.(sms|txt|…).j2.

    `<purpose>.<family>.sms.j2` belongs to one family; without it a text serves any. REVIEW.toml
    says whether a person read the language's texts (relu / non relu): without it nobody did.
    """
    found: list[Shipped] = []
    for folder in sorted(_children(files("templates") / "messages"), key=lambda one: one.name):
        parts = {child.name: child.read_text(encoding="utf-8") for child in _children(folder)}
        reviewed = tomllib.loads(parts.get("REVIEW.toml", "")).get("reviewed") is True
        ship = partial(_ship, language=folder.name, reviewed=reviewed)
        for name in sorted(parts):
            if name.endswith(".sms.j2"):
                purpose, _, family = name.removesuffix(".sms.j2").partition(".")
                found.append(ship(purpose, family or "any", "sms", parts[name]))
            elif name.endswith(".txt.j2"):
                purpose = name.removesuffix(".txt.j2")
                subject, html = parts[f"{purpose}.subject.j2"], parts[f"{purpose}.html.j2"]
                found.append(ship(purpose, "any", "email", parts[name], subject, html))
    return tuple(found)


def _children(folder: Traversable) -> list[Traversable]:
    return [child for child in folder.iterdir() if not child.name.startswith(("_", "."))]


def _ship(
    purpose: str,
    family: str,
    channel: Literal["sms", "email"],
    body: str,
    subject: str = "",
    html: str = "",
    *,
    language: str,
    reviewed: bool,
) -> Shipped:
    content = "\x1f".join((purpose, language, family, channel, body, subject, html))
    digest = sha256(content.encode()).hexdigest()
    return Shipped(
        purpose, language, family, channel, body.strip(), subject.strip(), html.strip(), digest,
        reviewed,
    )  # fmt: skip
