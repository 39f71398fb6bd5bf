"""A feed's records as rows of the staging table: reduced to what sending needs, fingerprinted."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.domain.patient import blocked_reason, reach
from reminders.domain.search import identifier_key, keys_of
from reminders.ports import Feed
from reminders.store.types import micros_or_none

BATCH = 2_000
PROBLEMS_KEPT = 1_000

_NOBODY = ("", "", "", "", "", "", "", 0, "", 0, "", "", "", "", "", "", "", "", 0)
_NO_KEYS = ("",) * 9
# the rest of a staged row that only says "this appointment is in the feed"
_PRESENT = (
    0, 0, *_NOBODY, *_NO_KEYS, "", "", "", "", "", None, 0, None, "unread", None, None, "", 0
)  # fmt: skip


class Reading(Protocol):
    """What was read of a feed so far."""

    rows: int
    problems: list[RowProblem]
    problem_count: int
    unnamed: int  # problems of which nobody can tell whose appointment they are


def batches(
    feed: Feed, source: str, read: Reading, *, oldest: datetime | None
) -> Iterator[list[tuple[object, ...]]]:
    """Rows for staging, counted in `read` as they pass.

    One that could not be read still stands for its appointment, under a negative number: what
    is unreadable has not vanished. Appointments before `oldest` are left out: we keep nothing
    of them, so an export that reaches back years must not bring them back.
    """
    batch: list[tuple[object, ...]] = []
    number = 0
    for record in feed.rows():
        if isinstance(record, RowProblem):
            read.problem_count += 1
            if len(read.problems) < PROBLEMS_KEPT:
                read.problems.append(record)
            if record.external_id:
                batch.append((-read.problem_count, record.external_id, *_PRESENT))
            else:
                read.unnamed += 1
        else:
            read.rows += 1
            if not _is_past(record, oldest):
                batch.append(_staged(record, number, source))
                number += 1
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _is_past(record: AppointmentRecord, oldest: datetime | None) -> bool:
    return oldest is not None and record.starts_at is not None and record.starts_at < oldest


def _digest(*values: object) -> int:
    """A 63-bit fingerprint, equal for equal values in every process."""
    return int.from_bytes(blake2b(repr(values).encode(), digest_size=8).digest()) >> 1


def _staged(record: AppointmentRecord, number: int, source: str) -> tuple[object, ...]:
    person = _NOBODY if record.patient is None else _person(record, source)
    content = (
        record.uf,
        record.site,
        record.agenda,
        record.kind,
        record.place,
        micros_or_none(record.starts_at),
        int(record.all_day),
        record.duration_minutes,
        record.status.value,
        micros_or_none(record.booked_at),
    )
    return (
        number,
        record.external_id,
        int(record.patient is not None),
        _digest(person),
        *person,
        *_keys(record),
        *content,
        micros_or_none(record.modified_at),
        record.cancelled_by.value,
        _digest(content, record.cancelled_by.value, person[:2]),
    )


def _keys(record: AppointmentRecord) -> tuple[str, ...]:
    """What the patient is found by: of their names, and outside the fingerprint of what the DPI
    says of them."""
    patient = record.patient
    if patient is None:
        return _NO_KEYS
    keys = keys_of(patient.family, patient.given)
    return (
        keys.family, keys.second, keys.third, keys.given, keys.middle, keys.given_second,
        keys.given_middle, keys.given_third, identifier_key(patient.identifier),
    )  # fmt: skip


def _person(record: AppointmentRecord, source: str) -> tuple[object, ...]:
    patient = record.patient
    assert patient is not None
    found = reach(patient)
    return (
        patient.authority or f"source:{source}",
        patient.identifier,
        patient.family,
        patient.given,
        patient.birth_date.isoformat() if patient.birth_date else "",
        patient.sex,
        patient.language,
        int(patient.deceased),
        blocked_reason(patient),
        int(patient.sms_refused),
        found.phone,
        found.phone_zone,
        found.email,
        found.proxy,
        found.proxy_phone,
        found.proxy_zone,
        found.proxy_email,
        found.problem,
        int(patient.protected_adult),
    )
