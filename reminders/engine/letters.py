"""The managers' daily e-mail: the network half; what is due is the store's."""

from functools import partial
from html import escape

import structlog

from reminders.clock import Clock
from reminders.engine.journal import asking_failed
from reminders.engine.writer import Writer
from reminders.errors import NotSent
from reminders.ports import Email, EmailSender
from reminders.services.late_letters import (
    Letter,
    claim_letter,
    give_back_letter,
    letters_due,
)
from reminders.services.rules import Rules
from reminders.store.engine import Store

log = structlog.get_logger()


async def send_letters(
    store: Store, rules: Rules, mail: EmailSender | None, writer: Writer, clock: Clock
) -> int:
    """Send what is due, at most once a day and service: how many left. One that may have left
    is not sent again."""
    if mail is None:
        return 0
    sent = 0
    for letter in await writer.call(lambda: letters_due(store, rules, now=clock.now())):
        if not await writer.call(partial(claim_letter, store, letter)):
            continue
        try:
            await mail.send(_email(letter))
        except NotSent as error:
            await writer.call(partial(give_back_letter, store, letter))
            asking_failed("letter not sent", letter.uf, error)
        except Exception as error:  # refused or in doubt: tomorrow's will say it anew
            asking_failed("letter not sent", letter.uf, error)
        else:
            sent += 1
            log.info("letter sent", uf=letter.uf)
    return sent


def _email(letter: Letter) -> Email:
    html = f'<!doctype html><html lang="fr"><body><pre>{escape(letter.text)}</pre></body></html>'
    return Email(letter.reference, letter.to, letter.subject, letter.text, html)
