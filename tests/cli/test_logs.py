"""Logs: one JSON object a line on standard error, and nobody in them (R17).

Canary patients live through everything a service meets, the failures of their providers and of
their own file included. Then everything the service wrote or asked is searched for them.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import structlog

from reminders.cli import logs
from reminders.simulation.faults import Fault
from reminders.simulation.sms_servers import Callbacks
from tests.cli.test_serve import public_of, serving, wait_for
from tests.support.desk import Desk, visit
from tests.support.providers import providers

CANARIES = (
    "CANARIFAMILLE", "Canariprenom", "canari.courriel", "CANARIREPONSE", "39987", "3998 7",
    "39 98 7", "39+98+7", "39%2098%207", "Pour annuler", "28/03/1979", "1979-03-28",
)  # fmt: skip


def canary(number: int, **changes: str) -> str:
    return visit(number, family="CANARIFAMILLE", given="Canariprenom", **changes)


def found_in(text: str) -> list[str]:
    return [one for one in CANARIES if one.lower() in text.lower()]


def entries(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


FAULTS = [
    Fault("twilio", "refuse", first=1),
    Fault("twilio", "accept_then_500", first=2),
    Fault("twilio", "drop", first=3),
    Fault("twilio", "fail_500", first=4),
    Fault("twilio", "throttle", first=5, seconds=1.0),
    Fault("smtp", "refuse", first=1),
    Fault("smtp", "accept_then_drop", first=2),
]


@pytest.fixture
def town(desk: Desk, tmp_path: Path) -> Desk:
    """Numbers 700 to 799: 06 39 98 07 xx, so that a canary's number is known when seen."""
    rows = [canary(number) for number in range(700, 712)]
    rows += [canary(712, mobile="06 39 98 7", email="canari.courriel@example.org")]
    rows += [canary(713, mobile="", email="canari.courriel2@example.org")]
    rows += [canary(714, date="31/02/2026"), canary(715, mobile="06 39 98 7", email="canari@@x")]
    rows += [canary(716, uf="9999")]
    desk.export([row.replace("06 39 98 07", "06 39 98 70") for row in rows])
    return desk


def test_nobody_is_in_logs_metrics_urls_or_errors(town: Desk, tmp_path: Path) -> None:
    with providers(tmp_path, FAULTS) as peers:
        town.peers = peers
        _, callback = public_of(town)
        text = town.config.read_text("utf-8")
        town.configure(text.split("\n", 1)[1].split("[[site]]")[0] + '[logs]\nlevel = "debug"\n')
        peers.set_callbacks(Callbacks(twilio_inbound=f"{callback}/inbound"))
        told = [town.run_at("run"), town.run_at("run", "--dry-run")]
        told.append(town.run_at("run", "--dry-run", "--json"))
        assert town.run_at("release", "--yes").code == 0
        told.append(town.run_at("run", "--json"))
        with serving(town) as service:
            wait_for('"event"', town.folder / "serve.err")
            first = next(entry for entry in peers.taken if entry.provider == "twilio")
            assert peers.report(first, "undelivered", error_code="30005") in (200, 204)
            assert peers.reply(first, "CANARIREPONSE 06 39 98 70 01") in (200, 204)
            web = [
                httpx.get(service.inside + path, trust_env=False)
                for path in ("/", "/metrics", "/readyz", "/06399870?nom=CANARIFAMILLE")
            ]
            httpx.get(f"{callback}/status?From=%2B33639987001", trust_env=False)
            told.append(town.run("why", "R700"))
            told.append(town.run_at("object", "06 39 98 70 02"))
            assert service.stop() == 0
        log = (town.folder / "serve.err").read_text("utf-8")
        told.append(town.run_at("run", at="2026-10-13T10:40"))
        for journal in town.folder.glob("hospital.db-*"):
            journal.unlink()
        content = town.database.read_bytes()
        town.database.write_bytes(content[: len(content) // 2])
        told.append(town.run_at("run", at="2026-10-13T10:45"))
        assert told[-1].code == 1
    assert len(peers.taken) >= 8
    spoken = "\n".join(one.out + one.err for one in told)
    assert found_in(spoken) == []
    assert found_in(log) == []
    assert found_in("\n".join(answer.text for answer in web)) == []
    assert found_in("\n".join(peers.addresses)) == []
    events = {entry["event"] for entry in entries(log)}
    assert {"serving", "received", "stopped"} <= events


def test_run_logs_what_it_does_as_json_and_keeps_standard_output_for_people(
    hospital: Desk,
) -> None:
    hospital.export([visit(1), visit(2, hour="10h00")])
    held = hospital.run_at("run", "--json")
    logged = [line for line in held.err.splitlines() if line.startswith("{")]
    found = {entry["event"]: entry for entry in entries("\n".join(logged))}
    assert found["feed read"]["rows"] == 2
    assert found["sending held"]["code"] == "first_run"
    assert found["planned"]["messages"] == 2
    assert json.loads(held.out)["exit_code"] == 3
    for entry in found.values():
        moment = datetime.fromisoformat(str(entry["at"]).replace("Z", "+00:00"))
        assert moment.tzinfo == UTC


def test_the_level_is_the_configuration_s(hospital: Desk) -> None:
    hospital.configure('[logs]\nlevel = "error"')
    hospital.export([visit(1)])
    assert [line for line in hospital.run_at("run").err.splitlines() if "{" in line] == []


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What has been written to standard error, logs at level info."""
    logs.configure("info")
    return lambda: capsys.readouterr().err


def test_an_exception_is_logged_as_its_class(logged: Callable[[], str]) -> None:
    log = structlog.get_logger()
    try:
        raise KeyError("CANARIFAMILLE 0639987001")
    except KeyError:
        log.exception("task failed", task="sync")
    text = logged()
    (entry,) = entries(text)
    assert (entry["event"], entry["error"]) == ("task failed", "KeyError")
    assert found_in(text) == []


def test_a_library_s_words_are_reduced_to_their_place(logged: Callable[[], str]) -> None:
    try:
        raise ValueError("CANARIFAMILLE")
    except ValueError:
        logging.getLogger("some.library").exception("could not send to %s", "+33639987001")
    logging.getLogger("some.library").info("sent to +33639987001")
    text = logged()
    (entry,) = entries(text)
    assert (entry["logger"], entry["error"], entry["level"]) == (
        "some.library", "ValueError", "error",
    )  # fmt: skip
    assert found_in(text) == []


def test_a_developer_may_read_them(
    logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMINDERS_DEBUG", "1")
    logging.getLogger("some.library").warning("could not send to %s", "somebody")
    assert entries(logged())[0]["message"] == "could not send to somebody"
