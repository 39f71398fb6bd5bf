"""`reminders recount`: the counts of the reports, made anew."""

from typing import Annotated

import typer

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    amount,
    clock_of,
    opened,
    out,
    settings_of,
)
from reminders.services.rollup import recompute
from reminders.services.rollup import recount as count_again
from reminders.services.rules import rules_in


def recount(
    config: ConfigOption = DEFAULT_CONFIG,
    look_again: Annotated[
        bool,
        typer.Option(
            "--look-again",
            help="Regarder aussi chaque rendez-vous : des minutes par million, sans rien arrêter.",
        ),
    ] = False,
    at: AtOption = None,
) -> None:
    """Recompter les rapports, tous les mois, depuis ce qui est gardé de chaque rendez-vous.

    Sans effet sur ce qu'ils disent : les comptes suivent déjà chaque changement.
    """
    settings = settings_of(config)
    clock = clock_of(settings, at, harmless=True)
    with opened(settings) as store:
        rules = rules_in(store, settings)
        if look_again:
            seen = recompute(store, rules, now=clock.now())
            out.print(f"Recompté : {seen} rendez-vous et unités regardés.")
        else:
            months = count_again(store, rules, now=clock.now())
            out.print(f"Recompté : {amount(months, 'mois', 'mois')}.")
