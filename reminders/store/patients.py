"""Patients as staff look for them, and everything that happened around one of them.

`ufs` narrows to what the reader may see: a list of services, or None for all. A patient is seen
by whoever may see one of their appointments. Merged files (`merged_into`) are one person.
"""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, listed, rows
from reminders.store.planning import among

AFTER = "\U0010ffff"  # `key >= :p AND key < :p || AFTER`: every key that begins with p
MOST = 50
NOWHERE = "\x01"  # no service's code: whoever may see none sees nothing
Ufs = Sequence[str] | None

# --- who is looked for ---------------------------------------------------------------------------

# By its patient, never by its service: a service has millions, and SQLite could take either.
_WITHIN = "(a.uf || '') IN :ids"
_SEEN = f"EXISTS (SELECT 1 FROM appointment a WHERE a.patient_id = {{0}} AND {_WITHIN})"
LEAST = 3  # a shorter word is compared whole
FAMILIES = ("family", "second", "middle", "third")
GIVENS = ("given", "given_second", "given_middle", "given_third")
PARTS = FAMILIES[1:] + GIVENS[1:]


def _like(column: str, name: str, word: str) -> str:
    if len(word) < LEAST:
        return f"{column} = :{name}"
    return f"{column} >= :{name} AND {column} < :{name}_after"


def by_name(
    connection: Connection,
    splits: Iterable[tuple[str, str]],
    born: Sequence[str],
    year: int | None,
    ufs: Ufs,
) -> list[int]:
    """Keys of up to MOST + 1 patients for each way the words may be cut into names, each walked
    along an index in the order it is shown in."""
    parts: list[str] = []
    values: dict[str, object] = {"limit": MOST + 1}
    narrowed = _narrowed(born, year, values)
    if ufs is not None:
        narrowed += f" AND {_SEEN.format('k.patient_id')}"
    for number, (family, given) in enumerate(splits):
        names = {f"f{number}": family, f"g{number}": given}
        values |= {name: word for name, word in names.items() if word}
        values |= {f"{n}_after": w + AFTER for n, w in names.items() if len(w) >= LEAST}
        first = f" AND {_like('k.given', f'g{number}', given)}" if given else ""
        last = f" AND {_like('k.family', f'f{number}', family)}" if family else ""
        if family:
            for column in FAMILIES:
                found = _like(f"k.{column}", f"f{number}", family)
                parts.append(_walk(f"{found}{first}", column, "given", narrowed))
        if given:  # with a family name, the first given name's index says no more than that one's
            for column in GIVENS[1:] if family else GIVENS:
                found = _like(f"k.{column}", f"g{number}", given)
                parts.append(_walk(f"{found}{last}", column, "family", narrowed))
    return _keys(connection, " UNION ".join(parts), ufs, values) if parts else []


def _walk(found: str, first: str, then: str, narrowed: str) -> str:
    kept = f" AND k.{first} <> ''" if first in PARTS else ""  # its index's own
    return (
        "SELECT patient_id FROM (SELECT k.patient_id FROM patient_key k "
        f"WHERE {found}{kept}{narrowed} ORDER BY k.{first}, k.{then} LIMIT :limit) one"
    )


def by_birth(connection: Connection, born: Sequence[str], ufs: Ufs) -> list[int]:
    values: dict[str, object] = {"limit": MOST + 1}
    days = []
    for number, day in enumerate(born):
        values[f"d{number}"] = day
        seen = f" AND {_SEEN.format('k.patient_id')}" if ufs is not None else ""
        days.append(_walk(f"k.birth_date = :d{number}", "birth_date", "family", seen))
    return _keys(connection, " UNION ".join(days), ufs, values)


def by_identifier(connection: Connection, identifiers: Sequence[str]) -> list[int]:
    found = among(
        connection,
        "SELECT patient_id FROM patient_key WHERE identifier IN :ids ORDER BY patient_id LIMIT 100",
        identifiers,
    )
    return [row.patient_id for row in found]


