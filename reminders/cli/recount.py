"""`reminders recount`: the counts of the reports, made anew."""

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    clock_of,
    opened,
    out,
    settings_of,
)
from reminders.services.rollup import recompute
from reminders.services.rules import rules_in


def recount(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Recompter les rapports, tous les mois, depuis les rendez-vous.

    Sans effet sur ce qu'ils disent : les comptes suivent déjà chaque changement.
    """
    settings = settings_of(config)
    clock = clock_of(settings, at, harmless=True)
    with opened(settings) as store:
        seen = recompute(store, rules_in(store, settings), now=clock.now())
    out.print(f"Recompté : {seen} rendez-vous et unités regardés.")
