"""The record of each pass: when, in which mode, with what result. Counts only."""

import json
from collections.abc import Mapping
from datetime import datetime

from reminders.store.engine import Store, reserve, run
from reminders.store.types import micros


def remember_run(
    store: Store,
    started: datetime,
    finished: datetime,
    mode: str,
    exit_code: int,
    summary: Mapping[str, object],
) -> None:
    with store.write() as connection:
        run(
            connection,
            "INSERT INTO run (id, started_at, finished_at, mode, exit_code, summary) "
            "VALUES (:id, :started, :finished, :mode, :code, :summary)",
            id=reserve(connection, "run", 1),
            started=micros(started),
            finished=micros(finished),
            mode=mode,
            code=exit_code,
            summary=json.dumps(summary, ensure_ascii=False),
        )
