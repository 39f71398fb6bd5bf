"""Logs: one JSON object a line on standard error, UTC, ids and codes only.

Our own events say what happened in a few words and carry ids, counts and codes. What libraries
log is reduced to its place and the class of its error: their sentences quote values, and a value
may be a patient's. REMINDERS_DEBUG=1 lets a developer read them.
"""

import json
import logging
import os
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import structlog

LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}


class _StandardError:
    """Standard error as it is when a line is written."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(level: str) -> None:
    """Everything logged from now on goes to standard error, from `level` upwards."""
    target = cast("TextIO", _StandardError())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _name_the_error,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Reduced())
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), handlers=[handler], force=True)


def _name_the_error(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An exception is logged as its class: its text may quote a patient."""
    given = event.pop("exc_info", None)
    error = sys.exception() if given is True else given
    if isinstance(error, BaseException):
        event.setdefault("error", type(error).__name__)
    return event


class _Reduced(logging.Formatter):
    """A library's record: where it comes from, how serious it is, which error; never its words."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        line: dict[str, object] = {
            "event": "library message",
            "level": record.levelname.lower(),
            "at": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "logger": record.name,
            "place": f"{record.filename}:{record.lineno}",
        }
        if error is not None:
            line["error"] = type(error).__name__
        if os.environ.get("REMINDERS_DEBUG"):
            line["message"] = record.getMessage()
        return json.dumps(line, ensure_ascii=False)
