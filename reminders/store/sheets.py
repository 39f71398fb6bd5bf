"""Preparation sheets of the pages: drafts, proposals, versions, and who is concerned."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, listed, reserve, rows, run

_VERSION = (
    "id, sheet AS name, number, base, restores, content, author, at, state, decided_by, "
    "decided_at, alone, remark"
)


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


def drafts(connection: Connection, author: str) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT sheet AS name, base, content, saved_at FROM sheet_draft WHERE author = :author "
        "ORDER BY sheet",
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
) -> bool:
    """What becomes of a proposal; False if it was decided already."""
    return (
        run(
            connection,
            "UPDATE sheet_version SET state = :state, decided_by = :by, decided_at = :at, "
            "alone = :alone, remark = :remark "
            "WHERE sheet = :sheet AND number = :number AND state = 'proposed'",
            sheet=sheet,
            number=number,
            state=state,
            by=by,
            at=at,
            alone=int(alone),
            remark=remark,
        )
        > 0
    )


def draft(connection: Connection, sheet: str, author: str) -> Record | None:
    found = rows(
        connection,
        "SELECT sheet AS name, base, content, saved_at FROM sheet_draft "
        "WHERE sheet = :sheet AND author = :author",
        sheet=sheet,
        author=author,
    )
    return found[0] if found else None


def save_draft(
    connection: Connection, sheet: str, author: str, content: str, *, base: int, at: int
) -> None:
    run(
        connection,
        "INSERT INTO sheet_draft (sheet, author, base, content, saved_at) "
        "VALUES (:sheet, :author, :base, :content, :at) ON CONFLICT (sheet, author) "
        "DO UPDATE SET base = excluded.base, content = excluded.content, "
        "saved_at = excluded.saved_at",
        sheet=sheet,
        author=author,
        content=content,
        base=base,
        at=at,
    )


def drop_draft(connection: Connection, sheet: str, author: str) -> None:
    run(
        connection,
        "DELETE FROM sheet_draft WHERE sheet = :sheet AND author = :author",
        sheet=sheet,
        author=author,
    )


def concerned(
    connection: Connection, ufs: Sequence[str], kind: str, others: Sequence[str], now: int
) -> tuple[int, int, str]:
    """(appointments, patients) to come that a sheet is about, and the first one's service.

    `kind`: only this type of appointment; "": those of every type that has no sheet of its own
    (`others`).
    """
    if not ufs:
        return 0, 0, ""
    told = ", ".join(f":k{n}" for n in range(len(others)))
    besides = f"AND (:kind <> '' OR kind NOT IN ({told}))" if others else ""
    found = listed(
        connection,
        "SELECT COUNT(*) AS appointments, COUNT(DISTINCT patient_id) AS patients, "
        "COALESCE(MIN(uf), '') AS uf FROM appointment WHERE starts_at > :now "
        "AND status = 'booked' AND uf IN :ids AND (kind = :kind OR :kind = '') " + besides,
        ufs,
        now=now,
        kind=kind,
        **{f"k{n}": one for n, one in enumerate(others)},
    ).all()
    return int(found[0].appointments), int(found[0].patients), str(found[0].uf)


def kinds(connection: Connection, now: int) -> Sequence[Record]:
    """The types of the appointments to come, as the DPI names them, most frequent first."""
    return rows(
        connection,
        "SELECT kind, COUNT(*) AS coming FROM appointment WHERE starts_at > :now "
        "AND status = 'booked' AND kind <> '' GROUP BY kind ORDER BY COUNT(*) DESC, kind LIMIT 200",
        now=now,
    )
