"""Preparation sheets of the pages: drafts, proposals, versions, and who is concerned."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Connection

from reminders.store.engine import Record, listed, reserve, rows, run
from reminders.store.types import DAY

_VERSION = (
    "id, sheet AS name, number, base, restores, content, author, at, state, decided_by, "
    "decided_at, alone, remark, effective_at"
)
_DRAFT = "sheet AS name, base, content, saved_at, revision"


def live(connection: Connection) -> Sequence[Record]:
    """The version in force of each sheet."""
    return rows(
        connection,
        f"SELECT {_VERSION} FROM sheet_version v WHERE state = 'approved' AND number = "
        "(SELECT MAX(o.number) FROM sheet_version o WHERE o.sheet = v.sheet "
        "AND o.state = 'approved') ORDER BY sheet",
    )


def waiting(connection: Connection) -> Sequence[Record]:
    """Every proposal nobody has decided about, oldest first."""
    return rows(
        connection,
        f"SELECT {_VERSION} FROM sheet_version WHERE state = 'proposed' ORDER BY at, id",
    )


def set_aside(connection: Connection) -> Sequence[Record]:
    """Of each sheet the newest version, where it waits for its day or was refused."""
    return rows(
        connection,
        f"SELECT {_VERSION} FROM sheet_version v WHERE state = 'scheduled' OR (state = 'refused' "
        "AND number = (SELECT MAX(o.number) FROM sheet_version o WHERE o.sheet = v.sheet))",
    )


def due(connection: Connection, now: int) -> Sequence[Record]:
    """The versions whose day has come, oldest first."""
    return rows(
        connection,
        f"SELECT {_VERSION} FROM sheet_version WHERE state = 'scheduled' "
        "AND effective_at <= :now ORDER BY effective_at, id",
        now=now,
    )


def drafts(connection: Connection, author: str) -> Sequence[Record]:
    return rows(
        connection,
        f"SELECT {_DRAFT} FROM sheet_draft WHERE author = :author ORDER BY sheet",
        author=author,
    )


def versions(
    connection: Connection, sheet: str, before: int = 2**62, limit: int = 20
) -> Sequence[Record]:
    """One sheet's versions, latest first."""
    return rows(
        connection,
        f"SELECT {_VERSION} FROM sheet_version WHERE sheet = :sheet AND number < :before "
        "ORDER BY number DESC LIMIT :limit",
        sheet=sheet,
        before=before,
        limit=limit,
    )


def version(connection: Connection, sheet: str, number: int) -> Record | None:
    found = rows(
        connection,
        f"SELECT {_VERSION} FROM sheet_version WHERE sheet = :sheet AND number = :number",
        sheet=sheet,
        number=number,
    )
    return found[0] if found else None


def latest(connection: Connection, sheet: str) -> tuple[int, int]:
    """(highest number, number in force) of a sheet; 0 where there is none."""
    found = rows(
        connection,
        "SELECT COALESCE(MAX(number), 0) AS last, "
        "COALESCE(MAX(CASE WHEN state = 'approved' THEN number END), 0) AS live "
        "FROM sheet_version WHERE sheet = :sheet",
        sheet=sheet,
    )
    return int(found[0].last), int(found[0].live)


def add(
    connection: Connection,
    sheet: str,
    number: int,
    content: str,
    *,
    base: int,
    author: str,
    at: int,
    restores: int = 0,
) -> bool:
    """Write a proposal; False if its number is taken: somebody proposed meanwhile."""
    return (
        run(
            connection,
            "INSERT INTO sheet_version (id, sheet, number, base, restores, content, author, at, "
            "state) VALUES (:id, :sheet, :number, :base, :restores, :content, :author, :at, "
            "'proposed') ON CONFLICT (sheet, number) DO NOTHING",
            id=reserve(connection, "sheet_version", 1),
            sheet=sheet,
            number=number,
            base=base,
            restores=restores,
            content=content,
            author=author,
            at=at,
        )
        > 0
    )


