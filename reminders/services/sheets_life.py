"""A sheet's life: drafts, proposals, a second person's yes, its day, and going back.

Two windows or two people never lose a text: a draft is saved over the revision that was read, a
version is written over the one that was read, each by one conditional statement.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from reminders.config import PreparationTable, Settings
from reminders.domain.marking import N_
from reminders.domain.marking import filled as said
from reminders.domain.template_life import MANY_PATIENTS, agreed_to
from reminders.services.rules import Book, Rules, book_of, content_of, stored, table_of
from reminders.services.sheets import about, in_file
from reminders.services.sheets_form import (
    WARNINGS,
    SheetForm,
    filled,
    taken,
    untranslated,
    warnings,
)
from reminders.services.units import line_of
from reminders.services.units_save import NotSaved, changing
from reminders.services.worklist import SYSTEM
from reminders.store import facts, sheets
from reminders.store.engine import Connection, Store
from reminders.store.types import micros

TAKEN = N_("Une autre fiche dit déjà ce qu’il faut pour ces rendez-vous.")
REPLACED = N_("Une autre version l’a remplacée avant son jour.")


def save_draft(
    store: Store, form: SheetForm, *, base: int, revision: int, actor: str, now: datetime
) -> int:
    """Keep what one person types, right or wrong: it survives a closed tab. The new revision.

    `revision` is the one that was read, 0 for a first saving. Raises NotSaved(« draft ») if their
    other window saved meanwhile: what it saved stays.
    """
    with store.write() as connection:
        saved = sheets.save_draft(
            connection, form.name, actor, form.content, base=base, revision=revision,
            at=micros(now),
        )  # fmt: skip
    if not saved:
        raise NotSaved("draft")
    return saved


def drop_draft(store: Store, name: str, *, actor: str) -> None:
    with store.write() as connection:
        sheets.drop_draft(connection, name, actor)


def propose(
    store: Store, rules: Rules, table: PreparationTable, *, base: int, actor: str, now: datetime
) -> int:
    """Offer a sheet for approval: its number. An earlier proposal of one's own is withdrawn.

    Raises NotSaved: « changed » if another version was approved since `base`, « waiting » while
    somebody else's proposal waits, « file », « subject » if another sheet has its appointments.
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, table.id):
        raise NotSaved("file", line_of(settings, "preparation", table.id, "id"))
    with store.write() as connection:
        last, live = sheets.latest(connection, table.id)
        if live != base:
            raise NotSaved("changed")
        _refuse_taken(rules, connection, table)
        waiting = [r for r in sheets.waiting(connection) if r.name == table.id]
        if any(row.author != actor for row in waiting):
            raise NotSaved("waiting")
        for row in waiting:
            sheets.decide(connection, table.id, row.number, "withdrawn", by=actor, at=at)
        if not sheets.add(
            connection, table.id, last + 1, content_of(table), base=base, author=actor, at=at
        ):
            raise NotSaved("waiting")
        sheets.drop_draft(connection, table.id, actor)
        _note(connection, "propose", table.id, last + 1, actor, at)
    return last + 1


def _refuse_taken(rules: Rules, connection: Connection, table: PreparationTable) -> None:
    """Two sheets never speak for the same appointments."""
    kind, subject = ("uf", table.service) if table.service else ("type", table.type)
    present = book_of(rules.settings, stored(connection))
    if taken(table.id, kind, subject or "", present) is not None:
        raise NotSaved("subject")


def remarks(
    table: PreparationTable, book: Book, reach: int, foreign: Mapping[str, int]
) -> dict[str, str]:
    """What the approver ticks, by code: the sheet's own remarks, that it reaches very many, and
    who reads it in French for want of a translation (`foreign`: messages a month, by language).
    """
    codes = warnings(table, book) + (["many"] if reach > MANY_PATIENTS else [])
    found = {code: WARNINGS[code] for code in codes}
    for language in untranslated(table):
        if number := foreign.get(language, 0):
            code = f"untranslated_{language}"
            found[code] = said(WARNINGS[code], number=number)
    return found


def may_approve(author: str, by: str, settings: Settings) -> bool:
    return author != by or not settings.templates.two_people