def by_address(connection: Connection, address: str, key: bytes) -> list[Record]:
    """Everybody this number or e-mail address serves, served until it was told otherwise, or
    was written to about: (id, way, at). The ways in the order they are believed."""
    found = rows(
        connection,
        "SELECT id, 1 AS way, 0 AS at FROM patient WHERE phone = :a UNION ALL SELECT id, 1, 0 "
        "FROM patient WHERE lower(email) = lower(:a) AND email <> '' "
        "UNION ALL SELECT id, 2, 0 FROM patient WHERE proxy_phone = :a UNION ALL SELECT id, 2, 0 "
        "FROM patient WHERE lower(proxy_email) = lower(:a) AND proxy_email <> '' "
        "UNION ALL SELECT patient_id, 3, told_at FROM recipient WHERE phone = :a "
        "AND ended_at IS NOT NULL "
        "UNION ALL SELECT patient_id, 4, told_at FROM recipient WHERE (dpi_phone = :a "
        "OR dpi_proxy_phone = :a) AND ended_at IS NULL "
        "UNION ALL SELECT patient_id, 5, MAX(updated_at) FROM message WHERE recipient_key = :key "
        "AND state NOT IN ('PLANNED', 'HELD', 'CANCELLED', 'SUPPRESSED', 'EXPIRED') "
        "GROUP BY patient_id ORDER BY way, at DESC LIMIT 200",
        a=address,
        key=key,
    )
    return list(found)


def _narrowed(born: Sequence[str], year: int | None, values: dict[str, object]) -> str:
    if born:
        values |= {f"d{number}": day for number, day in enumerate(born)}
        return f" AND k.birth_date IN ({', '.join(f':d{n}' for n in range(len(born)))})"
    if year is not None:
        values |= {"y": f"{year:04}", "y_after": f"{year:04}{AFTER}"}
        return " AND k.birth_date >= :y AND k.birth_date < :y_after"
    return ""


def _keys(connection: Connection, sql: str, ufs: Ufs, values: dict[str, object]) -> list[int]:
    return [row.patient_id for row in _rows(connection, sql, ufs, **values)]


def _rows(connection: Connection, sql: str, ufs: Ufs, **values: object) -> Sequence[Record]:
    """A statement that says `IN :ids` for the services, or does not where all are seen."""
    if ufs is None:
        return rows(connection, sql, **values)
    found: Sequence[Record] = listed(connection, sql, list(ufs) or [NOWHERE], **values).all()
    return found


def shown(connection: Connection, ids: Sequence[int], ufs: Ufs, *, now: int) -> Sequence[Record]:
    """These patients, a merged one as who they are now, for a list: names, and the next and last
    appointment the reader may see. Nobody whose identity is erased."""
    if not ids:
        return []
    names = {f"p{number}": one for number, one in enumerate(ids)}
    marks = ", ".join(f":{name}" for name in names)
    within = "" if ufs is None else f" AND {_WITHIN}"
    of = (
        "FROM person o CROSS JOIN appointment a "
        f"WHERE o.root = p.id AND a.patient_id = o.id{within}"
    )
    visible = "" if ufs is None else f" AND EXISTS (SELECT 1 {of})"
    return _rows(
        connection,
        "WITH wanted AS (SELECT DISTINCT COALESCE(merged_into, id) AS root FROM patient "
        f"WHERE id IN ({marks})), person AS (SELECT p.id, w.root FROM wanted w JOIN patient p "
        "ON p.id = w.root UNION SELECT p.id, w.root FROM wanted w JOIN patient p "
        "ON p.merged_into = w.root) "
        "SELECT p.id, p.family, p.given, p.birth_date, p.identifier, p.deceased, p.told, "
        f"{', '.join(f'k.{name} AS {name}_key' for name in FAMILIES + GIVENS)}, "
        f"(SELECT MIN(a.starts_at) {of} AND a.starts_at > :now AND a.status = 'booked') AS next, "
        f"(SELECT MAX(a.starts_at) {of} AND a.starts_at <= :now) AS last, "
        f"(SELECT MIN(a.uf) {of}) AS uf "
        "FROM wanted w JOIN patient p ON p.id = w.root JOIN patient_key k ON k.patient_id = p.id "
        f"WHERE p.contact_problem <> 'purged'{visible} "
        f"ORDER BY k.family, k.given, p.id LIMIT {MOST + 1}",
        ufs,
        now=now,
        **names,
    )


