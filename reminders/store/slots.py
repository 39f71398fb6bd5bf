"""The slots a unit gave back, who took them, and where it went: the same for every report.

A unit stands in two slots at most that count: the one it entered with, and the one it stands in
now, or its move does. The first is given back when it is left or called off, the second when it is
called off there. Between the two nothing is looked for: nobody was expected there for long.

Everything is a text of SQL with `{0}`, the appointment, and `{1}`, the unit or what it is compared
with. `|| ''` and `+` keep a column out of the index SQLite would else take: that of a whole service
where a patient's or a slot's few rows are meant. CROSS JOIN keeps its order of tables.
"""

from reminders.store.types import DAY

# A new appointment taken this close to a cancellation, by the same patient in the same service,
# is where that one moved to: the records system knows no other way to move it.
MOVED_WITHIN = 2 * DAY

WHEN_BOOKED = "COALESCE({0}.booked_at, {0}.first_seen_at)"
IS_NEAR = f"{WHEN_BOOKED} BETWEEN {{1}}.cancelled_at - :near AND {{1}}.cancelled_at + :near"
# When it left the slot it entered with; of changes older than what is kept of them, the last one.
_LEFT = (
    "COALESCE((SELECT MAX(h.at) FROM appointment_change h WHERE h.appointment_id = {0}.id "
    "AND h.was_starts_at = {1}.starts_at AND h.starts_at <> {1}.starts_at), {0}.version_at)"
)
# When the slot a unit entered with was given back; NULL: it was not.
WHEN_FREED = (
    "CASE WHEN {0}.starts_at = {1}.starts_at THEN "
    "CASE WHEN {0}.status = 'cancelled' THEN {0}.cancelled_at END "
    f"WHEN {{0}}.status = 'cancelled' AND {{0}}.cancelled_at < {_LEFT} THEN {{0}}.cancelled_at "
    f"ELSE {_LEFT} END"
)
# Statuses of what takes no slot.
NOT_THERE = "('cancelled', 'entered-in-error', 'proposed', 'waitlist', 'pending')"
# Where a cancelled one went; NULL: nowhere.
_MOVED_TO = (
    "(SELECT MIN(b.id) FROM appointment b WHERE {0}.status = 'cancelled' "
    "AND b.patient_id = {0}.patient_id AND b.uf || '' = {0}.uf AND b.id <> {0}.id "
    f"AND b.starts_at > {{0}}.cancelled_at AND {IS_NEAR.format('b', '{0}')})"
)
MOVED_TO = _MOVED_TO.format("a")


def judged(page: str, units: str, *, taken: bool = True) -> str:
    """WITH page, ends (id, end_id), refills (id) and, if asked for, given and taken (id, nth).

    `page`: the units asked about (appointment_id, starts_at, uf); `units`: the table of all units
    as `v`, with what those that matter fulfil. Each slot is walked once, however many of its
    appointments are asked about: of those of one slot and agenda two tell all there is to tell,
    whichever of them is not the appointment itself.
    """
    return (
        f"WITH page AS MATERIALIZED ({page}), ends AS MATERIALIZED (SELECT u.appointment_id AS id, "
        f"COALESCE({MOVED_TO}, a.id) AS end_id FROM page u CROSS JOIN appointment a "
        f"WHERE a.id = u.appointment_id), {_freed(units)}, {_REFILLS}{_TAKEN if taken else ''} "
    )


