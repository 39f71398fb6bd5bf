"""What every test gets: a closed network, its own databases, a browser, stable examples."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reminders.services import passwords
from reminders.store.engine import Store
from tests.support import chromium, network
from tests.support.postgres import Server, serve
from tests.support.stores import KINDS, PostgresDatabases, SqliteFiles

network.install()

# Nothing here measures time: the cores are shared, so a slow example is not a failing one.
# The suite tries the same examples each time; the nightly run looks for new ones.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("suite", _CALM, max_examples=100, derandomize=True)
settings.register_profile("nightly", _CALM, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
# Half a second of processor time each, and the tests sign in a thousand times. What is installed
# hashes as tests/services/test_passwords.py says.
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
expect.set_options(timeout=30_000)  # five seconds of its own are short on a busy machine


def pytest_collection() -> None:
    """Ten thousand tests are kept to the end: they are looked through for rubbish once at most."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def closed_network() -> Iterator[list[str]]:
    """Fails a test that reached for a real host, even where the code swallowed the refusal."""
    network.refused.clear()
    yield network.refused
    reached, network.refused[:] = list(network.refused), []
    assert not reached, f"real network refused: {', '.join(reached)}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def postgres(postgres_server: Server) -> str:
    """The SQLAlchemy URL of an empty PostgreSQL database, one per test module."""
    return postgres_server.create_database()


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: Server) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty migrated database of the test's own: its test runs once on each kind."""
    if request.param == "sqlite":
        files: SqliteFiles = request.getfixturevalue("sqlite_files")
        with files.migrated(tmp_path) as opened:
            yield opened
    else:
        databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
        with databases.migrated() as opened:
            yield opened


# A module at a time, no longer: while playwright's synchronous interface is open its event loop
# counts as running in this thread, and asyncio tests could not start theirs. A module that uses
# pages therefore has no asyncio tests of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, headless, that resolves nothing but this machine."""
    program = chromium.find()
    assert program is not None, "the tests of pages need Chromium: ./dev test installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=list(chromium.FLAGS), chromium_sandbox=False
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="fr-FR") as context:
        yield context.new_page()
