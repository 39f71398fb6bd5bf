"""Template versions: shipped texts enter once by content hash; the one in service is found.

A version's text never changes; only its state does, each time by one conditional UPDATE.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from sqlalchemy import Connection

from reminders.store import facts
from reminders.store.engine import Record, many, reserve, rows, run
from reminders.store.planning import mark_patients_of

Key = Mapping[str, str]  # purpose, language, family, channel

# From when a version serves. One written by the release before has no such date. What the
# release itself put in service was there before anything else: also for a clock behind ours.
SINCE = (
    "(CASE WHEN origin = 'shipped' AND approved_by = author THEN 0 "
    "ELSE COALESCE(effective_at, approved_at, 0) END)"
)
_KEY = "purpose = :purpose AND language = :language AND family = :family AND channel = :channel"
COLUMNS = (
    "id, purpose, language, family, channel, subject, body, html, state, number, author, origin, "
    "note, base_id, proposed_at, approved_by, approved_at, effective_at, ticked, reach, alone, "
    "decided_by, decided_at, reason, reason_text"
)
_IN_SERVICE = (
    "SELECT {0} FROM (SELECT v.*, ROW_NUMBER() OVER "
    "(PARTITION BY purpose, language, family, channel "
    f"ORDER BY {SINCE} DESC, id DESC) AS place FROM template_version v "
    f"WHERE state = 'approved' AND {SINCE} <= :now) found WHERE place = 1"
)


def versions(connection: Connection, now: int) -> Sequence[Record]:
    """What is in service at this moment: of each key, the approved version whose date came last.

    Read at each window of sending: what somebody approves in another process serves at once.
    """
    columns = "id, purpose, language, family, channel, subject, body, html"
    return rows(connection, f"{_IN_SERVICE.format(columns)} ORDER BY id", now=now)


def lock(connection: Connection) -> None:
    """One writer of versions at a time, until the commit: numbers have no gap and no double."""
    facts.add(connection, "templates", "0")
    run(connection, "UPDATE setting SET value = value WHERE key = 'templates'")


# The key has, or had, a text of its own.
_USED = (
    "EXISTS (SELECT 1 FROM template_version t WHERE t.purpose = :purpose "
    "AND t.language = :language AND t.family = :family AND t.channel = :channel "
    "AND t.state <> 'proposed')"
)
_NEXT = f"(SELECT COALESCE(MAX(number), 0) + 1 FROM template_version WHERE {_KEY})"


def entered(connection: Connection) -> dict[str, str]:
    """The state of every text there is, by content hash."""
    found = rows(connection, "SELECT content_hash, state FROM template_version")
    return {row.content_hash: row.state for row in found}


_SERVES = f"CASE WHEN :reviewed = 0 OR {_USED} THEN "
_ADD_SHIPPED = (
    "INSERT INTO template_version (id, purpose, language, family, channel, subject, body, "
    "html, content_hash, state, approved_by, approved_at, number, author, origin, "
    "proposed_at, effective_at) SELECT :id, :purpose, :language, "
    f":family, :channel, :subject, :body, :html, :content_hash, {_SERVES} 'proposed' "
    f"ELSE 'approved' END, :by, :at, {_NEXT}, :by, 'shipped', :at, "
    f"{_SERVES} NULL ELSE CAST(:at AS BIGINT) END ON CONFLICT (content_hash) DO NOTHING"
)
_APPROVE_REVIEWED = (
    "UPDATE template_version SET state = 'approved', approved_by = :by, approved_at = :at, "
    f"effective_at = :at WHERE content_hash = :content_hash AND state = 'proposed' AND NOT {_USED}"
)


def add_shipped(
    connection: Connection, texts: Sequence[Mapping[str, object]], *, release: str, at: int
) -> None:
    """Texts of this release, new ones each by its `content_hash`: approved if a person `reviewed`
    it and its key has no approved one yet, else proposed. One proposed unreviewed is approved once
    a release says it was reviewed.

    Each has purpose, language, family, channel, subject, body, html, content_hash, reviewed.
    """
    if not texts:
        return
    first = reserve(connection, "template_version", len(texts))
    values = [
        {**one, "reviewed": int(bool(one["reviewed"])), "by": f"livré avec {release}", "at": at,
         "id": number}
        for number, one in enumerate(texts, first)
    ]  # fmt: skip
    many(connection, _ADD_SHIPPED, values)
    many(connection, _APPROVE_REVIEWED, [one for one in values if one["reviewed"]])


# --- reading ---------------------------------------------------------------------------------


def overview(connection: Connection, now: int) -> Sequence[Record]:
    """Of every key: what serves (`live` = 1), what waits for approval or for its day, and its
    last version where that was refused."""
    live = _IN_SERVICE.format("id")
    return rows(
        connection,
        "SELECT id, purpose, language, family, channel, subject, body, state, number, author, "
        "origin, proposed_at, approved_by, approved_at, effective_at, "
        f"CASE WHEN id IN ({live}) THEN 1 ELSE 0 END AS live FROM template_version "
        f"WHERE id IN ({live}) OR state = 'proposed' "
        f"OR (state = 'approved' AND {SINCE} > :now) OR (state = 'rejected' AND NOT EXISTS ("
        "SELECT 1 FROM template_version n WHERE n.purpose = template_version.purpose "
        "AND n.language = template_version.language AND n.family = template_version.family "
        "AND n.channel = template_version.channel AND n.number > template_version.number)) "
        "ORDER BY purpose, language, number",
        now=now,
    )


def of_key(connection: Connection, key: Key, now: int, number: int = 0) -> Sequence[Record]:
    """What matters of one key, newest first: in service (`live` = 1), proposed, to come; the
    newest one whatever became of it (`newest` = 1); version `number` if it is asked for. Then
    everybody's drafts, whose state is `draft`: their revision stands as `number`, the characters
    kept as `ticked`, the moment of saving as `proposed_at`."""
    live = (
        f"SELECT id FROM template_version WHERE {_KEY} AND state = 'approved' AND {SINCE} <= :now "
        f"ORDER BY {SINCE} DESC, id DESC LIMIT 1"
    )
    newest = f"SELECT MAX(id) FROM template_version WHERE {_KEY}"
    return rows(
        connection,
        f"SELECT {COLUMNS}, CASE WHEN id = ({live}) THEN 1 ELSE 0 END AS live, "
        f"CASE WHEN id = ({newest}) THEN 1 ELSE 0 END AS newest "
        f"FROM template_version WHERE {_KEY} AND (id = ({live}) OR id = ({newest}) "
        "OR state = 'proposed' OR number = :number "
        f"OR (state = 'approved' AND {SINCE} > :now)) UNION ALL "
        "SELECT id, purpose, language, family, channel, subject, body, html, 'draft', revision, "
        "author, 'page', note, base_id, updated_at, '', NULL, NULL, kept, 0, 0, '', NULL, '', "
        f"'', 0, 0 FROM template_draft WHERE {_KEY} "
        "ORDER BY live DESC, newest DESC, proposed_at DESC",
        now=now,
        number=number,
        **key,
    )


def history(connection: Connection, key: Key, *, before: int, limit: int) -> Sequence[Record]:
    """Versions of a key whose number is below `before`, newest first."""
    return rows(
        connection,
        f"SELECT {COLUMNS} FROM template_version WHERE {_KEY} AND number < :before "
        "ORDER BY number DESC, id DESC LIMIT :limit",
        before=before,
        limit=limit,
        **key,
    )


def everything(connection: Connection, after: int, limit: int) -> Sequence[Record]:
    """Every version ever, by key of the table: for an export."""
    return rows(
        connection,
        f"SELECT {COLUMNS}, content_hash FROM template_version WHERE id > :after "
        "ORDER BY id LIMIT :limit",
        after=after,
        limit=limit,
    )


# --- changing --------------------------------------------------------------------------------


def add(
    connection: Connection,
    key: Key,
    text: Mapping[str, str],
    *,
    author: str,
    origin: str,
    base: int,
    at: int,
    note: str = "",
    approved_by: str = "",
) -> tuple[int, int]:
    """A new version, proposed, or in service at once if `approved_by`: (its id, its number).

    Call `lock` first.
    """
    number = int(rows(connection, f"SELECT {_NEXT} AS number", **key)[0].number)
    identity = reserve(connection, "template_version", 1)
    content = "\x1f".join((*key.values(), str(number), *text.values()))
    run(
        connection,
        "INSERT INTO template_version (id, purpose, language, family, channel, subject, body, "
        "html, content_hash, state, approved_by, approved_at, number, author, origin, note, "
        "base_id, proposed_at, effective_at) VALUES (:id, :purpose, :language, :family, "
        ":channel, :subject, :body, :html, :hash, :state, :by, :approved_at, :number, :author, "
        ":origin, :note, :base, :at, :approved_at)",
        id=identity,
        hash=sha256(content.encode()).hexdigest(),
        state="approved" if approved_by else "proposed",
        by=approved_by,
        approved_at=at if approved_by else None,
        number=number,
        author=author,
        origin=origin,
        note=note,
        base=base,
        at=at,
        **key,
        **text,
    )
    return identity, number


def supersede(connection: Connection, key: Key, *, but: int, base: int, by: str, at: int) -> int:
    """Proposals of this key that another one, which saw them, takes the place of: how many. What
    a release brought waits on, unless it is what the new one was written from."""
    return run(
        connection,
        "UPDATE template_version SET state = 'replaced', decided_by = :by, decided_at = :at "
        f"WHERE {_KEY} AND state = 'proposed' AND id < :but "
        "AND (origin <> 'shipped' OR id = :base)",
        but=but,
        base=base,
        by=by,
        at=at,
        **key,
    )


def approve(
    connection: Connection,
    version: int,
    *,
    by: str,
    at: int,
    effective_at: int,
    ticked: str,
    reach: int,
    alone: bool,
) -> bool:
    """False if it no longer waits, or if its author approves it without being allowed to."""
    return (
        run(
            connection,
            "UPDATE template_version SET state = 'approved', approved_by = :by, "
            "approved_at = :at, effective_at = :effective_at, ticked = :ticked, reach = :reach, "
            "alone = CASE WHEN author = :by THEN 1 ELSE 0 END "
            "WHERE id = :id AND state = 'proposed' AND (author <> :by OR :alone = 1)",
            id=version,
            by=by,
            at=at,
            effective_at=effective_at,
            ticked=ticked,
            reach=reach,
            alone=int(alone),
        )
        == 1
    )


def end(
    connection: Connection,
    version: int,
    state: str,
    *,
    by: str,
    at: int,
    reason: str = "",
    text: str = "",
) -> bool:
    """Reject or withdraw what waits for approval, or for its day. False if it no longer does."""
    return (
        run(
            connection,
            "UPDATE template_version SET state = :state, decided_by = :by, decided_at = :at, "
            "reason = :reason, reason_text = :text WHERE id = :id AND (state = 'proposed' "
            f"OR (state = 'approved' AND {SINCE} > :at))",
            id=version,
            state=state,
            by=by,
            at=at,
            reason=reason,
            text=text,
        )
        == 1
    )


# --- drafts ----------------------------------------------------------------------------------


def draft_keys(connection: Connection, limit: int = 500) -> Sequence[Record]:
    """Who is writing what: for the list."""
    return rows(
        connection,
        "SELECT purpose, language, family, channel, author, updated_at FROM template_draft "
        "ORDER BY updated_at DESC LIMIT :limit",
        limit=limit,
    )


def save_draft(
    connection: Connection,
    key: Key,
    text: Mapping[str, str],
    *,
    author: str,
    base: int,
    revision: int,
    note: str,
    kept: str,
    at: int,
) -> int:
    """The new revision; 0 if the draft is no longer the one that was read (`revision`, 0: none).

    Two first savings at once are one insert and one refusal.
    """
    given = {**key, **text, "author": author, "base": base, "note": note, "kept": kept, "at": at}
    if revision == 0:
        return run(
            connection,
            "INSERT INTO template_draft (id, purpose, language, family, channel, author, base_id, "
            "revision, subject, body, html, note, kept, updated_at) VALUES (:id, :purpose, "
            ":language, :family, :channel, :author, :base, 1, :subject, :body, :html, :note, "
            ":kept, :at) ON CONFLICT (purpose, language, family, channel, author) DO NOTHING",
            id=reserve(connection, "template_draft", 1),
            **given,
        )
    changed = run(
        connection,
        "UPDATE template_draft SET base_id = :base, revision = revision + 1, subject = :subject, "
        "body = :body, html = :html, note = :note, kept = :kept, updated_at = :at "
        f"WHERE {_KEY} AND author = :author AND revision = :revision",
        revision=revision,
        **given,
    )
    return revision + 1 if changed else 0


def drop_draft(connection: Connection, key: Key, author: str, revision: int) -> bool:
    return (
        run(
            connection,
            f"DELETE FROM template_draft WHERE {_KEY} AND author = :author "
            "AND revision = :revision",
            author=author,
            revision=revision,
            **key,
        )
        == 1
    )


# --- how much of it is sent ------------------------------------------------------------------


def figures(connection: Connection, key: Key, now: int, since: int) -> Sequence[Record]:
    """What is sent of one key, in rows of a `kind`:

    planned  messages that wait for this purpose and channel, and their patients, by language
    sent     texts of any version of this key that left, or were rehearsed, since then
    live     languages and families of this purpose and channel that have a text in service
    speaks   languages that have any text in service
    """
    serves = f"state = 'approved' AND {SINCE} <= :now"
    return rows(
        connection,
        "SELECT 'planned' AS kind, language, '' AS family, COUNT(*) AS messages, "
        "COUNT(DISTINCT patient_id) AS patients FROM message "
        "WHERE state IN ('PLANNED', 'HELD') AND closes_at > :now AND purpose = :purpose "
        "AND channel = :channel AND kind <> 'test' GROUP BY language UNION ALL "
        "SELECT 'sent', '', '', COUNT(*), 0 FROM attempt WHERE started_at >= :since "
        "AND state <> 'NOT_SENT' AND template_version_id IN "
        f"(SELECT id FROM template_version WHERE {_KEY}) UNION ALL "
        "SELECT 'live', language, family, 0, 0 FROM template_version WHERE purpose = :purpose "
        f"AND channel = :channel AND {serves} GROUP BY language, family UNION ALL "
        "SELECT 'speaks', language, '', 0, 0 FROM template_version "
        f"WHERE {serves} GROUP BY language",
        now=now,
        since=since,
        **key,
    )


def fill_gaps(connection: Connection, purpose: str, now: int) -> None:
    """Patients whose text had none to be made of, or a gap, are planned again."""
    mark_patients_of(
        connection,
        "state = 'SUPPRESSED' AND reason IN ('no_template', 'empty_variable') "
        "AND purpose = :purpose AND closes_at > :now",
        purpose=purpose,
        now=now,
    )
