"""What was typed wrong, in one French line: typer says it in English, over several."""

import re
from typing import Any

from rich.text import Text
from typer.exceptions import TyperException

from reminders.cli.errors import CONFIGURATION, errors
from reminders.errors import Problem

_SENTENCES = (
    (r"No such command '(.*)'", "commande inconnue « {} »"),
    (r"Got unexpected extra argument\S* \((.*)\)", "de trop : {}"),
    (r"Option '(.*)' requires an argument", "{} attend une valeur"),
    (r"Option '(.*)' does not take a value", "{} ne prend pas de valeur"),
)


def complain_of_usage(error: TyperException) -> int:
    """Print what was typed wrong; the exit code. Without any command, the help is the answer."""
    if type(error).__name__ == "NoArgsIsHelpError":
        errors.print(Text(str(error)))
        return CONFIGURATION
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "reminders"
    errors.print(Text(f"• {Problem(command, _sentence(error), f'{command} --help')}"))
    return CONFIGURATION


def _sentence(error: Any) -> str:
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return f"option inconnue « {error.option_name} »"
    name = _name(error)
    if kind == "MissingParameter":
        return f"il manque {name}"
    if kind == "BadParameter":
        return f"valeur refusée pour {name}"
    message = str(error)
    for pattern, sentence in _SENTENCES:
        if found := re.match(pattern, message):
            return sentence.format(found[1])
    return "commande mal écrite"


def _name(error: Any) -> str:
    """The option or argument as the help shows it."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return "un argument"
    options = [one for one in getattr(parameter, "opts", ()) if one.startswith("-")]
    return str(options[0] if options else getattr(parameter, "metavar", None) or "un argument")
