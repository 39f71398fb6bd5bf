"""Writing an answer into a DPI over real HTTP: once, over the version that was read, or not."""

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dpi.csv_file import create as create_csv
from adapters.dpi.fhir import FhirOptions, FhirSource
from adapters.dpi.fhir_change import changed, encoded, found
from reminders.errors import Misconfigured, NotSent, Refused, SendError, Throttled, Unknown
from reminders.ports import AppointmentWriter, Change, Wiring, Written
from tests.adapters.dpi.fhir_dpi import IPP, NOW, Dpi, Json, Port, appointment, opened, patient

START = NOW + timedelta(days=3)
CONFIRMED = Change("a1", "0000001", START, "confirmed")
CANCELLED = Change("a1", "0000001", START, "cancelled")
NONE: dict[str, Any] = {}
WAITING = [{"actor": {"reference": "Patient/p1"}, "status": "needs-action"}]


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with opened() as port:
        yield port


@pytest.fixture
def dpi(port: Port) -> Dpi:
    """Patient 1 has appointment a1, not confirmed yet."""
    dpi = port.dpi(clock=lambda: NOW)
    dpi.hold(patient(1), appointment(1, participant=WAITING))
    return dpi


def write(dpi: Dpi, change: Change, *, timeout: float = 20.0, **options: Any) -> Written:
    settings = FhirOptions.model_validate({"base_url": dpi.url, **options})
    source = FhirSource(settings, Wiring(id="dpi", timeout_seconds=timeout))
    assert isinstance(source, AppointmentWriter)
    return asyncio.run(source.write(change, now=NOW))


def raised(dpi: Dpi, change: Change, *, timeout: float = 20.0, **options: Any) -> SendError:
    with pytest.raises(SendError) as found:
        write(dpi, change, timeout=timeout, **options)
    for secret in ("EXEMPLE", "0000001", "a1", "http"):
        assert secret not in str(found.value)
    return found.value


def held(dpi: Dpi, number: str = "a1") -> Json:
    resource = dpi.store.get("Appointment", number)
    assert resource is not None
    return resource


def methods(dpi: Dpi) -> list[str]:
    return [method for method, _, _ in dpi.seen.requests]


# --- what is written ---------------------------------------------------------------------------


def test_a_confirmation_is_the_patients_line_and_nothing_else(dpi: Dpi) -> None:
    room = {"actor": {"reference": "Location/l1"}, "status": "needs-action"}
    dpi.hold(appointment(1, participant=[room, *WAITING]))

    assert write(dpi, CONFIRMED) is Written.DONE

    (change,) = dpi.seen.changes
    assert change["status"] == "booked"
    assert [line["status"] for line in change["participant"]] == ["needs-action", "accepted"]


def test_a_cancellation_says_whose_it_is(dpi: Dpi) -> None:
    assert write(dpi, CANCELLED) is Written.DONE

    (change,) = dpi.seen.changes
    assert change["status"] == "cancelled"
    assert change["cancelationReason"]["coding"][0]["code"] == "pat"
    assert change["participant"] == WAITING


def test_what_the_reader_knows_nothing_of_comes_back_as_it_was(dpi: Dpi) -> None:
    unknown: Json = {
        "extension": [{"url": "https://example.org/e", "valueDecimal": 1.1}],
        "_comment": {"id": "x"},
        "vendorField": [None, True, {"é": 3}],
        "slot": [{"reference": "Slot/9"}],
    }
    dpi.hold(appointment(1, participant=WAITING, **unknown))

    write(dpi, CANCELLED)

    after = held(dpi)
    assert {key: after[key] for key in unknown} == unknown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.from_regex(r"vendor[A-Z]{1,6}", fullmatch=True), JSON))
def test_any_unknown_element_survives(more: Json) -> None:
    whole = {"resourceType": "Appointment", "id": "a1", "status": "booked", **more}
    one = found(json.dumps(whole).encode())
    assert one is not None
    after = json.loads(encoded(changed(one, CANCELLED, 0) or {}))
    assert {key: after[key] for key in more} == more


