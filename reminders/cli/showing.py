"""`reminders demo`: the simulated hospital, lived through at once or opened in a browser."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from reminders.cli import logs
from reminders.cli.common import out
from reminders.cli.errors import DONE, REPAIR, errors
from reminders.cli.living import Scene, Working, inhabited
from reminders.cli.serving import listening
from reminders.clock import SimulatedClock
from reminders.domain.outcome import Outcome, Tally
from reminders.services.story import STATES
from reminders.simulation.demo import START
from reminders.simulation.driver import TAKEN, Life, live
from reminders.simulation.hospital import PARIS
from reminders.simulation.wording import number, short_day

CHANNELS = {"sms": "SMS", "email": "Courriels"}
SHOWN = (*TAKEN, "UNKNOWN", "REFUSED", "QUARANTINED", "HELD", "PLANNED", "CANCELLED", "EXPIRED")
OUTCOMES = {
    Outcome.ATTENDED: "venus",
    Outcome.NO_SHOW: "non venus, sans prévenir",
    Outcome.CANCELLED_EARLY: "annulés 48 h avant ou plus tôt",
    Outcome.CANCELLED_LATE: "annulés plus tard",
    Outcome.CANCELLED_BY_HOSPITAL: "annulés par l'hôpital",
    Outcome.UNKNOWN: "sans issue notée au DPI",
}
NONE = "—"
INTERRUPTED = 130


def run_demo(*, once: bool, days: int, seed: int, port: int) -> int:
    """The exit code. With `once` there is no page and `port` counts for nothing."""
    logs.configure("error")
    if once:
        try:
            return asyncio.run(_once(days, seed))
        except KeyboardInterrupt:
            errors.print("Démonstration interrompue : rien n'est resté sur le disque.")
            return INTERRUPTED
    from reminders.cli.opening import open_demo  # its pages are loaded for nobody else

    return open_demo(seed, days, port)


async def _once(days: int, seed: int) -> int:
    with progress_bar() as bar:
        on = await _lived("live", "avec rappels", days, seed, bar)
        off = await _lived("rehearsal", "sans rappels", days, seed, bar)
    out.print(_table(on, off, days, seed))
    differences = on.differences() + off.differences()
    for line in differences:
        errors.print(Text(f"• {line}"))
    if differences:
        errors.print("Le service et le registre des opérateurs ne disent pas la même chose.")
        return REPAIR
    out.print("Le service et le registre des opérateurs disent la même chose.")
    if on.told_sooner:
        out.print(
            f"Annulations : {on.told_sooner} comptent plus tôt au service, du moment où le patient "
            "l'a écrit ; l'hôpital les date de celui où l'accueil les note."
        )
    out.print("Hôpital inventé : ces chiffres montrent le service et ne prouvent rien d'un vrai.")
    return DONE


async def _lived(
    mode: Literal["live", "rehearsal"], name: str, days: int, seed: int, bar: Progress
) -> Life:
    """One life of the hospital. In rehearsal everything is decided and nobody is written to."""
    clock, until = SimulatedClock(START), START + timedelta(days=days)
    scene = Scene(seed, START, days, faults=mode == "live")
    with (
        TemporaryDirectory(prefix="reminders-demo-") as folder,
        living(bar, name, START, until) as told,
    ):
        async with (
            inhabited(scene, clock, Path(folder), mode=mode) as (world, application),
            listening(application),
        ):
            return await live(Working(application), world, clock, until, progress=told)


def progress_bar() -> Progress:
    """On standard error, so that the table alone is on standard output."""
    return Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=40),
        TextColumn("{task.fields[day]}"),
        TimeElapsedColumn(),
        console=errors,
    )


@contextmanager
def living(
    bar: Progress, name: str, since: datetime, until: datetime
) -> Iterator[Callable[[datetime], None]]:
    """A line of the bar, from `since` to `until`; what it yields moves it."""
    whole = (until - since).total_seconds()
    task = bar.add_task(name, total=whole, day="on ouvre l'hôpital")

    def told(now: datetime) -> None:
        lived = (now - since).total_seconds()
        bar.update(task, completed=lived, day=short_day(now, PARIS))

    yield told


def _table(on: Life, off: Life, days: int, seed: int) -> Table:
    period = f"{short_day(on.since, PARIS)} au {short_day(on.until, PARIS)}"
    table = Table(
        title=f"Hôpital simulé du {period} ({days} jour{'s' if days > 1 else ''}, graine {seed})",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("", no_wrap=True)
    for heading in ("Avec\nrappels", "Registre des\nopérateurs", "Sans\nrappels"):
        table.add_column(heading, justify="right")
    _row(table, "Rendez-vous connus", on.service.appointments, None, off.service.appointments)
    for channel, name in CHANNELS.items():
        _messages(table, on, channel, name)
    table.add_section()
    _row(table, "Accusés de remise ou d'échec", on.service.receipts, on.ledger.receipts, None)
    _row(table, "Réponses de patients", on.service.replies, on.ledger.replies, None)
    _row(table, "À traiter par l'accueil", on.service.tasks, None, off.service.tasks)
    _outcomes(table, on, off)
    return table


def _messages(table: Table, on: Life, channel: str, name: str) -> None:
    """A line a state. The ledger knows what providers took, and what they said of it."""
    table.add_section()
    ours = {state: found for (kind, state), found in on.service.messages.items() if kind == channel}
    left = sum(ours.get(state, 0) for state in TAKEN)
    _row(table, f"{name} partis", left, on.ledger.accepted(channel), None)
    for state in SHOWN:
        if ours.get(state):
            told = on.ledger.messages.get((channel, state.lower()), 0) if state in TAKEN else None
            _row(table, f"  {STATES[state]}", ours[state], told, None)


def _outcomes(table: Table, on: Life, off: Life) -> None:
    table.add_section()
    seen = (on.service.outcomes, on.outcomes, off.service.outcomes)
    table.add_row("Issues des rendez-vous", *(number(sum(one.values())) for one in seen))
    for outcome, words in OUTCOMES.items():
        table.add_row(f"  {words}", *(number(one.get(outcome, 0)) for one in seen))
    table.add_row("  taux de non-venue", *(_rate(one) for one in seen), style="bold")


def _row(table: Table, words: str, *counts: int | None) -> None:
    table.add_row(words, *(NONE if count is None else number(count) for count in counts))


def _rate(outcomes: Mapping[str, int]) -> str:
    """No-shows among those who came or were expected and did not."""
    rate = Tally({outcome: outcomes.get(outcome, 0) for outcome in OUTCOMES}).no_show_rate
    return NONE if rate is None else f"{100 * rate:.1f} %".replace(".", ",")
