"""`reminders serve`: two listeners, the bells, and a clean stop."""

import base64
import hashlib
import hmac
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from reminders.simulation.sms_servers import Callbacks
from tests.support.desk import SITE, Desk, visit
from tests.support.providers import TWILIO

WEB = """
[web]
public_url = "{public}"
public_port = {port}
internal_port = 0
"""
PATIENCE = 100  # seconds: the cores are shared


def wait_for(what: str, told: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = told.read_text(encoding="utf-8")
        if what in text:
            return text
        time.sleep(0.05)
    raise AssertionError(f"« {what} » never came: {told.read_text(encoding='utf-8')}")


class Serving:
    def __init__(self, desk: Desk, process: "subprocess.Popen[str]", inside: str) -> None:
        self.desk = desk
        self.process = process
        self.inside = inside

    @property
    def log(self) -> list[dict[str, object]]:
        text = (self.desk.folder / "serve.err").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(desk: Desk, at: str = "2026-10-13T10:20") -> Iterator[Serving]:
    out, err = desk.folder / "serve.out", desk.folder / "serve.err"
    with out.open("w") as stdout, err.open("w") as stderr:
        process = desk.start("serve", "--at", at, stdout=stdout.fileno(), stderr=stderr.fileno())
    try:
        deadline = time.monotonic() + PATIENCE
        while "Arrêter" not in out.read_text("utf-8"):
            assert process.poll() is None, err.read_text("utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.05)
        inside = re.search(r"Pages internes : (\S+)", out.read_text("utf-8"))
        assert inside
        yield Serving(desk, process, inside[1])
    finally:
        process.kill()
        process.wait()


def public_of(hospital: Desk) -> tuple[str, str]:
    """(address of the public listener, secret path of « main »): it is its own public URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    public = f"http://127.0.0.1:{port}"
    hospital.configure(WEB.format(public=public, port=port))
    assert hospital.run("migrate").code == 0
    (line,) = [one for one in hospital.run("check").lines if one.startswith("Retours de « main »")]
    return public, line.split(" : ", 1)[1]


def test_it_reads_sends_takes_receipts_and_replies_and_stops_cleanly(hospital: Desk) -> None:
    assert hospital.peers is not None
    _, callback = public_of(hospital)
    hospital.peers.set_callbacks(Callbacks(twilio_inbound=f"{callback}/inbound"))
    hospital.export([visit(1), visit(2, hour="10h00")])
    assert hospital.run_at("run").code == 3
    with serving(hospital) as service:
        assert hospital.run_at("release", "--yes").code == 0
        wait_for('"event": "delivered"', hospital.folder / "serve.err")
        first, second = hospital.peers.taken
        assert hospital.peers.report(first, "delivered") in (200, 204)
        assert hospital.peers.report(first, "delivered") in (200, 204)
        assert hospital.peers.reply(second, "Merci, à demain") in (200, 204)
        page = httpx.get(service.inside, trust_env=False, follow_redirects=True).text
        metrics = httpx.get(f"{service.inside}/metrics", trust_env=False).text
        assert 'reminders_messages{state="DELIVERED"} 1.0' in metrics
        assert "Se connecter" in page  # nobody sees anything without an account
        assert service.stop() == 0
        events = [line["event"] for line in service.log]
    assert events[0] == "serving"
    assert events[-1] == "stopped"
    assert {"delivered", "received"} <= set(events)
    assert "remis" in hospital.run("why", "R1").out
    assert "réponse du patient reçue" in hospital.run("why", "R2").out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_the_middle_of_a_backlog_with_nothing_in_doubt(
    hospital: Desk, number: int
) -> None:
    assert hospital.peers is not None
    hospital.configure("[web]\ninternal_port = 0\n[delivery]\nin_flight = 2")
    hospital.change("max_per_second = 0", "max_per_second = 4")
    hospital.export([visit(number) for number in range(1, 61)])
    hospital.run_at("run")
    hospital.run_at("release", "--yes")
    with serving(hospital) as service:
        while len(hospital.peers.taken) < 3:
            assert service.process.poll() is None
            time.sleep(0.05)
        assert service.stop(number) == 0
        assert service.log[-1]["event"] == "stopped"
    taken = len(hospital.peers.taken)
    assert taken < 60
    hospital.change("max_per_second = 4", "max_per_second = 0")
    told = hospital.run_at("run", "--json", at="2026-10-13T10:40")
    assert json.loads(told.out)["messages_today"] == {"ACCEPTED": 60}
    assert len({entry.to for entry in hospital.peers.taken}) == len(hospital.peers.taken) == 60


def test_the_public_listener_carries_callbacks_and_nothing_else(hospital: Desk) -> None:
    public, callback = public_of(hospital)
    with serving(hospital) as service, httpx.Client(trust_env=False) as http:
        for path in (
            "/", "/metrics", "/healthz", "/readyz", "/assets/style.css", "/docs", "/openapi.json",
            "/callbacks", "/callbacks/main", "/callbacks/main/0000", "/r/", "/callbacks/secours",
        ):  # fmt: skip
            answer = http.get(public + path)
            assert answer.status_code == 404, path
            assert "server" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"
        for path in ("/information", "/accessibilite"):  # what patients must be told
            assert http.get(public + path).status_code == 200
            assert http.post(public + path).status_code == 405
        assert http.post(f"{callback}/status", content=b"x=1").status_code == 403
        assert http.post(f"{callback}/status", content=b"x" * 100_000).status_code == 413
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            answer = http.get(service.inside + path)
            expected = 303 if path == "/" else 200  # the staff's pages have a door
            assert answer.status_code == expected, path
            assert http.head(service.inside + path).status_code == expected
            assert "server" not in answer.headers
        assert http.get(f"{service.inside}/callbacks/main").status_code == 404
        assert service.stop() == 0
    log = (hospital.folder / "serve.err").read_text("utf-8")
    assert callback.rsplit("/", 1)[1] not in log
    assert '"callback forged"' in log


def test_a_dpi_that_never_answers_delays_neither_callbacks_nor_the_end(hospital: Desk) -> None:
    public, callback = public_of(hospital)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}/fhir"
        dpi = f'[[dpi]]\nid = "agenda"\nkind = "fhir"\nbase_url = "{address}"\n'
        port = public.rpartition(":")[2]
        text = WEB.format(public=public, port=port) + "[delivery]\nsend_timeout_seconds = 45\n"
        hospital.configure(text, tables=SITE + dpi)
        with serving(hospital) as service:
            connection, _ = mute.accept()  # it is being read from now on
            url = f"{callback}/inbound"
            form = {"MessageSid": "SM1", "From": "+33639980001", "To": "+33639989999", "Body": "OK"}
            signed = url + "".join(key + form[key] for key in sorted(form))
            digest = hmac.digest(TWILIO.auth_token.encode(), signed.encode(), hashlib.sha1)
            answer = httpx.post(
                url,
                data=form,
                headers={"X-Twilio-Signature": base64.b64encode(digest).decode()},
                trust_env=False,
            )
            assert answer.status_code == 204
            assert service.stop() == 0
            assert service.log[-1] | {"at": ""} == {
                "all_ended": False, "event": "stopped", "level": "info", "at": "",
            }  # fmt: skip
            connection.close()
