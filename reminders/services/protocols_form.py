"""What somebody typed about a protocol: its steps line by line, or what is wrong in which."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from reminders.config import ProtocolTable, StepTable
from reminders.config.mistakes import sentence
from reminders.domain.marking import N_

BOOKING = "booking"
CHANNELS = ("sms,email", "email,sms", "sms", "email")
CONDITIONS = ("always", "unless_answered")
MOST_STEPS = 8  # of one appointment; three reach the patient at most (DESIGN 5)
FIELDS = ("id", "day", "hour", "latest", "channels", "template", "condition", "booked")
_AT_BOOKING = frozenset({"réservation", "reservation", "booking", "résa"})
_BY_DAY = re.compile(r"J-\d+(-\d+)?|booking(-\d+)?")


@dataclass(frozen=True, slots=True)
class StepForm:
    """One line as it was typed. `day`: « booking », or civil days before the appointment."""

    id: str = ""
    day: str = "3"
    hour: str = "10:00"
    latest: str = ""
    channels: str = "sms,email"
    template: str = "confirm"
    condition: str = "always"
    booked: str = "0"


@dataclass(frozen=True, slots=True)
class ProtocolForm:
    name: str
    steps: tuple[StepForm, ...] = ()
    after_no_show: bool = False

    def with_step(self) -> "ProtocolForm":
        return replace(self, steps=(*self.steps, StepForm()))

    def without(self, place: int) -> "ProtocolForm":
        return replace(self, steps=tuple(s for n, s in enumerate(self.steps) if n != place))


def filled(table: ProtocolTable, name: str | None = None) -> ProtocolForm:
    """The form of a protocol, or under another name of its copy."""
    return ProtocolForm(
        name=table.id if name is None else name,
        steps=tuple(_filled(step) for step in table.step),
        after_no_show=table.after_no_show,
    )


def _filled(step: StepTable) -> StepForm:
    return StepForm(
        id=step.id,
        day=BOOKING if step.day is None else str(step.day),
        hour=f"{step.hour:%-H:%M}",
        latest=f"{step.latest:%-H:%M}" if step.latest else "",
        channels=",".join(step.channels),
        template=step.template,
        condition=step.condition,
        booked=str(step.booked_days_before),
    )


def typed(name: str, columns: Mapping[str, Sequence[str]], *, after_no_show: bool) -> ProtocolForm:
    """The form of a POST: each field of a step is a column, line by line."""
    count = min(MOST_STEPS + 1, max((len(columns.get(one, ())) for one in FIELDS), default=0))

    def cell(field: str, line: int) -> str:
        told = columns.get(field, ())
        text = told[line].strip() if line < len(told) else ""
        return BOOKING if field == "day" and text.lower() in _AT_BOOKING else text

    steps = (StepForm(**{one: cell(one, n) for one in FIELDS}) for n in range(count))
    return ProtocolForm(name.strip(), tuple(steps), after_no_show)


def read(
    form: ProtocolForm, purposes: Collection[str]
) -> tuple[ProtocolTable | None, dict[str, str]]:
    """(protocol, nothing), or (None, « field-line » -> what is wrong in plain French)."""
    errors: dict[str, str] = {}
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", form.name):
        errors["name"] = N_(
            "Donner un nom court : lettres sans accent, chiffres et tirets, par exemple « bloc »."
        )
    if len(form.steps) > MOST_STEPS:
        errors["steps"] = N_("Au plus huit étapes : un patient en reçoit trois.")
    steps = [_step(n, one, purposes, errors) for n, one in enumerate(form.steps)]
    if errors:
        return None, errors
    named = _named([one for one in steps if one is not None])
    try:
        table = ProtocolTable.model_validate(
            {"id": form.name, "step": named, "after_no_show": form.after_no_show}
        )
    except ValidationError as error:
        return None, {"steps": sentence(error.errors(include_url=False)[0])}
    return table, {}


def _step(
    line: int, form: StepForm, purposes: Collection[str], errors: dict[str, str]
) -> dict[str, Any] | None:
    """The step's table; what is wrong with it goes into `errors`."""

    def wrong(field: str, told: str) -> None:
        errors.setdefault(f"{field}-{line}", told)

    if form.day != BOOKING and not (form.day.isdigit() and int(form.day) <= 60):
        wrong("day", N_("Écrire un nombre de jours, de 0 à 60."))
    if form.channels not in CHANNELS:
        wrong("channels", N_("Choisir les canaux dans la liste."))
    if form.template not in purposes:
        wrong("template", N_("Choisir un modèle de la liste."))
    if form.condition not in CONDITIONS:
        wrong("condition", N_("Choisir une condition de la liste."))
    if form.booked and not (form.booked.isdigit() and int(form.booked) <= 365):
        wrong("booked", N_("Écrire un nombre de jours, de 0 à 365."))
    if any(key.endswith(f"-{line}") for key in errors):
        return None
    told = {
        "id": form.id if form.id and not _BY_DAY.fullmatch(form.id) else "",
        "day": None if form.day == BOOKING else int(form.day),
        "hour": form.hour or "10:00",
        "latest": form.latest or None,
        "channels": form.channels.split(","),
        "template": form.template,
        "condition": form.condition,
        "booked_days_before": int(form.booked or 0),
    }
    try:
        step = StepTable.model_validate(told | {"id": told["id"] or "x"})
    except ValidationError as error:
        for one in error.errors(include_url=False):
            field = str(one["loc"][0]) if one["loc"] else "hour"
            field = field if field in FIELDS else "hour"
            wrong(field, _hour(sentence(one)))
        return None
    if step.latest is not None and step.latest <= step.hour:
        wrong("latest", N_("La dernière heure doit suivre l’heure d’envoi."))
        return None
    return told


def _hour(said: str) -> str:
    return N_("Écrire une heure, par exemple 10:00.") if said.startswith("heure") else said


def _named(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A step is called after its day; of several on one day the later ones are numbered."""
    taken = {str(one["id"]) for one in steps if one["id"]}
    named: list[dict[str, Any]] = []
    for one in steps:
        name = str(one["id"])
        if not name:
            plain = BOOKING if one["day"] is None else f"J-{one['day']}"
            name, again = plain, 2
            while name in taken:
                name, again = f"{plain}-{again}", again + 1
            taken.add(name)
        named.append(one | {"id": name})
    return named
