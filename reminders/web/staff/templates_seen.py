"""The right side of writing: what the patient reads, what it costs, what to look at again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.lint import Costly, another_script, costly, position, with_equivalents
from reminders.domain.sms import measure
from reminders.domain.template_key import TemplateKey, TemplateText
from reminders.services.rules import Rules
from reminders.services.template_preview import (
    Rendering,
    coming,
    monthly_cost,
    on_invented,
    on_real,
    price_of,
    shown_ufs,
)
from reminders.services.template_review import review
from reminders.services.templates import Figures
from reminders.store.engine import Record
from reminders.web.staff.templates_shown import (
    LABELS,
    key_of_visit,
    named,
    remark,
    shown,
    volumes,
)
from reminders.web.staff.visit import Visit

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds. `kept`: costly characters the author means to keep."""

    text: TemplateText
    base: int = 0
    revision: int = 0
    note: str = ""
    kept: str = ""
    example: int = 0
    invented: bool = False


def typed_by(visit: Visit) -> Typed:
    form = visit.form
    return Typed(
        TemplateText(form.get("texte", ""), form.get("objet", ""), form.get("mise_en_forme", "")),
        base=number_in(form, "base"),
        revision=number_in(form, "revision"),
        note=form.get("note", ""),
        kept=form.get("garde", ""),
        example=number_in(form, "exemple"),
        invented=form.get("avec", "") == "exemples",
    )


def number_in(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def read(visit: Visit, key: TemplateKey) -> tuple[Sequence[Record], Figures]:
    ufs = shown_ufs(visit.staff.rules, visit.viewer.ufs(May.SEE_TEMPLATES))
    with visit.staff.store.read() as connection:
        appointments = coming(connection, ufs, now=visit.now, limit=EXAMPLES)
    return appointments, volumes(visit, key)


def seen(
    visit: Visit,
    key: TemplateKey,
    typed: Typed,
    appointments: Sequence[Record],
    volume: int,
    missing: Sequence[str],
) -> dict[str, Any]:
    """The right side: one example of several, the longest case, the price, the remarks."""
    rules, words = visit.staff.rules, visit.words
    text = typed.text.normalised(key.channel)
    found = review(rules, key, text, missing)
    readable = not found.refused
    real = (
        on_real(rules, key, text, appointments, named=named(visit), now=visit.now)
        if (readable)
        else []
    )
    examples = (
        on_invented(rules, key, text, now=visit.now)
        if (readable and (typed.invented or not real))
        else real
    )
    price = price_of(key, visit.staff.routes)
    dear = costly(text.body) if key.channel == "sms" else []
    if script := another_script(dear):  # nothing to choose: a remark says what it costs
        dear = []
    place = min(typed.example, max(0, len(examples) - 1))
    return {
        "examples": len(examples),
        "place": place,
        "example": shown(examples[place]) if examples else None,
        "invented": typed.invented or not appointments,
        "has_real": bool(appointments),
        "longest": found.longest,
        "longest_measure": measure(found.longest) if found.longest else None,
        "refused": [remark(words, one, text) for one in found.refused],
        "warned": [remark(words, one) for one in found.warned if script or one.code != "costly"],
        "costly": [(one, [position(text.body, place) for place in one.places]) for one in dear],
        "marked": _marked(text.body, dear, typed.kept),
        "plain_measure": measure(
            with_equivalents(found.longest, "".join(one.character for one in dear))
        )
        if found.longest
        else None,
        "kept": typed.kept,
        "price": price,
        "cost": monthly_cost(real or examples, volume, price),
        "saving": _saving(rules, key, text, appointments, visit, volume, price, real),
        "messages": volume,
    }


def _saving(
    rules: Rules,
    key: TemplateKey,
    text: TemplateText,
    appointments: Sequence[Record],
    visit: Visit,
    volume: int,
    price: float,
    real: Sequence[Rendering],
) -> float:
    """Euros a month less if every costly character were replaced."""
    if key.channel != "sms" or not real or not volume:
        return 0.0
    characters = "".join(one.character for one in costly(text.body))
    if not characters:
        return 0.0
    plain = TemplateText(with_equivalents(text.body, characters))
    cheaper = on_real(rules, key, plain, appointments, named=frozenset(), now=visit.now)
    return monthly_cost(real, volume, price) - monthly_cost(cheaper, volume, price)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the text, or one costly character at offset `at` that could be spelt otherwise."""

    text: str
    costly: Costly | None = None
    at: int = 0


def _marked(source: str, dear: Sequence[Costly], kept: str) -> list[Piece]:
    """The text with each costly character nobody decided on marked in place; [] for none."""
    marks = {place: one for one in dear if one.character not in kept for place in one.places}
    pieces, start = [], 0
    for place in sorted(marks):
        pieces += [Piece(source[start:place]), Piece(source[place], marks[place], place)]
        start = place + 1
    return [*pieces, Piece(source[start:])] if pieces else []


def preview(visit: Visit) -> Response:
    """A piece of the page, for what is being typed: nothing is saved. One statement."""
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    rules, form = visit.staff.rules, visit.form
    ufs = shown_ufs(rules, visit.viewer.ufs(May.SEE_TEMPLATES))
    with visit.staff.store.read() as connection:
        appointments = coming(connection, ufs, now=visit.now, limit=EXAMPLES)
    missing = [one for one in form.get("manquent", "").split(",") if one in LABELS["language"]]
    return visit.page(
        "templates/_preview.html",
        key=key,
        typed=typed_by(visit),
        labels=LABELS,
        **seen(
            visit, key, typed_by(visit), appointments, number_in(form, "volume") % 10**9, missing
        ),
    )