# --- one person ----------------------------------------------------------------------------------

_PERSON = (
    "person AS (SELECT id FROM patient WHERE id = :root "
    "UNION SELECT id FROM patient WHERE merged_into = :root)"
)


def files(connection: Connection, root: int, ufs: Ufs) -> Sequence[Record]:
    """The person's file and those merged into it, the person's first, with how many of their
    appointments the reader may see (`seen`) and how many not (`elsewhere`)."""
    within = "1 = 1" if ufs is None else _WITHIN
    of = "FROM appointment a WHERE a.patient_id = p.id AND"
    return _rows(
        connection,
        f"WITH {_PERSON} SELECT p.*, r.id AS recipient_id, r.relation AS told_relation, "
        "r.phone AS told_phone, r.email AS told_email, r.told_at, r.told_by, r.dpi_phone, "
        "r.dpi_email, r.dpi_proxy, r.dpi_proxy_phone, r.dpi_proxy_email, "
        f"(SELECT COUNT(*) {of} {within}) AS seen, (SELECT COUNT(*) {of} NOT ({within})) "
        "AS elsewhere FROM person o JOIN patient p ON p.id = o.id LEFT JOIN recipient r "
        "ON r.patient_id = p.id AND r.ended_at IS NULL "
        "ORDER BY CASE WHEN p.id = :root THEN 0 ELSE 1 END, p.id",
        ufs,
        root=root,
    )


def standing(
    connection: Connection, root: int, keys: Sequence[bytes], ufs: Ufs, *, now: int
) -> Sequence[Record]:
    """What can be acted on: appointments to come (kind visit) and objections in force (kind
    objection) of the person or at their addresses."""
    within = "" if ufs is None else f" AND {_WITHIN}"
    about = "" if ufs is None else (
        " AND (o.scope = 'all' OR EXISTS (SELECT 1 FROM person w "
        "CROSS JOIN appointment a WHERE a.patient_id = w.id AND " + _WITHIN + " AND o.scope IN "
        "('service:' || a.uf, 'appointment:' || CAST(a.id AS TEXT))))"
    )  # fmt: skip
    named = {f"k{number}": key for number, key in enumerate(keys)}
    at = f" OR o.address_key IN ({', '.join(f':{name}' for name in named)})" if named else ""
    return _rows(
        connection,
        f"WITH {_PERSON} SELECT * FROM (SELECT 'visit' AS kind, a.id, a.starts_at AS at, a.uf, "
        "CASE WHEN a.answered_cycle = a.version THEN a.answer ELSE 'none' END AS a, a.source_id "
        "AS b, a.kind AS c, '' AS d, a.version AS n, a.all_day AS m FROM person o "
        "CROSS JOIN appointment a WHERE a.patient_id = o.id AND a.starts_at > :now "
        f"AND a.status = 'booked'{within} ORDER BY a.starts_at, a.id LIMIT 30) visits "
        "UNION ALL SELECT 'objection', o.id, o.recorded_at, '', o.channel, o.scope, o.origin, "
        "o.recorded_by, CASE WHEN o.patient_id IS NULL THEN 0 ELSE 1 END, "
        "CASE WHEN o.patient_id IN (SELECT id FROM person) THEN 1 ELSE 0 END FROM objection o "
        f"WHERE o.withdrawn_at IS NULL AND (o.patient_id IN (SELECT id FROM person){at}){about}",
        ufs,
        root=root,
        now=now,
        **named,
    )


