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


# The key has, or had, a text of its own.
_USED = (
    "EXISTS (SELECT 1 FROM template_version t WHERE t.purpose = :purpose "
    "AND t.language = :language AND t.family = :family AND t.channel = :channel "
    "AND t.state <> 'proposed')"
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
    reviewed: bool,
    at: int,
) -> bool:
    """A text of this release: approved if a person reviewed it and its key has no approved one
    yet, else proposed. One proposed unreviewed is approved once a release says it was reviewed.
    True if new.
    """
    purpose, language, family, channel = key
    given = {
        "purpose": purpose, "language": language, "family": family, "channel": channel,
        "hash": content_hash, "by": f"livré avec {release}", "at": at,
        "reviewed": int(reviewed),
    }  # fmt: skip
    changed = run(
        connection,
        "INSERT INTO template_version (id, purpose, language, family, channel, subject, body, "
        "html, content_hash, state, approved_by, approved_at) SELECT :id, :purpose, :language, "
        f":family, :channel, :subject, :body, :html, :hash, CASE WHEN :reviewed = 0 OR {_USED} "
        "THEN 'proposed' ELSE 'approved' END, :by, :at ON CONFLICT (content_hash) DO NOTHING",
        id=reserve(connection, "template_version", 1),
        subject=subject,
        body=body,
        html=html,
        **given,
    )
    if reviewed and not changed:
        run(
            connection,
            "UPDATE template_version SET state = 'approved', approved_by = :by, approved_at = :at "
            f"WHERE content_hash = :hash AND state = 'proposed' AND NOT {_USED} "
            "AND :reviewed = 1",
            **given,
        )
    return changed > 0
