"""The JSON API over HTTP: who may ask, what is answered, and what is never said."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from reminders.bootstrap import build
from reminders.cli.serving import listening
from reminders.clock import SimulatedClock
from reminders.config import load
from reminders.services.elsewhere import signature
from reminders.store.engine import Store
from reminders.web.api import Elsewhere, Worklist, answers_router, worklist_router
from tests.support.clinic import MONDAY, visit
from tests.support.mailroom import Mailroom
from tests.support.worklist import DESKS, hospital, reply

TOKEN = "t" * 40
SECRET, NEXT = "s" * 32, "n" * 32
TEXT = "Peut-on garder ses lunettes, Madame Zorglub ?"


class Api:
    """Both routers of one hospital, asked over HTTP by nadia."""

    def __init__(self, room: Mailroom) -> None:
        self.room = room
        self.rung = 0
        app = FastAPI()
        store, rules, secret = room.store, room.rules, room.secret
        app.include_router(
            worklist_router(Worklist(store, rules, secret, TOKEN, lambda: room.now, self._ring))
        )
        systems = {"svi": [SECRET, NEXT]}
        app.include_router(
            answers_router(Elsewhere(store, rules, secret, systems, lambda: room.now, self._ring))
        )
        self.http = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})

    async def _ring(self) -> None:
        self.rung += 1
        self.room.plan()

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query)

    def post(self, task: int, verb: str, actor: str = "nadia", **body: Any) -> Any:
        return self.http.post(f"/api/tasks/{task}/{verb}", json=body, headers={"X-Actor": actor})

    def answer(
        self, body: dict[str, Any], secret: str = SECRET, system: str = "svi", late: int = 0
    ) -> Any:
        raw = json.dumps(body).encode()
        stamp = str(int(self.room.now.timestamp()) - late)
        return self.http.post(
            "/api/answers",
            content=raw,
            headers={
                "X-Reminders-System": system,
                "X-Reminders-Timestamp": stamp,
                "X-Reminders-Signature": signature(secret, stamp, raw),
            },
        )


@pytest.fixture
def api(store: Store) -> Api:
    return Api(hospital(store))


def said(kind: str = "confirmed", key: str = "call-0001") -> dict[str, Any]:
    return {"key": key, "appointment": {"source": "agenda", "number": "R1"}, "kind": kind}


def test_without_the_token_nothing_is_told(api: Api) -> None:
    task = reply(api.room, TEXT)
    for header in ("", "Bearer ", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN):
        for path in ("/api/tasks", f"/api/tasks/{task}", "/api/calls"):
            response = api.http.get(path, headers={"Authorization": header})
            assert response.status_code == 401
            assert set(response.json()) == {"error", "sentence"}
        response = api.http.post(
            f"/api/tasks/{task}/take", headers={"Authorization": header, "X-Actor": "nadia"}
        )
        assert response.status_code == 401


def test_a_list_holds_no_name_and_no_text_and_the_whole_task_does(api: Api) -> None:
    task = reply(api.room, TEXT)
    listed = api.get("/api/tasks", uf="4220", state="free")
    whole = api.get(f"/api/tasks/{task}").json()

    assert [one["id"] for one in listed.json()["tasks"]] == [task]
    for kept in ("Zorglub", "EXEMPLE", "06 39"):
        assert kept not in listed.text
    assert whole["reply"]["text"] == TEXT
    assert whole["appointments"][0]["patient"]["family"] == "EXEMPLE"
    assert listed.headers["cache-control"] == "no-store"


def test_pages_continue_where_the_last_ended(api: Api) -> None:
    with api.room.store.write() as connection:
        for key in range(1, 8):
            connection.exec_driver_sql(
                "INSERT INTO task (id, kind, subject, state, priority, created_at) VALUES "
                f"({key}, 'duplicate', 'uf:{key}', 'open', {key % 3}, 1)"
            )
    seen: list[int] = []
    after: str | None = ""
    while after is not None:
        page = api.get("/api/tasks", limit=3, after=after).json()
        seen += [one["id"] for one in page["tasks"]]
        after = page["after"]
    assert seen == [3, 6, 1, 4, 7, 2, 5]


@pytest.mark.parametrize(
    "query",
    ["state=x", "late=1", "after=x", "after=1.2", "after=9.99999999999999999999.1", "limit=-1",
     "limit=abc"],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused_in_french(api: Api, query: str) -> None:
    response = api.http.get(f"/api/tasks?{query}")
    assert response.status_code == 422
    assert "«" in response.json()["sentence"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("", "« limit » : un nombre entier est attendu."),
        ("de, ar;q=0.9", "« limit » : un nombre entier est attendu."),
        ("fr-FR, en;q=0.9", "« limit » : un nombre entier est attendu."),
        ("en-GB", "“limit”: a whole number is expected."),
        ("de, EN-us;q=0.8, fr;q=0.2", "“limit”: a whole number is expected."),
    ],
)
def test_an_error_is_told_in_the_language_asked_for_and_its_code_in_none(
    asked: str, sentence: str, api: Api
) -> None:
    answer = api.http.get("/api/tasks?limit=abc", headers={"Accept-Language": asked})
    assert answer.json() == {"error": "invalid", "sentence": sentence}
    assert answer.headers["vary"] == "Accept-Language"


def test_refusals_are_told_in_english_too(api: Api) -> None:
    task = reply(api.room, TEXT)
    api.http.headers["Accept-Language"] = "en"
    assert api.post(task, "take", "nadia").status_code == 200
    held = api.post(task, "take", "omar").json()
    assert held == {"error": "held", "sentence": "nadia already sees to it."}
    wrong = api.answer(said(), secret="no")
    assert (wrong.status_code, wrong.json()["result"]) == (401, "signature")
    assert wrong.json()["sentence"] == "The signature is missing, wrong or too old."
    assert api.answer(said() | {"kind": "x"}).json()["sentence"] == "To correct: kind."
    taken = api.answer(said())  # what is read to a patient is in theirs
    assert taken.json()["sentence"] == "La venue du patient est notée."
    used = api.answer(said("cancelled"))
    assert used.json() == {"result": "key-used", "sentence": "This key has already served for "
                           "another request."}  # fmt: skip


def test_a_task_is_taken_and_the_second_is_told_by_whom(api: Api) -> None:
    task = reply(api.room, TEXT)

    assert api.post(task, "take").json()["assignee"] == "nadia"
    refused = api.post(task, "take", actor="paul")
    assert refused.status_code == 409
    assert refused.json() == {"error": "held", "sentence": "nadia s'en occupe déjà."}
    assert api.post(task, "hand-over", to="paul").json()["assignee"] == "paul"
    assert api.post(task, "release", actor="paul").json()["state"] == "free"


def test_of_many_at_once_one_gets_it(api: Api) -> None:
    task = reply(api.room, TEXT)
    with ThreadPoolExecutor(6) as crowd:
        codes = list(
            crowd.map(lambda n: api.post(task, "take", actor=f"agent{n}").status_code, range(6))
        )
    assert sorted(codes) == [200] + [409] * 5


def _confirmed(version: object) -> dict[str, Any]:
    return {"as": "confirmed", "version": version}


def test_an_ending_has_its_effect_at_once(api: Api) -> None:
    task = reply(api.room, "Peut-être")
    read = api.get(f"/api/tasks/{task}").json()["appointments"][0]["version"]
    for wrong, code in ((None, 422), ("x", 422), (read + 1, 409)):
        refused = api.post(task, "resolve", **_confirmed(wrong))
        assert refused.status_code == code
        assert api.room.appointment().answer == "none"
    done = api.post(task, "resolve", **_confirmed(read))

    assert done.status_code == 200
    assert (done.json()["state"], done.json()["resolution"]) == ("done", "confirmed")
    assert [one["action"] for one in done.json()["events"]] == ["resolve"]
    assert api.room.appointment().answer == "confirmed"
    assert api.rung == 1
    assert api.post(task, "reopen").json()["state"] == "free"
    assert api.get("/api/tasks", state="done").json()["tasks"] == []


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [("resolve", {}, 422), ("resolve", {"as": "maybe"}, 422), ("hand-over", {}, 422),
     ("hand-over", {"to": "a b"}, 422), ("hand-over", {"uf": 3}, 422),
     ("resolve", {"as": "cancelled", "appointment": "x"}, 422), ("explode", {}, 404)],
)  # fmt: skip
def test_a_verb_that_makes_no_sense_changes_nothing(
    api: Api, verb: str, body: dict[str, Any], status: int
) -> None:
    task = reply(api.room, TEXT)
    assert api.post(task, verb, **body).status_code == status
    assert api.room.rows("SELECT * FROM task_event") == []


@pytest.mark.parametrize("actor", ["", "a b", "<b>", "x" * 41, "reminders", "-a", "a\tb"])
def test_who_acts_has_a_plain_name(api: Api, actor: str) -> None:
    task = reply(api.room, TEXT)
    assert api.post(task, "take", actor=actor).status_code == 400
    assert api.post(9**9, "take").status_code == 404


@pytest.mark.parametrize("content", [b"[1]", b"{", b"[" * 5_000, b"x" * 9_000])
def test_a_body_that_cannot_be_read_is_said_to_be_so(api: Api, content: bytes) -> None:
    task = reply(api.room, TEXT)
    response = api.http.post(
        f"/api/tasks/{task}/resolve", content=content, headers={"X-Actor": "nadia"}
    )
    assert response.status_code in (413, 422)
    assert response.json()["sentence"]


def test_reading_changes_nothing(api: Api) -> None:
    task = reply(api.room, TEXT)
    before = api.room.outbox()
    for path in ("/api/tasks", f"/api/tasks/{task}", "/api/calls", "/api/calls?day=2026-10-13"):
        assert api.http.get(path).status_code == 200
        assert api.http.head(path).status_code == 200
    for verb in ("take", "release", "resolve", "hand-over", "reopen"):
        assert api.http.get(f"/api/tasks/{task}/{verb}").status_code == 405
    assert api.http.get("/api/calls?day=demain").status_code == 422

    assert api.room.outbox() == before
    assert api.room.rows("SELECT * FROM task_event") == []


def test_an_answer_from_elsewhere_is_taken_and_acted_upon(api: Api) -> None:
    response = api.answer(said("cancelled"))

    assert response.status_code == 200
    assert api.room.appointment().answer == "cancelled"
    assert api.rung == 1
    assert api.answer(said("cancelled")).json() == response.json()
    assert api.rung == 1
    assert api.answer(said("confirmed")).status_code == 409


def test_the_next_secret_counts_while_the_first_still_does(api: Api) -> None:
    assert api.answer(said(), NEXT).status_code == 200
    assert api.answer(said("question", "call-0002")).status_code == 200


def test_what_is_not_signed_is_not_taken(api: Api) -> None:
    forged = [
        api.answer(said(), "x" * 32),
        api.answer(said(), system="other"),
        api.answer(said(), "\0", system="other"),
        api.answer(said(), late=301),
        api.answer(said(), late=-301),
        api.http.post("/api/answers", json=said()),
    ]
    assert {response.status_code for response in forged} == {401}
    assert api.http.get("/api/answers").status_code == 405
    assert api.room.value("SELECT COUNT(*) FROM request") == 0
    assert api.room.appointment().answer == "none"


def test_a_request_longer_than_any_of_ours_is_refused(api: Api) -> None:
    assert api.answer(said() | {"by": "x" * 9_000}).status_code == 413


def test_the_same_request_at_once_from_everywhere_is_one_answer(api: Api) -> None:
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda _: api.answer(said()), range(6)))

    assert {(one.status_code, one.text) for one in answers} == {(200, answers[0].text)}
    assert api.room.value("SELECT COUNT(*) FROM answer") == 1


def test_no_log_line_names_anybody(api: Api) -> None:
    structlog.reset_defaults()  # a command run in this process may have raised the level
    with structlog.testing.capture_logs() as lines:
        task = reply(api.room, TEXT)
        api.post(task, "resolve", **{"as": "confirmed"})
        api.answer(said())
        api.answer(said("stop", "call-0009"))
        api.answer(said(), "x" * 32)
        api.answer({"Zorglub": "R1"})
    for word in ("Zorglub", "EXEMPLE", "Léa", "639980001", "R1", "lunettes"):
        assert word not in str(lines)
    assert [one["event"] for one in lines if one["event"] == "answer taken"]


def test_a_broken_database_is_said_in_json_and_not_acknowledged(api: Api) -> None:
    with api.room.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE task RENAME TO gone")
        connection.exec_driver_sql("ALTER TABLE request RENAME TO gone_too")
    assert api.get("/api/tasks").status_code == 503
    assert api.answer(said()).status_code == 503
    assert api.get("/api/tasks").json()["error"] == "unavailable"


# --- as served ------------------------------------------------------------------------------

SERVED = """\
[store]
url = "sqlite:///hospital.db"
[web]
public_url = "https://rdv.example.org"
public_port = 0
internal_port = 0
{token}
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"
[[service]]
uf = "4220"
site = "sud"
label = "Consultations, accueil B2"
[[dpi]]
id = "agenda"
kind = "csv"
path = "export/*.csv"
{system}
"""


@asynccontextmanager
async def served(folder: Path, token: str = "", system: str = "") -> AsyncIterator[list[str]]:
    """Both listeners on real sockets: the internal address and the public one."""
    (folder / "hospital.toml").write_text(SERVED.format(token=token, system=system))
    (folder / "svi.key").write_text(SECRET + "\n")
    (folder / "api.key").write_text(TOKEN + "\n")
    application = build(load(folder / "hospital.toml", {}), SimulatedClock(MONDAY))
    try:
        async with listening(application) as addresses:
            yield addresses
    finally:
        await application.aclose()


@pytest.mark.anyio
async def test_what_is_not_configured_does_not_exist(tmp_path: Path) -> None:
    async with served(tmp_path) as (inside, outside), httpx.AsyncClient() as http:
        for path in ("/api/tasks", "/api/calls"):
            assert (await http.get(f"http://{inside}{path}")).status_code == 404
            assert (await http.get(f"http://{outside}{path}")).status_code == 404
        assert (await http.post(f"http://{outside}/api/answers")).status_code == 404


@pytest.mark.anyio
async def test_each_listener_serves_its_own_half(tmp_path: Path) -> None:
    system = '[[system]]\nid = "svi"\nsecret_file = "svi.key"\n'
    token = 'api_token_file = "api.key"'
    headers = {"Authorization": f"Bearer {TOKEN}"}
    raw = json.dumps(said()).encode()
    stamp = str(int(MONDAY.timestamp()))
    signed = {
        "X-Reminders-System": "svi",
        "X-Reminders-Timestamp": stamp,
        "X-Reminders-Signature": signature(SECRET, stamp, raw),
    }
    async with (
        served(tmp_path, token, system) as (inside, outside),
        httpx.AsyncClient(headers=headers) as http,
    ):
        assert (await http.get(f"http://{inside}/api/tasks")).json() == {"tasks": [], "after": None}
        assert (await http.get(f"http://{outside}/api/tasks")).status_code == 404
        assert (await http.post(f"http://{inside}/api/answers")).status_code == 404
        there = await http.post(f"http://{outside}/api/answers", content=raw, headers=signed)
        assert (there.status_code, there.json()["result"]) == (404, "unknown")
        there = await http.post(f"http://{outside}/api/answers", content=raw)
        assert there.status_code == 401


def test_calls_are_listed_by_hour(store: Store) -> None:
    room = hospital(store, visit(1, starts="2026-10-13 09:30"), service=DESKS)
    api = Api(room)
    room.at(room.now + timedelta(minutes=1))
    empty = api.get("/api/calls").json()
    assert empty == {"day": "2026-10-12", "calls": []}
