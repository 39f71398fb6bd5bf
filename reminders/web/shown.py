"""What one reader is shown of a link's page, in words: nothing is decided here."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from reminders.domain.preparation import Preparation
from reminders.services.page import Page, Visit
from reminders.web.words import Words


def shown(page: Page, words: Words, checked: bool) -> list[dict[str, Any]]:
    if page.neutral and not checked:
        return [{"state": one.state, "number": n} for n, one in enumerate(page.visits, 1)]
    return [_visit(one, page.address, number, words) for number, one in enumerate(page.visits, 1)]


def subject(visits: list[dict[str, Any]], step: str, number: str) -> dict[str, Any] | None:
    """The appointment a second page asks about: none for what is not open or still hidden."""
    known = [one for one in visits if one["state"] == "open" and "appointment" in one]
    if step == "cancel":
        known = [
            one for one in known if str(one["number"]) == number and one["answer"] != "cancelled"
        ]
    return known[0] if known and step in ("cancel", "not-me") else None


SAID = {
    "confirmed": "said_confirmed",
    "cancelled": "said_cancelled",
    "reschedule": "said_reschedule",
}
ASKED = {"cancel": "sure", "not-me": "not_me_sure"}


def heading(words: Words, page: Page, visits: list[dict[str, Any]], step: str) -> str:
    """What the page says first: the answer just given is heard before anything else."""
    if step:
        return str(words[ASKED[step]])
    if page.not_me:
        return str(words["said_not_me"])
    said = SAID.get(visits[0].get("answer", "")) if len(visits) == 1 else None
    return str(words[said or "title"])


def _visit(visit: Visit, address: str, number: int, words: Words) -> dict[str, Any]:
    local = visit.starts_at.astimezone(visit.zone)
    until = visit.undo_until.astimezone(visit.zone) if visit.undo_until else None
    sheet = visit.sheet
    early = timedelta(minutes=sheet.arrive_minutes_before if sheet else 0)
    return {
        "number": number,
        "appointment": visit.appointment,
        "cycle": visit.cycle,
        "day": words.date(local),
        "hour": words.time(local),
        "state": visit.state,
        "moved": visit.moved,
        "answer": visit.answer,
        "asked": visit.asked,
        "undo": visit.undo is not None,
        "until": words["said_cancelled_hint"].format(time=words.time(until)) if until else "",
        "read": visit.read,
        "sheet": sheet,
        **_instructions(sheet, words.code),
        "places": _places(sheet, address),
        "arrive": words.time(local - early) if early else "",
    }


def _instructions(sheet: Preparation | None, language: str) -> dict[str, Any]:
    """What to know and to bring in the page's language; what nobody translated is `french`."""
    if sheet is None:
        return {"known": "", "papers": (), "french": {"known": False, "papers": False}}
    told = sheet.translation(language)
    known = told.instructions or ("" if sheet.instructions else told.sms)
    return {
        "known": known or sheet.instructions or sheet.sms,
        "papers": told.documents or sheet.documents,
        "french": {"known": not known, "papers": not told.documents},
    }


def _places(sheet: Preparation | None, address: str) -> list[str]:
    """Where to go, line by line: the sheet's own address, else the site's."""
    if sheet is None:
        return [address] if address else []
    lines = (
        sheet.arrival_point, sheet.building, sheet.floor, sheet.door, sheet.address or address
    )  # fmt: skip
    return [line for line in lines if line]


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """The date as it was written, so that one mistake costs one correction."""
    return {name: form.get(name, "")[:8] for name in ("day", "month", "year")}
