"""A hospital that edits its texts: drafts, proposals and approvals in one line each."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reminders.domain.template_key import TemplateKey, TemplateText, key_from
from reminders.services.compose import Route
from reminders.services.template_approval import Approval, approve
from reminders.services.templates import Refused, Situation, propose, save_draft, situation
from reminders.store.engine import Store
from tests.support.mailroom import LIVE, Mailroom

PHONE = "{{ telephone_secretariat }}"
SHORT = key_from("short.fr.any.sms")
CONFIRM = key_from("confirm.fr.any.sms")
MAIL = key_from("short.fr.any.email")
GOOD = "Rendez-vous le {{ date_rdv }} à {{ heure_rdv }}, {{ etablissement_court }}. " + PHONE


def text(body: str = GOOD, **parts: str) -> TemplateText:
    return TemplateText(body, **parts)


@dataclass
class Bureau:
    """People who write and approve on one database."""

    store: Store
    two_people: bool = True
    routes: tuple[Route, ...] = (
        Route("main", "sms", price_eur=0.06),
        Route("email", "email"),
    )
    room: Mailroom = field(init=False)

    def __post_init__(self) -> None:
        self.room = Mailroom(self.store)
        assert self.room.settings.mode == LIVE["mode"]

    @property
    def now(self) -> datetime:
        return self.room.now

    def look(self, key: TemplateKey = SHORT, number: int = 0) -> Situation:
        with self.store.read() as connection:
            return situation(connection, key, now=self.now, number=number)

    def live(self, key: TemplateKey = SHORT) -> str:
        found = self.look(key).live
        return found.text.body if found else ""

    def write(
        self, body: str = GOOD, by: str = "awa", key: TemplateKey = SHORT, **given: Any
    ) -> int:
        """Save a draft from what is newest: its revision."""
        there = self.look(key)
        known = there.draft_of(by)
        base = known.base_id if known else there.head.id if there.head else 0
        given = {"base": base, "revision": known.revision if known else 0} | given
        parts = {part: given.pop(part) for part in ("subject", "html") if part in given}
        draft = save_draft(
            self.store, key, TemplateText(body, **parts), author=by, now=self.now, **given
        )
        return draft.revision

    def propose(
        self, body: str = GOOD, by: str = "awa", key: TemplateKey = SHORT, **given: Any
    ) -> int:
        """Draft and proposal: the version's number."""
        revision = self.write(body, by, key, **given)
        return propose(self.store, self.room.rules, key, author=by, revision=revision, now=self.now)

    def approve(self, number: int, by: str = "bea", key: TemplateKey = SHORT, **given: Any) -> None:
        """Everything ticked, every number agreed to, unless it is said."""
        there = self.look(key, number)
        live = given.pop("live", there.live.id if there.live else 0)
        said = Approval(by=by, live=live, **given)
        approve(
            self.store, self.room.rules, self.routes, key, number, said,
            two_people=self.two_people, now=self.now,
        )  # fmt: skip

    def put(self, body: str, key: TemplateKey = SHORT, **given: Any) -> int:
        """A text in service: written by one, approved by another. Its number."""
        number = self.propose(body, key=key)
        try:
            self.approve(number, key=key, **given)
        except Refused as refused:
            if refused.code != "tick":
                raise
            ticked = [one.mark for one in refused.findings]
            self.approve(number, key=key, ticked=ticked, **given)
        return number

    def audit(self) -> list[tuple[str, str]]:
        found = self.room.rows(
            "SELECT actor, action FROM audit WHERE action LIKE 'template.%' ORDER BY id"
        )
        return [(row.actor, row.action) for row in found]
