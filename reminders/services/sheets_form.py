"""What somebody typed about a preparation sheet: the sheet, or what is wrong with which field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace

from pydantic import ValidationError

from reminders.config import PreparationTable
from reminders.config.mistakes import sentence
from reminders.domain.lint import (
    ADDRESS,
    LONG_SENTENCE,
    OPT_OUT_ANSWER,
    REPLY_WORDS,
    costly,
    sensitive,
)
from reminders.domain.marking import N_
from reminders.domain.preparation import IN_FRENCH
from reminders.errors import TemplateError
from reminders.rendering import Renderer, Version
from reminders.services.rules import Book

LABELS = {
    "subject": N_("Pour qui"),
    "instructions": N_("Consignes"),
    "sms": N_("Phrase du SMS"),
    "documents": N_("Documents à apporter"),
    "arrive_minutes_before": N_("Arriver en avance"),
    "arrival_point": N_("Où se présenter"),
    "building": N_("Bâtiment"),
    "floor": N_("Étage"),
    "door": N_("Porte"),
    "address": N_("Adresse"),
    "map_url": N_("Lien vers le plan"),
    "preadmission_url": N_("Lien de préadmission"),
    "acknowledge": N_("Lecture à confirmer"),
    "en_instructions": N_("Consignes, en anglais"),
    "en_sms": N_("Phrase du SMS, en anglais"),
    "en_documents": N_("Documents, en anglais"),
    "ar_instructions": N_("Consignes, en arabe"),
    "ar_sms": N_("Phrase du SMS, en arabe"),
    "ar_documents": N_("Documents, en arabe"),
    "falc_instructions": N_("Consignes, facile à lire (FALC)"),
    "falc_sms": N_("Phrase du SMS, facile à lire (FALC)"),
    "falc_documents": N_("Documents, facile à lire (FALC)"),
}
TRANSLATED = ("en", "ar", "falc")
FIELDS = ("instructions", "sms", "documents")  # those a language has of its own
LENGTHS = {"sms": 60, "arrival_point": 80, "building": 60, "floor": 40, "door": 40, "address": 160}
LENGTHS |= {f"{language}_sms": LENGTHS["sms"] for language in TRANSLATED}
MANY_LINES = (
    "instructions",
    "documents",
    *(f"{language}_{field}" for language in TRANSLATED for field in ("instructions", "documents")),
)
LONGEST = 2_000  # a value no text may exceed (rendering)
TOO_LONG = {
    40: N_("Trop long : au plus 40 caractères."),
    60: N_("Trop long : au plus 60 caractères."),
    80: N_("Trop long : au plus 80 caractères."),
    160: N_("Trop long : au plus 160 caractères."),
    LONGEST: N_("Trop long : au plus 2 000 caractères."),
}


@dataclass(frozen=True, slots=True)
class SheetForm:
    """The fields as typed. `about`: « uf:4220 » or « type:Consultation »."""

    name: str
    about: str = ""
    instructions: str = ""
    sms: str = ""
    documents: str = ""  # one a line
    arrive_minutes_before: str = "0"
    arrival_point: str = ""
    building: str = ""
    floor: str = ""
    door: str = ""
    address: str = ""
    map_url: str = ""
    preadmission_url: str = ""
    acknowledge: bool = False
    en_instructions: str = ""
    en_sms: str = ""
    en_documents: str = ""
    ar_instructions: str = ""
    ar_sms: str = ""
    ar_documents: str = ""
    falc_instructions: str = ""
    falc_sms: str = ""
    falc_documents: str = ""

    @property
    def content(self) -> str:
        """What a draft keeps: exactly what was typed."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def draft_of(content: str) -> SheetForm | None:
    try:
        told = json.loads(content)
        known = {one.name for one in fields(SheetForm)}
        return SheetForm(**{key: value for key, value in told.items() if key in known})
    except (ValueError, TypeError):
        return None


