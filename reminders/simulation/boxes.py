"""The telephones and mailboxes of simulated patients, and every message they hold."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reminders.simulation.ledger import Entry
from reminders.simulation.people import Person, canonical

State = Literal["accepted", "delivered", "undelivered", "received"]


@dataclass(slots=True)
class Message:
    """`state` is what the service was told; a reply is `received`. `entry`: None for a reply."""

    number: int
    at: datetime
    box: "Box"
    channel: str
    text: str
    state: State
    sender: str = ""
    subject: str = ""
    entry: Entry | None = None

    @property
    def answerable(self) -> bool:
        """A sender's number can be answered; a name, or an address nobody reads, cannot."""
        return self.channel == "sms" and self.sender.lstrip("+").isdigit()


@dataclass(slots=True)
class Box:
    """One telephone or mailbox. `id` names it in addresses, where a number has no place."""

    id: str
    kind: Literal["phone", "mail"]
    address: str
    holders: list[Person] = field(default_factory=list)
    strangers: int = 0  # holders who left the number without a word to the hospital
    messages: list[Message] = field(default_factory=list)

    @property
    def answerable(self) -> Message | None:
        """The last message this telephone can answer, if any can."""
        sent = [one for one in self.messages if one.entry is not None]
        return sent[-1] if sent and sent[-1].answerable else None


class Boxes:
    def __init__(self, people: Iterable[Person]) -> None:
        self.by_id: dict[str, Box] = {}
        self._by_address: dict[str, Box] = {}
        self.messages: list[Message] = []
        for person in people:
            for line in person.lines:
                holders = self.at(line.value).holders
                if person not in holders:
                    holders.append(person)

    def at(self, address: str) -> Box:
        """The box of an address, made if nobody had it."""
        known = canonical(address)
        if known not in self._by_address:
            kind: Literal["phone", "mail"] = "mail" if "@" in known else "phone"
            letter = "m" if kind == "mail" else "t"
            box = Box(f"{letter}{len(self._by_address) + 1}", kind, known)
            self._by_address[known] = self.by_id[box.id] = box
        return self._by_address[known]

    def take(self, entry: Entry, at: datetime) -> Message:
        """A message a provider accepted."""
        box = self.at(entry.to)
        message = Message(
            number=len(self.messages) + 1,
            at=at,
            box=box,
            channel=entry.channel,
            text=entry.text,
            state="accepted",
            sender=entry.sender,
            subject=entry.subject,
            entry=entry,
        )
        return self._keep(message)

    def reply(self, box: Box, text: str, at: datetime) -> Message:
        return self._keep(Message(len(self.messages) + 1, at, box, "sms", text, "received"))

    def _keep(self, message: Message) -> Message:
        self.messages.append(message)
        message.box.messages.append(message)
        return message

    def page(self, *, box: str = "", before: int = 0, limit: int = 50) -> Sequence[Message]:
        """Newest first, those numbered under `before` (0: all)."""
        held = self.by_id[box].messages if box else self.messages
        found = [one for one in reversed(held) if not before or one.number < before]
        return found[:limit]

    def counts(self) -> dict[str, int]:
        """ "channel state" -> how many messages; "replies" -> how many answers."""
        found = Counter(
            "replies" if one.entry is None else f"{one.channel} {one.state}"
            for one in self.messages
        )
        return dict(found)