def _freed(units: str) -> str:
    """Slots of the page's that units gave back, by who stood there: the first two of each."""
    table, _, where = units.partition(" WHERE ")
    only = f" AND {where}" if where else ""
    later = (
        "CASE WHEN f.cancelled_at > v.entered_at THEN f.cancelled_at ELSE v.entered_at END AS at"
    )
    called_off = (
        "f.starts_at = s.starts_at AND f.uf = s.uf AND f.status = 'cancelled' "
        "AND f.cancelled_at IS NOT NULL"
    )
    return (
        "slots AS MATERIALIZED (SELECT DISTINCT starts_at, uf FROM page), "
        "freed_by AS MATERIALIZED ("
        # the slot it entered with
        "SELECT o.id, v.starts_at, v.uf, o.agenda, "
        f"CASE WHEN {WHEN_FREED.format('o', 'v')} > v.entered_at "
        f"THEN {WHEN_FREED.format('o', 'v')} ELSE v.entered_at END AS at "
        f"FROM slots s CROSS JOIN {table} CROSS JOIN appointment o "
        f"WHERE v.starts_at = s.starts_at AND v.uf = s.uf{only} AND o.id = v.appointment_id "
        f"AND {WHEN_FREED.format('o', 'v')} IS NOT NULL "
        # the one it was moved to, and called off there
        f"UNION ALL SELECT f.id, f.starts_at, f.uf, f.agenda, {later} "
        f"FROM slots s CROSS JOIN appointment f CROSS JOIN {table} WHERE {called_off}{only} "
        "AND v.appointment_id = f.id AND v.starts_at <> f.starts_at "
        f"AND {_MOVED_TO.format('f')} IS NULL "
        # the one its patient took instead, and called off
        f"UNION ALL SELECT f.id, f.starts_at, f.uf, f.agenda, {later} "
        "FROM slots s CROSS JOIN appointment f CROSS JOIN appointment a "
        f"CROSS JOIN {table} WHERE {called_off}{only} AND a.patient_id = f.patient_id "
        "AND a.uf || '' = f.uf AND a.id <> f.id AND a.status = 'cancelled' "
        "AND v.appointment_id = a.id AND v.starts_at <> f.starts_at "
        f"AND f.id = {MOVED_TO}), "
        "freed AS MATERIALIZED (SELECT id, starts_at, uf, agenda, MIN(at) AS at, ROW_NUMBER() "
        "OVER (PARTITION BY starts_at, uf, agenda ORDER BY MIN(at), id) AS place FROM freed_by "
        "GROUP BY id, starts_at, uf, agenda)"
    )


# Who took a slot that another unit gave back: it is credited to that one, and no unit of its own.
_REFILLS = (
    "refills AS MATERIALIZED (SELECT DISTINCT a.id FROM page u CROSS JOIN appointment a "
    "CROSS JOIN freed v WHERE a.id = u.appointment_id AND v.starts_at = u.starts_at "
    "AND v.uf = u.uf AND v.agenda = a.agenda AND v.place <= 2 AND v.id <> a.id "
    f"AND v.at <= {WHEN_BOOKED.format('a')})"
)
# Which slots the page's units gave back, the first and the second one, and which of them somebody
# took since.
_TAKEN = (
    ", given AS MATERIALIZED (SELECT a.id, 1 AS nth, a.id AS who, u.starts_at, u.uf, a.agenda, "
    f"{WHEN_FREED.format('a', 'u')} AS at FROM page u CROSS JOIN appointment a "
    f"WHERE a.id = u.appointment_id AND {WHEN_FREED.format('a', 'u')} IS NOT NULL "
    "UNION ALL SELECT u.appointment_id, 2, f.id, f.starts_at, f.uf, f.agenda, f.cancelled_at "
    "FROM page u CROSS JOIN ends e CROSS JOIN appointment f WHERE e.id = u.appointment_id "
    "AND f.id = e.end_id AND f.status = 'cancelled' AND f.cancelled_at IS NOT NULL "
    "AND f.starts_at <> u.starts_at), "
    "latest AS MATERIALIZED (SELECT r.id, r.starts_at, r.uf, r.agenda, "
    f"{WHEN_BOOKED.format('r')} AS booked, ROW_NUMBER() OVER (PARTITION BY r.starts_at, r.uf, "
    f"r.agenda ORDER BY {WHEN_BOOKED.format('r')} DESC, r.id) AS place "
    "FROM (SELECT DISTINCT starts_at, uf FROM given) s CROSS JOIN appointment r "
    f"WHERE r.starts_at = s.starts_at AND r.uf = s.uf AND r.status NOT IN {NOT_THERE}), "
    "taken AS MATERIALIZED (SELECT DISTINCT g.id, g.nth FROM given g CROSS JOIN latest r "
    "WHERE r.starts_at = g.starts_at AND r.uf = g.uf AND r.agenda = g.agenda AND r.place <= 2 "
    "AND r.id <> g.who AND r.booked >= g.at)"
)


def is_in(table: str, nth: int) -> str:
    """1 where the unit `u` has its `nth` slot in `given` or `taken`."""
    return (
        f"CASE WHEN u.appointment_id IN (SELECT id FROM {table} WHERE nth = {nth}) "
        "THEN 1 ELSE 0 END"
    )