# SQLite takes what one person has for a million rows. A condition on a large table alone would
# make it read that table whole, to skip some rows sooner; one on the person too does not.
_OWN = re.compile(r"(?<= AND )([dm]\.state|n\.action)(?= )")
_AFTER = r"CASE WHEN v.id > 0 THEN \1 END"

# Kinds of a timeline's lines, by what a reader may ask for; each selects
# (at, kind, id, about, uf, starts, a, b, c, d, who, body, n). CROSS: the person's appointments come
# first. SQLite would else read the largest table whole.
_VISITS = {
    "taken": "SELECT COALESCE(v.booked_at, v.first_seen_at), 'taken', v.id, v.id, v.uf, "
    "v.starts_at, v.source_id, '', '', '', '', '', v.all_day FROM seen v",
    "visit": "SELECT v.starts_at, 'visit', v.id, v.id, v.uf, v.starts_at, v.status, CASE WHEN "
    "v.answered_cycle = v.version THEN v.answer ELSE 'none' END, v.attendance, v.kind, '', '', "
    "v.all_day FROM seen v",
    "moved": "SELECT h.at, 'moved', v.id, v.id, h.uf, h.starts_at, CAST(h.was_starts_at AS TEXT), "
    "h.was_status, h.was_uf, CASE WHEN h.other_patient = 1 THEN '1' ELSE '' END, '', '', h.all_day "
    "+ 2 * h.was_all_day FROM seen v CROSS JOIN appointment_change h WHERE h.appointment_id = v.id",
    # One of the time before changes were kept.
    "changed": "SELECT v.version_at, 'moved', v.id, v.id, v.uf, v.starts_at, '', '', '', '', '', "
    "'', v.all_day FROM seen v WHERE v.version > 1 AND NOT EXISTS (SELECT 1 FROM "
    "appointment_change h WHERE h.appointment_id = v.id AND h.version = v.version)",
    "cancelled": "SELECT v.cancelled_at, 'cancelled', v.id, v.id, v.uf, v.starts_at, "
    "v.cancelled_basis, v.cancelled_by, '', '', '', '', 0 FROM seen v "
    "WHERE v.cancelled_at IS NOT NULL",
    "attended": "SELECT v.attended_at, 'attended', v.id, v.id, v.uf, v.starts_at, v.attendance, "
    "'', '', '', v.attended_by, '', 0 FROM seen v WHERE v.attended_at IS NOT NULL",
}
_MESSAGES = {
    # What is planned stands at its moment; what was decided against, when it was.
    "planned": "SELECT CASE WHEN d.opens_at > :now THEN d.opens_at "
    "ELSE :now + 1 END, 'planned', d.id, v.id, v.uf, v.starts_at, d.step, m.state, "
    "m.reason, i.channel, d.purpose, '', d.cycle FROM seen v CROSS JOIN decision d "
    "CROSS JOIN message_item i CROSS JOIN message m WHERE d.appointment_id = v.id "
    "AND d.cycle = v.version AND i.decision_id = d.id AND m.id = i.message_id "
    "AND d.state = 'PLANNED' AND m.state IN ('PLANNED', 'HELD', 'LEASED')",
    "unsent": "SELECT d.decided_at, 'unsent', d.id, v.id, v.uf, v.starts_at, d.step, '', "
    "d.reason, '', d.purpose, '', d.cycle FROM seen v CROSS JOIN decision d "
    "WHERE d.appointment_id = v.id AND d.state = 'SUPPRESSED'",
    "stopped": "SELECT m.updated_at, 'stopped', d.id, v.id, v.uf, v.starts_at, d.step, m.state, "
    "m.reason, i.channel, d.purpose, '', d.cycle FROM seen v "
    "CROSS JOIN decision d CROSS JOIN message_item i CROSS JOIN message m "
    "WHERE d.appointment_id = v.id AND i.decision_id = d.id AND m.id = i.message_id AND m.state "
    "IN ('CANCELLED', 'SUPPRESSED', 'EXPIRED', 'QUARANTINED') AND d.state = 'PLANNED'",
    "sent": "SELECT t.started_at, 'sent', t.id, MIN(v.id), MIN(v.uf), MIN(v.starts_at), "
    "t.state, t.channel, t.code, m.kind, t.address, t.body, COUNT(*) FROM seen v "
    "CROSS JOIN told o CROSS JOIN attempt t CROSS JOIN message m WHERE o.appointment_id = v.id "
    "AND t.id = o.attempt_id AND m.id = t.message_id GROUP BY t.id, t.started_at, t.state, "
    "t.channel, t.code, m.kind, t.address, t.body",
}
_ANSWERS = {
    "reply": "SELECT n.received_at, 'reply', n.id, MIN(v.id), MIN(v.uf), MIN(v.starts_at), "
    "n.intent, n.action, '', '', n.sender, n.body, 0 FROM seen v CROSS JOIN told o "
    "CROSS JOIN inbound n WHERE o.appointment_id = v.id AND n.attempt_id = o.attempt_id "
    "AND n.action <> 'joined' GROUP BY n.id, n.received_at, n.intent, n.action, n.sender, "
    "n.body",
    "answer": "SELECT w.given_at, 'answer', w.id, v.id, v.uf, v.starts_at, w.kind, w.channel, "
    "COALESCE(b.state, ''), COALESCE(b.code, ''), w.actor, '', CASE WHEN w.undone_at IS NOT NULL "
    "THEN 2 WHEN w.superseded_at IS NOT NULL THEN 1 ELSE 0 END FROM seen v "
    "CROSS JOIN answer w LEFT JOIN write_back b ON b.answer_id = w.id "
    "WHERE w.appointment_id = v.id",
}
_TASKS = {
    "task": "SELECT t.created_at, 'task', t.id, v.id, v.uf, v.starts_at, t.kind, t.state, "
    "t.resolution, '', t.assignee, t.sentence, 0 FROM seen v "
    "CROSS JOIN task t WHERE t.appointment_id = v.id",
    "done": "SELECT e.at, CASE e.action WHEN 'reopen' THEN 'again' WHEN 'try' "
    "THEN 'tried' ELSE 'done' END, e.id, v.id, "
    "v.uf, v.starts_at, t.kind, CAST(t.id AS TEXT), e.detail, '', e.actor, t.sentence, 0 "
    "FROM seen v CROSS JOIN task t CROSS JOIN task_event e WHERE t.appointment_id = v.id "
    "AND e.task_id = t.id AND e.action IN ('resolve', 'reopen', 'try')",
    "call": "SELECT c.at, 'call', c.id, v.id, v.uf, v.starts_at, c.motive, '', '', '', c.author, "
    "'', 0 FROM seen v CROSS JOIN call_entry c WHERE c.appointment_id = v.id",
}
_OBJECTED = (
    "FROM objection o WHERE (o.patient_id IN (SELECT id FROM person) OR o.address_key IN "
    "(SELECT m.recipient_key FROM person w CROSS JOIN message m WHERE m.patient_id = w.id)) "
    "AND (o.scope = 'all' OR EXISTS (SELECT 1 FROM seen v WHERE o.scope IN "
    "('service:' || v.uf, 'appointment:' || CAST(v.id AS TEXT))))"
)
_OBJECTIONS = {
    "objection": "SELECT o.recorded_at, 'objection', o.id, 0, '', 0, o.channel, o.scope, "
    f"o.origin, '', o.recorded_by, '', 0 {_OBJECTED}",
    "withdrawn": "SELECT o.withdrawn_at, 'withdrawn', o.id, 0, '', 0, o.channel, o.scope, "
    f"o.origin, '', o.withdrawn_by, '', 0 {_OBJECTED} AND o.withdrawn_at IS NOT NULL",
}
_NOTES = {
    "note": "SELECT n.at, 'note', n.id, COALESCE(n.appointment_id, 0), n.uf, 0, '', '', '', '', "
    "n.actor, n.body, 0 FROM person o CROSS JOIN note n WHERE n.patient_id = o.id AND {noted}",
}
_RECIPIENTS = {
    "recipient": "SELECT r.told_at, 'recipient', r.id, 0, '', 0, r.relation, r.phone, r.email, "
    "'', r.told_by, '', 0 FROM person o CROSS JOIN recipient r WHERE r.patient_id = o.id",
    "ended": "SELECT r.ended_at, 'ended', r.id, 0, '', 0, r.relation, r.phone, r.email, r.ended, "
    "r.ended_by, '', 0 FROM person o CROSS JOIN recipient r WHERE r.patient_id = o.id "
    "AND r.ended_at IS NOT NULL",
}
# Who looked at the file or acted on it, where no other line says so.
_ACTS = {
    "act": "SELECT u.at, 'act', u.id, 0, '', 0, u.action, u.detail, '', '', u.actor, '', 0 "
    "FROM person o CROSS JOIN audit u WHERE u.subject = 'patient:' || CAST(o.id AS TEXT) "
    "AND u.action NOT IN ('tell recipient', 'withdraw recipient', 'note', 'say')",
}
KINDS = {
    "visits": _VISITS,
    "messages": _MESSAGES,
    "answers": _ANSWERS,
    "tasks": _TASKS,
    "objections": _OBJECTIONS,
    "notes": _NOTES | _RECIPIENTS,
    "acts": _ACTS,
}
# Of what happened at one moment, the cause comes first.
ORDER = (
    "taken", "moved", "cancelled", "unsent", "stopped", "planned", "sent", "reply", "answer",
    "call", "task", "done", "again", "tried", "objection", "withdrawn", "note", "recipient",
    "ended", "attended", "visit", "act",
)  # fmt: skip
_RANK = " ".join(f"WHEN '{kind}' THEN {rank}" for rank, kind in enumerate(ORDER))
EVERYTHING = ("visits", "messages", "answers", "tasks", "objections", "notes")  # acts on request