@pytest.mark.parametrize("number", ["1.10", "0.30000000000000004", "12345678901234.5670"])
def test_a_decimal_keeps_its_digits(number: str) -> None:
    body = f'{{"resourceType":"Appointment","status":"booked","priority":{number}}}'.encode()
    one = found(body)
    assert one is not None
    assert f'"priority":{number}'.encode() in encoded(changed(one, CANCELLED, 0) or {})


def test_it_is_put_over_the_version_that_was_read(dpi: Dpi) -> None:
    dpi.hold(appointment(1, participant=WAITING))  # a second version
    write(dpi, CANCELLED)
    headers = [headers for method, _, headers in dpi.seen.requests if method == "PUT"]
    assert [each["if-match"] for each in headers] == ['W/"2"']
    assert [each["content-type"] for each in headers] == ["application/fhir+json"]


def test_a_server_without_versions_is_written_to_all_the_same(dpi: Dpi) -> None:
    dpi.faults.etags = False
    assert write(dpi, CONFIRMED) is Written.DONE
    assert all("if-match" not in headers for _, _, headers in dpi.seen.requests)


def test_an_appointment_is_found_by_its_number(dpi: Dpi) -> None:
    named = [{"system": "urn:rdv", "value": "R/77"}]
    dpi.hold(appointment(1, participant=WAITING, identifier=named))
    for options in (NONE, {"appointment_system": "urn:rdv"}):
        dpi.hold(appointment(1, participant=WAITING, identifier=named))
        assert write(dpi, replace(CONFIRMED, external_id="R/77"), **options) is Written.DONE


def test_a_conditional_update_is_used_where_only_that_is_declared(dpi: Dpi) -> None:
    dpi.faults.declares = ("conditional",)
    named = [{"system": "urn:rdv", "value": "R77"}]
    dpi.hold(appointment(1, participant=WAITING, identifier=named))
    assert write(dpi, replace(CANCELLED, external_id="R77")) is Written.DONE
    assert dpi.paths()[-1] == "/Appointment?identifier=urn%3Ardv%7CR77"


def test_nothing_is_written_where_no_way_is_declared(dpi: Dpi) -> None:
    dpi.faults.declares = ()
    assert isinstance(raised(dpi, CANCELLED), Refused)
    assert "PUT" not in methods(dpi)


# --- when nothing is written -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fields", "expected"),
    [
        (CANCELLED, {"status": "cancelled"}, Written.ALREADY),
        (CONFIRMED, {"participant": None}, Written.ALREADY),  # accepted already
        (CONFIRMED, {"status": "cancelled"}, Written.CLOSED),
        (CANCELLED, {"status": "fulfilled"}, Written.CLOSED),
        (CANCELLED, {"status": "noshow"}, Written.CLOSED),
        (CANCELLED, {"days": 4}, Written.CHANGED),
        (CONFIRMED, {"days": 4}, Written.CHANGED),
    ],
)
def test_what_the_dpi_says_meanwhile_is_respected(
    dpi: Dpi, change: Change, fields: Json, expected: Written
) -> None:
    fields = {"participant": WAITING, **fields}
    dpi.hold(appointment(1, **{k: v for k, v in fields.items() if v is not None}))
    assert write(dpi, change) is expected
    assert "PUT" not in methods(dpi)


def test_an_appointment_that_is_gone_is_left_alone(dpi: Dpi) -> None:
    dpi.store.delete("Appointment", "a1")
    assert write(dpi, CANCELLED) is Written.CLOSED


@pytest.mark.parametrize(
    "actor",
    [
        {"reference": "Patient/p2"},
        {"type": "Patient", "identifier": {"system": IPP, "value": "0000002"}},
    ],
)
def test_a_slot_given_to_somebody_else_is_not_cancelled(dpi: Dpi, actor: Json) -> None:
    dpi.hold(patient(2), appointment(1, participant=[{"actor": actor, "status": "tentative"}]))
    source: dict[str, Any] = {"ipp_system": IPP}
    assert write(dpi, CANCELLED, **source) is Written.CHANGED
    assert "PUT" not in methods(dpi)


