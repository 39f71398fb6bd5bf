"""kill -9 of `serve` while providers and patients tell it things: what got its 2xx is kept (R6)."""

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from reminders.bootstrap import callback_paths
from reminders.config import load
from reminders.simulation.ledger import Entry
from tests.faults.hospital import Hospital, Patient, copy_of
from tests.faults.processes import PATIENCE, TWILIO, Child, Provider

STATUSES = ("sent", "delivered")
POINTS = (
    "reply.before_commit:4",
    "reply.after_commit:4",
    "receipt.before_commit:30",
    "receipt.after_commit:30",
    "",  # the parent chooses
)


@dataclass(frozen=True, slots=True)
class Told:
    """One callback: what became of a message, or a patient's reply."""

    path: str
    form: tuple[tuple[str, str], ...]

    @property
    def event(self) -> str:
        told = dict(self.form)
        return f"{told['MessageSid']}:{told.get('MessageStatus', 'reply')}"


def told_of(entries: Sequence[Entry], path: str, seed: int) -> list[Told]:
    """Each message's statuses in any order, one of them twice, and a reply of its patient."""
    told: list[Told] = []
    for number, entry in enumerate(entries):
        query = urlencode({"ref": entry.reference})
        for status in (*STATUSES, STATUSES[number % 2]):
            form = (("MessageSid", entry.provider_id), ("MessageStatus", status))
            told.append(Told(f"{path}/status?{query}", form))
        reply = (("MessageSid", f"SMreply{number}"), ("From", entry.to), ("Body", "oui"))
        told += [Told(f"{path}/inbound", (*reply, ("To", "+33199001234")))] * 2
    Random(seed).shuffle(told)
    return told


def acknowledged(hospital: Hospital, one: Told) -> bool:
    url = f"http://127.0.0.1:{hospital.public_port}{one.path}"
    form = dict(one.form)
    signature = RequestValidator(TWILIO.auth_token).compute_signature(url, form)
    request = Request(url, urlencode(form).encode(), {"X-Twilio-Signature": signature})
    try:
        with urlopen(request, timeout=PATIENCE) as answer:
            return 200 <= int(answer.status) < 300
    except OSError:  # refused, reset, or closed in the middle: nothing was acknowledged
        return False


def tell(hospital: Hospital, told: Sequence[Told], server: Child, kill_after: int) -> set[str]:
    """Eight callers at once; the events acknowledged before the server died."""
    kept: set[str] = set()

    def call(one: Told) -> None:
        if acknowledged(hospital, one):
            kept.add(one.event)
        if len(kept) >= kill_after:
            server.kill()

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(call, told))
    return kept


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(hospital: Hospital, point: str) -> Iterator[Child]:
    with hospital.starts("serve", point=point) as server:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert server.process.poll() is None, server.ends().err
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", hospital.public_port)) == 0:
                    break
            time.sleep(0.02)
        yield server


def stored(hospital: Hospital) -> list[str]:
    receipts = [row.event for row in hospital.asks("SELECT event FROM receipt")]
    replies = [row.provider_id for row in hospital.asks("SELECT provider_id FROM inbound")]
    return receipts + [f"{reply}:reply" for reply in replies]


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.nightly) for n in (2, 3))])
def test_what_was_acknowledged_survives_and_counts_once(
    seed: int, due: Hospital, people: list[Patient], sms: Provider, tmp_path: Path
) -> None:
    hospital = copy_of(due, tmp_path, sms)
    hospital.public_port, hospital.internal_port = free_port(), free_port()
    hospital.configure()
    hospital.settles()
    settings = load(tmp_path / "hospital.toml")
    with hospital.store() as store:
        path = callback_paths(settings, store)["main"]
    told = told_of(hospital.submissions(), path, seed)
    kept: set[str] = set()
    for point in POINTS:
        with serving(hospital, point) as server:
            if point:
                with ThreadPoolExecutor(1) as watcher:
                    dead = watcher.submit(server.dies_at_its_point)
                    acknowledged_now = tell(hospital, told, server, len(told))
                    assert dead.result(), f"{point} was never reached"
            else:
                acknowledged_now = tell(hospital, told, server, 40)
        assert acknowledged_now or point, "the server acknowledged nothing"
        kept |= acknowledged_now
        assert kept <= set(stored(hospital))
    with serving(hospital, "") as server:  # providers come back with what got no answer
        assert len(tell(hospital, told, server, len(told) + 1)) == len(set(told))
    events = stored(hospital)
    assert len(events) == len(set(events))
    assert set(events) >= {one.event for one in told}
    hospital.settles()
    assert [
        row.number
        for row in hospital.asks("SELECT COUNT(*) AS number FROM inbound WHERE handled_at IS NULL")
    ] == [0]
    answers = hospital.asks("SELECT appointment_id, kind FROM answer")
    assert len(answers) == len({row.appointment_id for row in answers}) == len(people)
    assert {row.kind for row in answers} == {"confirmed"}
    assert hospital.check(people) == {"in the ledger, DELIVERED": len(people)}
