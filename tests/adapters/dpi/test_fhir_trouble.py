"""A FHIR server that fails, is busy or refuses: never a quiet end, never a secret told."""

import base64
from collections.abc import Iterator
from datetime import datetime

import pytest

from adapters.dpi.fhir import create
from reminders.errors import ConfigurationError, FeedRefused, SourceUnavailable
from reminders.ports import Wiring
from tests.adapters.dpi.fhir_dpi import (
    BEFORE,
    NOW,
    Dpi,
    Json,
    Port,
    appointment,
    only,
    opened,
    patient,
    poll,
    records,
    simulated,
)


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with opened() as port:
        yield port


@pytest.fixture
def dpi(port: Port) -> Dpi:
    return port.dpi()


# --- never a quiet end -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "error", "code"),
    [
        ("truncated", FeedRefused, "truncated"),
        ("html", FeedRefused, "not_fhir"),
        ("next_500", SourceUnavailable, "server_error"),
        ("gone", SourceUnavailable, "gone"),
        ("partial", FeedRefused, "partial"),
        ("loop", FeedRefused, "link_loop"),
        ("foreign_link", FeedRefused, "foreign_link"),
        ("not_searchset", FeedRefused, "not_searchset"),
        ("outcome", FeedRefused, "outcome"),
    ],
)
@pytest.mark.parametrize("since", [None, BEFORE])
def test_a_broken_answer_never_ends_like_a_whole_one(
    dpi: Dpi,
    broken: str,
    error: type[FeedRefused | SourceUnavailable],
    code: str,
    since: datetime | None,
) -> None:
    dpi.fill(10)
    dpi.faults.broken = broken  # type: ignore[assignment]
    (feed,) = dpi.source(page_size=4).feeds(now=NOW, since=since)
    with pytest.raises(error) as raised:
        list(feed.rows())
    assert getattr(raised.value, "code", "") == code
    assert "EXEMPLE" not in str(raised.value)
    assert dpi.url not in str(raised.value)


def test_more_pages_than_allowed_are_refused_not_cut(dpi: Dpi) -> None:
    dpi.fill(10)
    with pytest.raises(FeedRefused, match="max_pages"):
        poll(dpi.source(page_size=2, max_pages=4))
    assert len(records(dpi.source(page_size=2, max_pages=5))) == 10


def test_a_server_that_tells_no_total_is_trusted_to_its_last_page(dpi: Dpi) -> None:
    dpi.fill(10)
    dpi.faults.totals = False
    assert len(records(dpi.source(page_size=4))) == 10


def matches(*resources: Json) -> Json:
    return {"entry": [{"resource": each, "search": {"mode": "match"}} for each in resources]}


def versioned(number: int, version: str) -> Json:
    return appointment(number, participant=[], meta={"versionId": version})


def test_an_appointment_that_changed_between_two_pages_spoils_a_snapshot(port: Port) -> None:
    again = port.script(matches(versioned(1, "1")), matches(versioned(2, "1"), versioned(1, "1")))
    assert [record.external_id for record in records(again.source())] == ["a1", "a2"]
    moved = port.script(matches(versioned(1, "1")), matches(versioned(2, "1"), versioned(1, "2")))
    with pytest.raises(FeedRefused) as raised:
        poll(moved.source())
    assert raised.value.code == "partial"