def history(
    connection: Connection,
    root: int,
    kinds: Sequence[str],
    ufs: Ufs,
    *,
    now: int,
    before: tuple[int, int, int],
    limit: int,
    ahead: int,
) -> Sequence[Record]:
    """Lines of these kinds: `limit` up to now, the latest before (at, rank, id), and the nearest
    `ahead` of those to come (coming = 1). One statement, in no order."""
    within, noted = ("", "1 = 1") if ufs is None else (f" AND {_WITHIN}", "n.uf IN :ids")
    branches = [branch for kind in kinds for branch in KINDS[kind].values()]
    union = _OWN.sub(_AFTER, " UNION ALL ".join(branches).replace("{noted}", noted))
    return _rows(
        connection,
        f"WITH {_PERSON}, seen AS (SELECT a.* FROM person o CROSS JOIN appointment a "
        f"WHERE a.patient_id = o.id{within}), raw (at, kind, id, about, uf, starts_at, a, b, c, d, "
        f"who, body, n) AS ({union}), "
        f"line AS (SELECT raw.*, CASE raw.kind {_RANK} END AS place FROM raw) "
        "SELECT * FROM (SELECT 0 AS coming, line.* FROM line "
        "WHERE line.at <= :now AND (line.at, line.place, line.id) < (:at, :place, :id) "
        "ORDER BY line.at DESC, line.place DESC, line.id DESC LIMIT :limit) past "
        "UNION ALL SELECT * FROM (SELECT 1 AS coming, line.* FROM line WHERE line.at > :now "
        "ORDER BY line.at, line.place, line.id LIMIT :ahead) following",
        ufs,
        root=root,
        now=now,
        at=before[0],
        place=before[1],
        id=before[2],
        limit=limit,
        ahead=ahead,
    )


def named(connection: Connection, patient: int) -> bool:
    """Is there such a patient, with an identity that is not erased?"""
    found = rows(
        connection,
        "SELECT 1 FROM patient WHERE id = :id AND contact_problem <> 'purged'",
        id=patient,
    )
    return bool(found)