def approve(
    store: Store,
    rules: Rules,
    name: str,
    number: int,
    *,
    actor: str,
    ticked: Sequence[str],
    now: datetime,
    effective_at: datetime | None = None,
) -> None:
    """Patients read this version from now on, or from its day, in every text that has not left.

    One that waited for its day no longer does.

    Raises NotSaved: « own » by its author where two people are asked for, « warned » while a
    remark is not ticked, « decided », « changed » if another version came into service since it
    was written, « unknown », « file », « subject ».
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, name):
        raise NotSaved("file", line_of(settings, "preparation", name, "id"))
    with changing(store, rules, now=now) as connection:
        row = sheets.version(connection, name, number)
        table = table_of(row.content, PreparationTable) if row is not None else None
        if row is None or table is None:
            raise NotSaved("unknown")
        if row.state != "proposed":
            raise NotSaved("decided")
        if not may_approve(row.author, actor, settings):
            raise NotSaved("own")
        if sheets.latest(connection, name)[1] != row.base:
            raise NotSaved("changed")
        _refuse_taken(rules, connection, table)
        ufs, kind, others = about(rules.book, table)
        reach = sheets.concerned(
            connection, ufs, kind, others, at, foreign=bool(untranslated(table))
        )
        if set(remarks(table, rules.book, reach.patients, reach.foreign)) - set(ticked):
            raise NotSaved("warned")
        later = effective_at is not None and effective_at > now
        since = micros(effective_at) if later and effective_at is not None else at
        _make_way(connection, name, actor, at)
        sheets.decide(
            connection, name, number, "scheduled" if later else "approved", by=actor, at=at,
            alone=row.author == actor, effective_at=since,
        )  # fmt: skip
        more = {"effective": effective_at.isoformat()} if later and effective_at else {}
        _note(connection, "approve", name, number, actor, at, **more)


def _make_way(connection: Connection, name: str, actor: str, at: int) -> None:
    """What was approved for a later day does not come after something newer."""
    for row in sheets.set_aside(connection):
        if row.name == name and row.state == "scheduled":
            sheets.call_off(connection, row.id, REPLACED)
            _note(connection, "call-off", name, row.number, actor, at)


def call_off(store: Store, name: str, number: int, *, actor: str, now: datetime) -> None:
    """Give up a version approved for a day that has not come. Raises NotSaved(« decided »)."""
    with store.write() as connection:
        row = sheets.version(connection, name, number)
        if row is None or not sheets.call_off(connection, row.id):
            raise NotSaved("decided")
        _note(connection, "call-off", name, number, actor, micros(now))


def enter_due(store: Store, rules: Rules, *, now: datetime) -> int:
    """Put in service the versions whose day has come: how many. None costs one statement.

    One whose appointments another sheet speaks for meanwhile stays out, and says why.
    """
    with store.read() as connection:
        if not sheets.due(connection, micros(now)):
            return 0
    entered = 0
    with changing(store, rules, now=now) as connection:
        for row in sheets.due(connection, micros(now)):
            table = table_of(row.content, PreparationTable)
            if table is None:
                continue
            try:
                _refuse_taken(rules, connection, table)
            except NotSaved:
                sheets.call_off(connection, row.id, TAKEN)
                _note(connection, "call-off", row.name, row.number, SYSTEM, micros(now))
                continue
            entered += sheets.enter(connection, row.id)
    return entered


def refuse(store: Store, name: str, number: int, *, actor: str, remark: str, now: datetime) -> None:
    """Send a proposal back with a word to its author. Raises NotSaved(« decided »)."""
    at = micros(now)
    with store.write() as connection:
        if not sheets.decide(
            connection, name, number, "refused", by=actor, at=at, remark=remark[:300]
        ):
            raise NotSaved("decided")
        _note(connection, "refuse", name, number, actor, at)


def withdraw(store: Store, name: str, number: int, *, actor: str, now: datetime) -> None:
    """One's own proposal, before anybody decided; it becomes a draft again."""
    at = micros(now)
    with store.write() as connection:
        row = sheets.version(connection, name, number)
        if row is None or row.author != actor:
            raise NotSaved("unknown")
        if not sheets.decide(connection, name, number, "withdrawn", by=actor, at=at):
            raise NotSaved("decided")
        table = table_of(row.content, PreparationTable)
        if table is not None and sheets.draft(connection, name, actor) is None:
            form = filled(table)
            sheets.save_draft(
                connection, name, actor, form.content, base=row.base, revision=0, at=at
            )
        _note(connection, "withdraw", name, number, actor, at)


def restore(
    store: Store,
    rules: Rules,
    name: str,
    number: int,
    *,
    actor: str,
    now: datetime,
    confirmed: int | None = None,
) -> int:
    """Back to a version that was approved before: one person may, it has been read by two.

    `confirmed`: the number of patients they were told and agreed to. Raises NotSaved: « unknown »
    for one never approved, « subject », « file », « changed », « many » before more than 500
    patients.
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, name):
        raise NotSaved("file", line_of(settings, "preparation", name, "id"))
    with changing(store, rules, now=now) as connection:
        row = sheets.version(connection, name, number)
        last, live = sheets.latest(connection, name)
        table = table_of(row.content, PreparationTable) if row is not None else None
        if row is None or table is None or row.state != "approved" or number == live:
            raise NotSaved("unknown")
        _refuse_taken(rules, connection, table)
        ufs, kind, others = about(rules.book, table)
        if not agreed_to(sheets.concerned(connection, ufs, kind, others, at)[1], confirmed):
            raise NotSaved("many")
        _make_way(connection, name, actor, at)
        added = sheets.add(
            connection, name, last + 1, row.content, base=live, author=actor, at=at,
            restores=number,
        )  # fmt: skip
        if not added:
            raise NotSaved("changed")
        sheets.decide(
            connection, name, last + 1, "approved", by=actor, at=at, alone=True, effective_at=at
        )
        _note(connection, "restore", name, last + 1, actor, at, restores=number)
    return last + 1


def _note(
    connection: Connection, what: str, name: str, number: int, actor: str, at: int, **more: object
) -> None:
    facts.audit(
        connection, at=at, actor=actor, action=f"sheet.{what}", subject=f"sheet:{name}",
        version=number, **more,
    )  # fmt: skip
