"""The simulated hospital and its providers, as one process of their own.

`python -m reminders.simulation.world --seed 1 --start 2026-09-29T09:55:00+02:00 --ledger FILE`
prints one JSON line with its addresses once they take connections: a DPI that speaks FHIR R4,
providers that speak Twilio's and OVHcloud's HTTP APIs, an SMTP server, and the control API
(`control.py`). Time stands still until `POST /control/advance`. It ends when its standard input
is closed, so that nothing outlives whoever started it.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from threading import Thread

from reminders.clock import aware
from reminders.simulation.addresses import Addresses
from reminders.simulation.control import Control
from reminders.simulation.faults import FaultScript, load_faults
from reminders.simulation.fhir_server import fhir_app
from reminders.simulation.fhir_store import FhirStore
from reminders.simulation.hospital import PARIS, hospital
from reminders.simulation.ledger import Ledger
from reminders.simulation.life import Life
from reminders.simulation.listening import listening
from reminders.simulation.sms_servers import SmsProviders
from reminders.simulation.smtp_server import SmtpServer


async def live(arguments: argparse.Namespace) -> None:
    """Serve until standard input ends."""
    start = aware(arguments.start)
    first_day = start.astimezone(PARIS).date()
    town = hospital(
        arguments.seed, first_day, arguments.days, patients=arguments.patients, busy=arguments.busy
    )
    store = FhirStore()
    life = Life(town, start, store)
    faults = FaultScript(load_faults(arguments.faults) if arguments.faults else ())
    ledger = Ledger(arguments.ledger)
    providers = SmsProviders(ledger, faults, lambda: life.now, accepted=life.accepted)
    life.providers = providers
    smtp = SmtpServer(ledger, faults, lambda: life.now, accepted=life.accepted)
    control = Control(life, providers)
    async with AsyncExitStack() as open_ports:
        fhir = await open_ports.enter_async_context(
            listening(fhir_app(store, token=arguments.fhir_token))
        )
        sms = await open_ports.enter_async_context(listening(providers.app))
        mail = await smtp.start()
        open_ports.push_async_callback(smtp.aclose)
        own = await open_ports.enter_async_context(listening(control.app(), port=arguments.port))
        open_ports.push_async_callback(providers.aclose)
        addresses = Addresses(
            fhir=f"http://127.0.0.1:{fhir}",
            twilio=f"http://127.0.0.1:{sms}",
            ovh=f"http://127.0.0.1:{sms}/1.0",
            smtp_port=mail,
            control=f"http://127.0.0.1:{own}",
        )
        sys.stdout.write(json.dumps(asdict(addresses)) + "\n")
        sys.stdout.flush()
        await _input_closed()
        logging.disable()  # whoever asked is gone: a request cut off now is nobody's error
    ledger.close()


async def _input_closed() -> None:
    """Whoever started this process holds its standard input open as long as it is wanted."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(ended.set)

    Thread(target=watch, daemon=True).start()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="reminders.simulation.world")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--days", type=int, default=14, help="days of agenda before the horizon")
    parser.add_argument("--patients", type=int, default=1_200)
    parser.add_argument("--busy", type=float, default=0.75, help="share of the usual slots")
    parser.add_argument("--port", type=int, default=0, help="of the control API")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--faults", type=Path, help="JSON: a list of faults")
    parser.add_argument("--fhir-token", default="")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    arguments = parser.parse_args()
    try:
        asyncio.run(live(arguments))
    except FileNotFoundError:
        if arguments.ledger.parent.exists():
            raise
        # Whoever started us stopped while we began, and took its folder with it.
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
