"""The past comes in: read, looked at, shown, and only then counted and kept.

`reading` stages a feed in temporary tables and says what is wrong with it; nothing is written
until `Candidate.keep`. What is kept are counts by kind of appointment: no patient, no appointment,
no day. Nothing here touches the tables messages are planned from.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.appointment import RowProblem
from reminders.domain.baseline import Cell, Past
from reminders.domain.baseline_count import PARTS, Split
from reminders.domain.baseline_quality import Finding, as_kept
from reminders.errors import FeedRefused, Problem, RepairNeeded, SourceUnavailable
from reminders.failpoint import failpoint
from reminders.ports import PastFeed
from reminders.services.baseline_lines import Lines
from reminders.services.baseline_quality import Facts, Unread, findings_of
from reminders.services.rules import Rules
from reminders.store import baseline as stored
from reminders.store import facts
from reminders.store import holdout as holdouts
from reminders.store.engine import Session, Store
from reminders.store.types import instant, micros

BATCH = 2_000
LONGEST = timedelta(days=365)  # counted, back from the last appointment
FILE = "file"  # where it came from, if not from a source


@dataclass(slots=True)
class Candidate:
    """A past that was read and is not kept yet."""

    findings: Sequence[Finding]
    appointments: int  # that would be counted
    told: int  # of them with a known outcome
    first_at: datetime | None
    last_at: datetime | None
    weeks: int
    store: Store
    session: Session
    feed: PastFeed
    origin: str

    def refuse_if_nothing(self) -> None:
        """Raises RepairNeeded where there is nothing to count: whoever asks whether to count it
        says so first."""
        if not self.appointments:
            what = "aucun rendez-vous passé à compter"
            remedy = "donner 3 à 12 mois d'avant le programme ; rien n'a été changé"
        elif not self.told:
            what = "aucun rendez-vous passé dont on sache ce qu'il est devenu"
            remedy = "exporter le statut (venu, absent, annulé) ; rien n'a été changé"
        else:
            return
        raise RepairNeeded(Problem(self.feed.info.name, what, remedy))

    def keep(self, *, now: datetime, by: str) -> int:
        """Make it the baseline, in one transaction: the key of the import. Raises RepairNeeded
        where no appointment has a known outcome."""
        self.refuse_if_nothing()
        assert self.first_at is not None
        assert self.last_at is not None
        with self.session.scratch() as connection:
            stored.count(connection, {split.value: PARTS[split] for split in Split})
        with self.session.write() as connection:
            key = stored.keep(
                connection,
                imported_at=micros(now),
                imported_by=by,
                origin=self.origin,
                content_hash=self.feed.info.content_hash,
                first_at=micros(self.first_at),
                last_at=micros(self.last_at),
                weeks=self.weeks,
                appointments=self.appointments,
                quality=json.dumps(as_kept(self.findings)),
            )
            facts.audit(
                connection, at=micros(now), actor=by, action="baseline.import",
                subject=f"baseline:{key}", appointments=self.appointments,
            )  # fmt: skip
            failpoint("baseline.before_commit")
        return key


@contextmanager
def reading(
    store: Store,
    rules: Rules,
    feed: PastFeed,
    *,
    zone: ZoneInfo,
    now: datetime,
    origin: str = FILE,
) -> Iterator[Candidate]:
    """Read a feed whole and look at it. Raises RepairNeeded for what cannot be read or trusted.

    `zone`: of the hospital's civil days. Temporary tables only: another process may write
    meanwhile, and a reading that dies leaves nothing.
    """
    with store.session() as session:
        try:
            yield _read(store, session, rules, feed, zone, now, origin)
        finally:
            with session.scratch() as connection:
                stored.drop(connection)


def _read(
    store: Store,
    session: Session,
    rules: Rules,
    feed: PastFeed,
    zone: ZoneInfo,
    now: datetime,
    origin: str,
) -> Candidate:
    lines = Lines(rules, zone, now, _launch(store))
    with session.scratch() as connection:
        stored.create(connection)
    try:
        unread = _stage(session, feed, lines)
    except (FeedRefused, SourceUnavailable) as error:
        remedy = "rien n'a été changé"
        raise RepairNeeded(Problem(feed.info.name, error.sentence, remedy)) from None
    with session.scratch() as connection:
        whole = stored.merge(connection)
        since = micros(instant(whole.last or 0) - LONGEST)
        stored.settle(connection, since)
        span = stored.span(connection)
        weeks = stored.by_week(connection)
        services = stored.by_service(connection, since)
        examples = {
            defect: stored.lines_of(connection, defect, since, 5)
            for defect in ("twin", "negative", "far")
        }
    facts_of = Facts(
        whole, since, services, weeks, examples, unread, feed.unknown_words,
        future=lines.future, launched=lines.launched, mapped=frozenset(rules.desks),
    )  # fmt: skip
    return Candidate(
        findings_of(facts_of),
        int(span.number or 0),
        int(span.told or 0),
        instant(span.first) if span.number else None,
        instant(span.last) if span.number else None,
        len({row.monday for row in weeks}),
        store,
        session,
        feed,
        origin,
    )


def _launch(store: Store) -> datetime | None:
    """When the comparison began, if it did: later appointments are no past of it."""
    with store.read() as connection:
        row = holdouts.latest(connection, begun=True)
    return None if row is None else instant(row.approved_at)


def _stage(session: Session, feed: PastFeed, lines: Lines) -> Unread:
    unread = Unread()
    batch: list[tuple[object, ...]] = []
    for record in feed.rows():
        if isinstance(record, RowProblem):
            unread.note(record)
            continue
        line = lines.of(record)
        if line is None:
            unread.without_patient += record.patient is None
            continue
        batch.append(line)
        if len(batch) == BATCH:
            _add(session, batch)
            batch = []
    _add(session, batch)
    return unread


def _add(session: Session, batch: Sequence[tuple[object, ...]]) -> None:
    with session.scratch() as connection:
        stored.add(connection, batch)


# --- what is kept --------------------------------------------------------------------------------


def past(store: Store) -> dict[str, Past]:
    """Cell key -> what happened in it before the launch; empty without an import."""
    with store.read() as connection:
        found = stored.past(connection)
    return {
        Cell(row.uf, row.known, row.lead, row.weekday, row.half, row.age).key: Past(
            int(row.number), int(row.missed)
        )
        for row in found
    }


def remove(store: Store, *, now: datetime, by: str) -> bool:
    """Forget the baseline. False: there was none."""
    with store.write() as connection:
        gone = stored.remove(connection)
        if gone:
            facts.audit(
                connection, at=micros(now), actor=by, action="baseline.remove", subject="baseline:0"
            )
    return gone > 0
