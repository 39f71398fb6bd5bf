"""What became of the units of the no-show report: outcome, texts, answers, contacts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from reminders.domain.report import RECONTACT_DAYS
from reminders.domain.report_unit import (
    CHANNELS,
    FATE,
    MOTIVES,
    OUTCOMES,
    PENDING,
    REASONS,
    bucket_of,
    packed,
)
from reminders.services.observed import outcome_of_row
from reminders.store import rollups as stored
from reminders.store.engine import Connection, Record
from reminders.store.slots import MOVED_WITHIN
from reminders.store.types import DAY, MINUTE

ONE_CONTACT = 10 * MINUTE  # parts of one text, a second tap
OUR_ANSWER = "ack"  # the only text that asks nothing and tells nothing new


def settle(connection: Connection, ids: Sequence[int], at: int) -> set[int]:
    """Write what became of these units: the months in which anything differs."""
    found = stored.standing(connection, ids, MOVED_WITHIN)
    keys = [row.id for row in found if row.entered_at <= at]
    told = _Told(connection, keys)
    changed, months = [], set[int]()
    for row in found:
        new = _settled(row, told, at)
        if new == (row.patient_id, row.counted, row.turns_at, row.fate, row.messages,
                   row.segments, row.cost, row.contacts):  # fmt: skip
            continue
        changed.append((*new, row.id))
        if row.counted or new[1]:
            months.add(row.month)
    stored.settle(connection, changed)
    return months


class _Told:
    """What was sent about some units and what came back, by unit."""

    def __init__(self, connection: Connection, ids: Sequence[int]) -> None:
        self.planned = stored.planned(connection, ids)
        self.texts = _grouped(stored.texts(connection, ids))
        self.answers = _grouped(stored.answers(connection, ids))
        self.handled = _grouped(stored.handled(connection, ids))
        self.replied: set[int] = set()
        self.contacts: Mapping[int, list[int]] = defaultdict(list)
        self.mine: Mapping[int, list[int]] = defaultdict(list)  # counted here, and nowhere else
        for row in stored.contacts(connection, ids):
            self.contacts[row.appointment_id].append(row.at)
            if row.mine:
                self.mine[row.appointment_id].append(row.at)
            if row.written:
                self.replied.add(row.appointment_id)
        for unit, given in self.answers.items():
            came = [one.given_at for one in given if one.came]
            self.contacts[unit] += came
            self.mine[unit] += came


def _grouped(found: Iterable[Record]) -> dict[int, list[Record]]:
    grouped: dict[int, list[Record]] = defaultdict(list)
    for row in found:
        grouped[row.appointment_id].append(row)
    return grouped


def _settled(row: Record, told: _Told, at: int) -> tuple[object, ...]:
    """SETTLED of a unit."""
    if row.entered_at > at:
        return (row.patient, 0, row.entered_at, 0, 0, 0, 0, 0)
    outcome = outcome_of_row(row, at)
    coming = outcome is None and row.starts_at > at
    counted = int(not row.other and (outcome is not None or coming))
    number = OUTCOMES.index(outcome) if outcome is not None else PENDING
    contacts = _contacts(told.contacts.get(row.id, ()))
    texts = told.texts.get(row.id, [])
    if not texts and FATE["sent"].of(row.fate):
        return _as_it_was(row, number, counted, coming=coming)
    mine = [text for text in texts if text.mine]
    fate = packed(
        FATE,
        outcome=number,
        **_of_slots(row),
        **_of_texts(row, texts, told),
        **_of_answers(row, texts, contacts, told),
    )
    return (
        row.patient,
        counted,
        row.starts_at if coming else None,
        fate,
        len(mine),
        sum(text.segments for text in mine),
        round(sum(text.price_eur for text in mine) * 1_000_000),
        len(_contacts(told.mine.get(row.id, ()))),
    )


def _as_it_was(row: Record, outcome: int, counted: int, *, coming: bool) -> tuple[object, ...]:
    """Its messages have been purged since: what was counted of them stays."""
    kept = row.fate
    slots = _of_slots(row)
    for name in ("outcome", *slots):
        kept &= ~(FATE[name].mask << FATE[name].shift)
    kept |= packed(FATE, outcome=outcome, **slots)
    return (row.patient, counted, row.starts_at if coming else None, kept, row.messages,
            row.segments, row.cost, row.contacts)  # fmt: skip


def _of_slots(row: Record) -> dict[str, int]:
    names = ("freed", "refilled", "freed_again", "refilled_again")
    return {name: getattr(row, name) for name in names}


def _of_texts(row: Record, texts: Sequence[Record], told: _Told) -> dict[str, int]:
    reminders = [text for text in texts if text.kind == "reminder"]
    planned = bool(reminders) or row.id in told.planned or FATE["planned"].of(row.fate)
    found = {
        "planned": int(planned),
        "sent": int(bool(reminders)),
        "delivered": int(any(text.state == "DELIVERED" for text in reminders)),
    }
    if reminders:
        first = reminders[0]
        found["channel"] = CHANNELS.index(first.channel) if first.channel in CHANNELS else 0
        found["template"] = first.template_version_id & FATE["template"].mask
    return found


def _of_answers(
    row: Record, texts: Sequence[Record], contacts: Sequence[int], told: _Told
) -> dict[str, int]:
    answers = told.answers.get(row.id, [])
    handled = told.handled.get(row.id, [])
    answered = bool(answers or row.id in told.replied)
    took = [one.took for one in handled if one.took is not None]
    found = {
        "answered": int(answered),
        "contacted": int(bool(contacts)),
        "recontact": int(_again(contacts, [t.started_at for t in texts if t.kind != OUR_ANSWER])),
        "alone": int(answered and not handled),
        "handled": bucket_of(took[0] / MINUTE) if took else 0,
    }
    if answers:
        last = answers[-1]
        motive = last.reason if last.reason in REASONS else last.kind
        found["motive"] = MOTIVES.index(motive) if motive in MOTIVES else 0
    return found


def _contacts(moments: Iterable[int]) -> list[int]:
    """When the patient wrote or called, parts of one text once."""
    found: list[int] = []
    for moment in sorted(moments):
        if not found or moment - found[-1] > ONE_CONTACT:
            found.append(moment)
    return found


def _again(contacts: Sequence[int], texts: Sequence[int]) -> bool:
    """Within a week of an earlier time, and not because we asked or told something in between."""
    return any(
        later - earlier <= RECONTACT_DAYS * DAY
        and not any(earlier < text < later for text in texts)
        for earlier, later in pairwise(contacts)
    )
