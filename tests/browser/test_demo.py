"""The demo as a newcomer meets it: a process, a browser, a patient's telephone."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

PATIENCE = 100.0  # seconds; nothing here measures time, the cores are shared


@dataclass
class Demo:
    address: str
    process: "subprocess.Popen[str]"
    folder: Path  # where it may write

    def url(self, path: str) -> str:
        return self.address + path


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "reminders.cli", "demo", *words]


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(folder), "NO_COLOR": "1", "COLUMNS": "100"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number: int = taken.getsockname()[1]
        return number


def started(folder: Path, port: int, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command("--days", "1", "--port", str(port), *words),
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in found.read_text().split()]


def alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and ") Z " not in status.read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for this module, open. Its tests may come in any order."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    process = started(folder, port)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("Démonstration : http://127.0.0.1:")
        yield Demo(f"http://127.0.0.1:{port}", process, folder)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Page]:
    """A telephone's screen."""
    with browser.new_context(locale="fr-FR", viewport={"width": 360, "height": 740}) as context:
        yield context.new_page()


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A browser without JavaScript."""
    with browser.new_context(locale="fr-FR", java_script_enabled=False) as context:
        yield context.new_page()


def no_wider_than_the_screen(page: Page) -> bool:
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def answerable(page: Page, demo: Demo) -> None:
    """Go to a telephone that can answer."""
    page.goto(demo.url("/demo"))
    page.get_by_role("link", name="Répondre", exact=True).first.click()


def test_the_page_shows_the_run_the_hospital_and_the_telephones(demo: Demo, page: Page) -> None:
    page.goto(demo.url("/demo"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mardi 13 octobre")
    for title in (
        "Messages du jour",
        "Ce qui se passe à l'hôpital",
        "Réponses reçues par le service",
        "Téléphones et boîtes aux lettres",
    ):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("#messages-recus")).to_contain_text("CH Exemple")


def test_a_scripted_change_reaches_a_telephone_by_itself(demo: Demo, page: Page) -> None:
    page.goto(demo.url("/demo"))
    changed = page.locator("#messages-recus li", has_text="Changement")
    expect(changed.first).to_be_visible(timeout=PATIENCE * 1000)


def test_without_javascript_the_page_renews_itself(demo: Demo, plain: Page) -> None:
    plain.goto(demo.url("/demo"))
    assert plain.locator("noscript meta[http-equiv=refresh]").count() == 1
    with plain.expect_navigation(timeout=PATIENCE * 1000):
        pass


def test_an_answer_of_a_patient_is_stored_and_shown(demo: Demo, plain: Page) -> None:
    answerable(plain, demo)
    words = f"Je viendrai avec ma fille {os.getpid()}"
    plain.get_by_label("Répondre à la place du patient").fill(words)
    plain.get_by_role("button", name="Envoyer la réponse").click()
    expect(plain.locator("#conversation li.mine").last).to_contain_text(words)

    def stored() -> bool:
        page = httpx.get(demo.url("/demo")).text
        return f"<q>{words}</q>" in page

    eventually(stored)


def test_what_one_types_survives_the_renewal_of_the_page(demo: Demo, page: Page) -> None:
    answerable(page, demo)
    field = page.get_by_label("Répondre à la place du patient")
    field.fill("Bonjour, je")
    with page.expect_response(lambda answer: "/demo/boite/" in answer.url):
        pass
    page.wait_for_timeout(200)
    expect(field).to_have_value("Bonjour, je")


def test_an_empty_answer_is_explained(demo: Demo, page: Page) -> None:
    answerable(page, demo)
    address = page.url.partition("#")[0]
    answer = httpx.post(address, data={"texte": "  "})
    assert answer.status_code == 422
    assert "Écrire d’abord une réponse." in answer.text


def test_a_mailbox_says_that_nobody_reads_answers(demo: Demo, page: Page) -> None:
    def mailbox() -> bool:
        httpx.post(demo.url("/demo/suite"), timeout=PATIENCE)
        page.goto(demo.url("/demo"))
        return page.locator("#messages-recus a[href^='/demo/boite/m']").count() > 0

    before, found = 0, False
    while not found:  # older pages first: the days before may have had one
        page.goto(demo.url(f"/demo?avant={before}" if before else "/demo"))
        found = page.locator("ol.messages a[href^='/demo/boite/m']").count() > 0
        older = page.get_by_role("link", name="Plus anciens")
        if found or not older.count():
            break
        before = int(str(older.get_attribute("href")).partition("=")[2])
    if not found:
        eventually(mailbox)
    page.locator("ol.messages a[href^='/demo/boite/m']").first.click()
    expect(page.get_by_text("On ne peut pas répondre ici.")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_a_link_in_a_message_opens_the_patient_s_page(demo: Demo, plain: Page) -> None:
    """Messages of the days before have one; the page is on the demo's own public address."""
    before, link = 0, plain.get_by_role("link", name="Ouvrir la page du patient")
    for _ in range(40):
        plain.goto(demo.url(f"/demo?avant={before}" if before else "/demo"))
        older = plain.get_by_role("link", name="Plus anciens")
        if link.count() or not older.count():
            break
        before = int(str(older.get_attribute("href")).partition("=")[2])
    link.first.click()
    assert re.search(r"^http://127\.0\.0\.1:\d+/r/", plain.url)
    expect(plain.get_by_role("heading", level=1)).to_be_visible()
    expect(plain.get_by_text("01 99 00 12 34").first).to_be_visible()


