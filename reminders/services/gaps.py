"""What needs configuration before messages can leave as they should: each with its remedy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reminders.config import Settings
from reminders.domain.mask import mask_address
from reminders.domain.protocol import CORRECTION, NOTICE
from reminders.services.compose import FALLBACK_LANGUAGE, Route
from reminders.services.home import Machine
from reminders.services.rules import Rules
from reminders.store.lists import Ufs


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing to repair: `code` says which, `subject` where, `number` how much it is about."""

    code: str
    subject: str = ""
    number: int = 0


def gaps_of(
    settings: Settings, rules: Rules, routes: Sequence[Route], machine: Machine, ufs: Ufs
) -> list[Gap]:
    """What stops most first. An unmapped service is everybody's who may see all."""
    return [
        *(_unmapped(rules, machine) if ufs is None else ()),
        *_machine(settings, machine),
        *_texts(rules, routes, machine),
        *(Gap(kind, sentence, number) for kind, (sentence, number) in machine.troubles.items()),
        *_settings(settings),
        *(Gap("sensitive", uf) for uf in _sensitive(settings, ufs)),
    ]


def _unmapped(rules: Rules, machine: Machine) -> Iterator[Gap]:
    """The one with the most appointments first: no message leaves for any of them."""
    waiting = {uf: number for uf, number in machine.unmapped.items() if uf not in rules.units}
    for uf, number in sorted(waiting.items(), key=lambda one: (-one[1], one[0])):
        yield Gap("unmapped", uf, number)
    for uf in sorted(rules.book.lost):
        yield Gap("lost", uf)


def _machine(settings: Settings, machine: Machine) -> Iterator[Gap]:
    if not settings.dpi:
        yield Gap("no_source")
    for source in machine.sources:
        if source.as_of is None:
            yield Gap("never_read", source.id)
    if not settings.sms and settings.email is None:
        yield Gap("no_sender")


def _texts(rules: Rules, routes: Sequence[Route], machine: Machine) -> Iterator[Gap]:
    """A text of a service's protocol that no approved template serves, for any sender of its
    channel; and a sender none of whose texts is approved in its family."""
    wanted = _purposes(rules)
    served = {
        (route.id, purpose, channel): _serves(rules, route, purpose, machine)
        for route in routes
        for purpose, channel in wanted
        if route.channel == channel
    }
    for purpose, channel in sorted(wanted):
        tried = [ok for (_, one, by), ok in served.items() if (one, by) == (purpose, channel)]
        if tried and not any(tried):
            yield Gap("no_text", f"{purpose} {channel}")
    for route in routes:
        its = [ok for (one, _, _), ok in served.items() if one == route.id]
        if its and not any(its):
            yield Gap("sender_unserved", route.id)


def _purposes(rules: Rules) -> set[tuple[str, str]]:
    """(purpose, channel) of what is written for the services that may write."""
    found: set[tuple[str, str]] = set()
    for unit in rules.units.values():
        if unit.sensitivity == "excluded":
            continue
        for step in unit.steps:
            found |= {(step.purpose, channel) for channel in step.channels}
        found |= {(purpose, channel) for purpose in (CORRECTION, NOTICE) for channel in CHANNELS}
    return found


CHANNELS = ("sms", "email")


def _serves(rules: Rules, route: Route, purpose: str, machine: Machine) -> bool:
    """Is there an approved French text this sender may use (services/compose.py)?"""
    own = "any" if route.family == "link" and not rules.public_url else route.family
    return any(
        (purpose, FALLBACK_LANGUAGE, family, route.channel) in machine.texts
        for family in (own, "any")
    )


def _settings(settings: Settings) -> Iterator[Gap]:
    if not settings.web.public_url:
        yield Gap("no_public_url")
    if settings.mode == "test":
        listed = ", ".join(mask_address(one) for one in sorted(settings.only_to))
        yield Gap("test_list", listed, len(settings.only_to))


def _sensitive(settings: Settings, ufs: Ufs) -> Iterator[str]:
    """Services excluded by their name alone: nobody said whether they are to write."""
    for one in settings.service:
        excluded = one.sensitivity is None and one.effective_sensitivity == "excluded"
        if excluded and (ufs is None or one.uf in ufs):
            yield one.uf
