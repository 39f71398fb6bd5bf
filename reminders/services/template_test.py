"""One text to one's own phone, through the same outbox and provider as a patient's.

It is made of invented values when it is asked for: nobody's appointment reaches a colleague's
phone. Objections, holds, the pace and the mode apply to it as to any message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from reminders.domain.marking import N_
from reminders.domain.outbox import dedupe_key
from reminders.domain.phone import Kind, classify
from reminders.domain.preparation import Preparation
from reminders.domain.sms import measure
from reminders.domain.template_key import TemplateKey, TemplateText
from reminders.services.compose import Composed, NoTemplate, Route
from reminders.services.rules import Rules
from reminders.services.template_preview import INVENTED_SHEET, on_invented
from reminders.services.template_review import review
from reminders.services.templates import Refused, refuse_unfit
from reminders.store import facts, holds, planning, template_samples
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros

LASTS = timedelta(minutes=15)
MOST = 10  # in a day, for one person
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What will become of it: `leaves` False in rehearsal; `held`: it waits for a release."""

    message: int
    text: str
    segments: int
    leaves: bool
    held: bool = False


def send_test(
    store: Store,
    rules: Rules,
    routes: Sequence[Route],
    secret: bytes,
    key: TemplateKey,
    text: TemplateText,
    *,
    account: str,
    phone: str,
    now: datetime,
    sheet: Preparation = INVENTED_SHEET,
) -> Asked:
    """Put the text, as an invented patient would read it, in the outbox for this phone.

    `sheet`: the one whose words it carries.

    Raises Refused: the lint, no phone, no mobile, an objection, too many today, no sender.
    """
    if key.channel != "sms":
        raise Refused("channel", N_("L’essai se fait par SMS : ce modèle est un courriel."))
    refuse_unfit(review(rules, key, text))
    number = classify(phone)
    if not phone:
        raise Refused("no_phone", N_("Votre compte n’a pas de téléphone : l’ajouter d’abord."))
    if number.kind is not Kind.MOBILE or not number.e164:
        raise Refused("no_mobile", N_("Le téléphone de votre compte ne reçoit pas de SMS."))
    if not any(_carries(route, key.family) for route in routes):
        raise Refused("no_sender", N_("Aucun opérateur configuré n’envoie cette sorte de SMS."))
    shown = on_invented(rules, key, text, now=now, sheet=sheet)[0]
    if shown.problem:
        raise Refused("gap", shown.problem)
    at, address = micros(now), planning.address_key(secret, number.e164)
    with store.write() as connection:
        if template_samples.tests_since(connection, account, micros(now - DAY)) >= MOST:
            raise Refused(
                "many", N_("Déjà %(most)s essais en un jour : réessayer demain."), most=MOST
            )
        if planning.objections(connection, [], [address]):
            raise Refused("objection", N_("Ce numéro a demandé à ne plus recevoir de message."))
        message = template_samples.add_test(
            connection,
            dedupe_key=dedupe_key("test", uuid4()),
            account=account,
            recipient=number.e164,
            recipient_key=address,
            purpose=key.purpose,
            language=key.language,
            family=key.family,
            body=shown.text,
            at=at,
            until=micros(now + LASTS),
        )
        held = any(not one.source_id for one in holds.active(connection))
        facts.audit(
            connection, at=at, actor=account, action="template.test",
            subject=f"message:{message}", template=key.slug,
        )  # fmt: skip
    return Asked(
        message, shown.text, measure(shown.text).segments,
        leaves=rules.mode == "live" or (rules.mode == "test" and number.e164 in _only_to(rules)),
        held=held,
    )  # fmt: skip


def _only_to(rules: Rules) -> set[str]:
    return {classify(address).e164 or address for address in rules.only_to}


def _carries(route: Route, family: str) -> bool:
    return route.channel == "sms" and family in ("any", route.family)


def compose_test(
    row: Record, test: Record | None, routes: Sequence[Route]
) -> tuple[Composed, Route]:
    """The stored text, for the first sender of its family. Raises NoTemplate if there is none."""
    route = next((one for one in routes if test and _carries(one, test.family)), None)
    if test is None or route is None:
        raise NoTemplate("no_template", "aucun opérateur ne sert cet essai")
    composed = Composed(
        message_id=row.id, patient_id=0, address=row.recipient, channel="sms", kind="test",
        subject="", text=test.body, html="", calendar=None, version_id=0,
        segments=measure(test.body).segments, closes_at=instant(row.closes_at),
        retries=row.retries, told=(),
    )  # fmt: skip
    return composed, route
