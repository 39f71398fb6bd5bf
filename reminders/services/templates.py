"""Message templates as staff see them: what serves, what waits, what is being written.

Nothing here changes a version's text. A draft belongs to one person and is saved over the
revision that was read only; a proposal is written over the newest version only: whoever was
overtaken sees both texts and chooses.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reminders.domain.lint import Finding
from reminders.domain.marking import N_
from reminders.domain.template import LONGEST, Channel
from reminders.domain.template_key import TemplateKey, TemplateText, key_of
from reminders.domain.template_life import NOTE
from reminders.errors import TemplateError
from reminders.rendering import Version
from reminders.services.compose import Route, Templates
from reminders.services.rules import Rules
from reminders.services.template_preview import Volume, complete
from reminders.services.template_review import Review, review
from reminders.store import facts, templates
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, instant_or_none, micros

MONTH = timedelta(days=30)


class Refused(Exception):
    """Not done, and why: `say` % `values` is the sentence; `findings` what the lint refuses."""

    def __init__(
        self, code: str, say: str, findings: Sequence[Finding] = (), **values: object
    ) -> None:
        super().__init__(code)
        self.code = code
        self.say = say
        self.values = values
        self.findings = tuple(findings)

    @property
    def sentence(self) -> str:
        return self.say % self.values if self.values else self.say


@dataclass(frozen=True, slots=True)
class Stored:
    """One version, as it is kept. `live`: it is the one in service."""

    id: int
    key: TemplateKey
    number: int
    text: TemplateText
    state: str
    author: str
    origin: str
    note: str
    base_id: int
    proposed_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    effective_at: datetime | None
    ticked: tuple[str, ...]
    reach: int
    alone: bool
    decided_by: str
    decided_at: datetime | None
    reason: str
    reason_text: str
    live: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    author: str
    base_id: int
    revision: int
    text: TemplateText
    note: str
    kept: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything one needs to know of a template before touching it."""

    key: TemplateKey
    live: Stored | None
    waiting: tuple[Stored, ...]  # proposals
    to_come: tuple[Stored, ...]  # approved for a later day
    newest: Stored | None
    asked: Stored | None
    drafts: tuple[Draft, ...]

    def draft_of(self, login: str) -> Draft | None:
        return next((one for one in self.drafts if one.author == login), None)

    def version(self, identity: int) -> Stored | None:
        known = (self.live, self.newest, self.asked, *self.waiting, *self.to_come)
        return next((one for one in known if one is not None and one.id == identity), None)

    @property
    def head(self) -> Stored | None:
        """What an edit starts from: the newest text of the house, proposed or in service. A text
        that a release brings for approval is it only where there is no other."""
        ours = [one for one in self.waiting if one.origin != "shipped"]
        known = [one for one in (self.live, *ours, *self.to_come) if one is not None]
        return max(known or self.waiting, key=lambda one: one.id, default=None)


class Overtaken(Exception):
    """Somebody else wrote meanwhile. Both texts are here: nothing is lost."""

    def __init__(
        self, theirs: TemplateText, by: str, at: datetime | None, situation: Situation
    ) -> None:
        super().__init__("overtaken")
        self.theirs = theirs
        self.by = by
        self.at = at
        self.situation = situation


def stored(row: Record, *, live: bool = False) -> Stored:
    return Stored(
        id=row.id,
        key=key_of(row.purpose, row.language, row.family, row.channel),
        number=row.number,
        text=TemplateText(row.body, row.subject, row.html),
        state=row.state,
        author=row.author or row.approved_by,
        origin=row.origin,
        note=row.note,
        base_id=row.base_id,
        proposed_at=instant_or_none(row.proposed_at),
        approved_by=row.approved_by if row.state == "approved" else "",
        approved_at=instant_or_none(row.approved_at) if row.state == "approved" else None,
        effective_at=instant_or_none(row.effective_at),
        ticked=tuple(json.loads(row.ticked)) if row.ticked else (),
        reach=row.reach,
        alone=bool(row.alone),
        decided_by=row.decided_by,
        decided_at=instant_or_none(row.decided_at),
        reason=row.reason,
        reason_text=row.reason_text,
        live=live,
    )


