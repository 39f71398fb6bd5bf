"""Speaking to a simulated world: start its process, move its time, read what happened."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from reminders.simulation.addresses import Addresses

PATIENCE_SECONDS = 60.0  # for an answer of the control API, or for the process to be ready


@dataclass(frozen=True, slots=True)
class State:
    """`next_event`: when something will happen by itself; None: nothing more will. `happened`:
    how many sentences the hospital's journal has had."""

    now: datetime
    next_event: datetime | None
    happened: int
    messages: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LedgerSummary:
    """What providers took and reported. Keys of `messages`: (channel, state)."""

    messages: Mapping[tuple[str, str], int]
    providers: Mapping[str, int]
    receipts: int
    replies: int

    def accepted(self, channel: str) -> int:
        return sum(count for (kind, _), count in self.messages.items() if kind == channel)


class World:
    """The control API of one world. Close it when done."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self._http = httpx.AsyncClient(
            base_url=addresses.control, timeout=PATIENCE_SECONDS, trust_env=False
        )

    async def state(self) -> State:
        return _state(await self._get("/control/state"))

    async def advance(self, to: datetime) -> State:
        """Everything up to `to` has happened, and was told, when this returns."""
        return _state(await self._post("/control/advance", {"to": to.isoformat()}))

    async def set_callbacks(self, **addresses: str) -> None:
        """As in the providers' consoles: twilio_inbound, ovh_status, ovh_inbound."""
        await self._post("/control/callbacks", addresses)

    async def open_demo(self, at: datetime) -> State:
        """Script the demo's first minutes, from `at`."""
        return _state(await self._post("/control/opening", {"at": at.isoformat()}))

    async def ledger_summary(self) -> LedgerSummary:
        told = await self._get("/control/ledger-summary")
        messages: dict[tuple[str, str], int] = {}
        providers: dict[str, int] = {}
        for row in told["messages"]:
            key = (row["channel"], row["state"])
            messages[key] = messages.get(key, 0) + row["count"]
            providers[row["provider"]] = providers.get(row["provider"], 0) + row["count"]
        return LedgerSummary(messages, providers, told["receipts"], told["replies"])

    async def outcomes(self, since: datetime, until: datetime) -> Mapping[str, int]:
        found: dict[str, int] = await self._get(
            "/control/outcomes", since=since.isoformat(), until=until.isoformat()
        )
        return found

    async def truth(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """`appointments`, `missed`, and `without`: those missed had nobody written (Life.truth)."""
        found: dict[str, int] = await self._get(
            "/control/truth", since=since.isoformat(), until=until.isoformat()
        )
        return found

    async def inbox(self, *, before: int = 0, limit: int = 50) -> dict[str, Any]:
        return await self._get("/control/inbox", before=str(before), limit=str(limit))

    async def box(self, box: str) -> dict[str, Any] | None:
        """One telephone or mailbox; None if there is none of this name."""
        response = await self._http.get(f"/control/box/{box}")
        if response.status_code == 404:
            return None
        found: dict[str, Any] = response.raise_for_status().json()
        return found

    async def reply(self, box: str, text: str) -> bool:
        """Answer as the patient. False: nobody reads answers to that sender, or no such box."""
        response = await self._http.post("/control/reply", json={"box": box, "text": text})
        return response.is_success

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _get(self, path: str, **query: str) -> dict[str, Any]:
        response = await self._http.get(path, params=query)
        found: dict[str, Any] = response.raise_for_status().json()
        return found

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._http.post(path, json=dict(body))
        found: dict[str, Any] = response.raise_for_status().json()
        return found


@asynccontextmanager
async def started(
    *,
    seed: int,
    start: datetime,
    ledger: Path,
    days: int = 14,
    patients: int = 1_200,
    busy: float = 0.75,
    faults: Path | None = None,
    fhir_token: str = "",
) -> AsyncIterator[World]:
    """A world in a process of its own, ended with the block or with this process."""
    words = [
        *("--seed", str(seed), "--start", start.isoformat(), "--ledger", str(ledger)),
        *("--days", str(days), "--patients", str(patients), "--busy", str(busy)),
        *(("--faults", str(faults)) if faults else ()),
        *(("--fhir-token", fhir_token) if fhir_token else ()),
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reminders.simulation.world", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated world did not start")
        world = World(Addresses(**json.loads(line)))
        try:
            yield world
        finally:
            await world.aclose()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(0.5):
            await process.wait()
    except TimeoutError:  # still starting, most often; its ledger is durable line by line
        process.kill()
        await process.wait()


def _state(told: Mapping[str, Any]) -> State:
    upcoming = told["next_event"]
    return State(
        now=datetime.fromisoformat(told["now"]),
        next_event=None if upcoming is None else datetime.fromisoformat(upcoming),
        happened=told["happened"],
        messages=told["messages"],
        counts=told["counts"],
    )
