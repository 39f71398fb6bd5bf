"""Named points where a test may stop this process to kill it. Free when nothing is armed.

Armed with REMINDERS_FAILPOINT=<name>[:<nth>[:stop]] (the nth time it is reached, 1 by default)
and REMINDERS_FAILPOINT_REPORT=<path>: the point makes that file and waits for ever, so that
the parent's kill -9 falls exactly between two named statements. With `stop` the whole process
stops itself as SIGSTOP does, and goes on when the parent sends SIGCONT.
"""

import os
import signal
import threading
import time

# Every point there is; the kill tests fail if one of them is never reached.
BETWEEN_LEASE_AND_RESULT: tuple[str, ...] = (
    "lease.before_commit",
    "lease.after_commit",
    "render.before",
    "render.done",
    "intent.permitted",
    "intent.before_commit",
    "intent.after_commit",
    "send.before_slot",
    "send.before_submit",
    "send.after_submit",
    "result.queued",
    "result.written",
    "result.before_commit",
    "result.after_commit",
)
BEFORE_LEASE: tuple[str, ...] = (
    "sync.staged",
    "sync.before_commit",
    "sync.after_commit",
    "plan.before_commit",
    "plan.after_commit",
)
RECEIPTS: tuple[str, ...] = ("receipt.before_commit", "receipt.after_commit")
REPLIES: tuple[str, ...] = ("reply.before_commit", "reply.after_commit")
WRITE_BACK: tuple[str, ...] = ("writeback.intent", "writeback.result")
WRITING: tuple[str, ...] = ("writing.before_commit", "writing.after_commit")
BASELINE: tuple[str, ...] = ("baseline.before_commit",)
POINTS = (
    BETWEEN_LEASE_AND_RESULT + BEFORE_LEASE + RECEIPTS + REPLIES + WRITE_BACK + WRITING + BASELINE
)

_ARMED, _, _REST = os.environ.get("REMINDERS_FAILPOINT", "").partition(":")
_NTH, _, _THEN = _REST.partition(":")
_left = int(_NTH or 1)


def failpoint(name: str) -> None:
    """Stop here if this point is armed; otherwise do nothing."""
    global _left
    if name != _ARMED:
        return
    _left -= 1
    if _left != 0:
        return
    with open(os.environ["REMINDERS_FAILPOINT_REPORT"], "w", encoding="ascii") as report:
        report.write(name)
    if _THEN == "stop":
        # To this very thread: it would go a few statements further if another one took the signal.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        return
    while True:
        time.sleep(60)
