"""Lists of appointments that cost the same at any size, and everything about one of them.

A page reads the next 50 in (start, key) order. It examines MOST candidates at the most, found by
one index (`_candidates`), and the rest of what is asked for is looked at in those: a rare answer
in a long period takes several pages, never a long one.

Measured with 1,000,000 appointments of 250 services over three years (2 cores, shared; medians of
60, milliseconds, SQLite | PostgreSQL): a counted day of one service 0.4 | 1.1, of all 1.2 | 1.7, of
40 8.8 | 5.9; a year of 40 services 2.0 | 7.4, far into it 6.2 | 7.6; of one agenda 0.7 | 0.9. What
has to be looked at row by row costs the MOST it may: 7 to 30. Ten times the rows change the depth
of an index, not what a page reads.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER
from reminders.store.engine import Record, rows
from reminders.store.holds import FIRST_HOLD
from reminders.store.home import SAID_YES, TOLD_OF
from reminders.store.planning import among
from reminders.store.reporting import ASKED_AT, TOLD_ELSEWHERE

MOST = 1_000  # candidates examined for one page
APART = 60  # services each looked for by itself, merged: no day of another one is read
FEW = 8  # as many are few enough to name the agendas of a day
COUNTED = 1_000  # a larger number is said to be larger

Place = tuple[int, int]  # (start in microseconds, key): where a page ends


@dataclass(frozen=True, slots=True)
class Wanted:
    """Appointments that start in [start, end), microseconds. `ufs` None: of every service.

    `reason`: the present version has a decision against writing for this reason.
    """

    start: int
    end: int
    ufs: Collection[str] | None = None
    agenda: str = ""
    status: str = ""
    answer: str = ""
    reason: str = ""

    @property
    def narrow(self) -> bool:
        """Must candidates be looked at one by one?"""
        return bool(self.status or self.answer or self.reason)


def _span(wanted: Wanted, after: Place | None) -> dict[str, object]:
    start, key = after or (wanted.start, -1)
    return {"start": start, "key": key, "end": wanted.end}


def _candidates(wanted: Wanted, after: Place | None, most: int) -> tuple[str, dict[str, object]]:
    """The statement of the next `most` candidates, by (start, key), and its values."""
    values = _span(wanted, after) | {"most": most}
    ufs = None if wanted.ufs is None else sorted(wanted.ufs)
    names = {f"u{number}": uf for number, uf in enumerate(ufs or [])}
    after_here = "starts_at < :end AND (starts_at, id) > (:start, :key)"
    order = "ORDER BY starts_at, id LIMIT :most"
    among_them = f" AND uf IN ({', '.join(f':{name}' for name in names)})" if names else ""
    if ufs == []:
        return f"SELECT id, starts_at FROM appointment WHERE 1 = 0 AND {after_here} {order}", values
    if wanted.agenda:
        return (
            f"SELECT id, starts_at FROM appointment WHERE agenda = :agenda AND {after_here}"
            f"{among_them} {order}",
            values | names | {"agenda": wanted.agenda},
        )
    if ufs is None or len(ufs) > APART:
        # Not `uf IN`: SQLite would read every day of each of them and sort the lot.
        along = among_them.replace(" uf IN", " uf || '' IN")
        return (
            f"SELECT id, starts_at FROM appointment WHERE {after_here}{along} {order}",
            values | names,
        )
    each = " UNION ALL ".join(
        "SELECT id, starts_at FROM (SELECT id, starts_at FROM appointment "
        f"WHERE uf = :{name} AND {after_here} {order}) {name}"
        for name in names
    )
    return f"SELECT id, starts_at FROM ({each}) apart {order}", values | names


SHOWN = (
    "a.id, a.source_id, a.external_id, a.patient_id, a.uf, a.agenda, a.starts_at, a.all_day, "
    f"a.status, {CURRENT_ANSWER.replace('ap.', 'a.')} AS answer, a.attendance, a.version, "
    "a.duration_minutes, a.stopped_cycle, p.family, p.given, p.birth_date"
)


def page(
    connection: Connection, wanted: Wanted, *, after: Place | None, limit: int
) -> tuple[Sequence[Record], Place | None, bool]:
    """(rows, where the next page begins, whether it is only because MOST were examined)."""
    most = MOST if wanted.narrow else limit + 1
    candidates, values = _candidates(wanted, after, most)
    conditions, asked = _rest(wanted)
    found = rows(
        connection,
        f"WITH candidate AS MATERIALIZED ({candidates}) SELECT {SHOWN} FROM candidate c "
        "JOIN appointment a ON a.id = c.id LEFT JOIN patient p ON p.id = a.patient_id "
        f"WHERE {conditions} ORDER BY c.starts_at, c.id LIMIT :limit",
        **values,
        **asked,
        limit=limit + 1,
    )
    shown = found[:limit]
    if len(found) > limit:
        return shown, (shown[-1].starts_at, shown[-1].id), False
    if not wanted.narrow:
        return shown, None, False
    last = rows(
        connection,
        f"SELECT starts_at, id, COUNT(*) OVER () AS number FROM ({candidates}) examined "
        "ORDER BY starts_at DESC, id DESC LIMIT 1",
        **values,
    )
    if last and last[0].number == most:
        return shown, (last[0].starts_at, last[0].id), True
    return shown, None, False


def examined(connection: Connection, wanted: Wanted, *, after: Place | None) -> Sequence[Record]:
    """Up to MOST candidates with what their outcome depends on, for whoever chooses among them by
    it: `elsewhere`: another source tells the same; `said_yes`: after a text about their start."""
    candidates, values = _candidates(wanted, after, MOST)
    conditions, asked = _rest(wanted)
    return rows(
        connection,
        f"WITH candidate AS MATERIALIZED ({candidates}) SELECT a.id, a.starts_at, a.status, "
        "a.cancelled_by, a.cancelled_at, a.attendance, "
        f"{ASKED_AT.format('a')} AS asked_at, "
        f"CASE WHEN {TOLD_ELSEWHERE} THEN 1 ELSE 0 END AS elsewhere, "
        f"CASE WHEN {TOLD_OF} AND {SAID_YES} THEN 1 ELSE 0 END AS said_yes, "
        f"CASE WHEN {conditions} THEN 1 ELSE 0 END AS fits "
        "FROM candidate c JOIN appointment a ON a.id = c.id ORDER BY c.starts_at, c.id",
        **values,
        **asked,
    )


def lines(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """These appointments as a list shows them."""
    return among(
        connection,
        f"SELECT {SHOWN} FROM appointment a LEFT JOIN patient p ON p.id = a.patient_id "
        "WHERE a.id IN :ids ORDER BY a.starts_at, a.id",
        ids,
    )


def _rest(wanted: Wanted) -> tuple[str, dict[str, object]]:
    conditions, values = ["1 = 1"], dict[str, object]()
    if wanted.status:
        conditions.append("a.status = :status")
        values["status"] = wanted.status
    if wanted.answer:
        conditions.append(f"({CURRENT_ANSWER.replace('ap.', 'a.')}) = :answer")
        values["answer"] = wanted.answer
    if wanted.reason:
        conditions.append(
            "EXISTS (SELECT 1 FROM decision d WHERE d.appointment_id = a.id "
            "AND d.cycle = a.version AND d.state = 'SUPPRESSED' AND d.reason = :reason)"
        )
        values["reason"] = wanted.reason
    return " AND ".join(conditions), values


def messages_of(connection: Connection, appointments: Sequence[int]) -> Sequence[Record]:
    """What is decided for the present version of these appointments, with its messages."""
    return among(
        connection,
        "SELECT d.appointment_id, d.step, d.state, d.reason, d.opens_at, m.state AS message_state, "
        "m.reason AS message_reason, m.settled_at FROM decision d JOIN appointment a "
        "ON a.id = d.appointment_id AND a.version = d.cycle "
        "LEFT JOIN message_item i ON i.decision_id = d.id "
        "LEFT JOIN message m ON m.id = i.message_id WHERE d.appointment_id IN :ids "
        "ORDER BY d.appointment_id, d.opens_at, d.id",
        appointments,
    )


def agendas(connection: Connection, wanted: Wanted, *, limit: int = 200) -> Sequence[Record]:
    """The agendas of a day and how many appointments each has, of a status if one is wanted; of
    a few services only."""
    ufs = sorted(wanted.ufs or [])
    status = " AND status = :status" if wanted.status else ""
    values = {"status": wanted.status} if wanted.status else {}
    return among(
        connection,
        "SELECT agenda, COUNT(*) AS number FROM appointment WHERE uf IN :ids "
        f"AND starts_at >= :start AND starts_at < :end{status} GROUP BY agenda ORDER BY agenda "
        "LIMIT :limit",
        ufs,
        **values,
        start=wanted.start,
        end=wanted.end,
        limit=limit,
    )


def count(connection: Connection, wanted: Wanted) -> int:
    """How many, COUNTED + 1 standing for more; nothing is looked at beyond the day and place."""
    candidates, values = _candidates(wanted, None, COUNTED + 1)
    return int(
        rows(connection, f"SELECT COUNT(*) AS number FROM ({candidates}) counted", **values)[0][0]
    )


# --- one appointment -----------------------------------------------------------------------------


def find(connection: Connection, appointment: int) -> Record | None:
    """The appointment with its patient, and the first hold that keeps back what is written about
    it."""
    found = rows(
        connection,
        f"SELECT a.*, {CURRENT_ANSWER.replace('ap.', 'a.')} AS said, p.family, p.given, "
        "p.birth_date, p.phone, p.email, p.proxy_phone, p.proxy_email, p.deceased, p.blocked, "
        "h.id AS hold_id, h.source_id AS hold_source, h.placed_at AS held_at, "
        "h.placed_by AS held_by FROM appointment a LEFT JOIN patient p ON p.id = a.patient_id "
        f"LEFT JOIN hold h ON h.id = {FIRST_HOLD} WHERE a.id = :id",
        id=appointment,
    )
    return found[0] if found else None


def waiting(connection: Connection, appointment: int) -> Sequence[Record]:
    """Its messages that have not left, as composing reads them; one row without a message where
    there is none, no row for an unknown appointment."""
    return rows(
        connection,
        "SELECT a.uf, a.starts_at, m.id, m.kind, m.channel, m.patient_id, m.recipient, m.relation, "
        "m.purpose, m.language, m.site_id, m.opens_at, m.closes_at, m.retries FROM appointment a "
        "LEFT JOIN decision d ON d.appointment_id = a.id AND d.state = 'PLANNED' "
        "LEFT JOIN message_item i ON i.decision_id = d.id LEFT JOIN message m "
        "ON m.id = i.message_id AND m.state IN ('PLANNED', 'HELD', 'LEASED') "
        "WHERE a.id = :id ORDER BY m.opens_at, m.id",
        id=appointment,
    )


def changes(connection: Connection, appointment: int) -> Sequence[Record]:
    """What each of its versions replaced, the oldest first."""
    return rows(
        connection,
        "SELECT version, at, was_starts_at, was_all_day, was_uf, was_status, starts_at, all_day, "
        "uf, other_patient FROM appointment_change WHERE appointment_id = :id ORDER BY version",
        id=appointment,
    )


def decisions(connection: Connection, appointment: int) -> Sequence[Record]:
    """Every decision about it, with the message that carries it and who asked for one by hand."""
    return rows(
        connection,
        "SELECT d.id, d.step, d.cycle, d.state, d.reason, d.purpose, d.opens_at, d.closes_at, "
        "d.decided_at, i.channel, m.id AS message_id, m.kind, m.state AS message_state, "
        "m.reason AS message_reason, m.recipient, m.relation, m.language, "
        "m.opens_at AS message_opens_at, m.updated_at, m.settled_at, m.retries, "
        "w.id AS writing_id, w.kind AS writing_kind, w.created_by "
        "FROM decision d LEFT JOIN message_item i ON i.decision_id = d.id "
        "LEFT JOIN message m ON m.id = i.message_id "
        "LEFT JOIN writing_line l ON l.appointment_id = d.appointment_id AND l.decision_id = d.id "
        "LEFT JOIN writing w ON w.id = l.writing_id "
        "WHERE d.appointment_id = :id ORDER BY d.decided_at, d.id",
        id=appointment,
    )


def attempts(connection: Connection, appointment: int) -> Sequence[Record]:
    """Every submission that told it, with its exact text."""
    return rows(
        connection,
        "SELECT a.id, a.message_id, a.reference, a.provider, a.channel, a.address, a.subject, "
        "a.body, a.segments, a.price_eur, a.state, a.code, a.provider_id, a.started_at, "
        "a.finished_at, a.template_version_id, t.cycle, t.starts_at AS told_start, m.kind, "
        "m.purpose, m.relation, v.number AS template_number, v.purpose AS template_purpose, "
        "v.language AS template_language FROM told t JOIN attempt a ON a.id = t.attempt_id "
        "JOIN message m ON m.id = a.message_id "
        "LEFT JOIN template_version v ON v.id = a.template_version_id WHERE t.appointment_id = :id "
        "ORDER BY a.started_at, a.id",
        id=appointment,
    )


# One statement for what else happened: what, when, a code, more of it, by whom, and a number.
_ATTEMPTS = "SELECT attempt_id FROM told WHERE appointment_id = :id"
_SUBJECTS = (
    "SELECT :subject UNION SELECT 'message:' || CAST(i.message_id AS TEXT) FROM message_item i "
    "JOIN decision d ON d.id = i.decision_id WHERE d.appointment_id = :id "
    "UNION SELECT 'inbound:' || CAST(n.id AS TEXT) FROM inbound n "
    f"WHERE n.attempt_id IN ({_ATTEMPTS})"
)
_EVENTS = (
    "SELECT 'receipt' AS what, r.received_at AS at, r.state AS code, r.code AS more, "
    "r.provider AS actor, r.attempt_id AS number FROM receipt r "
    f"WHERE r.attempt_id IN ({_ATTEMPTS})",
    "SELECT 'reply', n.received_at, n.intent, n.body, n.provider, n.id FROM inbound n "
    f"WHERE n.attempt_id IN ({_ATTEMPTS})",
    "SELECT 'answer', w.given_at, w.kind, w.channel, w.actor, w.cycle FROM answer w "
    "WHERE w.appointment_id = :id",
    "SELECT 'answer_undone', w.undone_at, w.kind, w.channel, w.actor, w.cycle FROM answer w "
    "WHERE w.appointment_id = :id AND w.undone_at IS NOT NULL",
    "SELECT 'written_back', COALESCE(b.done_at, b.next_at), b.state, b.code, '', b.tries "
    "FROM write_back b WHERE b.appointment_id = :id",
    "SELECT 'objection', o.recorded_at, o.scope, o.origin, o.recorded_by, o.id FROM objection o "
    "WHERE o.patient_id = :patient AND o.scope IN ('all', :service, :subject)",
    # A number that is not the patient's: nobody's objection, and yet no text goes there.
    "SELECT 'objection', o.recorded_at, o.scope, o.origin, o.recorded_by, o.id FROM objection o "
    "WHERE o.patient_id IS NULL AND o.address_key IN (SELECT m.recipient_key FROM decision d "
    "JOIN message_item i ON i.decision_id = d.id JOIN message m ON m.id = i.message_id "
    "WHERE d.appointment_id = :id)",
    "SELECT 'objection_ended', o.withdrawn_at, o.scope, o.origin, o.withdrawn_by, o.id "
    "FROM objection o "
    "WHERE o.patient_id = :patient AND o.withdrawn_at IS NOT NULL "
    "AND o.scope IN ('all', :service, :subject)",
    "SELECT 'task', k.created_at, k.kind, k.sentence, '', k.id FROM task k "
    f"WHERE k.subject IN ({_SUBJECTS})",
    "SELECT 'task_' || e.action, e.at, k.kind, e.detail, e.actor, k.id "
    "FROM task k JOIN task_event e ON e.task_id = k.id WHERE "
    f"k.subject IN ({_SUBJECTS}) AND e.action IN "
    "('resolve', 'reopen', 'try', 'hand-over', 'escalate')",
    "SELECT 'call', c.at, c.motive, '', c.author, c.id FROM call_entry c "
    "WHERE c.appointment_id = :id",
    "SELECT 'staff', u.at, u.action, u.detail, u.actor, u.id FROM audit u "
    "WHERE u.subject = :subject AND u.action IN ('stop reminders', 'resume reminders')",
)


def events(connection: Connection, appointment: int, *, patient: int, uf: str) -> Sequence[Record]:
    """Receipts, replies, answers, objections, tasks and what staff did, oldest first."""
    return rows(
        connection,
        f"SELECT * FROM ({' UNION ALL '.join(_EVENTS)}) events ORDER BY at, what, number LIMIT 500",
        id=appointment,
        patient=patient,
        service=f"service:{uf}",
        subject=f"appointment:{appointment}",
    )
