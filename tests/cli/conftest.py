from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import Desk
from tests.support.providers import Providers, providers


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Providers]:
    with providers(tmp_path) as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A folder and its commands; no provider."""
    return Desk(tmp_path, monkeypatch)


@pytest.fixture
def hospital(desk: Desk, peers: Providers) -> Desk:
    """The same, live, with providers on loopback."""
    desk.peers = peers
    desk.configure()
    return desk
