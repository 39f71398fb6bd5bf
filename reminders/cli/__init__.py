"""The command line: one function a command, French for the administrator who reads it.

Exit codes: 0 done, 1 an administrator must repair something, 2 configuration, 3 held.
Never a traceback: what went wrong is one line that names the place and the remedy.
"""

import io
import os
import sys
from collections.abc import Sequence
from functools import cache
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reminders import __version__
from reminders.cli.errors import DONE, INTERRUPTED, PipeClosed, complain, errors
from reminders.cli.explain import explain
from reminders.cli.reading import replies
from reminders.cli.stats import stats
from reminders.cli.usage import complain_of_usage

ALONE = ("explain", "replies", "stats")  # they need no hospital

app = typer.Typer(
    name="reminders",
    help="Rappels de rendez-vous pour les hôpitaux.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"reminders {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="La version."),
    ] = False,
) -> None:
    """Rappels de rendez-vous pour les hôpitaux."""


app.add_typer(explain, name="explain")
app.add_typer(replies, name="replies")
app.add_typer(stats, name="stats")


@cache
def _add_service() -> None:
    """The commands that need the whole service; loading it takes longer than the others run."""
    from reminders.cli.admin import admin
    from reminders.cli.attendance import answers, attendance
    from reminders.cli.baseline import baseline
    from reminders.cli.costs import costs
    from reminders.cli.export import export
    from reminders.cli.holdout import holdout
    from reminders.cli.look import check, why
    from reminders.cli.month import month
    from reminders.cli.recorded_calls import calls_app
    from reminders.cli.recount import recount
    from reminders.cli.report import report
    from reminders.cli.templates import templates_app
    from reminders.cli.watch import hold, object_, purge, release
    from reminders.cli.work import demo, migrate, run, serve

    for command in (run, serve, demo, why, check, migrate, hold, release):
        app.command(command.__name__)(command)
    app.command("object")(object_)
    app.command("purge")(purge)
    app.command("report")(report)
    app.command("recount")(recount)
    app.command("export")(export)
    app.add_typer(calls_app, name="calls")
    app.add_typer(answers, name="answers")
    app.add_typer(templates_app, name="templates")
    app.add_typer(attendance, name="attendance")
    app.add_typer(holdout, name="holdout")
    app.add_typer(baseline, name="baseline")
    app.add_typer(costs, name="costs")
    app.add_typer(month, name="month")
    app.add_typer(admin, name="admin")


def main() -> None:
    """Entry point of the `reminders` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a journal shows a line when it is said
    code = execute(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads any more: the interpreter must not say so at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run one command line: its exit code, whatever happens."""
    try:
        if not arguments or arguments[0] not in ALONE:
            _add_service()
        code = app(list(arguments), prog_name="reminders", standalone_mode=False)
    except TyperException as error:
        return complain_of_usage(error)
    except (PipeClosed, BrokenPipeError):
        return DONE
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        return complain(error)
    if code == INTERRUPTED:
        errors.print("Interrompu. Rien n'est perdu : la même commande reprend où elle en était.")
    return code if isinstance(code, int) else DONE
