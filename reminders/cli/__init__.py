"""The command line: one function a command, French for the administrator who reads it.

Exit codes: 0 done, 1 an administrator must repair something, 2 configuration, 3 held.
Never a traceback: what went wrong is one line that names the place and the remedy.
"""

import sys

import typer

from reminders.cli.errors import complain
from reminders.cli.explain import explain
from reminders.cli.watch import hold, object_, purge, release, why
from reminders.cli.work import check, demo, migrate, report, run, serve

app = typer.Typer(
    name="reminders",
    help="Rappels de rendez-vous pour les hôpitaux.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run)
app.command("serve")(serve)
app.command("demo")(demo)
app.command("why")(why)
app.command("check")(check)
app.command("migrate")(migrate)
app.command("hold")(hold)
app.command("release")(release)
app.command("object")(object_)
app.command("purge")(purge)
app.command("report")(report)
app.add_typer(explain, name="explain")


def main() -> None:
    """Entry point of the `reminders` command."""
    try:
        app()
    except KeyboardInterrupt:
        print("Interrompu.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        sys.exit(complain(error))