def filled(table: PreparationTable) -> SheetForm:
    return SheetForm(
        name=table.id,
        about=f"uf:{table.service}" if table.service else f"type:{table.type}",
        instructions=table.instructions,
        sms=table.sms,
        documents="\n".join(table.documents),
        arrive_minutes_before=str(table.arrive_minutes_before),
        arrival_point=table.arrival_point,
        building=table.building,
        floor=table.floor,
        door=table.door,
        address=table.address,
        map_url=table.map_url or "",
        preadmission_url=table.preadmission_url or "",
        acknowledge=table.acknowledge,
        **{
            f"{language}_{field}": "\n".join(said) if isinstance(said, tuple) else said
            for language, told in table.translations.items()
            for field, said in told
        },
    )


def typed(name: str, form: Mapping[str, str]) -> SheetForm:
    texts = [one.name for one in fields(SheetForm) if one.name not in ("name", "acknowledge")]
    told = {one: form.get(one, "").replace("\r\n", "\n").strip() for one in texts}
    return SheetForm(name=name.strip(), acknowledge=form.get("acknowledge") == "1", **told)


def read(form: SheetForm, book: Book) -> tuple[PreparationTable | None, dict[str, str]]:
    """(sheet, nothing), or (None, field -> what is wrong in plain French)."""
    errors = dict(_checked(form, book))
    kind, _, subject = form.about.partition(":")
    values = asdict(replace(form, about=""))
    del values["about"], values["name"]
    translations = {
        language: {field: values.pop(f"{language}_{field}") for field in FIELDS}
        for language in TRANSLATED
    }
    for texts in translations.values():
        texts["documents"] = _papers(texts["documents"])
    told = (
        values
        | translations
        | {
            "id": form.name,
            "service": subject if kind == "uf" else None,
            "type": subject if kind == "type" else None,
            "documents": _papers(form.documents),
            "arrive_minutes_before": form.arrive_minutes_before or "0",
            "map_url": form.map_url or None,
            "preadmission_url": form.preadmission_url or None,
        }
    )
    try:
        table = PreparationTable.model_validate(told)
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False):
            place = [str(part) for part in one["loc"]] or ["about"]
            field = "_".join(place[:2]) if place[0] in TRANSLATED else place[0]
            errors.setdefault({"id": "name"}.get(field, field), _said(field, sentence(one)))
        return None, errors
    return (None if errors else table), errors


def _papers(lines: str) -> list[str]:
    return [one.strip() for one in lines.split("\n") if one.strip()]


def _said(field: str, told: str) -> str:
    if field == "id":
        return N_("Donner un nom court : lettres sans accent, chiffres et tirets.")
    if field in ("map_url", "preadmission_url"):
        return N_("Écrire une adresse qui commence par https://.")
    if field == "arrive_minutes_before":
        return N_("Écrire un nombre de minutes, de 0 à 240.")
    return told[:1].upper() + told[1:] + ("" if told.endswith(".") else ".")


def _checked(form: SheetForm, book: Book) -> Iterator[tuple[str, str]]:
    kind, _, subject = form.about.partition(":")
    if kind not in ("uf", "type") or not subject:
        yield "about", N_("Dire pour quel service, ou pour quel type de rendez-vous.")
    elif kind == "uf" and subject not in book.services:
        yield "about", N_("Ce service n’a pas encore de réglage : le régler d’abord.")
    elif taken(form.name, kind, subject, book) is not None:
        yield "about", N_("Une autre fiche dit déjà ce qu’il faut pour ces rendez-vous.")
    for field, most in LENGTHS.items():
        if len(getattr(form, field)) > most:
            yield field, TOO_LONG[most]
    for field in (*LENGTHS, *MANY_LINES):
        if problem := _unfit(getattr(form, field)):
            yield field, problem
        if field not in MANY_LINES and "\n" in getattr(form, field):
            yield field, N_("Écrire sur une seule ligne.")
    for field in ("sms", "arrival_point", *(f"{language}_sms" for language in TRANSLATED)):
        if problem := _out_of_place(getattr(form, field)):
            yield field, problem


