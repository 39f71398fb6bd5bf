"""Commands that do the work: run, serve, demo, migrate."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from reminders.bootstrap import Application, build, open_store
from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    clock_of,
    opened,
    out,
    print_json,
    settings_of,
)
from reminders.cli.errors import INTERRUPTED, errors
from reminders.cli.rehearse import dry_run as rehearse
from reminders.cli.summary import exit_code, print_summary, summary_of
from reminders.engine.tasks import Pass
from reminders.services.runs import remember_run
from reminders.store.migrate import migrate as migrate_store

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Montrer le plan sans rien envoyer ni changer.")
]


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Un passage : lire le DPI, prévoir, envoyer, résumer.

    Fait pour cron : peut être répété toutes les cinq minutes, et à plusieurs.
    """
    settings = settings_of(config, working=not dry_run and not sys.stderr.isatty())
    clock = clock_of(settings, at, harmless=dry_run)
    if dry_run:
        raise typer.Exit(rehearse(settings, clock, as_json=as_json))
    application = build(settings, clock)
    started = clock.now()

    done = asyncio.run(_one_pass(application))
    interrupted = application.tasks.stopping
    code = INTERRUPTED if interrupted else exit_code(done)
    summary = summary_of(done, settings)
    with opened(settings) as store:
        remember_run(store, started, clock.now(), settings.mode, code, summary)
    if as_json:
        print_json(summary | {"exit_code": code})
    else:
        print_summary(done, settings)
    raise typer.Exit(code)


async def _one_pass(application: Application) -> Pass:
    """One pass. SIGINT or SIGTERM lets what is in flight end and be recorded; a second one ends
    the process on the spot, which loses nothing either but leaves messages in doubt."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if application.tasks.stopping:
            os._exit(INTERRUPTED)
        application.tasks.stop()
        errors.print(
            "Interruption : ce qui est en cours se termine (Ctrl-C encore : tout de suite)"
        )

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        return await application.tasks.one_pass()
    finally:
        await application.aclose()


def serve(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Le service permanent : envois, accusés, pages."""
    from reminders.cli.serving import serve_until_stopped  # the web is loaded for nobody else

    settings = settings_of(config, working=True)
    serve_until_stopped(settings, clock_of(settings, at))


def demo(
    once: Annotated[bool, typer.Option("--once", help="Vivre d'un trait et finir.")] = False,
    days: Annotated[
        int,
        typer.Option(
            "--days", min=1, max=60, help="Jours à vivre ; sans --once, avant l'ouverture."
        ),
    ] = 14,
    seed: Annotated[int, typer.Option("--seed", help="Graine : même graine, même hôpital.")] = 1,
    port: Annotated[int, typer.Option("--port", help="Port de la page.")] = 8000,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FICHIER", help="Sans effet : l'hôpital simulé écrit la sienne."
        ),
    ] = None,
) -> None:
    """Un hôpital simulé : tout le service, de vrais protocoles."""
    from reminders.cli.showing import run_demo  # its simulation is loaded for nobody else

    raise typer.Exit(run_demo(once=once, days=days, seed=seed, port=port))


def migrate(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Mettre la base au schéma de cette version."""
    store = open_store(settings_of(config))
    try:
        before, after = migrate_store(store)
    finally:
        store.close()
    if before == after:
        out.print(f"Base déjà à jour ({after}).")
    else:
        out.print(f"Base migrée : {before or 'vide'} → {after}.")