@pytest.mark.parametrize(("severity", "whole"), [("warning", True), ("error", False)])
def test_an_error_told_inside_a_page_spoils_it_and_a_warning_does_not(
    port: Port, severity: str, whole: bool
) -> None:
    issue = {"severity": severity, "code": "incomplete", "diagnostics": "shard down"}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    page = matches(versioned(1, "1"))
    page["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    dpi = port.script(page)
    if whole:
        assert only(dpi.source())
        return
    with pytest.raises(FeedRefused, match="incomplet"):
        poll(dpi.source())


def test_an_entry_that_is_no_appointment_is_set_aside(port: Port) -> None:
    page = matches(versioned(1, "1"), {"resourceType": "Slot", "id": "s1"})
    page["entry"].append({"fullUrl": "urn:uuid:1"})
    _, rows = poll(port.script(page).source())
    assert [getattr(row, "code", "") for row in rows] == ["", "not_appointment", "not_appointment"]


def test_a_patient_held_inside_the_appointment_is_read(port: Port) -> None:
    inside = {**patient(1), "id": "here"}
    line = [{"actor": {"reference": "#here"}}]
    record = only(
        port.script(matches(appointment(1, contained=[inside], participant=line))).source()
    )
    assert record.patient is not None
    assert record.patient.identifier == "0000001"


def test_an_empty_answer_is_an_empty_feed_for_the_gate_to_judge(dpi: Dpi) -> None:
    dpi.fill(3)
    dpi.faults.broken = "empty"
    assert records(dpi.source()) == []


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with simulated() as dpi:
        source = dpi.source()
    with pytest.raises(SourceUnavailable) as raised:
        poll(source)
    assert raised.value.code == "unreachable"


# --- patience --------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_when_it_says(dpi: Dpi) -> None:
    dpi.fill(1)
    dpi.faults.busy, dpi.faults.retry_after = 2, "7"
    assert len(records(dpi.source())) == 1
    assert dpi.slept == [7.0, 7.0]


def test_a_server_that_stays_busy_is_left_to_the_next_pass(dpi: Dpi) -> None:
    dpi.faults.busy = 3
    with pytest.raises(SourceUnavailable) as raised:
        poll(dpi.source())
    assert (raised.value.code, raised.value.retry_after) == ("busy", 1.0)
    assert len(dpi.seen.requests) == 3


def test_nobody_waits_an_hour_inside_a_poll(dpi: Dpi) -> None:
    dpi.faults.busy, dpi.faults.retry_after = 1, "3600"
    with pytest.raises(SourceUnavailable) as raised:
        poll(dpi.source())
    assert raised.value.retry_after == 3600
    assert dpi.slept == []


# --- credentials -----------------------------------------------------------------------------


def test_a_token_opens_and_a_wrong_one_is_said_to_be_wrong() -> None:
    with simulated(token="s3cret") as dpi:
        dpi.fill(1)
        assert only(dpi.source(auth="bearer", token="s3cret"))
        with pytest.raises(SourceUnavailable) as raised:
            poll(dpi.source(auth="bearer", token="autre"))
    assert raised.value.code == "credentials"
    assert "autre" not in str(raised.value)


def test_basic_credentials_are_sent(dpi: Dpi) -> None:
    poll(dpi.source(auth="basic", username="rappels", password="s3cret"))
    (_, _, headers) = dpi.seen.requests[0]
    assert headers["authorization"] == "Basic " + base64.b64encode(b"rappels:s3cret").decode()


def test_credentials_never_follow_a_link_to_another_server(dpi: Dpi) -> None:
    with simulated() as other:
        dpi.fill(3)
        page = dpi.source(page_size=2, auth="bearer", token="s3cret")
        dpi.faults.broken = "foreign_link"
        with pytest.raises(FeedRefused):
            poll(page)
        assert other.seen.requests == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"base_url": "dpi.example.org"},
        {"base_url": "https://moi:secret@dpi.example.org"},
        {"base_url": "https://dpi.example.org", "auth": "bearer"},
        {"base_url": "https://dpi.example.org", "auth": "basic", "username": "x"},
        {"base_url": "https://dpi.example.org", "token": "x"},
        {"base_url": "https://dpi.example.org", "status": ["booked"]},
        {"base_url": "https://dpi.example.org", "timezone": "Europe/Pari"},
        {"base_url": "https://dpi.example.org", "page_sise": 3},
    ],
)
def test_a_mistake_in_the_configuration_is_named_at_start(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        create(options, Wiring(id="dpi"))
    assert raised.value.problems
    assert "secret" not in str(raised.value)
