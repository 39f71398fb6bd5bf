"""Accidents of providers: by number, by the chance of a recipient, by the hour."""

from datetime import UTC, datetime, timedelta

from reminders.simulation.faults import Fault, FaultScript

TEN = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


def test_a_numbered_fault_meets_that_submission_of_that_provider() -> None:
    script = FaultScript([Fault("twilio", "refuse", first=2)])
    met = [script.next(name) for name in ("twilio", "ovh", "twilio", "twilio", "ovh")]
    assert [bool(one) for one in met] == [False, False, True, False, False]


def test_an_outage_strikes_everything_of_its_time_and_nothing_else() -> None:
    until = TEN + timedelta(minutes=2)
    outage = Fault("twilio", "reject_credentials", since=TEN.isoformat(), until=until.isoformat())
    script = FaultScript([outage])
    moments = [TEN - timedelta(seconds=1), TEN, until - timedelta(seconds=1), until]
    struck = [script.next("twilio", "+33639980001", at) is not None for at in moments]
    assert struck == [False, True, True, False]


def test_a_share_strikes_the_same_recipients_in_any_order() -> None:
    numbers = [f"+3363998{number:04}" for number in range(400)]

    def struck(order: list[str]) -> set[str]:
        script = FaultScript([Fault("twilio", "refuse", share=0.1)])
        return {number for number in order if script.next("twilio", number) is not None}

    found = struck(numbers)
    assert found == struck(numbers[::-1])
    assert 20 <= len(found) <= 60
