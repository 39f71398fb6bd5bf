"""What the first page is made of: four statements, whatever the hospital's size."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows
from reminders.store.lists import Ufs, count_unreached, overdue_of
from reminders.store.reporting import ASKED_AT, OUTCOMES, TOLD_ELSEWHERE
from reminders.store.templates import SINCE
from reminders.store.worklist import Scope, scoped

RUNS = 3
MANY = 1_000  # coming appointments of an unmapped service are not counted further
GAPS = "('no_template', 'empty_variable', 'not_composed', 'provider_misconfigured')"


def machine(connection: Connection, ufs: Ufs, now: int, late: int) -> Sequence[Record]:
    """The state of everything that runs, one line each: (what, name, code, text, at, number, by).

    source   name, kind, "", data of, 0, ""          read    source, status, sentence, at, rows
    hold     source, code, sentence, placed at, key, by      run     mode, "", "", at, exit code
    overdue  planned messages of `ufs` that should have left before `late`, in `number`
    unmapped UF, in `number` its coming appointments          gap     kind of task, sentence, number
    template purpose, channel, language, 0, 0, family: there is an approved text
    """
    return scoped(
        connection,
        "SELECT 'source' AS what, id AS name, kind AS code, '' AS text, "
        "COALESCE(last_as_of, 0) AS at, 0 AS number, '' AS by FROM source "
        "UNION ALL SELECT 'read', f.source_id, f.status, f.sentence, f.started_at, f.rows, f.code "
        "FROM feed f WHERE f.id IN (SELECT (SELECT MAX(l.id) FROM feed l WHERE l.source_id = s.id "
        "AND l.started_at = (SELECT MAX(x.started_at) FROM feed x WHERE x.source_id = s.id)) "
        "FROM source s) "
        "UNION ALL SELECT 'hold', source_id, code, sentence, placed_at, id, placed_by FROM hold "
        "WHERE released_at IS NULL "
        "UNION ALL SELECT * FROM (SELECT 'run', mode, '', '', started_at, exit_code, '' FROM run "
        "ORDER BY started_at DESC LIMIT :runs) runs "
        f"UNION ALL SELECT 'overdue', '', '', '', 0, COUNT(*), '' FROM ({overdue_of(ufs)}) waiting "
        "UNION ALL SELECT 'unmapped', substr(t.subject, 4), '', '', 0, (SELECT COUNT(*) FROM "
        "(SELECT 1 FROM appointment a WHERE a.uf = substr(t.subject, 4) AND a.starts_at > :now "
        "AND a.status = 'booked' LIMIT :many) coming), '' FROM task t "
        "WHERE t.kind = 'unmapped_uf' AND t.state = 'open' "
        "UNION ALL SELECT 'gap', kind, '', MAX(sentence), 0, COUNT(*), '' FROM task "
        f"WHERE state = 'open' AND kind IN {GAPS} GROUP BY kind "
        "UNION ALL SELECT DISTINCT 'template', purpose, channel, language, 0, 0, family "
        f"FROM template_version WHERE state = 'approved' AND {SINCE} <= :now",
        None if ufs is None else sorted(ufs) or [""],
        now=now,
        start=late,
        runs=RUNS,
        many=MANY,
    )


# Tasks somebody has because a patient answered.
_ANSWERS = "(t.kind LIKE 'reply%' OR t.kind LIKE 'answer%' OR t.kind = 'start_stands')"


def work(connection: Connection, scope: Scope, ufs: Ufs, now: int, since: int) -> Record:
    """What waits for people of these services, and how long answers waited.

    `open`, `late`: tasks; `patients`, `visits`: no message reaches them; `answers`: those received
    since `since` that a person ended or has to; `waiting` of them; `half`: microseconds within
    which half of them were handled, None where fewer than half are.
    """
    handled = (
        f"FROM task t WHERE t.state IN ('open', 'done') AND t.created_at >= :since AND {_ANSWERS} "
        f"AND (t.state = 'open' OR t.resolved_by NOT IN ('', 'reminders')) AND {scope.sql}"
    )
    return scoped(
        connection,
        f"SELECT (SELECT COUNT(*) FROM task t WHERE t.state = 'open' AND {scope.sql}) AS open, "
        "(SELECT COUNT(*) FROM task t WHERE t.state = 'open' AND t.deadline_at <= :now "
        f"AND {scope.sql}) AS late, lost.patients, lost.visits, "
        f"(SELECT COUNT(*) {handled}) AS answers, "
        f"(SELECT COUNT(*) {handled} AND t.state = 'open') AS waiting, "
        "(SELECT AVG(took) FROM (SELECT CASE WHEN t.state = 'done' "
        "THEN t.resolved_at - t.created_at END AS took, "
        "ROW_NUMBER() OVER (ORDER BY CASE WHEN t.state = 'open' THEN 1 ELSE 0 END, "
        "t.resolved_at - t.created_at) AS place, COUNT(*) OVER () AS number "
        f"{handled}) ranked WHERE place IN ((number + 1) / 2, (number + 2) / 2) "
        f"HAVING COUNT(took) = COUNT(*)) AS half FROM {count_unreached(ufs)}",
        scope.ids,
        now=now,
        since=since,
    )[0]


TEXT_LEFT = (
    "EXISTS (SELECT 1 FROM told t JOIN attempt b ON b.id = t.attempt_id "
    "WHERE t.appointment_id = a.id AND t.cycle = a.version "
    "AND b.state IN ('ACCEPTED', 'DELIVERED', 'UNKNOWN'))"
)
SAID_YES = "a.answer = 'confirmed' AND a.answered_cycle = a.version AND a.answered_at < a.starts_at"

# Of a present start a text may have told the patient, and the hospital did not call it off.
TOLD_OF = (
    "NOT (a.status = 'cancelled' AND a.cancelled_by = 'hospital') "
    "AND a.status NOT IN ('entered-in-error', 'proposed', 'waitlist') "
    f"AND NOT {TOLD_ELSEWHERE} AND {TEXT_LEFT}"
)


# Somebody says what became of it.
_TOLD = (
    "(a.status IN ('arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled') "
    f"OR a.attendance <> '' OR {ASKED_AT.format('a')} IS NOT NULL)"
)


# Nobody told that they would not come: the DPI, or a person while the DPI says nothing final.
_MISSED = (
    f"({ASKED_AT.format('a')} IS NULL AND (a.status = 'noshow' OR a.attendance = 'absent' "
    "AND a.status IN ('pending', 'booked', 'unknown')))"
)
_SUMMED = "CAST(SUM(known) AS BIGINT) AS known, CAST(SUM(missed) AS BIGINT) AS missed"
_EACH = (
    f"WITH each AS MATERIALIZED (SELECT uf, patient, {_SUMMED} "
    "FROM (SELECT a.uf, COALESCE(p.merged_into, p.id) AS patient, "
    f"CASE WHEN {_TOLD} THEN 1 ELSE 0 END AS known, "
    f"CASE WHEN {_MISSED} THEN 1 ELSE 0 END AS missed "
    "FROM appointment a JOIN patient p ON p.id = a.patient_id "
    "WHERE a.starts_at >= :start AND a.starts_at < :end AND a.status NOT IN "
    f"('entered-in-error', 'proposed', 'waitlist') AND NOT {TOLD_ELSEWHERE}) visits "
    "GROUP BY uf, patient) "
)
_SQUARES = ", ".join(
    f"CAST(SUM({one}) AS BIGINT)" for one in ("known * known", "known * missed", "missed * missed")
)


def measures(connection: Connection, start: int, end: int, early: int) -> Sequence[Record]:
    """What became of the appointments starting in [start, end), as `reporting.outcomes` groups
    it; and for each service a line of status "asked": `number` of those of whose present start
    a text may have told the patient, and in `starts_at` how many of them said before it that
    they would come. What the hospital called off itself is none of the latter. And a line of
    status "people": `number` of patients whose outcome is known, in `starts_at` all of them.
    And one of status "squares", for the UF `*` too: over patients, of known outcomes, in
    `number` squares of appointments, in `starts_at` of them times no-shows, in `cancelled_at`
    squares of no-shows.
    """
    return rows(
        connection,
        f"{_EACH}{OUTCOMES} UNION ALL SELECT uf, 'asked', '', '', COUNT(*), "
        "SUM(CASE WHEN said_yes THEN 1 ELSE 0 END), NULL, NULL "
        f"FROM (SELECT a.uf, ({SAID_YES}) AS said_yes FROM appointment a "
        "WHERE a.starts_at >= :start AND a.starts_at < :end "
        f"AND {TOLD_OF}) told_of GROUP BY uf "
        "UNION ALL SELECT uf, 'people', '', '', SUM(CASE WHEN known > 0 THEN 1 ELSE 0 END), "
        "COUNT(*), NULL, NULL FROM each GROUP BY uf "
        f"UNION ALL SELECT uf, 'squares', '', '', {_SQUARES}, NULL FROM each GROUP BY uf "
        f"UNION ALL SELECT '*', 'squares', '', '', {_SQUARES}, NULL FROM "
        f"(SELECT {_SUMMED} FROM each GROUP BY patient) together HAVING COUNT(*) > 0",
        start=start,
        end=end,
        early=early,
    )
