"""Somebody sends the form that writes to a session.

The same verb as the page's, in a process of its own that may be killed.
"""

import argparse
import asyncio
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from reminders.bootstrap import build, configured
from reminders.clock import OffsetClock
from reminders.domain.writing import Session
from reminders.services import writing, writing_survey

DAY = date(2026, 10, 14)


async def write() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("request")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--at", type=datetime.fromisoformat)
    asked = parser.parse_args()
    settings = configured(asked.config)
    application = build(settings, OffsetClock(asked.at))
    try:
        means = writing_survey.Means(
            application.rules, application.composer, application.routes, application.secret,
            ZoneInfo("Europe/Paris"),
        )  # fmt: skip
        now, session, purpose = application.clock.now(), Session(DAY, "4220"), "session_cancelled"
        seen = writing_survey.survey(application.store, means, session, purpose, None, now=now)
        order = writing.Order(asked.request, "nadia", seen.patients)
        writing.send(application.store, means, session, purpose, None, order, now=now)
    finally:
        await application.aclose()


def main() -> None:
    asyncio.run(write())
