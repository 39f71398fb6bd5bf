"""The same commands on PostgreSQL."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.support.desk import Desk, visit
from tests.support.providers import Providers


@pytest.fixture
def hospital(desk: Desk, peers: Providers, postgres: str) -> Desk:
    address = make_url(postgres).set(drivername="postgresql")
    desk.peers = peers
    desk.configure('[store]\nurl_file = "base.url"')
    (desk.folder / "base.url").write_text(address.render_as_string(hide_password=False), "utf-8")
    return desk


def schemas_of(postgres: str) -> list[str]:
    engine = create_engine(postgres)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'reminders%'")
        ).all()
    engine.dispose()
    return [str(row[0]) for row in rows]


def test_a_day_from_the_dry_run_to_the_story(hospital: Desk, postgres: str, tmp_path: Path) -> None:
    hospital.export([visit(number) for number in range(1, 31)])
    plan = hospital.run_at("run", "--dry-run", "--json")
    assert plan.code == 0, plan
    planned = [line for line in map(json.loads, plan.lines) if line["state"] == "planned"]
    assert len(planned) == 30
    assert hospital.run_at("run").code == 3
    held = hospital.run_at("run", "--dry-run")
    assert "30 messages prévus" in held.out
    assert schemas_of(postgres) == []
    assert hospital.run_at("release", "--yes").code == 0
    both = [hospital.start("run", "--at", "2026-10-13T10:20") for _ in range(2)]
    told = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert hospital.peers is not None
    assert len({entry.to for entry in hospital.peers.taken}) == len(hospital.peers.taken) == 30
    assert hospital.run_at("object", "06 39 98 00 07").code == 0
    assert "pris par l'opérateur" in hospital.run("why", "R7").out
    assert hospital.run_at("report", "--month", "2026-10").code == 0
    assert hospital.run_at("purge").code == 0
    assert hospital.run("migrate").out.startswith("Base déjà à jour")
    assert not (tmp_path / "hospital.db").exists()
