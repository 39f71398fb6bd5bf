"""What every test gets: a closed network, its own databases, a browser, stable examples."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support import chromium, network
from tests.support.postgres import Server, serve

network.install()

# Nothing here measures time: the cores are shared, so a slow example is not a failing one.
# The suite tries the same examples each time; the nightly run looks for new ones.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("suite", _CALM, max_examples=100, derandomize=True)
settings.register_profile("nightly", _CALM, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


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
