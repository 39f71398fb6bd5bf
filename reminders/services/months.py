"""Closed months: a month's figures frozen with their unit costs and the program's version.

A closing is never changed. What later data make of the same month is a revision: the next number,
and what differs. Two processes that close or revise at once do it once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders import __version__
from reminders.domain.canonical import (
    Change,
    Plain,
    canonical,
    differences,
    digest_of,
    in_common,
    plain,
)
from reminders.domain.marking import N_, filled
from reminders.domain.outcome import Denominator, Outcome, Tally
from reminders.domain.report import HIDDEN_BELOW, Asked, Month, NoShowReport
from reminders.errors import Problem, RepairNeeded
from reminders.services import costs as priced
from reminders.services import rollup
from reminders.services.effect import Verdict, ended_in, take_final_looks, take_look
from reminders.services.money import Described, describe, money, period_of, purged
from reminders.services.no_show_report import no_show_report
from reminders.services.rules import Rules
from reminders.store import facts
from reminders.store import months as stored
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros

ITSELF = ""  # who closes on the stated day
REVISED_BACK = 3  # months looked at again when another one is closed
MADE_UP_FOR = 12  # months closed late at most
# Changes of an earlier release's months.
NOT_TOLD = ("inputs.known", "inputs.missed", "inputs.unknown", "savings.arms", "savings.smallest",
            "savings.expected")  # fmt: skip
TRIES = 20  # of a revision while others revise too
READ = ("inputs.", "costs.")  # what later data change, whatever the program computes of it


class Why(StrEnum):
    """Why there is a revision."""

    FIRST = ""  # there is none
    DATA = "data"  # later data, under the same version of the program
    PROGRAM = "program"  # nothing that is read differs: another version counts it otherwise
    BOTH = "both"  # later data, and another version


@dataclass(frozen=True, slots=True)
class Closed:
    """One revision. `content` is what was frozen, {} in a list; `intact`: its digest agrees."""

    month: str
    revision: int
    at: datetime
    by: str
    name: str
    version: str
    digest: str
    changes: tuple[Change, ...]
    content: dict[str, Plain]
    intact: bool = True
    version_before: str = ""  # of the revision before

    @property
    def why(self) -> Why:
        if self.revision == 1:
            return Why.FIRST
        if self.version == self.version_before:
            return Why.DATA
        read = any(place.startswith(READ) for place, _, _ in self.changes)
        return Why.BOTH if read else Why.PROGRAM


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a report's period is closed, as it was last frozen, oldest first; and whether some
    of it is not. What a report counts is the present state of both (domain/report.py)."""

    closed: tuple[Closed, ...]
    provisional: bool


def standing_of(store: Store, first: Month, last: Month) -> Standing:
    with store.read() as connection:
        found = stored.within(connection, str(first), str(last))
        newest = stored.last(connection)
    return Standing(tuple(_closed(row) for row in found), str(last) > newest)


# --- what is frozen ------------------------------------------------------------------------------


