"""What a process logs of its work: ids, counts and codes, never a name, a number or a text."""

from collections.abc import Sequence

import structlog

from reminders.errors import SendError
from reminders.services.sync import FeedSummary
from reminders.store.engine import Record

log = structlog.get_logger()


def feed_read(feed: FeedSummary) -> None:
    """Its name stays out: a hospital may call an export after a patient. A poll that brought
    nothing, as most do, is worth a line only to somebody who looks for a fault."""
    told_nothing = not feed.rows and not feed.problem_count
    if feed.status == "known" or (feed.status == "accepted" and told_nothing):
        tell = log.debug
    else:
        tell = log.info if feed.status == "accepted" else log.warning
    tell(
        "feed read",
        source=feed.source,
        status=feed.status,
        code=feed.code,
        rows=feed.rows,
        problems=feed.problem_count,
        created=feed.created,
        changed=feed.changed,
        vanished=feed.vanished,
    )


def holds_changed(
    told: frozenset[tuple[str, str]], active: Sequence[Record]
) -> frozenset[tuple[str, str]]:
    """Say which holds are new and which have ended since `told`, whoever placed or released them;
    the holds told by now, as (source, code)."""
    now = frozenset((one.source_id, one.code) for one in active)
    for source, code in sorted(now - told):
        log.warning("sending held", source=source, code=code)
    for source, code in sorted(told - now):
        log.info("hold ended", source=source, code=code)
    return now


def broken_source(source: str, error: Exception) -> FeedSummary:
    """A source whose adapter failed in a way nobody foresaw: read again at the next pass."""
    code = type(error).__name__
    return FeedSummary(
        source,
        "",
        "unavailable",
        code,
        f"lecture interrompue par une erreur inattendue ({code}). Rien n'en est appliqué ; si "
        "elle revient, la signaler à qui fournit cet adaptateur.",
    )


def asking_failed(question: str, provider: str, error: Exception) -> None:
    code = error.code if isinstance(error, SendError) else type(error).__name__
    log.warning(question, provider=provider, code=code)
