"""The units behind a count of the no-show report, walked by month, service and key.

Counts say where there are any: a page looks into the services' months that have some, in order,
until they have enough for it, and into no other. So the rarest line of ten million units is found
as fast as the whole.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from reminders.domain.report import Month
from reminders.domain.report_list import ANY, Counted
from reminders.domain.report_unit import FATE, KIND
from reminders.store.engine import Record, listed, rows

Place = tuple[int, str, int]  # month, service, key of the last one seen
FIRST: Place = (0, "", 0)
LAST_KEY = 2**62
NOWHERE: Place = (-1, "", 0)
Ufs = Sequence[str] | None  # None: the whole hospital
# A patient's first unit of the month, by service and key. Units have no index of patients, and
# patients have few appointments.
_FIRST_OF_PATIENT = (
    " AND NOT EXISTS (SELECT 1 FROM patient p JOIN appointment a ON a.patient_id = p.id "
    "JOIN report_unit v ON v.appointment_id = a.id "
    "WHERE (p.id = u.patient_id OR p.merged_into = u.patient_id) AND v.patient_id = u.patient_id "
    "AND v.month = u.month AND v.counted = 1 AND {})"
)
_BEFORE = "(v.uf, v.appointment_id) < (u.uf, u.appointment_id)"
_BEFORE_THERE = "v.uf = u.uf AND v.appointment_id < u.appointment_id"


def page(
    connection: Connection,
    counted: Counted,
    ufs: Ufs,
    first: int,
    last: int,
    *,
    after: Place,
    limit: int,
) -> tuple[Sequence[Record], Place | None]:
    """(id, month, uf, starts_at, fate, times) of the next units, `limit` at most; `times` they
    count. And where to go on, None: there are no more."""
    most = limit + 2
    groups = _groups(connection, counted, ufs, first, last, after, most)
    taken = _enough(groups, after, limit + 1)
    if not taken:
        return [], None
    found = _units(connection, counted, taken, after, limit + 1, lone=ufs is not None)
    shown = found[:limit]
    if len(found) > limit:
        return shown, (shown[-1].month, shown[-1].uf, shown[-1].id)
    # Counted, and not there any more: purged, or changed since; or of patients seen elsewhere.
    more = len(groups) > len(taken) or len(groups) == most
    return shown, (taken[-1].month, taken[-1].uf, LAST_KEY) if more else None


def _groups(
    connection: Connection,
    counted: Counted,
    ufs: Ufs,
    first: int,
    last: int,
    after: Place,
    limit: int,
) -> Sequence[Record]:
    """(month, uf, number) of services' months that have units of this count, from a place on."""
    source, values = _source(counted)
    month, uf, _ = after
    values |= {"first": max(first, month), "last": last, "month": month, "uf": uf, "limit": limit}
    sql = (
        f"SELECT r.month, r.uf, {_number(counted)} AS number FROM {source} "
        f"WHERE {_period(counted)} AND {_told(counted, ufs)} AND (r.month, r.uf) >= (:month, :uf) "
        "AND EXISTS (SELECT 1 FROM report_unit u WHERE u.month = r.month AND u.uf = r.uf) "
        "ORDER BY r.month, r.uf LIMIT :limit"
    )
    return _asked(connection, sql, ufs, values)


def _enough(groups: Sequence[Record], after: Place, wanted: int) -> Sequence[Record]:
    """The first of them that have as many units together, besides what was seen."""
    number = 0
    for place, group in enumerate(groups):
        number += 0 if (group.month, group.uf) == after[:2] else group.number
        if number >= wanted:
            return groups[: place + 1]
    return groups


def _units(
    connection: Connection,
    counted: Counted,
    groups: Sequence[Record],
    after: Place,
    limit: int,
    *,
    lone: bool,
) -> Sequence[Record]:
    """An arm a service's month: each walks the index, whatever the engine believes of bits.
    `lone`: of patients, those of each service; else of all of them."""
    fields, values = _fields(counted)
    if counted.people:
        fields += _FIRST_OF_PATIENT.format(_BEFORE_THERE if lone else _BEFORE)
    values["limit"] = limit
    arms = []
    # A power of two of arms, some of no month: so there are few statements, each prepared once.
    for number in range(1 << (len(groups) - 1).bit_length()):
        month, uf, key = NOWHERE
        if number < len(groups):
            month, uf = groups[number].month, groups[number].uf
            key = after[2] if (month, uf) == after[:2] else 0
        values |= {f"m{number}": month, f"u{number}": uf, f"k{number}": key}
        arms.append(
            "SELECT * FROM (SELECT u.appointment_id AS id, u.month, u.uf, u.starts_at, u.fate, "
            f"{_times(counted)} AS times FROM report_unit u "
            f"WHERE u.month = :m{number} AND u.uf = :u{number} AND u.counted = 1 "
            f"AND u.appointment_id > :k{number} {fields} "
            f"ORDER BY u.appointment_id LIMIT :limit) arm{number}"
        )
    sql = f"SELECT * FROM ({' UNION ALL '.join(arms)}) found ORDER BY month, uf, id LIMIT :limit"
    return rows(connection, sql, **values)


