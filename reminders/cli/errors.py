"""An error as the administrator reads it, and the code the shell gets."""

import errno
import os
import traceback
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from reminders.errors import ConfigurationError, Held, Problem, RepairNeeded

DONE, REPAIR, CONFIGURATION, HELD = 0, 1, 2, 3
INTERRUPTED = 130

OURS = frozenset({"reminders", "adapters", "migrations"})


class PipeClosed(Exception):
    """Whoever was reading our output has seen enough (`reminders run --dry-run | head`)."""


class Screen(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise PipeClosed


errors = Screen(stderr=True, highlight=False, soft_wrap=True, markup=False)


def say(problem: Problem) -> None:
    errors.print(Text(f"• {problem}"))


def _typed(problem: Problem) -> bool:
    """Of an option or an argument (--month, MOIS): nothing is wrong with the configuration."""
    first = problem.where.partition(" ")[0]  # a variable of the environment has underscores
    return first.startswith("--") or (first.isalpha() and first.isupper())


def complain(error: Exception) -> int:
    """Print one error without a traceback; the exit code it deserves.

    An error nobody foresaw is named by its class and place only: its text may quote a patient.
    REMINDERS_DEBUG=1 shows the rest to a developer.
    """
    if os.environ.get("REMINDERS_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, ConfigurationError):
        number = len(error.problems)
        what = "Commande" if all(map(_typed, error.problems)) else "Configuration"
        errors.print(f"{what} refusée : {number} point{'s' if number > 1 else ''} à corriger.")
        for problem in error.problems:
            say(problem)
        return CONFIGURATION
    if isinstance(error, RepairNeeded):
        say(error.problem)
        return REPAIR
    if isinstance(error, Held):
        errors.print(Text(str(error)))
        return HELD
    if isinstance(error, OSError) and error.errno is not None:
        say(_of_the_system(error))
        return REPAIR
    errors.print(
        f"Erreur inattendue : {type(error).__name__}{_place(error)}. Rien n'est perdu : relancer ; "
        "si elle revient, la signaler avec cette ligne."
    )
    return REPAIR


_SYSTEM = {
    errno.EACCES: ("accès refusé", "donner ce droit au compte du service (chown, chmod)"),
    errno.EPERM: ("accès refusé", "donner ce droit au compte du service (chown, chmod)"),
    errno.EROFS: ("disque en lecture seule", "choisir un dossier où le service peut écrire"),
    errno.ENOSPC: ("disque plein", "libérer de la place, puis relancer : rien n'est perdu"),
    errno.EDQUOT: ("quota de disque atteint", "libérer de la place, puis relancer"),
    errno.ENOENT: ("introuvable", "vérifier le chemin"),
    errno.EMFILE: ("trop de fichiers ouverts", "augmenter la limite (ulimit -n)"),
}


def _of_the_system(error: OSError) -> Problem:
    name = errno.errorcode.get(error.errno or 0, "OSError")
    what, remedy = _SYSTEM.get(error.errno or 0, (f"erreur du système ({name})", "voir le disque"))
    return Problem(str(error.filename or "système"), what, remedy)


def _place(error: Exception) -> str:
    """The last line of ours it went through: that of a library says little."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if OURS.intersection(one.filename.split(os.sep)[-4:-1])]
    if not (found := (ours or frames)[-1:]):
        return ""
    return f" ({os.path.basename(found[0].filename)}, ligne {found[0].lineno})"
