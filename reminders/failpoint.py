"""Named points where a test may stop this process to kill it. Free when nothing is armed.

Armed with REMINDERS_FAILPOINT=<name>[:<nth>] (the nth time it is reached, 1 by default) and
REMINDERS_FAILPOINT_PIPE=<file descriptor or path>: the point writes its name there and waits
for ever, so that the parent's kill -9 falls exactly between two named statements.
"""

import os
import time

_ARMED, _, _NTH = os.environ.get("REMINDERS_FAILPOINT", "").partition(":")
_left = int(_NTH or 1)

# Every point there is; the kill test fails if one of them is never reached.
POINTS: tuple[str, ...] = (
    "lease.before_commit",
    "lease.after_commit",
    "render.done",
    "intent.before_commit",
    "intent.after_commit",
    "send.before_submit",
    "send.after_submit",
    "result.queued",
    "result.before_commit",
    "result.after_commit",
    "plan.before_commit",
    "plan.after_commit",
    "sync.staged",
    "sync.before_commit",
    "sync.after_commit",
    "receipt.before_commit",
    "receipt.after_commit",
)


def failpoint(name: str) -> None:
    """Stop here for ever if this point is armed; otherwise do nothing."""
    global _left
    if name != _ARMED:
        return
    _left -= 1
    if _left > 0:
        return
    with open(os.environ["REMINDERS_FAILPOINT_PIPE"], "a", encoding="ascii") as report:
        report.write(name + "\n")
    while True:
        time.sleep(60)