def _out_of_place(words: str) -> str:
    """What no SMS of whatever sender may carry: a sheet's words are part of all of them."""
    if OPT_OUT_ANSWER.search(words) or REPLY_WORDS.search(words):
        return N_("Ne pas demander de réponse : cette phrase entre dans tous les SMS.")
    if ADDRESS.search(words):
        return N_("Pas de lien ici : le SMS porte déjà le sien, ou n’en porte aucun.")
    return ""


def taken(name: str, kind: str, subject: str, book: Book) -> str | None:
    """Another sheet about the same appointments."""
    for one in book.sheets.values():
        same = one.service == subject if kind == "uf" else one.type == subject
        if same and one.id != name:
            return one.id
    return None


_renderer = Renderer()
_ALONE = "{% if consignes %}{{ consignes }}{% endif %}"


def _unfit(value: str) -> str:
    """What would keep every text that carries this value from leaving."""
    if not value:
        return ""
    if len(value) > LONGEST:
        return TOO_LONG[LONGEST]
    version = Version(0, "", "fr", "any", "email", _ALONE)
    try:
        _renderer.render(version, {"consignes": value})
    except TemplateError as error:
        return _UNFIT.get(error.code, N_("Ce texte ne peut pas être envoyé tel quel."))
    return ""


_UNFIT = {
    "invisible_character": N_("Un caractère invisible s’y trouve : l’effacer et le réécrire."),
    "leftover": N_("Les accolades {{ }} ne servent qu’aux modèles : les retirer."),
    "empty_variable": N_("Écrire un texte, ou laisser vide."),
}


# --- what the approver ticks ---------------------------------------------------------------------

WARNINGS = {
    "sensitive_sms": N_(
        "Un mot du SMS peut révéler des soins : un SMS se lit sur un écran verrouillé."
    ),
    "costly_sms": N_(
        "Une lettre du SMS n’est pas de son alphabet : il tient alors 70 caractères au lieu de "
        "160, et coûte souvent le double."
    ),
    "long_sentence": N_("Une phrase des consignes dépasse trente mots."),
    "no_instructions": N_(
        "Les consignes sont vides : la page ne dira que le lieu et les documents."
    ),
    "acknowledge": N_("Qui n’a pas dit « J’ai lu » à J-2 sera à appeler : un appel par patient."),
    "many": N_("Plus de 500 patients à venir liront cette fiche dès qu’elle est approuvée."),
    "neutral": N_("Ce service est discret ou exclu : la fiche ne sera montrée à personne."),
    "untranslated_en": N_(
        "Pas de traduction en anglais. Messages par mois qui diront ces mots en français, marqués "
        "« (in French) » : %(number)s."
    ),
    "untranslated_ar": N_(
        "Pas de traduction en arabe. Messages par mois qui diront ces mots en français, marqués "
        "« (بالفرنسية) » : %(number)s."
    ),
}


def untranslated(table: PreparationTable) -> list[str]:
    """The languages in which patients would read something of a sheet in French, marked so."""
    return [
        language
        for language in IN_FRENCH
        if any(
            getattr(table, field) and not getattr(getattr(table, language), field)
            for field in FIELDS
        )
    ]


def warnings(table: PreparationTable, book: Book) -> list[str]:
    """Codes of what somebody must have seen before patients read it."""
    found = []
    said = " ".join((table.sms, table.arrival_point, *(t.sms for t in table.translations.values())))
    if any(sensitive(said)):
        found.append("sensitive_sms")
    if costly(f"{table.sms} {table.arrival_point} {table.en.sms} {table.falc.sms}"):
        found.append("costly_sms")
    sentences = re.split(r"[.!?\n]+", table.instructions)
    if any(len(one.split()) > LONG_SENTENCE for one in sentences):
        found.append("long_sentence")
    if not table.instructions and not table.sms:
        found.append("no_instructions")
    if table.acknowledge:
        found.append("acknowledge")
    desk = book.desks.get(table.service or "")
    if table.service and (desk is None or desk.sensitivity != "normal"):
        found.append("neutral")
    return found
