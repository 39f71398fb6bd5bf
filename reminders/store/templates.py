"""Template versions: shipped texts enter once by content hash; approved ones are found."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, reserve, rows, run


def versions(connection: Connection) -> Sequence[Record]:
    """Approved versions, oldest first: a later one of the same key replaces it."""
    return rows(
        connection,
        "SELECT id, purpose, language, family, channel, subject, body, html "
        "FROM template_version WHERE state = 'approved' ORDER BY approved_at, id",
    )


def add_shipped(
    connection: Connection,
    *,
    key: tuple[str, str, str, str],
    subject: str,
    body: str,
    html: str,
    content_hash: str,
    release: str,
    at: int,
) -> bool:
    """A text of this release: approved if its key has none yet, else proposed. True if new."""
    purpose, language, family, channel = key
    changed = run(
        connection,
        "INSERT INTO template_version (id, purpose, language, family, channel, subject, body, "
        "html, content_hash, state, approved_by, approved_at) SELECT :id, :purpose, :language, "
        ":family, :channel, :subject, :body, :html, :hash, CASE WHEN EXISTS (SELECT 1 FROM "
        "template_version WHERE purpose = :purpose AND language = :language AND family = :family "
        "AND channel = :channel) THEN 'proposed' ELSE 'approved' END, :by, :at "
        "ON CONFLICT (content_hash) DO NOTHING",
        id=reserve(connection, "template_version", 1),
        purpose=purpose,
        language=language,
        family=family,
        channel=channel,
        subject=subject,
        body=body,
        html=html,
        hash=content_hash,
        by=f"livré avec {release}",
        at=at,
    )
    return changed > 0
