"""The demo's pages, in every state one may meet them, on a telephone's screen."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from reminders.services.hold import hold_everything
from reminders.simulation.client import World
from reminders.store import planning
from reminders.store.engine import Store, open_engine
from reminders.store.migrate import is_current, migrate
from reminders.store.types import micros
from reminders.web.demo import DemoPages
from reminders.web.internal import Inside, internal_app

NOW = datetime(2026, 10, 13, 7, 55, tzinfo=UTC)  # 9:55 in Paris
LONG_NAME = "Jean-Christophe SAINT-PROTOTYPE DE DÉMONSTRATION-FICTIVE-ÉCHANTILLON"
SENTENCE = "Le fichier « export_agenda_du_centre_hospitalier_2026-10-13.csv » est vide."


def message(number: int, **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "number": number,
        "at": "2026-10-13T09:50:00+02:00",
        "box": "t1",
        "kind": "phone",
        "address": "+33639980012",
        "names": ["Zoé EXEMPLE"],
        "channel": "sms",
        "mine": False,
        "sender": "+33639989999",
        "subject": "",
        "text": "Rappel : rendez-vous demain à 9h30, CH Exemple. Pour annuler : 01 99 00 12 34",
        "state": "delivered",
        "answerable": True,
    }
    return base | changes


@dataclass
class PaperWorld:
    """A world that holds what a test puts into it."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    journal: list[dict[str, str]] = field(default_factory=list)
    box_answerable: bool = True
    takes_replies: bool = True

    async def inbox(self, *, before: int = 0, limit: int = 50) -> dict[str, Any]:
        found = [one for one in self.messages if not before or one["number"] < before]
        return {
            "messages": found[:limit],
            "more": len(found) > limit,
            "total": len(self.messages),
            "journal": self.journal,
        }

    async def box(self, name: str) -> dict[str, Any] | None:
        held = [one for one in self.messages if one["box"] == name]
        first = held[0] if held else message(0, box=name)
        about = {key: first[key] for key in ("kind", "address", "names")}
        return about | {"id": name, "answerable": self.box_answerable, "messages": held}

    async def reply(self, _box: str, _text: str) -> bool:
        return self.takes_replies


@dataclass
class PaperStage:
    paused: bool = False
    opened: float = 1.0
    due: datetime | None = None

    def next_due(self) -> datetime | None:
        return self.due

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    async def next_event(self) -> None:
        self.due = NOW