def test_what_the_service_understood_is_beside_each_reply(demo: Demo, plain: Page) -> None:
    plain.goto(demo.url("/demo"))
    replies = plain.locator("section[aria-labelledby=reponses] li")
    expect(replies.first).to_contain_text("Compris :")
    expect(replies.first).to_contain_text("→")


def test_pause_stops_the_hospital_s_time_and_resume_lets_it_go(demo: Demo, plain: Page) -> None:
    plain.goto(demo.url("/demo"))
    plain.get_by_role("button", name="Mettre en pause").click()
    expect(plain.get_by_text("en pause", exact=False).first).to_be_visible()
    plain.get_by_role("button", name="Reprendre").click()
    expect(plain.get_by_role("button", name="Mettre en pause")).to_be_visible()


def test_the_next_event_is_told(demo: Demo, plain: Page) -> None:
    plain.goto(demo.url("/demo"))
    before = plain.locator("main").inner_text()
    plain.get_by_role("button", name="Événement suivant").click(timeout=PATIENCE * 1000)
    expect(plain.get_by_role("heading", level=1)).to_be_visible()
    assert plain.locator("main").inner_text() != before


@pytest.mark.parametrize("path", ["/", "/demo", "/demo/boite/t1", "/demo/boite/inconnue"])
def test_no_page_is_wider_than_a_telephone(demo: Demo, narrow: Page, path: str) -> None:
    narrow.goto(demo.url(path))
    assert no_wider_than_the_screen(narrow)


def test_every_control_is_reached_by_keyboard_and_shows_it(demo: Demo, narrow: Page) -> None:
    answerable(narrow, demo)
    narrow.goto(narrow.url.partition("#")[0])
    reached: list[str] = []
    for _ in range(8):
        narrow.keyboard.press("Tab")
        reached.append(
            str(
                narrow.evaluate(
                    "document.activeElement.id || document.activeElement.textContent.trim()"
                )
            )
        )
        if reached[-1] == "Envoyer la réponse":
            break
    assert reached[0] == "Aller au contenu"
    assert "texte" in reached
    assert reached[-1] == "Envoyer la réponse"
    outline = narrow.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_form_of_another_site_moves_nothing(demo: Demo) -> None:
    for path in ("/demo/pause", "/demo/suite", "/demo/boite/t1"):
        answer = httpx.post(
            demo.url(path), data={"texte": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403, path


def test_a_box_nobody_has_is_said_so(demo: Demo) -> None:
    answer = httpx.get(demo.url("/demo/boite/t999999"))
    assert answer.status_code == 404
    assert "n’existe pas" in answer.text


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        done = subprocess.run(
            command("--port", str(port)),
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"• Le port {port} est déjà pris")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("when", ["starting", "open"])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, when: str) -> None:
    port = free_port()
    process = started(tmp_path, port)
    assert process.stdout is not None
    try:
        eventually(lambda: bool(children_of(process.pid)))
        if when == "open":
            process.stdout.readline()
        children = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Démonstration terminée" in out
    assert "Traceback" not in err
    assert children
    assert not any(alive(child) for child in children)
    assert list(tmp_path.iterdir()) == []
    socket.create_server(("127.0.0.1", port)).close()  # and a second run finds its port
