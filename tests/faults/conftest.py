"""One simulated provider a worker, and a database with messages due, for tests to copy."""

from collections.abc import Iterator

import pytest

from tests.faults.hospital import Hospital, Patient, patients
from tests.faults.processes import Provider, provider

DUE = 60


@pytest.fixture(scope="session")
def sms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("sms")) as running:
        yield running


@pytest.fixture(scope="session")
def people() -> list[Patient]:
    return patients(DUE)


@pytest.fixture(scope="session")
def due(tmp_path_factory: pytest.TempPathFactory, sms: Provider, people: list[Patient]) -> Hospital:
    """Its first pass was held, then released: every message is due and none has left."""
    hospital = Hospital(tmp_path_factory.mktemp("due"), sms)
    hospital.exports(people)
    hospital.opens()
    assert hospital.count("state = 'PLANNED'") == len(people)
    return hospital
