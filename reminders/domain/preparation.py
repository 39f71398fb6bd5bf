"""What a patient must know and bring, and the variables every text about a visit is made of.

One source for SMS, e-mail and page, so that messages never contradict each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from reminders.domain.sms import transliterate
from reminders.domain.wording import (
    day_and_month,
    hour,
    joined,
    lasting,
    long_date,
    short_date,
    spoken,
    written_phone,
)


@dataclass(frozen=True, slots=True)
class Translation:
    """What a sheet says in another language; an empty field is not translated."""

    instructions: str = ""
    sms: str = ""
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preparation:
    """A preparation sheet. `sms` is one short sentence; an empty field says nothing."""

    id: str
    instructions: str = ""
    sms: str = ""
    documents: tuple[str, ...] = ()
    arrival_point: str = ""
    building: str = ""
    floor: str = ""
    door: str = ""
    address: str = ""
    map_url: str = ""
    preadmission_url: str = ""
    arrive_minutes_before: int = 0
    acknowledge: bool = False  # the patient must say that it was read
    translations: tuple[tuple[str, Translation], ...] = ()  # by language

    def translation(self, language: str) -> Translation:
        return dict(self.translations).get(spoken(language), Translation())


# What French words begin with in a text of another language. Easy French is French.
IN_FRENCH = {"en": "(in French)", "ar": "(بالفرنسية)"}


def in_language(sheet: Preparation | None, language: str) -> Preparation | None:
    """The sheet as a text in this language says it. What nobody translated stays French, and says
    so: to come fasting is never left out because of a language."""
    if sheet is None or (
        (mark := IN_FRENCH.get(spoken(language))) is None and not sheet.translations
    ):
        return sheet
    told = sheet.translation(language)

    def said(translated: str, french: str) -> str:
        return translated or (f"{mark} {french}" if mark and french else french)

    papers = sheet.documents
    if mark and papers:
        papers = (said("", joined(list(papers), "fr")),)
    return replace(
        sheet,
        instructions=said(told.instructions, sheet.instructions),
        sms=said(told.sms, sheet.sms),
        documents=told.documents or papers,
        translations=(),
    )


def combined(sheets: Sequence[Preparation | None]) -> Preparation | None:
    """One sheet for the visits of a day, in their order: every instruction and document once.
    Each is in the language of the text already (`in_language`).

    Where to go and when to arrive are those of the first visit; None without any sheet.
    """
    known = list(dict.fromkeys(sheet for sheet in sheets if sheet is not None))
    if not known or len(set(sheets)) == 1:
        return known[0] if known else None
    first = sheets[0] if sheets[0] is not None else Preparation(known[0].id)
    return replace(
        first,
        instructions="\n".join(dict.fromkeys(s.instructions or s.sms for s in known)).strip(),
        sms=" ".join(dict.fromkeys(s.sms for s in known)).strip(),
        documents=tuple(dict.fromkeys(paper for s in known for paper in s.documents)),
    )


# whom a message is about when it goes to a representative
RELATIVES = {
    "fr": {"parent": "enfant", "guardian": "proche", "helper": "proche"},
    "en": {"parent": "child", "guardian": "relative", "helper": "relative"},
    "ar": {"parent": "طفلكم", "guardian": "قريبكم", "helper": "قريبكم"},
    "falc": {"parent": "enfant", "guardian": "proche", "helper": "proche"},
}


def build_variables(
    *,
    language: str,
    channel: Literal["sms", "email"],
    sensitivity: Literal["normal", "neutral"],
    establishment: str,
    short_name: str,
    desk_phone: str,
    starts: Sequence[datetime],
    zone: ZoneInfo,
    preparation: Preparation | None,
    first_name: str | None,
    relation: str,
    told_starts: Sequence[datetime] = (),
    address: str = "",
    late_minutes: int = 0,
    new_place: str = "",
) -> dict[str, str]:
    """The variables of one message about the visits `starts` of one day; empty ones are absent.

    Instants are aware; texts use the site's civil time. A neutral service says only who, when
    and whom to call: no first name, no place, no instruction. `told_starts` are the starts last
    told: the old date and hour are there only if they differ from the new ones. Values for an
    SMS are spelt in its alphabet as far as possible (Zoë → Zoe): one letter would double the
    price of the whole text. `late_minutes`, `new_place`: what somebody writes to a session.
    Raises ValueError without a start.
    """
    if not starts:
        raise ValueError("a message is about at least one appointment")
    spoken_language = spoken(language)
    plain = channel == "sms"
    local = sorted(start.astimezone(zone) for start in starts)
    values = {
        "etablissement": establishment,
        "etablissement_court": short_name,
        "telephone_secretariat": written_phone(desk_phone, spoken_language),
        "nb_rdv": str(len(local)) if len(local) > 1 else "",
        **_dates(local, spoken_language, plain=plain),
        **_told(told_starts, local[0], spoken_language, plain=plain),
        "retard": lasting(late_minutes, spoken_language) if late_minutes else "",
    }
    if sensitivity == "normal":
        values["prenom"] = first_name or ""
        values["nouveau_lieu"] = new_place
        values["proche"] = RELATIVES[spoken_language].get(relation, "")
        if preparation is not None:
            values |= _sheet(preparation, local[0], spoken_language, channel)
        if channel == "email":
            values["adresse"] = values.get("adresse") or address
    if plain:
        values = {name: transliterate(value) for name, value in values.items()}
    return {name: value.strip() for name, value in values.items() if value.strip()}


def _dates(local: Sequence[datetime], language: str, *, plain: bool) -> dict[str, str]:
    day = local[0].date()
    return {
        "date_rdv": day_and_month(day),
        "jour_rdv": long_date(day, language, plain=plain),
        "date_rdv_courte": short_date(day, language),
        "heure_rdv": joined([hour(start, language) for start in local], language),
    }


def _told(
    told: Sequence[datetime], start: datetime, language: str, *, plain: bool
) -> dict[str, str]:
    """What a correction replaces or a notice cancels: the start last told, if it was another."""
    if not told or min(told) == start:
        return {}
    first = min(told).astimezone(start.tzinfo)
    return {
        "ancienne_date": day_and_month(first.date()),
        "ancien_jour": long_date(first.date(), language, plain=plain),
        "ancienne_heure": hour(first, language),
    }


def _sheet(sheet: Preparation, start: datetime, language: str, channel: str) -> dict[str, str]:
    if channel == "sms":
        return {"consignes_sms": sheet.sms, "point_accueil": sheet.arrival_point}
    early = start - timedelta(minutes=sheet.arrive_minutes_before)
    return {
        "consignes": sheet.instructions or sheet.sms,
        "documents_a_apporter": joined(list(sheet.documents), language),
        "point_accueil": sheet.arrival_point,
        "batiment": sheet.building,
        "etage": sheet.floor,
        "porte": sheet.door,
        "adresse": sheet.address,
        "lien_itineraire": sheet.map_url,
        "lien_preadmission": sheet.preadmission_url,
        "heure_arrivee": hour(early, language) if sheet.arrive_minutes_before else "",
    }
