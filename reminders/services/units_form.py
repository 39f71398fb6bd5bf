"""What somebody typed about a service, read field by field: settings, or what is wrong where."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from reminders.config import ServiceTable, Settings, names_sensitive_care
from reminders.config.mistakes import sentence
from reminders.domain.marking import N_
from reminders.domain.phone import classify
from reminders.services.rules import Book

SENSITIVITIES = ("normal", "neutral", "excluded")
DAYS = tuple(range(1, 8))
SHORT_NUMBER = re.compile(r"3\d{3}")
AMOUNT = re.compile(r"\d+([.,]\d{1,2})?")


@dataclass(frozen=True, slots=True)
class ServiceForm:
    """The fields as they were typed, so that nothing is lost when one of them is wrong."""

    uf: str
    label: str = ""
    site: str = ""
    sensitivity: str = "excluded"  # until somebody says otherwise
    sure: bool = False  # a name of sensitive care is meant, and the choice with it
    protocol: str = "default"
    sender: str = ""
    slot_cost_eur: str = ""
    phone: str = ""
    manager_email: str = ""
    escalation_desk: str = ""
    desk_opens: str = "8:30"
    desk_closes: str = "17:30"
    desk_days: tuple[str, ...] = ("1", "2", "3", "4", "5")


def blank(settings: Settings, uf: str, site: str = "") -> ServiceForm:
    """A new service's form: excluded until somebody decides."""
    first = site if site in settings.sites else next(iter(settings.sites), "")
    return ServiceForm(uf, site=first)


def filled(table: ServiceTable) -> ServiceForm:
    return ServiceForm(
        uf=table.uf,
        label=table.label,
        site=table.site,
        sensitivity=table.effective_sensitivity,
        sure=names_sensitive_care(table.label) and table.effective_sensitivity != "excluded",
        protocol=table.protocol,
        sender=table.sender or "",
        slot_cost_eur=_euros(table.slot_cost_eur),
        phone=table.phone or "",
        manager_email=table.manager_email or "",
        escalation_desk=table.escalation_desk,
        desk_opens=f"{table.desk_opens:%-H:%M}",
        desk_closes=f"{table.desk_closes:%-H:%M}",
        desk_days=tuple(str(day) for day in table.desk_days),
    )


def typed(uf: str, form: Mapping[str, str], days: Sequence[str]) -> ServiceForm:
    """The form of a POST. An absent field is an empty one."""
    names = [name for name in ServiceForm.__slots__ if name not in ("uf", "sure", "desk_days")]
    told = {name: form.get(name, "").strip() for name in names}
    return ServiceForm(uf=uf, sure=form.get("sure") == "1", desk_days=tuple(days), **told)


def read(
    form: ServiceForm, settings: Settings, book: Book
) -> tuple[ServiceTable | None, dict[str, str]]:
    """(settings, nothing), or (None, field -> what is wrong in plain French)."""
    errors = dict(_checked(form, settings, book))
    try:
        table = ServiceTable.model_validate(_values(form))
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False):
            field = str(one["loc"][0]) if one["loc"] else _of_whole(sentence(one))
            errors.setdefault(field, _capital(sentence(one)))
        return None, errors
    return (None if errors else table), errors


def _values(form: ServiceForm) -> dict[str, Any]:
    cost = _amount(form.slot_cost_eur).replace(",", ".")
    days = sorted({int(day) for day in form.desk_days if day.isdigit()})
    return {
        "uf": form.uf,
        "site": form.site,
        "label": form.label,
        "sensitivity": form.sensitivity,
        "protocol": form.protocol,
        "sender": form.sender or None,
        "slot_cost_eur": cost or None,
        "phone": form.phone or None,
        "manager_email": form.manager_email or None,
        "escalation_desk": form.escalation_desk,
        "desk_opens": form.desk_opens,
        "desk_closes": form.desk_closes,
        "desk_days": days,
    }


def _checked(form: ServiceForm, settings: Settings, book: Book) -> dict[str, str]:
    """What the table alone cannot see, and what it would say in the words of the file."""
    errors: dict[str, str] = {}
    if not form.label:
        errors["label"] = N_("Écrire le nom que les patients peuvent lire, par exemple un accueil.")
    if form.site not in settings.sites:
        errors["site"] = N_("Choisir un site de la liste.")
    if form.protocol not in book.protocols:
        errors["protocol"] = N_("Choisir un protocole de la liste.")
    if form.sender and form.sender not in {sender.id for sender in settings.sms}:
        errors["sender"] = N_("Choisir un expéditeur de la liste.")
    if form.sensitivity not in SENSITIVITIES:
        errors["sensitivity"] = N_("Choisir une des trois réponses.")
    elif names_sensitive_care(form.label) and form.sensitivity != "excluded" and not form.sure:
        errors["sensitivity"] = N_(
            "Ce nom désigne un soin sensible : laisser « exclu », ou cocher la case qui confirme."
        )
    if form.phone and not _can_be_called(form.phone):
        errors["phone"] = N_("Numéro illisible : l’écrire comme 01 99 00 12 34.")
    if form.manager_email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", form.manager_email):
        errors["manager_email"] = N_("Adresse illisible : l’écrire comme prenom.nom@example.org.")
    if form.slot_cost_eur and not AMOUNT.fullmatch(_amount(form.slot_cost_eur)):
        errors["slot_cost_eur"] = N_("Écrire un montant en euros, par exemple 50 ou 52,50.")
    if not form.desk_days:
        errors["desk_days"] = N_("Cocher au moins un jour.")
    return errors


def _euros(value: float | None) -> str:
    return "" if value is None else f"{value:g}".replace(".", ",")


def _amount(told: str) -> str:
    return re.sub(r"[\s\u00a0\u202f€]", "", told)


def _can_be_called(number: str) -> bool:
    plain = re.sub(r"[\s.\u00a0\u202f-]", "", number)
    return classify(number).e164 is not None or bool(SHORT_NUMBER.fullmatch(plain))


def _of_whole(said: str) -> str:
    """The field a sentence about the whole form belongs to."""
    return "desk_days" if "desk_days" in said else "desk_closes"


def _capital(said: str) -> str:
    """A sentence of the table in the words of a form."""
    if said.startswith("heure attendue"):
        return N_("Écrire une heure, par exemple 8:30.")
    if said.startswith("desk_opens"):
        return N_("La fin doit suivre le début.")
    return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")
