"""What a process makes sure of before it works: texts, pacers, keys, and what changed."""

import json
from datetime import datetime
from hashlib import blake2b
from secrets import token_hex

from reminders.rendering import Shipped, shipped
from reminders.services.rules import Book, Rules
from reminders.store import facts, outbox, planning, sources, templates, units
from reminders.store.engine import Connection, Store
from reminders.store.types import micros


def prepare(
    store: Store, rules: Rules, providers: list[str], release: str, *, now: datetime
) -> None:
    """Enter shipped texts once, give each provider its pacer, re-plan if the rules changed.

    In live mode a source nobody let through yet is held from here on, before anything is read.
    """
    at = micros(now)
    with store.write() as connection:
        _enter_texts(connection, release, at)
        for provider in providers:
            outbox.add_pacer(connection, provider)
        units.begin(connection)
        rules.follow(connection, held=True)
        fingerprint = rules_fingerprint(rules)
        if facts.replace(connection, "rules", fingerprint):
            planning.mark_all_dirty(connection, at)
        planning.mark_gaps(connection, at)
        if rules.mode == "live":
            for source in sources.unseen(connection):
                sources.hold_first_run(connection, source, at)
        mode = facts.read(connection, "mode")
        if facts.replace(connection, "mode", rules.mode) and mode and rules.mode == "live":
            planning.mark_all_dirty(
                connection, at
            )  # what changed since the rehearsal is re-decided
            outbox.rearm_rehearsed(connection, now=at)


def _enter_texts(connection: Connection, release: str, at: int) -> None:
    """Those that changed nothing since another start are not written again: each start of each
    command passes here."""
    known = templates.entered(connection)
    proposed = (None, "proposed")  # new, or perhaps read by a person since
    due = [
        {name: getattr(text, name) for name in Shipped.__slots__}
        for text in shipped()
        if known.get(text.content_hash) in (proposed if text.reviewed else (None,))
    ]
    templates.add_shipped(connection, due, release=release, at=at)


def rules_fingerprint(rules: Rules) -> str:
    """Equal for rules that plan alike: a new hour, service or place makes it another."""
    return fingerprint_of(rules.book)


def fingerprint_of(book: Book) -> str:
    content = [str(unit) for _, unit in sorted(book.units.items())]
    return blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def secret_of(store: Store, name: str) -> bytes:
    """A random key of this database, made at its first use."""
    with store.write() as connection:
        facts.add(connection, name, token_hex(32))
        return bytes.fromhex(facts.read(connection, name))
