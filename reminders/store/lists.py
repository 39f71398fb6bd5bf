"""One day's messages, counted and listed: the same rows for a number and for what it opens.

A message belongs to the civil day at which it opens; one that could not leave by then and still
may (a correction, a message held) is also of the days that follow, until it does. What is not
sent is a decision not to write, or a message that never left; of a day too. Texts to the staff
are of no day.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows
from reminders.store.planning import UNFINISHED, among
from reminders.store.tending import REACHED
from reminders.store.worklist import scoped

# The appointments of a message m, and those of them in the viewer's services.
_ITEMS = (
    "FROM message_item i JOIN decision d ON d.id = i.decision_id "
    "JOIN appointment a ON a.id = d.appointment_id WHERE i.message_id = m.id"
)
# Counted, not EXISTS: PostgreSQL would join the day with every message there is.
_MINE = f"0 < (SELECT COUNT(*) {_ITEMS} AND a.uf IN :ids)"
_OURS = "m.kind <> 'test'"
MOST_OVERDUE = 20_000  # of a channel: more are not counted
# What should have left before :start and still may, from the earliest on: with an order and a
# limit both engines walk ix_message_due, which holds little else; else PostgreSQL reads all of
# the past.
OVERDUE = (
    "FROM (SELECT * FROM message WHERE state = 'PLANNED' AND channel = '{0}' "
    f"AND opens_at < :start ORDER BY opens_at LIMIT {MOST_OVERDUE}) m WHERE m.closes_at > :start"
)
# Arms that each walk one index: the day's own, and what is left over of the days before.
_OF_DAY = (
    "FROM message m WHERE m.opens_at >= :start AND m.opens_at < :end",
    OVERDUE.format("sms"),
    OVERDUE.format("email"),
    # With its sign the moment invites no walk through all the days before.
    f"FROM message m WHERE m.{UNFINISHED} AND m.state = 'HELD' AND m.closes_at > :start "
    "AND +m.opens_at < :start",
)
# Not a refusal to write: the appointment is no more, or another message took this one's place.
_REPLACED = "('moved', 'withdrawn', 'not_booked')"
_STAYED = "(m.state = 'SUPPRESSED' OR (m.state = 'CANCELLED' AND m.reason = 'discarded'))"
_DECIDED = (
    "FROM decision d WHERE d.state = 'SUPPRESSED' AND d.opens_at IS NOT NULL "
    f"AND d.opens_at >= :start AND d.opens_at < :end AND d.reason NOT IN {_REPLACED}"
)
_DECIDED_MINE = (
    "0 < (SELECT COUNT(*) FROM appointment a WHERE a.id = d.appointment_id AND a.uf IN :ids)"
)

Ufs = frozenset[str] | None  # None: every service
Place = tuple[int, int, int]  # (moment, 0 message or 1 decision, key)
FIRST: Place = (0, 0, 0)


def _ids(ufs: Ufs) -> list[str] | None:
    return None if ufs is None else sorted(ufs) or [""]


def counts(connection: Connection, ufs: Ufs, start: int, end: int) -> Sequence[Record]:
    """(what, state, reason, number): `message` rows by state, with the reason where one was not
    sent; `decision` rows, not to write, by reason."""
    mine = "" if ufs is None else f" AND {_MINE}"
    decided = "" if ufs is None else f" AND {_DECIDED_MINE}"
    arms = " UNION ALL ".join(
        f"SELECT m.state, CASE WHEN {_STAYED} THEN m.reason ELSE '' END AS reason "
        f"{arm} AND {_OURS}{mine}"
        for arm in _OF_DAY
    )
    return scoped(
        connection,
        f"SELECT 'message' AS what, state, reason, COUNT(*) AS number FROM ({arms}) ours "
        "GROUP BY state, reason UNION ALL "
        f"SELECT 'decision', 'SUPPRESSED', reason, COUNT(*) FROM (SELECT d.reason {_DECIDED}"
        f"{decided}) theirs GROUP BY reason",
        _ids(ufs),
        start=start,
        end=end,
    )


LISTED = "m.opens_at, 0 AS what, m.id, m.state, m.reason, m.channel, m.purpose, m.recipient"


def page(
    connection: Connection,
    ufs: Ufs,
    states: Sequence[str],
    start: int,
    end: int,
    *,
    after: Place,
    limit: int,
) -> Sequence[Record]:
    """The day's messages in these states, by moment. `states` are names of this program."""
    mine = "" if ufs is None else f" AND {_MINE}"
    wanted = ", ".join(f"'{state}'" for state in states)
    arms = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {LISTED} {arm} AND {_OURS} "
        f"AND m.state IN ({wanted}) AND (m.opens_at, m.id) > (:moment, :key){mine} "
        f"ORDER BY m.opens_at, m.id LIMIT :limit) arm{number}"
        for number, arm in enumerate(_OF_DAY)
    )
    return scoped(
        connection,
        f"SELECT * FROM ({arms}) found ORDER BY opens_at, id LIMIT :limit",
        _ids(ufs),
        start=start,
        end=end,
        moment=after[0],
        key=after[2],
        limit=limit,
    )