def decide(
    connection: Connection,
    sheet: str,
    number: int,
    state: str,
    *,
    by: str,
    at: int,
    alone: bool = False,
    remark: str = "",
    effective_at: int | None = None,
) -> bool:
    """What becomes of a proposal; False if it was decided already."""
    return (
        run(
            connection,
            "UPDATE sheet_version SET state = :state, decided_by = :by, decided_at = :at, "
            "alone = :alone, remark = :remark, effective_at = :effective_at "
            "WHERE sheet = :sheet AND number = :number AND state = 'proposed'",
            sheet=sheet,
            number=number,
            state=state,
            by=by,
            at=at,
            alone=int(alone),
            remark=remark,
            effective_at=effective_at,
        )
        > 0
    )


def enter(connection: Connection, version: int) -> bool:
    """Its day has come; False if it no longer waits for it."""
    return _left(connection, version, "approved", "")


def call_off(connection: Connection, version: int, remark: str = "") -> bool:
    """It does not come into service on its day; False if it no longer waits for it."""
    return _left(connection, version, "withdrawn", remark)


def _left(connection: Connection, version: int, state: str, remark: str) -> bool:
    return (
        run(
            connection,
            "UPDATE sheet_version SET state = :state, remark = :remark "
            "WHERE id = :id AND state = 'scheduled'",
            id=version,
            state=state,
            remark=remark,
        )
        > 0
    )


def draft(connection: Connection, sheet: str, author: str) -> Record | None:
    found = rows(
        connection,
        f"SELECT {_DRAFT} FROM sheet_draft WHERE sheet = :sheet AND author = :author",
        sheet=sheet,
        author=author,
    )
    return found[0] if found else None


def save_draft(
    connection: Connection,
    sheet: str,
    author: str,
    content: str,
    *,
    base: int,
    revision: int,
    at: int,
) -> int:
    """The new revision; 0 if the draft is no longer the one that was read (`revision`, 0: none).

    Two first savings at once are one insert and one refusal.
    """
    given = {"sheet": sheet, "author": author, "content": content, "base": base, "at": at}
    if revision == 0:
        return run(
            connection,
            "INSERT INTO sheet_draft (sheet, author, base, content, saved_at, revision) "
            "VALUES (:sheet, :author, :base, :content, :at, 1) "
            "ON CONFLICT (sheet, author) DO NOTHING",
            **given,
        )
    changed = run(
        connection,
        "UPDATE sheet_draft SET base = :base, content = :content, saved_at = :at, "
        "revision = revision + 1 "
        "WHERE sheet = :sheet AND author = :author AND revision = :revision",
        revision=revision,
        **given,
    )
    return revision + 1 if changed else 0


def drop_draft(connection: Connection, sheet: str, author: str) -> None:
    run(
        connection,
        "DELETE FROM sheet_draft WHERE sheet = :sheet AND author = :author",
        sheet=sheet,
        author=author,
    )


class Concerned(NamedTuple):
    """Appointments and patients to come that a sheet is about; and the messages, left or to leave,
    about those of thirty days in each other language: what a month has."""

    appointments: int = 0
    patients: int = 0
    foreign: Mapping[str, int] = MappingProxyType({})


def concerned(
    connection: Connection,
    ufs: Sequence[str],
    kind: str,
    others: Sequence[str],
    now: int,
    *,
    foreign: bool = False,
) -> Concerned:
    """`kind`: only this type of appointment; "": those of every type that has no sheet of its own
    (`others`). `foreign`: the languages are asked for too."""
    if not ufs:
        return Concerned()
    about, values = _about(kind, others)
    coming = f"FROM appointment ap WHERE ap.starts_at > :now AND ap.status = 'booked' AND {about}"
    if foreign:
        values = values | {"month": now + 30 * DAY}
    found = listed(
        connection,
        "SELECT '' AS spoken, COUNT(*) AS number, COUNT(DISTINCT ap.patient_id) AS patients "
        + coming
        + (f" UNION ALL {_FOREIGN.format(coming)}" if foreign else ""),
        ufs,
        now=now,
        **values,
    ).all()
    spoken = {row.spoken: int(row.number) for row in found if row.spoken}
    whole = next(row for row in found if not row.spoken)
    return Concerned(int(whole.number), int(whole.patients), spoken)


