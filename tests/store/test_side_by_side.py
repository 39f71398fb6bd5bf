"""Several processes on one SQLite file: what one commits the others see, whoever ends first."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from reminders.store.engine import Store, open_engine, rows, run
from reminders.store.migrate import migrate

LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT COUNT(*) FROM setting WHERE key LIKE 'mine%'").fetchone()[0])
connection.close()
"""


def seen_elsewhere(file: Path) -> int:
    """What another process sees that opens the file, looks, and ends."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(file)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_command_that_ends_takes_no_journal_from_the_service(tmp_path: Path) -> None:
    """Each new connection of the service must leave the locks of its others alone: without them
    a short command believes it is the last one and deletes the journal being written to, and
    with it all that is committed from then on."""
    file = tmp_path / "hospital.db"
    store = Store(open_engine(f"sqlite:///{file}"))
    migrate(store)
    for number in range(1, 4):
        with store.read() as connection, store.read() as other:  # one more connection than before
            rows(other, "SELECT 1 FROM setting")
            rows(connection, "SELECT 1 FROM setting")
        with store.write() as connection:
            run(
                connection,
                "INSERT INTO setting (key, value) VALUES (:key, '')",
                key=f"mine{number}",
            )
        assert seen_elsewhere(file) == number
    store.close()
    with sqlite3.connect(file) as reopened:
        kept = reopened.execute("SELECT COUNT(*) FROM setting WHERE key LIKE 'mine%'").fetchone()
    reopened.close()
    assert kept == (3,)