def not_sent(
    connection: Connection,
    ufs: Ufs,
    reason: str,
    start: int,
    end: int,
    *,
    after: Place,
    limit: int,
) -> Sequence[Record]:
    """What is not sent of a day, by moment; `reason` "": whatever the reason."""
    mine = "" if ufs is None else f" AND {_MINE}"
    decided = "" if ufs is None else f" AND {_DECIDED_MINE}"
    messages = (
        f"SELECT * FROM (SELECT {LISTED} {_OF_DAY[0]} AND {_OURS} "
        f"AND {_STAYED} AND (:reason = '' OR m.reason = :reason) "
        f"AND (m.opens_at, 0, m.id) > (:moment, :what, :key){mine} "
        "ORDER BY m.opens_at, m.id LIMIT :limit) stayed"
    )
    decisions = (
        "SELECT * FROM (SELECT d.opens_at, 1 AS what, d.id, d.state, d.reason, '' AS channel, "
        f"d.purpose, '' AS recipient {_DECIDED} AND (:reason = '' OR d.reason = :reason) "
        f"AND (d.opens_at, 1, d.id) > (:moment, :what, :key){decided} "
        "ORDER BY d.opens_at, d.id LIMIT :limit) decided"
    )
    return scoped(
        connection,
        f"SELECT * FROM ({messages} UNION ALL {decisions}) found "
        "ORDER BY opens_at, what, id LIMIT :limit",
        _ids(ufs),
        reason=reason,
        start=start,
        end=end,
        moment=after[0],
        what=after[1],
        key=after[2],
        limit=limit,
    )


_PEOPLE = (
    "a.id AS appointment_id, a.uf, a.starts_at, a.all_day, d.step, p.family, p.given "
    "FROM decision d JOIN appointment a ON a.id = d.appointment_id "
    "LEFT JOIN patient p ON p.id = a.patient_id"
)


def about_messages(connection: Connection, messages: Sequence[int]) -> Sequence[Record]:
    """What these messages are about, the earliest appointment first."""
    return among(
        connection,
        f"SELECT i.message_id AS id, {_PEOPLE} JOIN message_item i ON i.decision_id = d.id "
        "WHERE i.message_id IN :ids ORDER BY a.starts_at, a.id",
        messages,
    )


def about_decisions(connection: Connection, decisions: Sequence[int]) -> Sequence[Record]:
    return among(connection, f"SELECT d.id, {_PEOPLE} WHERE d.id IN :ids", decisions)


# --- whom no message reaches ------------------------------------------------------------------

_LOST = "('call_no_contact', 'call_not_reached', 'bad_recipient')"
_UNREACHED = (
    f"t.state = 'open' AND t.kind IN {_LOST} "
    f"AND ap.starts_at > :now AND ap.status = 'booked' AND NOT {REACHED} "
    # Of several tasks about one appointment the first stands for it.
    "AND NOT EXISTS (SELECT 1 FROM task o WHERE o.appointment_id = t.appointment_id "
    f"AND o.id < t.id AND o.state = 'open' AND o.kind IN {_LOST})"
)


def unreached(
    connection: Connection, ufs: Ufs, now: int, *, after: tuple[int, int], limit: int
) -> Sequence[Record]:
    """Coming appointments whose patient no message reaches, each with an open task, by start."""
    mine = "" if ufs is None else " AND ap.uf IN :ids"
    return scoped(
        connection,
        "SELECT t.id AS task_id, t.kind, t.sentence, ap.id, ap.uf, ap.starts_at, ap.patient_id, "
        "p.family, p.given, p.contact_problem FROM task t "
        "JOIN appointment ap ON ap.id = t.appointment_id "
        f"LEFT JOIN patient p ON p.id = ap.patient_id WHERE {_UNREACHED}{mine} "
        "AND (ap.starts_at, t.id) > (:start, :key) ORDER BY ap.starts_at, t.id LIMIT :limit",
        _ids(ufs),
        now=now,
        start=after[0],
        key=after[1],
        limit=limit,
    )


def count_unreached(ufs: Ufs) -> str:
    """A table `lost` of how many appointments that is (`visits`), and of how many different
    patients (`patients`; one unknown for each without any): asks for `now` (and `ids`)."""
    mine = "" if ufs is None else " AND ap.uf IN :ids"
    return (
        "(SELECT COUNT(*) AS visits, COUNT(DISTINCT COALESCE(ap.patient_id, -ap.id)) AS patients "
        "FROM task t JOIN appointment ap ON ap.id = t.appointment_id "
        f"WHERE {_UNREACHED}{mine}) lost"
    )


def unreached_number(connection: Connection, ufs: Ufs, now: int) -> Record:
    """(visits, patients) of `unreached`, all its pages."""
    return scoped(connection, f"SELECT * FROM {count_unreached(ufs)}", _ids(ufs), now=now)[0]


def overdue_of(ufs: Ufs) -> str:
    """Rows of the planned messages of these services that should have left before `start` and
    still could: asks for `start` (and `ids`)."""
    mine = "" if ufs is None else f" AND {_MINE}"
    return " UNION ALL ".join(
        f"SELECT 1 {OVERDUE.format(one)} AND {_OURS}{mine}" for one in ("sms", "email")
    )


def overdue(connection: Connection, before: int) -> int:
    """How many messages that is, of every service."""
    sql = f"SELECT COUNT(*) FROM ({overdue_of(None)}) waiting"
    return int(rows(connection, sql, start=before)[0][0])
