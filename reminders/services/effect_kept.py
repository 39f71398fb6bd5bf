"""The effect as plain JSON, and read back: pages that tell it tell the same one, of one moment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reminders.domain.canonical import Plain, plain
from reminders.domain.holdout import Arm
from reminders.domain.outcome import Outcome, Tally
from reminders.services.effect import ArmFigures, Measured, Verdict
from reminders.statistics.design import Balance

ALIKE = (
    "final", "adjusted", "estimate", "error", "low", "high", "p", "method", "smallest", "expected",
    "unknown_p", "design_effect",
)  # fmt: skip


def effect_told(found: Measured) -> dict[str, Plain]:
    one = {name: getattr(found, name) for name in ALIKE} | {
        "verdict": found.verdict,
        "since": found.since,
        "until": found.until,
        "hidden": found.hidden,
        "taken_at": found.taken_at,
        "taken_known": found.taken_known,
        "arms": {
            arm: {
                "units": figures.units, "patients": figures.patients, "known": figures.known,
                "missed": None if found.hidden else figures.missed, "rate": figures.rate,
                "pending": figures.pending, "tally": figures.tally.counts,
            }
            for arm, figures in found.arms.items()
        },
        "balance": found.balance,
        "avoided": found.avoided,
    }  # fmt: skip
    made = plain(one)
    assert isinstance(made, dict)
    return made


def effect_of(told: Mapping[str, Any]) -> Measured | None:
    """What `effect_told` made; None of what an earlier release kept."""
    if "unknown_p" not in told or "hidden" not in told:
        return None
    return Measured(
        Verdict(told["verdict"]),
        since=_instant(told["since"]),
        until=_instant(told["until"]),
        taken_at=_instant(told.get("taken_at")),
        taken_known=told.get("taken_known", 0),
        arms={Arm(arm): _figures(one, hidden=told["hidden"]) for arm, one in told["arms"].items()},
        balance=Balance(**told["balance"]) if told["balance"] else None,
        **{name: told[name] for name in ALIKE},
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _figures(told: Mapping[str, Any], *, hidden: bool) -> ArmFigures:
    tally = Tally({Outcome(name): number for name, number in told["tally"].items()})
    unsorted = told["known"] if hidden else None
    return ArmFigures(told["units"], told["patients"], tally, told["pending"], unsorted)
