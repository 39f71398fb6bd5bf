"""An error as the administrator reads it, and the code the shell gets."""

import os
import traceback

from rich.console import Console
from rich.text import Text

from reminders.errors import ConfigurationError, Held, Problem, RepairNeeded

DONE, REPAIR, CONFIGURATION, HELD = 0, 1, 2, 3

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(problem: Problem) -> None:
    errors.print(Text(f"• {problem}"))


def complain(error: Exception) -> int:
    """Print one error without a traceback; the exit code it deserves.

    An error nobody foresaw is named by its class and place only: its text may quote a patient.
    REMINDERS_DEBUG=1 shows the rest to a developer.
    """
    if isinstance(error, ConfigurationError):
        number = len(error.problems)
        errors.print(
            f"Configuration refusée : {number} point{'s' if number > 1 else ''} à corriger."
        )
        for problem in error.problems:
            say(problem)
        return CONFIGURATION
    if isinstance(error, RepairNeeded):
        say(error.problem)
        return REPAIR
    if isinstance(error, Held):
        errors.print(Text(str(error)))
        return HELD
    if os.environ.get("REMINDERS_DEBUG"):
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    where = f" ({os.path.basename(place.filename)}, ligne {place.lineno})" if place else ""
    errors.print(
        f"Erreur inattendue : {type(error).__name__}{where}. Rien n'est perdu : relancer ; "
        "si elle revient, la signaler avec cette ligne."
    )
    return REPAIR
