"""`reminders run --dry-run`: the same code on a throw-away copy, and its plan line by line."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from rich.text import Text

from reminders.bootstrap import Application, build, open_store
from reminders.cli.common import MODES, amount, local, out, print_json, zone_of
from reminders.cli.errors import DONE, HELD, REPAIR, errors
from reminders.cli.summary import needs_repair, tell_feeds
from reminders.clock import Clock
from reminders.config import Settings
from reminders.domain.mask import mask_address
from reminders.services.preview import Line, planned_lines, suppressed_lines
from reminders.services.story import CHANNELS, REASONS
from reminders.store.copies import throw_away


def dry_run(settings: Settings, clock: Clock, *, as_json: bool) -> int:
    """The same code on a throw-away copy; nothing is picked up, renamed, archived or sent."""
    original = open_store(settings)
    try:
        with throw_away(original) as copy:
            application = build(settings, clock, store=copy, keep_inputs=True)
            try:
                return _show(application, as_json=as_json)
            finally:
                asyncio.run(application.aclose())
    finally:
        original.close()


def _show(application: Application, *, as_json: bool) -> int:
    settings, tasks = application.settings, application.tasks
    feeds = tasks.sync()
    tasks.plan()
    if not as_json:
        out.print(f"Mode {MODES[settings.mode]}. Essai à blanc : rien n'est envoyé ni changé.")
    counts: Counter[str] = Counter()
    for line in _plan_lines(application):
        counts[line.state] += 1
        _print_line(line, zone_of(settings), as_json)
    holds = tasks.holds()
    if not as_json:
        planned, blocked = counts["planned"] + counts["held"], counts["blocked"]
        out.print(
            f"{amount(planned, 'message prévu', 'messages prévus')}, "
            f"{amount(blocked, 'impossible à composer', 'impossibles à composer')}, "
            f"{amount(counts['suppressed'], 'écarté', 'écartés')}."
        )
    tell_feeds(feeds, to=errors if as_json else out)
    for one in holds:
        errors.print(Text(f"Serait retenu : {one.sentence}"))
    if any(one.code != "first_run" for one in holds):  # that one is only the release to come
        return HELD
    return REPAIR if any(map(needs_repair, feeds)) else DONE


def _plan_lines(application: Application) -> Iterator[Line]:
    now, settings = application.clock.now(), application.settings
    allowed = frozenset(settings.only_to)
    for line in planned_lines(application.store, application.composer, application.routes, now=now):
        if settings.mode == "test" and line.address not in allowed:
            yield replace(line, state="suppressed", reason="test_mode")
        else:
            yield line
    yield from suppressed_lines(application.store, now=now)


def _print_line(line: Line, zone: ZoneInfo, as_json: bool) -> None:
    recipient = mask_address(line.address) if line.address else ""
    if as_json:
        print_json(
            {
                "moment": line.moment.isoformat() if line.moment else None,
                "until": line.closes_at.isoformat() if line.closes_at else None,
                "recipient": recipient,
                "channel": line.channel,
                "step": line.step,
                "template": line.purpose,
                "template_version": line.template,
                "segments": line.segments,
                "appointments": list(line.appointments),
                "state": line.state,
                "reason": line.reason,
            }
        )
        return
    about = f"{line.step} rdv {', '.join(line.appointments)}"
    if line.state == "suppressed":
        reason = REASONS.get(line.reason, line.reason)
        out.print(Text(f"—                 pas de message · {about} · {reason}"))
        return
    channel = CHANNELS.get(line.channel, line.channel)
    size = f"{line.segments} segment{'s' if line.segments > 1 else ''}" if line.segments else "—"
    tail = f" · {REASONS.get(line.reason, line.reason)}" if line.reason else ""
    out.print(
        Text(
            f"{local(line.moment, zone)}  {recipient} · {channel} · {line.purpose} "
            f"v{line.template} · {size} · {about}{tail}"
        )
    )
