"""The slots a unit gave back, who took them, and where it went: the same for every report.

A unit stands in two slots at most that count: the one it entered with, and the one it stands in
now, or its move does. The first is given back when it is left or called off, the second when it is
called off there. Between the two nothing is looked for: nobody was expected there for long.

Everything is a text of SQL with `{0}`, the appointment, and `{1}`, the unit or what it is compared
with. `|| ''` and `+` keep a column out of the index SQLite would else take: that of a whole service
where a patient's or a slot's few rows are meant. CROSS JOIN keeps its order of tables.
"""

from reminders.store.reporting import ASKED_AT
from reminders.store.types import DAY, HOUR

# A new appointment taken this close to a cancellation, by the same patient in the same service,
# is where that one moved to: the records system knows no other way to move it. One cancellation
# moves one appointment; what was booked at one sitting is a series, of which no session replaces
# another.
MOVED_WITHIN = 2 * DAY
SITTING = HOUR

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
    f"AND b.starts_at > {{0}}.cancelled_at AND {IS_NEAR.format('b', '{0}')} "
    f"AND {WHEN_BOOKED.format('b')} > {WHEN_BOOKED.format('{0}')} + {SITTING})"
)
MOVED_TO = _MOVED_TO.format("a")
# Is it where `o`, cancelled, went?
IS_WHERE_O_WENT = (
    "a.starts_at > o.cancelled_at AND "
    f"{IS_NEAR.format('a', 'o')} AND a.id = {_MOVED_TO.format('o')}"
)


def judged(page: str, units: str, *, taken: bool = True, used: bool = False) -> str:
    """WITH page, ends (the page, with end_id), refills (id) and, if asked for, given and taken
    (id, nth); `used`: taken by somebody who is not known to have missed it.

    `page`: the units asked about (appointment_id, starts_at, uf); `units`: the table of all units
    as `v`, with what those that matter fulfil. Each slot is walked once, however many of its
    appointments are asked about: who is a refill is told by the first who gave that slot and
    agenda back.
    """
    asked = _TAKEN.format(only=_CAME if used else "") if taken else ""
    return (
        f"WITH page AS MATERIALIZED ({page}), ends AS MATERIALIZED (SELECT u.*, "
        f"COALESCE({MOVED_TO}, a.id) AS end_id FROM page u CROSS JOIN appointment a "
        f"WHERE a.id = u.appointment_id), {_freed(units)}, {_REFILLS}{asked} "
    )


def _freed(units: str) -> str:
    """Slots of the page's that units gave back, by who stood there, in the order they were."""
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
        "slots AS MATERIALIZED (SELECT starts_at, uf FROM page UNION SELECT f.starts_at, f.uf "
        "FROM ends e CROSS JOIN appointment f WHERE f.id = e.end_id AND f.status = 'cancelled'), "
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


# Windows and a look-up stand where joins would: how many gave slots back is known to no planner,
# and PostgreSQL, which expects a handful, would compare each appointment with all of them.
_FIRST = "MAX({0}) OVER (PARTITION BY starts_at, uf, agenda)"
# Who took a slot that another unit gave back: it is credited to that one, and no unit of its own.
# Whoever was the first to give it back did not take it from somebody else.
_REFILLS = (
    "refills AS MATERIALIZED (SELECT DISTINCT id FROM (SELECT id, booked, "
    f"{_FIRST.format('gave')} AS gave, {_FIRST.format('at')} AS at FROM ("
    f"SELECT a.id, u.starts_at, u.uf, a.agenda, {WHEN_BOOKED.format('a')} AS booked, NULL AS gave, "
    "NULL AS at FROM page u CROSS JOIN appointment a WHERE a.id = u.appointment_id UNION ALL "
    "SELECT NULL, starts_at, uf, agenda, NULL, id, at FROM freed WHERE place = 1) stood) beside "
    "WHERE gave <> id AND at <= booked)"
)
# Which slots the page's units gave back, the first and the second one, and which of them somebody
# took since: each who came took one slot, the one that had been free for longest. Of the steps up
# (freed) and down (taken) in their order, whoever goes below all earlier ones took none.
_TAKEN = (
    ", given AS MATERIALIZED (SELECT a.id, 1 AS nth, a.id AS who, u.starts_at, u.uf, a.agenda "
    "FROM page u CROSS JOIN appointment a "
    f"WHERE a.id = u.appointment_id AND {WHEN_FREED.format('a', 'u')} IS NOT NULL "
    "UNION ALL SELECT u.appointment_id, 2, f.id, f.starts_at, f.uf, f.agenda "
    "FROM ends u CROSS JOIN appointment f "
    "WHERE f.id = u.end_id AND f.status = 'cancelled' AND f.cancelled_at IS NOT NULL "
    "AND f.starts_at <> u.starts_at), "
    f"there AS MATERIALIZED (SELECT r.starts_at, r.uf, r.agenda, {WHEN_BOOKED.format('r')} AS at "
    "FROM (SELECT DISTINCT starts_at, uf FROM freed) s CROSS JOIN appointment r "
    f"WHERE r.starts_at = s.starts_at AND r.uf = s.uf AND r.status NOT IN {NOT_THERE}{{only}}), "
    "steps AS MATERIALIZED (SELECT id, place, starts_at, uf, agenda, step, SUM(step) OVER "
    "(PARTITION BY starts_at, uf, agenda ORDER BY at, step DESC ROWS UNBOUNDED PRECEDING) "
    "AS height FROM (SELECT NULL AS id, NULL AS place, starts_at, uf, agenda, at, -1 AS step "
    "FROM there UNION ALL SELECT id, place, starts_at, uf, agenda, at, 1 FROM freed) both_ways), "
    "filled AS MATERIALIZED (SELECT id, starts_at, uf, agenda, place, "
    "SUM(CASE WHEN step < 0 THEN 1 ELSE 0 END) OVER slot + "
    "CASE WHEN MIN(height) OVER slot < 0 THEN MIN(height) OVER slot ELSE 0 END AS number "
    "FROM steps WINDOW slot AS (PARTITION BY starts_at, uf, agenda)), "
    "taken AS MATERIALIZED (SELECT id, nth FROM given WHERE CASE WHEN (who, starts_at, uf, agenda) "
    "IN (SELECT id, starts_at, uf, agenda FROM filled WHERE place <= number) "
    "THEN 1 ELSE 0 END = 1)"
)
# Whoever took a slot given back and is known not to have come wasted it all the same.
_CAME = (
    " AND (r.status IN ('arrived', 'checked-in', 'fulfilled') OR NOT (r.status = 'noshow' "
    f"OR r.attendance IN ('absent', 'excused') OR (r.attendance = '' AND {ASKED_AT.format('r')} "
    "IS NOT NULL)))"
)


def is_in(table: str, nth: int) -> str:
    """1 where the unit `u` has its `nth` slot in `given` or `taken`."""
    return (
        f"CASE WHEN u.appointment_id IN (SELECT id FROM {table} WHERE nth = {nth}) "
        "THEN 1 ELSE 0 END"
    )