class Office:
    """The internal listener on a database of its own; `world` and `stage` make it the demo's."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(open_engine("sqlite:///office.db", folder))
        migrate(self.store)
        self.world, self.stage = PaperWorld(), PaperStage()
        self.resting: dict[str, datetime] = {}
        inside = Inside(
            store=self.store,
            zone=ZoneInfo("Europe/Paris"),
            mode="live",
            now=lambda: NOW,
            resting=lambda: self.resting,
            is_current=lambda: is_current(self.store),
        )
        app = internal_app(inside)
        DemoPages(inside, cast(World, self.world), self.stage).extend(app)
        self._server, self._thread, port = _served(app)
        self.demo = f"http://127.0.0.1:{port}/demo"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.store.close()


def _served(app: Any) -> tuple[uvicorn.Server, threading.Thread, int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    return server, thread, server.servers[0].sockets[0].getsockname()[1]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def telephone(browser: Browser) -> Iterator[Page]:
    size = {"width": 360, "height": 740}
    with browser.new_context(locale="fr-FR", viewport=cast(Any, size)) as context:
        yield context.new_page()


def complaints(page: Page) -> list[str]:
    """What the browser has to say against the pages to come."""
    found: list[str] = []
    page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def fits(page: Page) -> bool:
    root = "document.documentElement"
    return bool(page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"))


def busy(office: Office) -> None:
    """A day on which everything that can happen has happened."""
    hold_everything(office.store, SENTENCE, now=NOW, by="nadia")
    with office.store.write() as connection:
        row = (1, "call_no_contact", "appointment:1", 1, "Appeler : " + "à compléter " * 12, "",
               micros(NOW), micros(NOW))  # fmt: skip
        planning.open_tasks(connection, [row])
    office.resting["operateur-au-nom-vraiment-tres-long"] = NOW + timedelta(minutes=4)
    office.world.messages += [
        message(3, names=[LONG_NAME, LONG_NAME], box="t2"),
        message(2, mine=True, state="received", text="oui" * 150, answerable=False),
        message(1, kind="mail", channel="email", box="m1", address="z" * 60 + "@example.org",
                subject="Préparer votre rendez-vous", text="Bonjour\n" * 30, answerable=False,
                sender="CH Exemple <rdv@example.org>", state="accepted"),
    ]  # fmt: skip
    sentence = f"L’hôpital déplace le rendez-vous de {LONG_NAME} : ce sera à 14 h."
    office.world.journal.append(
        {"at": "2026-10-12T09:50:00+02:00", "sentence": sentence, "box": "t1"}
    )


def test_an_empty_day_says_so_in_words(office: Office, telephone: Page) -> None:
    telephone.goto(office.demo)
    for one in ("Aucun message.", "Aucune pour l'instant.", "Rien encore.", "Aucun envoi prévu."):
        expect(telephone.get_by_text(one).first).to_be_visible()
    assert fits(telephone)


def test_a_full_day_with_the_longest_names_fits_a_telephone(
    office: Office, telephone: Page
) -> None:
    busy(office)
    for address in (office.demo, f"{office.demo}/boite/t2", f"{office.demo}/boite/m1"):
        telephone.goto(address)
        assert fits(telephone), address


def test_the_browser_has_nothing_against_the_pages(office: Office, page: Page) -> None:
    busy(office)
    found = complaints(page)
    for address in (office.demo, f"{office.demo}/boite/t1", f"{office.demo}/boite/m1"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
    assert found == []


def test_a_name_cannot_be_answered_and_the_page_says_why(office: Office, page: Page) -> None:
    office.world.messages.append(message(1, sender="CHExemple", answerable=False))
    office.world.box_answerable = False
    page.goto(office.demo)
    expect(page.get_by_role("link", name="Répondre", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Zoé EXEMPLE").click()
    expect(page.get_by_text("On ne peut pas répondre ici.")).to_be_visible()
    expect(page.get_by_text("« CHExemple » : un nom ne reçoit pas de réponse")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_an_answer_that_could_not_leave_keeps_what_was_typed(office: Office, page: Page) -> None:
    office.world.messages.append(message(1))
    office.world.takes_replies = False
    page.goto(f"{office.demo}/boite/t1")
    page.get_by_label("Répondre à la place du patient").fill("<b>Je viendrai</b>")
    page.get_by_role("button", name="Envoyer la réponse").click()
    expect(page.get_by_role("alert")).to_contain_text("n’est pas partie")
    expect(page.get_by_label("Répondre à la place du patient")).to_have_value("<b>Je viendrai</b>")


def test_words_of_a_patient_are_never_markup(office: Office, page: Page) -> None:
    office.world.messages.append(message(1, mine=True, text="<script>window.hit = 1</script>"))
    for path in ("", "/boite/t1"):
        page.goto(office.demo + path)
        expect(page.get_by_text("<script>window.hit = 1</script>").first).to_be_visible()
        assert page.evaluate("window.hit === undefined")


def test_new_messages_come_in_above_without_moving_what_one_reads(
    office: Office, page: Page
) -> None:
    office.world.messages += [message(number) for number in range(20, 0, -1)]
    page.goto(office.demo)
    seen = page.locator("#m10")
    seen.scroll_into_view_if_needed()
    seen.get_by_role("link", name="Répondre").focus()
    before = seen.bounding_box()
    office.world.messages[:0] = [message(21, text="Changement : rendez-vous à 10h")]
    expect(page.locator("#m21")).to_be_attached(timeout=60_000)
    after = seen.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    assert page.evaluate("document.activeElement.closest('li').id") == "m10"


def test_while_the_days_before_are_lived_the_page_waits_and_says_so(
    office: Office, page: Page
) -> None:
    office.stage.opened = 0.4
    page.goto(office.demo)
    expect(page.get_by_role("heading", name="On ouvre l'hôpital simulé")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "40")
    office.stage.opened = 1.0
    expect(page.get_by_role("heading", name="Messages du jour")).to_be_visible(timeout=60_000)


def test_pause_and_resume_change_places(office: Office, page: Page) -> None:
    page.goto(office.demo)
    page.get_by_role("button", name="Mettre en pause").click()
    expect(page.get_by_text("en pause")).to_be_visible()
    assert office.stage.paused
    page.get_by_role("button", name="Reprendre").click()
    expect(page.get_by_role("button", name="Mettre en pause")).to_be_visible()
    assert not office.stage.paused
