"""A script of what goes wrong at a simulated provider, and when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

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
    """Applies to submissions number `first` (from 1) to `first + times - 1` of `provider`."""

    provider: str
    kind: Kind
    first: int = 1
    times: int = 1
    seconds: float = 0.0


@dataclass(slots=True)
class FaultScript:
    """Counts submissions per provider and tells which fault, if any, meets the next one."""

    faults: Sequence[Fault] = ()
    _seen: dict[str, int] = field(default_factory=dict)

    def next(self, provider: str) -> Fault | None:
        number = self._seen[provider] = self._seen.get(provider, 0) + 1
        for fault in self.faults:
            if fault.provider == provider and fault.first <= number < fault.first + fault.times:
                return fault
        return None


def load_faults(path: Path) -> list[Fault]:
    """The faults of a JSON file: a list of objects with the fields of `Fault`."""
    return [Fault(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
