"""Several lines of one appointment (a room, a nurse, a practitioner) made one record.

The lines may stand anywhere in the file and in any order: the result must not depend on it, or a
re-sorted export would look like a day of moved appointments. A first reading therefore notes
which numbers come more than once; their lines wait for the last one, all others stream.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce

from adapters.dpi.csv_patients import all_told
from reminders.domain.appointment import STRONGEST, AppointmentRecord, PatientRecord, RowProblem

_RANK = {status: rank for rank, status in enumerate(STRONGEST)}

Row = AppointmentRecord | RowProblem


def repeated(numbers: Iterable[str]) -> Counter[int]:
    """How often each number comes that comes more than once, by hash: 1,000,000 numbers cost
    some 60 MB for as long as this runs."""
    seen: set[int] = set()
    often: Counter[int] = Counter()
    for number in numbers:
        if number:
            key = hash(number)
            if key in seen:
                often[key] += 1
            else:
                seen.add(key)
    return Counter({key: count + 1 for key, count in often.items()})


def merged(rows: Iterable[Row], lines: Counter[int]) -> Iterator[Row]:
    """`lines`: of `repeated`; emptied as the lines come."""
    waiting: dict[str, list[AppointmentRecord]] = {}
    for row in rows:
        key = hash(row.external_id)
        if not row.external_id or key not in lines:
            yield row
            continue
        if isinstance(row, RowProblem):
            yield row
        else:
            waiting.setdefault(row.external_id, []).append(row)
        lines[key] -= 1
        if not lines[key]:
            del lines[key]
            if together := waiting.pop(row.external_id, None):
                yield one_of(together)
    for together in waiting.values():  # the file changed between its two readings
        yield one_of(together)


def one_of(lines: list[AppointmentRecord]) -> Row:
    """One record of several lines. Two patients under one number are nobody's appointment."""
    first = min(lines, key=lambda line: line.row)
    if len({line.patient.identifier for line in lines if line.patient}) > 1:
        return RowProblem(
            first.row,
            "IPP",
            "several_patients",
            "plusieurs patients sous le même numéro de rendez-vous : à corriger dans le DPI",
            first.external_id,
        )
    lead = min(lines, key=_order)
    counting = [line for line in lines if line.status is lead.status]
    agendas = sorted({line.agenda for line in counting if line.agenda})
    return replace(
        lead,
        patient=_patient_of([lead, *lines]),
        agenda="+".join(agendas),
        duration_minutes=max((line.duration_minutes or 0 for line in counting), default=0) or None,
        booked_at=min((line.booked_at for line in lines if line.booked_at), default=None),
        modified_at=max((line.modified_at for line in lines if line.modified_at), default=None),
        row=first.row,
    )


def _patient_of(lines: list[AppointmentRecord]) -> PatientRecord | None:
    """The first one told, with whatever any line says that forbids writing."""
    told = [line.patient for line in lines if line.patient]
    return reduce(all_told, told) if told else None


def _order(line: AppointmentRecord) -> tuple[object, ...]:
    """The line that stands for all: of the strongest status the earliest, then any fixed order."""
    starts = line.starts_at.timestamp() if line.starts_at else 0.0
    return (
        _RANK[line.status], line.all_day, starts, not line.uf, line.agenda, line.uf, line.site,
        line.place, line.kind, line.cancelled_by,
    )  # fmt: skip
