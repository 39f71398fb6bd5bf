"""Providers that refuse, hang, lie and vanish: no duplicate, and everything ends somewhere."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reminders.simulation.faults import Fault
from tests.faults.hospital import Hospital, Patient, patients
from tests.faults.processes import Provider, provider

PEOPLE = [replace(one, email=one.number % 2 == 0) for one in patients(80)]
SMS_FAULTS = (
    Fault("twilio", "refuse", first=3, times=3),
    Fault("twilio", "accept_then_drop", first=11, times=4),
    Fault("twilio", "accept_then_500", first=21, times=4),
    Fault("twilio", "hang", first=31, times=4),
    Fault("twilio", "throttle", first=41, times=3, seconds=1),
    Fault("twilio", "fail_500", first=51, times=4),
    Fault("twilio", "drop", first=61, times=4),
)
MAIL_FAULTS = (
    Fault("smtp", "accept_then_drop", first=2),
    Fault("smtp", "hang", first=4),
    Fault("smtp", "refuse", first=6),
    Fault("smtp", "drop", first=8),
)
PROVIDER_PAUSE = timedelta(minutes=30)  # longer than any provider is left to rest


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[tuple[Provider, Provider]]:
    with ExitStack() as stack:
        sms = stack.enter_context(provider(tmp_path, *SMS_FAULTS))
        mail = stack.enter_context(provider(tmp_path, *MAIL_FAULTS, module="smtp_server"))
        yield sms, mail


def test_every_fault_of_a_provider_ends_without_a_double(
    outside: tuple[Provider, Provider], tmp_path: Path
) -> None:
    sms, mail = outside
    hospital = Hospital(tmp_path / "a", sms, mail=mail)
    hospital.exports(PEOPLE)
    hospital.opens()
    for _ in range(3):  # the next channel opens when an UNKNOWN is given up
        hospital.settles()
        hospital.at += PROVIDER_PAUSE
    assert not hospital.count("state IN ('PLANNED', 'LEASED', 'SENDING', 'HELD')")
    assert not hospital.count("state = 'UNKNOWN' AND settled_at IS NULL")
    fates = hospital.check(PEOPLE)
    assert set(fates) == {"in the ledger, ACCEPTED", "in the ledger, UNKNOWN", "UNKNOWN", "REFUSED"}
    met = {row.code for row in hospital.asks("SELECT DISTINCT code FROM attempt")}
    assert met >= {"twilio 21211", "http 500", "http 429", "TimeoutError"}


def test_a_provider_that_is_down_costs_nothing_but_time(tmp_path: Path) -> None:
    """Nothing listens at its address for two passes; then it is back."""
    people = patients(20)
    with provider(tmp_path) as first:
        port = first.port
    hospital = Hospital(tmp_path / "a", first)
    hospital.exports(people)
    hospital.opens()
    hospital.passes(PROVIDER_PAUSE)
    hospital.passes(PROVIDER_PAUSE)
    assert hospital.count("state = 'PLANNED'") == len(people)
    with provider(tmp_path, port=port):
        hospital.settles()
    assert hospital.check(people) == {"in the ledger, ACCEPTED": len(people)}


def test_a_provider_that_refuses_our_password_is_told_to_the_administrator(tmp_path: Path) -> None:
    people: list[Patient] = patients(10)
    reject = Fault("twilio", "reject_credentials", first=1, times=10_000)
    with provider(tmp_path, reject) as sms:
        hospital = Hospital(tmp_path / "a", sms)
        hospital.exports(people)
        hospital.opens()
        assert hospital.command("run", "--json").code == 1
        assert hospital.count("state = 'PLANNED'") == len(people)
        assert not hospital.submissions()
