"""What a text would become: on real appointments to come, on invented ones, at its longest.

The composer that sends composes here too. Nothing of what is typed is kept: a renderer remembers
every text it ever compiled, so each preview has its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from reminders.domain.marking import N_
from reminders.domain.preparation import (
    Preparation,
    Translation,
    build_variables,
    in_language,
)
from reminders.domain.sms import Measure, measure
from reminders.domain.template import VARIABLES
from reminders.domain.template_key import TemplateKey, TemplateText
from reminders.domain.template_mail import html_of
from reminders.domain.writing import Details
from reminders.errors import TemplateError
from reminders.rendering import Renderer, Version
from reminders.services.compose import Composer, Draft, Item, Route, Templates
from reminders.services.rules import Desk, Rules
from reminders.store import template_samples
from reminders.store.engine import Connection, Record
from reminders.store.types import instant, micros

KINDS = {"booking": "booking", "correction": "correction", "notice": "notice", "rebook": "rebook"}
TOLD_BEFORE = {"correction", "notice"}  # texts that say what was told until now
LINK_END = "7Kq2Zt9dAbCdEfGhIjKlMn"  # as long as a real link's; leads nowhere
INVENTED_DESK = Desk(
    "", "Centre hospitalier Exemple", "CH Exemple", "01 99 00 12 34", ZoneInfo("Europe/Paris"),
    "Consultations", "1 rue du Test, 75001 Paris", "normal",
)  # fmt: skip
INVENTED_SHEET = Preparation(
    "exemple",
    instructions="Ne rien manger après minuit.\nL'eau est permise.",
    sms="Venir à jeun.",
    documents=("carte Vitale", "ordonnance"),
    arrival_point="Accueil B2",
    building="Bâtiment B",
    floor="2e étage",
    door="porte 12",
    arrive_minutes_before=15,
    translations=(
        (
            "en",
            Translation(
                "Eat nothing after midnight.\nYou may drink water.", "Do not eat before.",
                ("your Vitale card", "the prescription"),
            ),
        ),
        (
            "ar",
            Translation(
                "لا تأكل شيئا بعد منتصف الليل.\nيمكنك شرب الماء.", "احضر صائما.",
                ("بطاقة فيتال", "الوصفة الطبية"),
            ),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rendering:
    """One text as one patient would read it, or `problem`: why it cannot be composed.

    `person` is how the patient may be named to whoever looks; "" for an invented case.
    """

    case: str
    starts_at: datetime | None
    person: str
    text: str = ""
    subject: str = ""
    html: str = ""
    problem: str = ""

    @property
    def measure(self) -> Measure:
        return measure(self.text)


def complete(key: TemplateKey, text: TemplateText) -> TemplateText:
    """With the HTML an e-mail leaves with: made from its text unless somebody wrote one."""
    if key.channel == "sms" or text.html:
        return text
    return TemplateText(text.body, text.subject, html_of(text.body, key.language))


def version_of(key: TemplateKey, text: TemplateText) -> Version:
    """`any`: whatever the sender, it is this text that is shown."""
    whole = complete(key, text)
    return Version(
        0, key.purpose, key.language, "any", key.channel, whole.body, whole.subject, whole.html
    )


# --- real appointments -----------------------------------------------------------------------


def shown_ufs(rules: Rules, ufs: frozenset[str] | None) -> list[str]:
    """The services whose appointments may be shown: those that write, within what is allowed."""
    return sorted(
        uf
        for uf, desk in rules.desks.items()
        if uf in rules.units and desk.sensitivity != "excluded" and (ufs is None or uf in ufs)
    )


def coming(
    connection: Connection, ufs: Sequence[str], *, now: datetime, limit: int
) -> list[Record]:
    return list(template_samples.coming(connection, ufs, now=micros(now), limit=limit))


def on_real(
    rules: Rules,
    key: TemplateKey,
    text: TemplateText,
    appointments: Sequence[Record],
    *,
    named: frozenset[str] | None,
    now: datetime,
) -> list[Rendering]:
    """The text on each appointment. Patients of the services `named` (None: all) are named;
    the others have the same name all of them."""
    composer = Composer(rules, Renderer())
    version = version_of(key, text)
    return [
        _on_one(rules, composer, key, version, one, named is None or one.uf in named, now)
        for one in appointments
    ]


def _on_one(
    rules: Rules,
    composer: Composer,
    key: TemplateKey,
    version: Version,
    one: Record,
    named: bool,
    now: datetime,
) -> Rendering:
    given = one.given if named else GIVEN
    person = f"{given} {one.family if named else FAMILY}".strip()
    starts_at = instant(one.starts_at)
    row = Draft(
        id=0, kind=KINDS.get(key.purpose, "ack" if key.purpose.startswith("ack") else "reminder"),
        channel=key.channel, patient_id=one.patient_id, recipient=one.number or "0",
        relation=one.proxy, purpose=key.purpose, language=key.language,
        site_id="", closes_at=micros(now), retries=0,
    )  # fmt: skip
    told = micros(starts_at - timedelta(days=2)) if key.purpose in TOLD_BEFORE else None
    item = Item(
        message_id=0, step="", appointment_id=one.appointment_id, version=one.version,
        starts_at=one.starts_at, uf=one.uf, kind=one.kind, external_id=one.external_id,
        duration_minutes=one.duration_minutes, given=given, patient_id=one.patient_id,
        told_before=told, **_said(key.purpose),
    )  # fmt: skip
    shared = frozenset({row.recipient}) if one.shared else frozenset()
    try:
        found = composer.compose(
            cast(Any, row), cast(Any, [item]), Route("", key.channel), Templates([version]), shared,
            now=now,
        )  # fmt: skip
    except TemplateError as error:
        return Rendering(one.uf, starts_at, person, problem=error.sentence)
    return Rendering(one.uf, starts_at, person, found.text, found.subject, found.html)


# In place of a name: beside the day and the hour, its length and its hyphens would tell whose it
# is. Plain letters, as many as most names have: the text costs what it mostly will.
GIVEN, FAMILY = "Xxxxxxx", "Xxxxxxxx"


# --- invented ones ---------------------------------------------------------------------------

CASES: Mapping[str, Mapping[str, Any]] = {
    N_("Cas ordinaire"): {},
    N_("Numéro de plusieurs patients"): {"first_name": "Léa"},
    N_("Enfant : le message va à un parent"): {"relation": "parent"},
    N_("Deux rendez-vous le même jour"): {"several": True},
    N_("Service discret"): {"sensitivity": "neutral"},
    N_("Sans consigne"): {"preparation": None, "address": ""},
}
UNTRANSLATED = N_("Consignes sans traduction")


def on_invented(
    rules: Rules,
    key: TemplateKey,
    text: TemplateText,
    *,
    now: datetime,
    sheet: Preparation = INVENTED_SHEET,
) -> list[Rendering]:
    """The text on a few invented patients, in the words of the first service."""
    renderer, version = Renderer(), version_of(key, text)
    desk = next(
        (one for _, one in sorted(rules.desks.items()) if one.sensitivity != "excluded"),
        INVENTED_DESK,
    )
    start = _invented_start(desk.zone, now)
    found: list[Rendering] = []
    french = in_language(replace(sheet, translations=()), key.language)
    cases: dict[str, Mapping[str, Any]] = {**CASES, UNTRANSLATED: {"preparation": french}}
    for case, changes in cases.items():
        given = dict(changes)
        starts = [start, start + timedelta(minutes=105)] if given.pop("several", False) else [start]
        values = values_of(key, desk, starts, sheet, **given)
        one = rendered(renderer, version, case, start, linked(rules, key, values))
        if case != UNTRANSLATED or replace(one, case=found[0].case) != found[0]:
            found.append(one)  # it is a case of its own where a text of another language says it
    return found


@lru_cache(maxsize=512)
def glimpse(body: str, language: str) -> str:
    """How an SMS reads, for a list: on invented values, "" if it cannot be composed."""
    key = TemplateKey("short", language, "any", "sms")
    start = datetime(2026, 10, 14, 7, 30, tzinfo=UTC)
    values = values_of(key, INVENTED_DESK, [start], INVENTED_SHEET)
    values["lien_confirmation"] = "https://…"
    version = Version(0, key.purpose, language, "any", "sms", body)
    return rendered(Renderer(), version, "", None, values).text


def _invented_start(zone: ZoneInfo, now: datetime) -> datetime:
    day = now.astimezone(zone).date() + timedelta(days=3)
    return datetime(day.year, day.month, day.day, 9, 30, tzinfo=zone).astimezone(UTC)


def values_of(
    key: TemplateKey,
    desk: Desk,
    starts: Sequence[datetime],
    sheet: Preparation,
    **changes: Any,
) -> dict[str, str]:
    told = [starts[0] - timedelta(days=2)] if key.purpose in TOLD_BEFORE else []
    given: dict[str, Any] = {
        "language": key.language,
        "channel": key.channel,
        "sensitivity": "normal",
        "establishment": desk.establishment,
        "short_name": desk.short_name,
        "desk_phone": desk.phone,
        "starts": starts,
        "zone": desk.zone,
        "preparation": in_language(sheet, key.language),
        "first_name": None,
        "relation": "",
        "told_starts": told,
        "address": desk.address,
        **_said(key.purpose),
    }
    return build_variables(**(given | changes))


def _said(purpose: str) -> dict[str, Any]:
    """What somebody writes to a session with its text."""
    details = Details(30, VARIABLES["nouveau_lieu"].example).of(purpose)
    return {"late_minutes": details.late_minutes, "new_place": details.place}


def linked(rules: Rules, key: TemplateKey, values: dict[str, str]) -> dict[str, str]:
    """With the addresses of the patients' pages, where there are any."""
    answers = not key.purpose.startswith("ack") and key.purpose not in ("notice", "rebook")
    if rules.public_url and answers and key.family != "reply":
        values["lien_confirmation"] = f"{rules.public_url}/r/{LINK_END}"
    if rules.public_url and key.channel == "email":
        values["lien_opposition"] = f"{rules.public_url}/u/{LINK_END}"
    return values


def rendered(
    renderer: Renderer,
    version: Version,
    case: str,
    start: datetime | None,
    values: Mapping[str, str],
) -> Rendering:
    try:
        if version.channel == "sms":
            return Rendering(case, start, "", renderer.render(version, values))
        subject, text, html = renderer.render_email(version, values)
        return Rendering(case, start, "", text, subject, html)
    except TemplateError as error:
        return Rendering(case, start, "", problem=error.sentence)


# --- what it costs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Volume:
    """How much of a message is sent. `messages` a month: those of the last thirty days, else
    those that wait (`planned`). `reach`: patients the next ones go to."""

    messages: int = 0
    reach: int = 0
    planned: bool = False


def price_of(key: TemplateKey, routes: Sequence[Route]) -> float:
    """Euros a segment, at the first sender that would carry this family."""
    for route in routes:
        if route.channel == key.channel and key.family in ("any", route.family):
            return route.price_eur
    return 0.0


def monthly_cost(renderings: Sequence[Rendering], volume: int, price: float) -> float:
    """Euros a month if the other messages are like these."""
    told = [one.measure.segments for one in renderings if one.text]
    if not told or not price:
        return 0.0
    return sum(told) / len(told) * volume * price
