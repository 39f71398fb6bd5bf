"""Everything that keeps a text from being read, each at its own line.

`template.parse` decides whether a text is allowed and stops at the first refusal; Jinja2 itself
notices a condition nobody ended only where the text ends. Here a refused text is read tag by tag
so that whoever wrote it sees every mistake at once, where it was made.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from reminders.domain.marking import N_, Filled, filled
from reminders.domain.template import LONGEST, ONLY_TAGS, SHAPES, VARIABLES, Channel, parse
from reminders.errors import TemplateError

MOST = 20  # shown at once; the others come when these are gone
SHOWN = 40  # characters of a tag

UNCLOSED_TAG = N_(
    "Ligne %(line)s : « %(tag)s » n'est pas refermé. Ajouter « %(close)s » après le nom."
)
WRONG_CLOSE = N_(
    "Ligne %(line)s : « %(tag)s » se referme par « %(close)s », pas par « %(found)s »."
)
STRAY_CLOSE = N_("Ligne %(line)s : « %(found)s » ne referme rien. Le retirer.")
UNCLOSED_IF = N_(
    "Ligne %(line)s : la condition « %(tag)s » commence ici et n'est jamais terminée. Ajouter "
    "%(end)s là où elle finit."
)
STRAY_END = N_(
    "Ligne %(line)s : %(tag)s termine une condition que rien ne commence. Le retirer, ou ajouter "
    "%(start)s avant."
)
STRAY_ELSE = N_("Ligne %(line)s : %(tag)s n'est dans aucune condition. Le retirer.")
SECOND_ELSE = N_(
    "Ligne %(line)s : %(tag)s vient après le %(other)s de la même condition, qui doit être le "
    "dernier."
)
NEAR = N_("Ligne %(line)s : variable « %(name)s » inconnue. Vouliez-vous dire « %(near)s » ?")

_OPEN = re.compile(r"\{\{|\{%|\{#")
_CLOSE = re.compile(r"\}\}|%\}|#\}")
_CLOSED_BY = {"{{": "}}", "{%": "%}", "{#": "#}"}
_WORD = re.compile(r"[-+]?\s*(\w+)")


Place = tuple[int, int | None]  # line and column, from 1


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag as it stands: `inside` is what is between its marks. `broken`: badly closed, so
    only its place among the conditions can be judged."""

    kind: str
    inside: str
    whole: str
    at: Place
    broken: bool = False

    @property
    def word(self) -> str:
        found = _WORD.match(self.inside)
        return found[1] if found and self.kind == "{%" else ""


def problems(source: str, channel: Channel) -> list[TemplateError]:
    """What keeps a text from being allowed, in its order; nothing for one that `parse` accepts.

    Linear in the input's size but for the tags, each of which is parsed once more.
    """
    try:
        parse(source, channel)
    except TemplateError as error:
        if error.line is None or len(source) > LONGEST[channel]:
            return [error]  # about the whole text
        said = {(one.line, one.sentence): one for one in _found(source, channel)}
        found = sorted(said.values(), key=lambda one: (one.line or 0, one.column or 0))
        return found[:MOST] or [error]
    return []


def _found(source: str, channel: Channel) -> Iterator[TemplateError]:
    tags: list[_Tag] = []
    yield from _marks(source, tags)
    yield from _balance(tags)
    for tag in tags:
        if not tag.broken:
            yield from _alone(tag, channel)
    yield from islice(_elsewhere(source, tags, channel), MOST)


def _syntax(form: str, at: Place, **values: str) -> TemplateError:
    line, column = at
    return TemplateError("syntax", filled(form, line=line, **values), line=line, column=column)


def _marks(source: str, tags: list[_Tag]) -> Iterator[TemplateError]:
    """Fills `tags`; tells what opens without closing, and what closes without opening."""
    place = 0
    while (opened := _OPEN.search(source, place)) is not None:
        yield from _strays(source, place, opened.start())
        kind, at = opened[0], _place(source, opened.start())
        after = _OPEN.search(source, opened.end())
        limit = after.start() if after else len(source)
        closed = _CLOSE.search(source, opened.end(), limit)
        if closed is None:
            whole = re.split(r"[}\n]", source[opened.start() : limit])[0]
            tags.append(_Tag(kind, whole[2:], whole, at, broken=True))
            shown = whole.strip()[:SHOWN]
            yield _syntax(UNCLOSED_TAG, at, tag=shown, close=_CLOSED_BY[kind])
            place = opened.start() + len(whole)
            continue
        whole, inside = source[opened.start() : closed.end()], source[opened.end() : closed.start()]
        wrong = closed[0] != _CLOSED_BY[kind]
        tags.append(_Tag(kind, inside, whole, at, broken=wrong))
        if wrong:
            yield _syntax(
                WRONG_CLOSE, at, tag=whole[:-2].strip()[:SHOWN], close=_CLOSED_BY[kind],
                found=closed[0],
            )  # fmt: skip
        place = closed.end()
    yield from _strays(source, place, len(source))