def test_two_patients_or_none_on_it_are_for_a_person(dpi: Dpi) -> None:
    for participants in ([], [*WAITING, {"actor": {"reference": "Patient/p2"}}]):
        dpi.hold(appointment(1, participant=participants))
        assert isinstance(raised(dpi, CANCELLED), Refused)
    assert "PUT" not in methods(dpi)


def test_two_appointments_of_one_number_are_for_a_person(dpi: Dpi) -> None:
    named = [{"system": "urn:rdv", "value": "R77"}]
    dpi.hold(appointment(1, identifier=named), appointment(2, whose=1, identifier=named))
    assert isinstance(raised(dpi, replace(CANCELLED, external_id="R77")), Refused)


# --- what goes wrong ---------------------------------------------------------------------------


def test_a_change_by_somebody_else_is_read_before_ours_is_put(dpi: Dpi) -> None:
    dpi.faults.write, dpi.faults.writes = "race", 1
    assert write(dpi, CANCELLED) is Written.DONE
    assert methods(dpi).count("PUT") == 2
    (change,) = dpi.seen.changes
    assert (change["status"], change["comment"]) == ("cancelled", "somebody else")


def test_an_appointment_that_never_rests_is_tried_again_later(dpi: Dpi) -> None:
    dpi.faults.write, dpi.faults.writes = "race", 99
    assert isinstance(raised(dpi, CANCELLED), NotSent)
    assert dpi.seen.changes == []


@pytest.mark.parametrize("fault", ["hang", "500"])
def test_a_write_that_got_no_answer_may_have_arrived(dpi: Dpi, fault: Any) -> None:
    dpi.faults.write, dpi.faults.writes = fault, 1
    assert isinstance(raised(dpi, CANCELLED, timeout=0.5), Unknown)

    assert write(dpi, replace(CANCELLED, doubtful=True)) is Written.DONE
    assert len(dpi.seen.changes) == 1


@pytest.mark.parametrize("fault", ["hang_after", "500_after", "drop_after"])
def test_a_write_that_arrived_unanswered_is_not_repeated(dpi: Dpi, fault: Any) -> None:
    dpi.faults.write, dpi.faults.writes = fault, 1
    for change in (CANCELLED, CONFIRMED):
        dpi.hold(appointment(1, participant=WAITING))
        dpi.faults.writes = 1
        assert isinstance(raised(dpi, change, timeout=0.5), Unknown)
        assert write(dpi, replace(change, doubtful=True)) is Written.ALREADY
    assert len(dpi.seen.changes) == 2


def test_a_doubt_that_no_version_settles_is_for_a_person(dpi: Dpi) -> None:
    dpi.faults.etags = False
    assert isinstance(raised(dpi, replace(CANCELLED, doubtful=True)), Refused)
    assert "PUT" not in methods(dpi)


def test_a_server_that_wants_to_be_left_alone_says_for_how_long(dpi: Dpi) -> None:
    dpi.faults.write, dpi.faults.writes = "429", 1
    assert isinstance(raised(dpi, CANCELLED), Throttled)


def test_wrong_credentials_are_ours_to_correct(port: Port) -> None:
    dpi = port.dpi(clock=lambda: NOW, token="un-jeton")
    dpi.hold(patient(1), appointment(1))
    assert isinstance(raised(dpi, CANCELLED), Misconfigured)


def test_a_failed_reading_wrote_nothing(dpi: Dpi) -> None:
    dpi.faults.busy = 1
    assert isinstance(raised(dpi, CANCELLED), NotSent)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert isinstance(raised(replace(dpi, url=closed), CANCELLED), NotSent)


def test_a_csv_export_cannot_be_written_to() -> None:
    assert not isinstance(
        create_csv({"path": "export/*.csv"}, Wiring(id="agenda")), AppointmentWriter
    )
