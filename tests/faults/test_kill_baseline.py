"""kill -9 while the past is being kept: the counts there were, whole; then the new ones, whole."""

from pathlib import Path

import pytest

from reminders import failpoint
from reminders.domain.baseline import Past
from reminders.services.baseline import past
from reminders.store.engine import Store, open_engine
from tests.faults.processes import Child
from tests.support.desk import CSV, SITE
from tests.support.past_file import write_past
from tests.support.postgres import Server
from tests.support.stores import KINDS


def run(folder: Path, *words: str, point: str = "") -> Child:
    where = ("--config", str(folder / "hospital.toml"))
    return Child(("baseline", *words, *where), folder, point)


def kept(url: str) -> dict[str, Past]:
    store = Store(open_engine(url))
    try:
        return past(store)
    finally:
        store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_leaves_the_counts_there_were_and_the_next_run_brings_the_new(
    kind: str, tmp_path: Path, postgres_server: Server
) -> None:
    url = f"sqlite:///{tmp_path / 'hospital.db'}"
    if kind == "postgresql":
        url = postgres_server.create_database()
    configuration = f'mode = "rehearsal"\n[store]\nurl = "{url}"\n{SITE}{CSV}'
    (tmp_path / "hospital.toml").write_text(configuration, "utf-8")
    first = str(write_past(tmp_path / "a.csv", 400, seed=1))
    second = str(write_past(tmp_path / "b.csv", 500, seed=2))
    assert run(tmp_path, "import", first, "--yes").ends().code == 0
    before = kept(url)
    for point in failpoint.BASELINE:
        assert run(tmp_path, "import", second, "--yes", point=point).dies_at_its_point()
        assert kept(url) == before
    assert run(tmp_path, "import", second, "--yes").ends().code == 0
    after = kept(url)
    assert sum(one.appointments for one in after.values()) > sum(
        one.appointments for one in before.values()
    )
