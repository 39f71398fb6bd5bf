"""What the simulated SMS providers share: the ledger, the faults, the numbers that refuse."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response

from reminders.simulation.faults import Fault, FaultScript
from reminders.simulation.ledger import Entry, SharedLedger
from reminders.simulation.listening import HungUp

LANDLINE = re.compile(r"\+33[1-59]\d{8}")
E164 = re.compile(r"\+[1-9]\d{6,14}")
FOREVER = 86_400.0  # seconds a hanging request is held when the fault names none
STOP_WORDS = frozenset({"STOP", "ARRET", "ARRÊT", "CANCEL", "END", "QUIT", "UNSUBSCRIBE"})

Accepted = Callable[[Entry, str | None], None]  # the entry and its own status callback


@dataclass(slots=True)
class Intake:
    """`accepted` is told of every submission once it is durable, before it is answered."""

    ledger: SharedLedger
    faults: FaultScript
    accepted: Accepted | None = None
    blocked: set[str] = field(default_factory=set)  # numbers that said stop to the provider

    async def take(self, entry: Entry, status_callback: str | None = None) -> None:
        await self.ledger.append(entry)
        if self.accepted is not None:
            self.accepted(entry, status_callback)


def before_accepting(fault: Fault | None, refusal: Response) -> Response | None:
    """The answer of a fault under which nothing is accepted; `refusal` is the provider's own
    for a bad number. None: go on."""
    match fault:
        case Fault(kind="refuse"):
            return refusal
        case Fault(kind="reject_credentials"):
            return JSONResponse({"message": "Invalid credentials"}, 401)
        case Fault(kind="throttle", seconds=seconds):
            wait = {"Retry-After": str(int(seconds))} if seconds else None
            return JSONResponse({"message": "Too many requests"}, 429, wait)
        case Fault(kind="fail_500"):
            return JSONResponse({"message": "Internal error"}, 500)
        case Fault(kind="drop"):
            return HungUp()
        case Fault(kind="hang", seconds=seconds):
            return HungUp(seconds or FOREVER)
    return None


def after_accepting(fault: Fault | None) -> Response | None:
    """The answer of a fault that strikes once the message is accepted. None: the true one."""
    match fault:
        case Fault(kind="accept_then_drop"):
            return HungUp()
        case Fault(kind="accept_then_500"):
            return JSONResponse({"message": "Internal error"}, 500)
    return None
