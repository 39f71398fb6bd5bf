"""A script of what goes wrong at a simulated provider, and when."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from reminders.simulation.chance import stream

Kind = Literal[
    "refuse",  # 4xx with the provider's "bad number" code, nothing accepted
    "reject_credentials",  # 401
    "throttle",  # 429 with Retry-After: `seconds`
    "hang",  # take the request, never answer (for `seconds`), nothing accepted
    "accept_then_drop",  # accepted and in the ledger, connection closed without an answer
    "accept_then_500",  # accepted and in the ledger, answered 500
    "fail_500",  # answered 500, nothing accepted
    "drop",  # connection closed after reading, nothing accepted
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Applies to submissions number `first` (from 1) to `first + times - 1` of `provider`.

    With `share` or `since` the number does not count, so that what happens depends neither on
    the order nor on the speed of submissions: `share` strikes that part of them, by the chance
    of their recipients (Twilio's only); from `since` to `until` (ISO 8601) all are struck.
    """

    provider: str
    kind: Kind
    first: int = 1
    times: int = 1
    seconds: float = 0.0
    share: float = 0.0
    since: str = ""
    until: str = ""

    def strikes(self, number: int, recipient: str, nth: int, at: datetime | None) -> bool:
        """`nth`: which one of this recipient's submissions it is."""
        if not self.share and not self.since:
            return self.first <= number < self.first + self.times
        if self.since and (at is None or not self._during(at)):
            return False
        return not self.share or self.share > stream(0, self, recipient, nth).random()

    def _during(self, at: datetime) -> bool:
        return datetime.fromisoformat(self.since) <= at < datetime.fromisoformat(self.until)


@dataclass(slots=True)
class FaultScript:
    """Counts submissions per provider and tells which fault, if any, meets the next one."""

    faults: Sequence[Fault] = ()
    _seen: Counter[str] = field(default_factory=Counter)
    _of_recipient: Counter[tuple[str, str]] = field(default_factory=Counter)

    def next(self, provider: str, recipient: str = "", at: datetime | None = None) -> Fault | None:
        self._seen[provider] += 1
        self._of_recipient[provider, recipient] += 1
        number, nth = self._seen[provider], self._of_recipient[provider, recipient]
        for fault in self.faults:
            if fault.provider == provider and fault.strikes(number, recipient, nth, at):
                return fault
        return None


def load_faults(path: Path) -> list[Fault]:
    """The faults of a JSON file: a list of objects with the fields of `Fault`."""
    return [Fault(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