def _strays(source: str, start: int, end: int) -> Iterator[TemplateError]:
    """What closes in a stretch without a tag. A "#}" alone is text, as Jinja2 reads it."""
    for found in _CLOSE.finditer(source, start, end):
        if found[0] != "#}":
            yield _syntax(STRAY_CLOSE, _place(source, found.start()), found=found[0])


def _place(source: str, start: int) -> Place:
    return source.count("\n", 0, start) + 1, start - source.rfind("\n", 0, start)


def _balance(tags: Sequence[_Tag]) -> Iterator[TemplateError]:
    """Conditions that do not end, and ends and alternatives of none."""
    open_: list[tuple[_Tag, bool]] = []  # the condition, and whether its {% else %} has come
    for tag in tags:
        if tag.word == "if":
            open_.append((tag, False))
        elif tag.word == "endif":
            if not open_:
                yield _syntax(STRAY_END, tag.at, tag="{% endif %}", start="{% if variable %}")
            else:
                open_.pop()
        elif tag.word in ("else", "elif"):
            shown = tag.whole[:SHOWN]
            if not open_:
                yield _syntax(STRAY_ELSE, tag.at, tag=shown)
            elif open_[-1][1]:
                yield _syntax(SECOND_ELSE, tag.at, tag=shown, other="{% else %}")
            else:
                open_[-1] = (open_[-1][0], tag.word == "else")
    for tag, _ in open_:
        yield _syntax(UNCLOSED_IF, tag.at, tag=tag.whole[:SHOWN], end="{% endif %}")


def _alone(tag: _Tag, channel: Channel) -> Iterator[TemplateError]:
    """What is wrong with one tag whatever stands around it."""
    if tag.word in ("else", "endif") and tag.inside.strip(" \t\n-+") == tag.word:
        return
    if tag.word and tag.word not in ("if", "elif", "else", "endif"):
        line, column = tag.at
        sentence = filled(ONLY_TAGS, line=line, **SHAPES)
        yield TemplateError("forbidden_tag", sentence, line=line, column=column)
        return
    whole = tag.whole
    if tag.word == "if":
        whole += "{% endif %}"
    elif tag.word == "elif":
        whole = "{% if etablissement %}" + whole + "{% endif %}"
    yield from _told(whole, channel, tag.at)


def _elsewhere(source: str, tags: Sequence[_Tag], channel: Channel) -> Iterator[TemplateError]:
    """What stands outside tags: signs nobody sees, single braces around a variable."""
    for line, text in enumerate(_outside(source, tags).split("\n"), 1):
        if text:
            yield from _told(text, channel, (line, None))


def _outside(source: str, tags: Sequence[_Tag]) -> str:
    """The text without its tags and without what only looks like one, its lines kept."""
    for tag in tags:
        source = source.replace(tag.whole, "\n" * tag.whole.count("\n"))
    return _CLOSE.sub("", _OPEN.sub("", source))


def _told(piece: str, channel: Channel, at: Place) -> Iterator[TemplateError]:
    """The refusal of a piece, at its line in the whole text."""
    try:
        parse(piece, channel)
    except TemplateError as error:
        sentence, (line, column) = error.sentence, at
        if isinstance(sentence, Filled):
            form, values = sentence.form, {**sentence.values, "line": line}
            if error.code == "unknown_variable" and (near := _near(str(values["name"]), channel)):
                form, values["near"] = NEAR, near
            sentence = filled(form, **values)
        yield TemplateError(error.code, sentence, line=line, column=column)


def _near(name: str, channel: Channel) -> str:
    """The variable somebody probably meant: "date" is "date_rdv"."""
    lower = name.lower()
    known = [one for one, variable in VARIABLES.items() if channel in variable.channels]
    starts = [one for one in known if one.startswith(f"{lower}_")]
    return (starts or get_close_matches(lower, known, n=1, cutoff=0.75) or [""])[0]
