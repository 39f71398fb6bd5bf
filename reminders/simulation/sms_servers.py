"""Simulated SMS providers that speak Twilio's and OVHcloud's HTTP APIs.

As a process of its own: `python -m reminders.simulation.sms_servers --port 0 --ledger FILE`
prints one JSON line, {"port": 8031}, once it takes connections, and serves until it is ended.
What its ledger already holds is remembered, so that it may be restarted.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path

import httpx
from httpx_aiohttp import AiohttpTransport
from starlette.routing import Router

from reminders.clock import SystemClock
from reminders.simulation.faults import FaultScript, load_faults
from reminders.simulation.intake import Accepted, Intake
from reminders.simulation.ledger import Entry, Ledger, SharedLedger, read
from reminders.simulation.listening import listening
from reminders.simulation.ovh_api import OvhAccount, OvhApi, with_query
from reminders.simulation.twilio_api import TwilioAccount, TwilioApi

CALLBACK_SECONDS = 60.0  # real ones wait 15: a busy machine must not lose a receipt

__all__ = ["Callbacks", "OvhAccount", "SmsProviders", "TwilioAccount", "listening"]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The addresses a hospital sets in each provider's console; None = it polls."""

    twilio_inbound: str | None = None
    ovh_status: str | None = None
    ovh_inbound: str | None = None


class SmsProviders:
    """Both providers behind one `app`: Twilio under /2010-04-01, OVHcloud under /1.0.

    Every accepted submission is in the ledger, fsynced, before it is answered. `callbacks` may
    be replaced at any moment. Belongs to one event loop; serve `app` with `listening`.
    """

    def __init__(
        self,
        ledger: Ledger,
        faults: FaultScript,
        clock: Callable[[], datetime],
        *,
        twilio: TwilioAccount | None = None,
        ovh: OvhAccount | None = None,
        callbacks: Callbacks | None = None,
        accepted: Accepted | None = None,
    ) -> None:
        self.intake = Intake(SharedLedger(ledger), faults, accepted)
        self.callbacks = callbacks or Callbacks()
        self._twilio = TwilioApi(twilio or TwilioAccount(), self.intake, clock)
        self._ovh = OvhApi(ovh or OvhAccount(), self.intake, clock, SystemClock().now)
        # What it calls are callbacks on this machine; certificates are the business of others.
        transport = AiohttpTransport(verify=False)
        self._http = httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=CALLBACK_SECONDS
        )
        self.app = Router([*self._twilio.routes(), *self._ovh.routes()])

    def restore(self, entries: Sequence[Entry]) -> None:
        """Remember what earlier processes accepted."""
        for entry in entries:
            if entry.provider == "twilio":
                self._twilio.restore(entry)
            elif entry.provider == "ovh":
                self._ovh.restore(entry)

    async def report(
        self, entry: Entry, status: str, *, error_code: str | None = None, times: int = 1
    ) -> int | None:
        """Tell the service what became of a message: "sent", "delivered" or "undelivered".

        `error_code` is Twilio's ErrorCode or OVHcloud's ptt. The callback is made `times`
        times; returns the last HTTP status, None if there was no callback or no answer.
        """
        if entry.provider == "twilio":
            url, form = self._twilio.status(entry.provider_id, status, error_code)
            return await self._post_signed(url, form, times) if url else None
        query = self._ovh.status(entry.provider_id, status, error_code)
        return await self._get(self.callbacks.ovh_status, query, times)

    async def reply(self, sender: str, text: str, to_entry: Entry, *, times: int = 1) -> int | None:
        """A patient answers a message. It can be polled from now on; the webhook, where one is
        set, is called `times` times. Returns as `report`."""
        if to_entry.provider == "twilio":
            form = self._twilio.inbound(sender, to_entry.sender, text)
            url = self.callbacks.twilio_inbound
            return await self._post_signed(url, form, times) if url else None
        query = self._ovh.inbound(sender, to_entry, text)
        return await self._get(self.callbacks.ovh_inbound, query, times)

    async def _post_signed(self, url: str, form: dict[str, str], times: int) -> int | None:
        headers = {"X-Twilio-Signature": self._twilio.signature(url, form)}
        return await self._call("POST", url, times, data=form, headers=headers)

    async def _get(self, url: str | None, query: dict[str, str], times: int) -> int | None:
        return None if url is None else await self._call("GET", with_query(url, query), times)

    async def _call(
        self,
        method: str,
        url: str,
        times: int,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> int | None:
        status = None
        for _ in range(times):
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._http.request(method, url, data=data, headers=headers)
                status = answer.status_code
        return status

    async def aclose(self) -> None:
        await self._http.aclose()


async def _serve(arguments: argparse.Namespace) -> None:
    faults = FaultScript(load_faults(arguments.faults) if arguments.faults else ())
    providers = SmsProviders(
        Ledger(arguments.ledger),
        faults,
        SystemClock().now,
        twilio=TwilioAccount(*arguments.twilio_account.split(":")),
        ovh=OvhAccount(*arguments.ovh_account.split(":")),
    )
    providers.restore(list(read(arguments.ledger)))
    reports = set[asyncio.Task[None]]()

    async def deliver(entry: Entry) -> None:
        await providers.report(entry, "sent")
        await providers.report(entry, "delivered")

    def accepted(entry: Entry, _callback: str | None) -> None:
        reports.add(task := asyncio.create_task(deliver(entry)))
        task.add_done_callback(reports.discard)

    if arguments.deliver:
        providers.intake.accepted = accepted
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with listening(providers.app, port=arguments.port) as port:
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()
        await ended.wait()
    await providers.aclose()


def _joined(account: TwilioAccount | OvhAccount) -> str:
    return ":".join(astuple(account))


def main() -> None:
    parser = argparse.ArgumentParser(prog="reminders.simulation.sms_servers")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--faults", type=Path, help="JSON: a list of faults")
    parser.add_argument("--twilio-account", metavar="SID:TOKEN", default=_joined(TwilioAccount()))
    parser.add_argument(
        "--ovh-account", metavar="SERVICE:KEY:SECRET:CONSUMER", default=_joined(OvhAccount())
    )
    parser.add_argument("--deliver", action="store_true", help="report every message delivered")
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(parser.parse_args()))


def _loop() -> asyncio.AbstractEventLoop:
    """The faster loop, where the platform has it: this process is the yardstick of benches."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
