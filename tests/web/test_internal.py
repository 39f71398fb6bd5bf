"""The internal listener: health and metrics, also while the database is down."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from reminders.store.engine import Store, open_engine
from reminders.store.migrate import is_current, migrate
from reminders.web.internal import Inside, internal_app

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 10, 13, 8, 20, tzinfo=UTC)


def client(store: Store) -> httpx.AsyncClient:
    inside = Inside(
        store=store,
        zone=ZoneInfo("Europe/Paris"),
        mode="live",
        now=lambda: NOW,
        resting=dict,
        is_current=lambda: is_current(store),
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(internal_app(inside), raise_app_exceptions=False),
        base_url="http://inside.example.org",
    )


async def test_health_and_metrics_answer(store: Store) -> None:
    async with client(store) as http:
        for path in ("/healthz", "/readyz", "/metrics", "/assets/style.css"):
            answer = await http.get(path)
            assert answer.status_code == 200, path
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert (await http.head(path)).status_code == 200
        assert "reminders_tasks_open 0.0" in (await http.get("/metrics")).text


@pytest.mark.parametrize("path", ["/healthz/", "/docs", "/openapi.json", "/callbacks/main/0"])
async def test_unknown_paths_are_not_there(tmp_path: Path, path: str) -> None:
    store = Store(open_engine("sqlite:///a.db", tmp_path))
    migrate(store)
    async with client(store) as http:
        assert (await http.get(path)).status_code == 404
    store.close()


async def test_while_the_database_is_down_it_says_what_to_repair(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database " * 1_000)
    store = Store(open_engine("sqlite:///a.db", tmp_path))
    async with client(store) as http:
        assert (await http.get("/healthz")).status_code == 200  # restarting would not help
        assert (await http.get("/readyz")).status_code == 503
        answer = await http.get("/metrics")
        assert answer.status_code == 503
        assert "base de données" in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
    store.close()


async def test_a_database_of_another_release_is_not_ready(tmp_path: Path) -> None:
    store = Store(open_engine("sqlite:///a.db", tmp_path))
    async with client(store) as http:
        assert (await http.get("/readyz")).status_code == 503
        migrate(store)
        assert (await http.get("/readyz")).status_code == 200
    store.close()