def _draft(row: Record) -> Draft:
    return Draft(
        author=row.author,
        base_id=row.base_id,
        revision=row.number,
        text=TemplateText(row.body, row.subject, row.html),
        note=row.note,
        kept=row.ticked,
        updated_at=instant(row.proposed_at),
    )


def situation(
    connection: Connection, key: TemplateKey, *, now: datetime, number: int = 0
) -> Situation:
    """One statement. `number`: a version to look at besides."""
    found = templates.of_key(connection, key.values, micros(now), number)
    versions = [(row, stored(row, live=bool(row.live))) for row in found if row.state != "draft"]
    return Situation(
        key=key,
        live=next((one for _, one in versions if one.live), None),
        waiting=tuple(one for _, one in versions if one.state == "proposed"),
        to_come=tuple(
            one
            for _, one in versions
            if one.state == "approved" and one.effective_at and one.effective_at > now
        ),
        newest=next((one for row, one in versions if row.newest), None),
        asked=next((one for _, one in versions if number and one.number == number), None),
        drafts=tuple(_draft(row) for row in found if row.state == "draft"),
    )


# --- how much is sent ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    volume: Volume
    missing: tuple[str, ...]  # languages spoken here that this message has no text in


def figures(
    connection: Connection,
    rules: Rules,
    key: TemplateKey,
    routes: Sequence[Route],
    *,
    now: datetime,
) -> Figures:
    """How much of a message is sent, whom a change would reach, and who reads French instead."""
    found = templates.figures(connection, key.values, micros(now), micros(now - MONTH))
    planned = [row for row in found if row.kind == "planned"]
    live = {(row.language, row.family) for row in found if row.kind == "live"}
    which = (key.language, key.family)
    live.add(which)
    families = families_of(rules, routes, key.channel)
    ours = [
        row
        for row in planned
        if serving(key.purpose, key.channel, row.language, live, families) == which
    ]
    sent = sum(row.messages for row in found if row.kind == "sent")
    volume = month_of(sent, sum(row.messages for row in ours))
    spoken = {row.language for row in found if row.kind == "speaks"}
    spoken |= {row.language.lower()[:2] for row in planned if row.messages and row.language}
    written = {language for language, _ in live}
    return Figures(
        replace(volume, reach=sum(row.patients for row in ours) or sent),
        tuple(sorted(one for one in spoken - written if one in ("fr", "en", "ar", "falc"))),
    )


def month_of(sent: int, waiting: int) -> Volume:
    """A month's messages: those of the last thirty days, else those that wait."""
    return Volume(sent or waiting, planned=not sent)


def families_of(rules: Rules, routes: Sequence[Route], channel: str) -> list[str]:
    """Of the senders of a channel, the first one first."""
    return [
        # as the composer: without a public address no text may promise a link
        "any" if route.family == "link" and not rules.public_url else route.family
        for route in routes
        if route.channel == channel
    ]


def serving(
    purpose: str, channel: Channel, language: str, live: Iterable[tuple[str, str]],
    families: Sequence[str],
) -> tuple[str, str] | None:  # fmt: skip
    """(language, family) of the text a message in this language would be made of, among those in
    service; None where there is none."""
    known = Templates(
        [
            Version(n, purpose, one, family, channel, "")
            for n, (one, family) in enumerate(sorted(live))
        ]
    )
    for family in families:
        found = known.find(purpose, language or "fr", family, channel)
        if found is not None:
            return found.language, found.family
    return None


# --- writing ---------------------------------------------------------------------------------