def number(connection: Connection, counted: Counted, ufs: Ufs, first: int, last: int) -> int:
    """The count itself, as the report adds it up."""
    source, values = _source(counted)
    whole = "r.uf = '*'" if ufs is None else "r.uf IN :ids"
    sql = (
        f"SELECT COALESCE(SUM({_added(counted, 'r')}), 0) AS number FROM {source} "
        f"WHERE {_period(counted, number=True)} AND {whole} AND r.hidden = 0"
    )
    found = _asked(connection, sql, ufs, values | {"first": first, "last": last})
    return int(found[0].number)


def _asked(connection: Connection, sql: str, ufs: Ufs, values: dict[str, Any]) -> Sequence[Record]:
    if ufs is None:
        return rows(connection, sql, **values)
    found: Sequence[Record] = listed(connection, sql, ufs or [""], **values).all()
    return found


def _source(counted: Counted) -> tuple[str, dict[str, Any]]:
    """The table counts are in, as `r`, and what its statement asks for."""
    if counted.line is None:
        return "rollup_sum r", {}
    dimension, value = counted.line
    return "rollup r", {"dim": dimension} if value == ANY else {"dim": dimension, "value": value}


def _number(counted: Counted) -> str:
    """How many units a service's month has at least."""
    if counted.line is not None and counted.line[1] == ANY:
        return (
            f"(SELECT SUM({_added(counted, 's')}) FROM rollup s WHERE s.month = r.month "
            "AND s.uf = r.uf AND s.dim = :dim AND s.value <> '0')"
        )
    if counted.people:
        return "0"  # of the whole hospital's patients; a service's may have been seen elsewhere
    return "1" if counted.varies else _added(counted, "r")


def _added(counted: Counted, table: str) -> str:
    return " + ".join(f"{table}.{name}" for name in counted.sums)


def _period(counted: Counted, *, number: bool = False) -> str:
    """Which of the counts: those of the months and the line; to be walked, each of them once."""
    told = f"r.month BETWEEN :first AND :last AND {_added(counted, 'r')} > 0"
    if counted.line is None:
        return told
    if counted.line[1] != ANY:
        return f"{told} AND r.dim = :dim AND r.value = :value"
    if number:
        return f"{told} AND r.dim = :dim AND r.value <> '0'"
    return f"{told} AND r.dim = 'all' AND r.value = '' AND {_number(counted)} > 0"


def _told(counted: Counted, ufs: Ufs) -> str:
    """Of chosen services, what may be told of each; of the whole, what may be told of it."""
    if ufs is not None:
        return "r.uf IN :ids AND r.hidden = 0"
    table, line = "rollup", ""
    if counted.line is None:
        table = "rollup_sum"
    elif counted.line[1] == ANY:
        line = " AND w.dim = 'all' AND w.value = ''"
    else:
        line = " AND w.dim = :dim AND w.value = :value"
    return (
        f"r.uf <> '*' AND EXISTS (SELECT 1 FROM {table} w WHERE w.month = r.month "
        f"AND w.uf = '*' AND w.hidden = 0{line})"
    )


def _fields(counted: Counted) -> tuple[str, dict[str, Any]]:
    """What a unit of this count has, and the values it asks for."""
    told: list[str] = []
    asked: dict[str, Any] = {}
    for name, values in counted.fields.items():
        if isinstance(values, range):
            told.append(f"AND {_bits(name)} BETWEEN :{name}_first AND :{name}_last")
            asked |= {f"{name}_first": values[0], f"{name}_last": values[-1]}
            continue
        names = [f"{name}_{place}" for place in range(len(values))]
        told.append(f"AND {_bits(name)} IN ({', '.join(f':{one}' for one in names)})")
        asked |= dict(zip(names, values, strict=True))
    if counted.varies:
        told.append(f"AND {_times(counted)} > 0")
    if (week := counted.week) is not None:
        # Where in the month its Monday is; in the next month it is before the first.
        month = Month(week.year, week.month).number
        days = (Month.of_number(month + 1).first_day - week).days
        asked |= {"of_monday": month, "monday": week.day, "before": 1 - days}
        told.append(
            f"AND {_bits('day')} - {_bits('weekday')} + 1 = CASE u.month "
            "WHEN :of_monday THEN :monday ELSE :before END"
        )
    return " ".join(told), asked


def _times(counted: Counted) -> str:
    """How often a unit counts."""
    if counted.slots:
        return f"{_bits(counted.slots)} + {_bits(f'{counted.slots}_again')}"
    return f"u.{counted.each}" if counted.each else "1"


def _bits(name: str) -> str:
    column, found = ("kind", KIND[name]) if name in KIND else ("fate", FATE[name])
    return f"(u.{column} >> {found.shift} & {found.mask})"
