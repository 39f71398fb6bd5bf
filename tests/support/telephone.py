"""A patient's telephone: the link their J-3 text carried, and the page behind it."""

import re
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from reminders.config import Settings
from reminders.services.compose import Route
from reminders.store.engine import Store
from reminders.web.objection import objection_router
from reminders.web.patient import Desk, Public, patient_router
from tests.support.clinic import paris, settings_with, visit
from tests.support.mailroom import LIVE, Mailroom

URL = "https://rdv.example.org"
TOLD = "2026-10-13 10:05"  # three days before: the text has left
SHEET: dict[str, Any] = {
    "id": "b2",
    "service": "4220",
    "instructions": "Venir à jeun.",
    "documents": ["Carte Vitale", "Ordonnance"],
    "arrival_point": "Accueil B2",
    "arrive_minutes_before": 15,
}


def configured(**changes: Any) -> Settings:
    ours = {"web": {"public_url": URL}, "preparation": [SHEET]}
    return settings_with(**(dict(LIVE) | ours | changes))


class Linked:
    """A hospital that wrote to one patient, and the public pages it serves them."""

    def __init__(self, store: Store, *records: Any, secure: bool = True, **changes: Any) -> None:
        self.room = Mailroom(store, settings=configured(**changes), routes=(Route("main", "sms"),))
        self.room.read(*(records or (visit(1, starts="2026-10-16 09:30"),)))
        self.room.release()
        self.room.plan()
        self.room.at(paris(TOLD))
        self.room.deliver()
        self.path = self.link(self.room.sent[0].text)
        self.app = FastAPI()
        public = self._public(store, secure=secure)
        self.app.include_router(patient_router(public))
        self.app.include_router(objection_router(public))

    def link(self, text: str) -> str:
        found = re.search(rf"{URL}(/r/[A-Za-z0-9_-]{{22}})", text)
        assert found, text
        return found[1]

    def _public(self, store: Store, *, secure: bool) -> Public:
        return Public(
            store=store,
            rules=self.room.rules,
            secret=self.room.secret,
            page_key=b"k" * 32,
            desk=Desk("CH Exemple", "01 99 00 12 34"),
            now=lambda: self.room.now,
            changed=self._changed,
            secure=secure,
        )

    async def _changed(self) -> None:
        self.room.plan()

    def at(self, moment: datetime) -> None:
        self.room.at(moment)

    @property
    def answer(self) -> str:
        found: str = self.room.appointment().answer
        return found


class Telephone(Linked):
    """The same, with a browser that shows no pictures: requests and texts."""

    def __init__(self, store: Store, *records: Any, **changes: Any) -> None:
        super().__init__(store, *records, **changes)
        self.http = TestClient(self.app, base_url=URL, follow_redirects=True)

    def see(self, query: str = "", **headers: str) -> str:
        response = self.http.get(self.path + query, headers=headers)
        assert response.status_code == 200
        return response.text

    def tap(self, deed: str, page: str = "", **more: str) -> Any:
        """Send the form of this deed as the page shows it."""
        asked = {"cancel": "?step=cancel&visit=1", "not-me": "?step=not-me"}.get(deed, "")
        shown = page or self.see(asked)
        for form in re.findall(r"<form method=\"post\"[^>]*>(.*?)</form>", shown, re.S):
            fields = dict(re.findall(r'name="([a-z]+)" value="([^"]*)"', form))
            if fields.get("do") == deed:
                fields.pop("reason", None)
                return self.http.post(self.path, data=fields | more)
        raise AssertionError(f"no form for {deed}")

    def give_birth_date(self, day: str = "28", month: str = "3", year: str = "1979") -> Any:
        fields = {"do": "birth", "day": day, "month": month, "year": year}
        return self.http.post(self.path, data=fields)


__all__ = ["SHEET", "URL", "Linked", "Telephone", "configured"]