def save_draft(
    store: Store,
    key: TemplateKey,
    text: TemplateText,
    *,
    author: str,
    base: int,
    revision: int,
    now: datetime,
    note: str = "",
    kept: str = "",
) -> Draft:
    """Keep what somebody writes, whatever the lint says of it. `revision` is the one that was
    read, 0 for a first saving.

    Raises Overtaken if their other window saved meanwhile, Refused if it is too long to keep.
    """
    text = text.normalised(key.channel)
    for part in (text.body, text.subject, text.html):
        if len(part) > LONGEST[key.channel]:
            raise Refused(
                "too_long", N_("Texte trop long (plus de %(most)s caractères)."),
                most=LONGEST[key.channel],
            )  # fmt: skip
    kept = "".join(dict.fromkeys(kept))[:100]
    with store.write() as connection:
        saved = templates.save_draft(
            connection,
            key.values,
            _parts(text),
            author=author,
            base=base,
            revision=revision,
            note=note[:NOTE],
            kept=kept,
            at=micros(now),
        )
        if not saved:
            there = situation(connection, key, now=now)
            draft = there.draft_of(author)
            if draft is None:  # proposed or thrown away in another window
                head = there.head
                raise Overtaken(
                    head.text if head else text, head.author if head else author,
                    head.proposed_at if head else now, there,
                )  # fmt: skip
            raise Overtaken(draft.text, author, draft.updated_at, there)
    return Draft(author, base, saved, text, note[:NOTE], kept, now)


def _parts(text: TemplateText) -> dict[str, str]:
    return {"subject": text.subject, "body": text.body, "html": text.html}


def drop_draft(
    store: Store, key: TemplateKey, *, author: str, revision: int, now: datetime
) -> bool:
    """Throw one's draft away; False if it changed meanwhile, and then it stays."""
    with store.write() as connection:
        return templates.drop_draft(connection, key.values, author, revision)


def propose(
    store: Store, rules: Rules, key: TemplateKey, *, author: str, revision: int, now: datetime
) -> int:
    """Turn one's draft into a version that waits for approval: its number.

    Raises Refused with what the lint refuses or for a text that changes nothing, Overtaken if a
    newer version than the one it was written from exists.
    """
    with store.write() as connection:
        templates.lock(connection)
        there = situation(connection, key, now=now)
        draft = there.draft_of(author)
        if draft is None or draft.revision != revision:
            raise Refused("no_draft", N_("Ce brouillon a changé dans une autre fenêtre."))
        refuse_unfit(review(rules, key, draft.text))
        head = there.head
        if head is not None and head.id != draft.base_id:
            raise Overtaken(head.text, head.author, head.proposed_at, there)
        if head is not None and _same(key, head.text, draft.text):
            raise Refused("nothing_new", N_("Ce texte est déjà celui de la dernière version."))
        number = add_version(
            connection, key, draft.text, author=author, origin="page", base=draft.base_id,
            note=draft.note, now=now,
        )  # fmt: skip
        templates.drop_draft(connection, key.values, author, revision)
    return number


def _same(key: TemplateKey, one: TemplateText, other: TemplateText) -> bool:
    return complete(key, one) == complete(key, other)


def refuse_unfit(found: Review) -> None:
    """Raises Refused with every refusal of the lint."""
    if found.refused:
        raise Refused("lint", N_("Ce texte ne peut pas être envoyé ainsi."), found.refused)


def add_version(
    connection: Connection,
    key: TemplateKey,
    text: TemplateText,
    *,
    author: str,
    origin: str,
    base: int,
    now: datetime,
    note: str = "",
) -> int:
    """A proposal; those it was written after no longer wait. Its number."""
    identity, number = templates.add(
        connection, key.values, _parts(complete(key, text)), author=author, origin=origin,
        base=base, note=note, at=micros(now),
    )  # fmt: skip
    templates.supersede(connection, key.values, but=identity, base=base, by=author, at=micros(now))
    facts.audit(
        connection, at=micros(now), actor=author, action="template.propose",
        subject=f"template:{key.slug}", template=key.slug, number=number, origin=origin,
    )  # fmt: skip
    return number


def checked(key: Callable[[], TemplateKey]) -> TemplateKey | None:
    """The key, or None where there can be no such template."""
    try:
        return key()
    except TemplateError:
        return None