# Only those who read another language are followed to their messages.
_FOREIGN = (
    "SELECT substr(lower(m.language), 1, 2), COUNT(DISTINCT m.id), 0 "
    "FROM (SELECT ap.id, ap.patient_id {0} AND ap.starts_at < :month) a "
    "JOIN patient p ON p.id = a.patient_id "
    "AND lower(COALESCE(NULLIF(p.spoken, ''), p.language)) NOT LIKE 'f%' "
    "AND COALESCE(NULLIF(p.spoken, ''), p.language) <> '' "
    "JOIN decision d ON d.appointment_id = a.id JOIN message_item i ON i.decision_id = d.id "
    "JOIN message m ON m.id = i.message_id AND m.kind <> 'ack' AND m.language <> '' "
    "AND m.state NOT IN ('CANCELLED', 'SUPPRESSED', 'EXPIRED') "
    "GROUP BY substr(lower(m.language), 1, 2)"
)


def _about(kind: str, others: Sequence[str]) -> tuple[str, dict[str, object]]:
    """Of the appointments `ap` of `IN :ids` those a sheet is about."""
    if kind:
        return "ap.uf IN :ids AND ap.kind = :kind", {"kind": kind}
    if not others:
        return "ap.uf IN :ids", {}
    told = ", ".join(f":k{n}" for n in range(len(others)))
    return f"ap.uf IN :ids AND ap.kind NOT IN ({told})", {
        f"k{n}": one for n, one in enumerate(others)
    }


def texts_about(
    connection: Connection,
    ufs: Sequence[str],
    kind: str,
    others: Sequence[str],
    now: int,
    since: int,
) -> Sequence[Record]:
    """SMS about the appointments a sheet is about, in rows of `what`:

    sent     those that left, or were rehearsed, since then, by the template they were made of
    planned  those that wait, by purpose and the patient's language
    """
    if not ufs:
        return []
    about, values = _about(kind, others)
    return listed(
        connection,
        "SELECT 'sent' AS what, v.purpose, v.language, v.family, COUNT(DISTINCT a.id) AS messages "
        "FROM appointment ap JOIN told t ON t.appointment_id = ap.id "
        "JOIN attempt a ON a.id = t.attempt_id "
        "JOIN template_version v ON v.id = a.template_version_id "
        f"WHERE ap.starts_at > :since AND {about} AND a.started_at >= :since "
        "AND a.state <> 'NOT_SENT' AND a.channel = 'sms' "
        "GROUP BY v.purpose, v.language, v.family UNION ALL "
        "SELECT 'planned', m.purpose, m.language, '', COUNT(DISTINCT m.id) "
        "FROM appointment ap JOIN decision d ON d.appointment_id = ap.id "
        "JOIN message_item i ON i.decision_id = d.id AND i.channel = 'sms' "
        "JOIN message m ON m.id = i.message_id "
        f"WHERE ap.starts_at > :now AND {about} AND m.state IN ('PLANNED', 'HELD') "
        "AND m.closes_at > :now AND m.kind <> 'test' GROUP BY m.purpose, m.language",
        ufs,
        now=now,
        since=since,
        **values,
    ).all()


def kinds(connection: Connection, now: int) -> Sequence[Record]:
    """The types of the appointments to come, as the DPI names them, most frequent first."""
    return rows(
        connection,
        "SELECT kind, COUNT(*) AS coming FROM appointment WHERE starts_at > :now "
        "AND status = 'booked' AND kind <> '' GROUP BY kind ORDER BY COUNT(*) DESC, kind LIMIT 200",
        now=now,
    )