def bounds(month: Month, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A civil month: [start, end)."""
    return month.between(zone)


def figures(store: Store, rules: Rules, month: Month, *, now: datetime) -> dict[str, Plain]:
    """Everything of a month as it is now: inputs, unit costs, report, savings until its end."""
    zone = _zone(rules)
    _, end = bounds(month, zone)
    last = end.date() - timedelta(days=1)
    report = no_show_report(store, rules, Asked(month, month), ufs=None, now=now)
    made = plain(
        {
            "month": str(month),
            "inputs": _inputs(report, _counted(store, month, zone, now=now)),
            "costs": priced.costs_on(store, rules, last),
            "report": report,
            "savings": _savings(store, rules, month, end, now=now),
        }
    )
    assert isinstance(made, dict)
    told, saved = made["report"], made["savings"]
    assert isinstance(told, dict)
    assert isinstance(saved, dict)
    for name in ("fresh", "silent"):  # of the moment; of which months are told beside others
        told.pop(name, None)
    saved.pop("holdout", None)  # how it stands since
    made["savings"] = _few_hidden(saved)
    return made


def _savings(
    store: Store, rules: Rules, month: Month, end: datetime, *, now: datetime
) -> dict[str, Plain]:
    """Up to the month's end. Of a comparison that ended in an earlier month, what that one's last
    revision says: nothing more is compared since, and its appointments are being purged. Of two,
    one of which ended and the other began in the month, the one that ended: this is its only final
    look, and the other's first month says nothing yet."""
    zone = _zone(rules)
    if ended := ended_in(store, *bounds(month, zone)):
        return money(store, rules, now=now, until=end, look=str(month), which=ended)
    period = period_of(store, end, now)
    if period is not None and period.end <= bounds(month, zone)[0]:
        last = (period.end - timedelta.resolution).astimezone(zone)
        known = find(store, Month(last.year, last.month))
        savings = None if known is None else known.content["savings"]
        if isinstance(savings, dict) and savings.get("since") == plain(period.since):
            return dict(savings)
    return money(store, rules, now=now, until=end, look=str(month))


def _kept_savings(
    rules: Rules, before: dict[str, Plain], fresh: dict[str, Plain], now: datetime
) -> dict[str, Plain]:
    """Those of the revision before, once appointments of the comparison may have been purged:
    what is left of them is no measure of it."""
    was = before["savings"]
    assert isinstance(was, dict)
    since = was.get("since")
    if isinstance(since, str) and purged(rules, datetime.fromisoformat(since), now):
        return {**fresh, "savings": was}
    return fresh


def _inputs(report: NoShowReport, counted: Described) -> dict[str, Plain]:
    """What is done about a month is told with it, and its outcomes as the report counts and hides
    them: of all appointments, they would tell of the few the report does not follow."""
    if report.figures is None:
        return {"hidden": True}
    return _outcomes(report.figures.tally) | {
        "messages": counted.messages, "segments": counted.segments, "price": counted.price,
        "calls": counted.calls,
    }  # fmt: skip


def _outcomes(tally: Tally) -> dict[str, Plain]:
    return {
        "hidden": False,
        "known": tally.among(Denominator.ELIGIBLE),
        "missed": tally[Outcome.NO_SHOW],
        "unknown": tally[Outcome.UNKNOWN],
    }


def _few_hidden(savings: Plain) -> Plain:
    """Numbers of the arms under HIDDEN_BELOW, and outcomes one by one, are in no closed month."""
    assert isinstance(savings, dict)
    arms, calls = savings.get("arms"), savings.get("calls")
    if isinstance(arms, dict) and isinstance(calls, dict):
        hidden: dict[str, Plain] = {arm: _without_few(one, "tally") for arm, one in arms.items()}
        linked: dict[str, Plain] = {"linked": _without_few(calls["linked"])}
        return {**savings, "arms": hidden, "calls": {**calls, **linked}}
    return savings


def _still_hidden(before: dict[str, Plain], fresh: dict[str, Plain]) -> dict[str, Plain]:
    """Arms whose outcomes the revision before hid, hidden again: with what came since, those of
    then would follow. Lines of the report stay hidden as they are counted (services/rollup.py)."""
    was, now = before["savings"], fresh["savings"]
    assert isinstance(was, dict)
    assert isinstance(now, dict)
    if not was.get("hidden") or now["verdict"] == Verdict.MEASURED:
        return fresh
    return {**fresh, "savings": _arms_hidden(now)}


def _arms_hidden(savings: dict[str, Plain]) -> dict[str, Plain]:
    arms = savings.get("arms")
    if not isinstance(arms, dict):
        return savings
    hidden: dict[str, Plain] = {}
    for arm, one in arms.items():
        assert isinstance(one, dict)
        hidden[arm] = {**one, "missed": None, "rate": None}
    fit: dict[str, Plain] = {**savings, "hidden": True, "verdict": Verdict.TOO_SMALL.value}
    fit |= dict.fromkeys(("smallest", "expected", "design_effect", "unknown_p"))
    return fit | {"arms": hidden}


def _earlier_savings(savings: Plain) -> Plain:
    """Of a month closed by an earlier release, which told the arms however few missed or came."""
    if not isinstance(savings, dict) or savings.get("verdict") == Verdict.MEASURED:
        return savings
    arms = savings.get("arms")
    few = any(
        0 < int(str(number)) < HIDDEN_BELOW
        for one in (arms.values() if isinstance(arms, dict) else ())
        if isinstance(one, dict)
        for number in (one["missed"], int(str(one["known"])) - int(str(one["missed"])))
    )
    return _few_hidden(_arms_hidden(savings) if few else savings)


def _without_few(counts: Plain, *without: str) -> dict[str, Plain]:
    assert isinstance(counts, dict)
    return {
        name: None if type(one) is int and 0 < one < HIDDEN_BELOW else one
        for name, one in counts.items()
        if name not in without
    }


def told(content: dict[str, Plain]) -> dict[str, Plain]:
    """A closed month as it may be told: one closed by an earlier release counted outcomes of all
    appointments beside those of the report, and hid nothing of the arms."""
    inputs, report = content.get("inputs"), content.get("report")
    if not isinstance(inputs, dict) or not isinstance(report, dict) or "hidden" in inputs:
        return content
    content = {**content, "savings": _earlier_savings(content.get("savings"))}
    figures = report.get("figures")
    if not isinstance(figures, dict):
        return content | {"inputs": {"hidden": True}}
    tally = figures["tally"]
    assert isinstance(tally, dict)
    counts = tally["counts"]
    assert isinstance(counts, dict)
    fit = {Outcome(name): int(str(number)) for name, number in counts.items()}
    return {**content, "inputs": {**inputs, **_outcomes(Tally(fit))}}


def _counted(store: Store, month: Month, zone: ZoneInfo, *, now: datetime) -> Described:
    start, end = bounds(month, zone)
    return describe(store, None, start, end, start.date(), end.date(), now=now)


def _zone(rules: Rules) -> ZoneInfo:
    return rules.settings.site[0].zone


# --- closing -------------------------------------------------------------------------------------


def close(
    store: Store, rules: Rules, month: Month, *, by: str, now: datetime
) -> tuple[Closed, bool]:
    """(the first revision of a month, was it closed just now?). Raises RepairNeeded for a month
    that is not over, or whose appointments are purged by now."""
    _refuse_if_not_over(rules, month, now)
    if (known := find(store, month, 1)) is not None:
        return known, False
    _refuse_if_purged(rules, month, now, N_("un mois se clôt avant que cela n'arrive"))
    rollup.refresh(store, rules, now=now)
    start, end = bounds(month, _zone(rules))
    take_look(store, str(month), now=now, until=end)
    take_final_looks(store, since=start, until=end, now=now)
    done = _append(store, month, 0, figures(store, rules, month, now=now), [], by=by, now=now)
    found = find(store, month, 1)
    assert found is not None
    return found, done


def revise(store: Store, rules: Rules, month: Month, *, by: str, now: datetime) -> Closed | None:
    """The next revision, if anything differs from the last; None: nothing does. Of one that
    another version of the program froze only what both tell is compared: other names for the
    same figures are no revision. Raises RepairNeeded for a month that was never closed, or whose
    appointments are purged by now."""
    _refuse_if_purged(rules, month, now, N_("la dernière révision reste la bonne"))
    rollup.refresh(store, rules, now=now)
    fresh = figures(store, rules, month, now=now)
    for _ in range(TRIES):
        last = find(store, month)
        if last is None:
            remedy = filled(N_("lancer : reminders month close %(month)s"), month=month)
            raise RepairNeeded(Problem(f"mois {month}", N_("il n'est pas clos"), remedy))
        fresh = _kept_savings(rules, last.content, fresh, now)
        fresh = _still_hidden(last.content, fresh)
        before: Plain = _compared(last.content)
        both = (before, fresh) if last.version == __version__ else in_common(before, fresh)
        changes = differences(*both)
        if not changes:
            return None
        if _append(store, month, last.revision, fresh, changes, by=by, now=now):
            return find(store, month, last.revision + 1)
    what = N_("d'autres le révisent sans cesse")
    raise RepairNeeded(Problem(f"mois {month}", what, N_("recommencer")))


def _compared(content: dict[str, Plain]) -> dict[str, Plain]:
    return {name: one for name, one in content.items() if name != "code_version"}


def _append(
    store: Store, month: Month, before: int, content: dict[str, Plain], changes: list[Change], *,
    by: str, now: datetime,
) -> bool:  # fmt: skip
    text = canonical({**content, "code_version": __version__})
    with store.write() as connection:
        done = stored.add(
            connection, str(month), before + 1, closed_at=micros(now), closed_by=by,
            code_version=__version__, content=text, digest=digest_of(text),
            changes=canonical(changes),
        )  # fmt: skip
        if done:
            facts.audit(
                connection, at=micros(now), actor=by or "service",
                action="month.revise" if before else "month.close", month=str(month),
                revision=before + 1,
            )  # fmt: skip
    return done


def _refuse_if_not_over(rules: Rules, month: Month, now: datetime) -> None:
    _, end = bounds(month, _zone(rules))
    if end > now:
        remedy = filled(N_("attendre le %(day)s"), day=f"{end:%d/%m/%Y}")
        raise RepairNeeded(Problem(f"mois {month}", N_("il n'est pas fini"), remedy))


def _refuse_if_purged(rules: Rules, month: Month, now: datetime, remedy: str) -> None:
    """Appointments that are gone would look like ones that never were."""
    start, _ = bounds(month, _zone(rules))
    days = rules.settings.retention.appointments_days
    if purged(rules, start, now):
        what = filled(N_("ses rendez-vous ont été effacés (%(days)s jours)"), days=days)
        raise RepairNeeded(Problem(f"mois {month}", what, remedy))


# --- by itself -----------------------------------------------------------------------------------


def due(store: Store, rules: Rules, *, now: datetime) -> list[Month]:
    """Months to close by now: those whose day has come, since the first that is closed: one may
    have been passed over by hand. Not those whose appointments are purged."""
    zone = _zone(rules)
    newest = newest_due(now.astimezone(zone).date(), rules.settings.reports.closes_on_day)
    oldest = Month.of_number(newest.number + 1 - MADE_UP_FOR)
    with store.read() as connection:
        last = stored.last(connection)
        known = {row.month for row in stored.within(connection, str(oldest), str(newest))}
    if not last or last > str(newest):
        oldest = newest
    if known:
        oldest = Month.parse(min(known))
    asked = (Month.of_number(one) for one in range(oldest.number, newest.number + 1))
    return [
        one
        for one in asked
        if str(one) not in known and not purged(rules, bounds(one, zone)[0], now)
    ]


def newest_due(today: date, day: int) -> Month:
    """The last month whose closing day (of the month after) has come."""
    this = Month(today.year, today.month).number
    return Month.of_number(this - (1 if today.day >= day else 2))


def close_due(store: Store, rules: Rules, *, now: datetime) -> tuple[list[Closed], list[Closed]]:
    """(closed, revised): on the stated day, and once for all of a hospital's processes. A month
    in which nothing was is not closed: the service was not there yet."""
    zone = _zone(rules)
    closed: list[Closed] = []
    for month in due(store, rules, now=now):
        counted = _counted(store, month, zone, now=now)
        if counted.known or counted.unknown:
            found, mine = close(store, rules, month, by=ITSELF, now=now)
            closed += [found] if mine else []
    revised: list[Closed] = []
    for month in _looked_at_again(store, rules, closed, now=now):
        again = revise(store, rules, month, by=ITSELF, now=now)
        revised += [again] if again is not None else []
    return closed, revised


def _looked_at_again(
    store: Store, rules: Rules, closed: Sequence[Closed], *, now: datetime
) -> list[Month]:
    if not closed:
        return []
    first = Month.parse(closed[0].month).number
    found = []
    for number in range(first - REVISED_BACK, first):
        month = Month.of_number(number)
        start, _ = bounds(month, _zone(rules))
        if not purged(rules, start, now) and find(store, month) is not None:
            found.append(month)
    return found


# --- reading -------------------------------------------------------------------------------------


def find(store: Store, month: Month, revision: int | None = None) -> Closed | None:
    """A revision with its content; the last one unless told."""
    with store.read() as connection:
        row = stored.find(connection, str(month), revision)
    return None if row is None else _closed(row, row.content)


def listed(store: Store, *, before: str = "9999-99", limit: int = 24) -> list[list[Closed]]:
    """Months, the newest first; of each its revisions, the last first, without content."""
    with store.read() as connection:
        found = stored.everything(connection, before=before, limit=limit)
    months: dict[str, list[Closed]] = {}
    for row in found:
        months.setdefault(row.month, []).append(_closed(row))
    return list(months.values())


def _closed(row: Record, text: str = "") -> Closed:
    content: dict[str, Plain] = json.loads(text) if text else {}
    changes = [(place, before, after) for place, before, after in json.loads(row.changes)]
    fit = told(content)
    if fit is not content:
        changes = [one for one in changes if not one[0].startswith(NOT_TOLD)]
    return Closed(
        row.month, row.revision, instant(row.closed_at), row.closed_by, row.name,
        row.code_version, row.digest, tuple(changes), fit,
        not text or digest_of(text) == row.digest,
        row.version_before or "",
    )  # fmt: skip
