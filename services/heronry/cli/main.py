"""The `heronry` command: its commands, its errors, its exit codes."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from heronry.cli import (
    bench,
    doctor,
    down,
    evaluate,
    fleet,
    logs,
    native,
    params,
    privacy,
    replay,
    serve,
    status,
    train,
    up,
)
from heronry.cli.failures import INTERRUPTED_EXIT_CODE, exit_code_of, report
from heronry.cli.usage import describe_usage, show_version

HELP = "Train reinforcement-learning agents over services that speak gRPC."
app = typer.Typer(name="heronry", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=show_version)
    ] = False,
) -> None:
    """Train reinforcement-learning agents over services that speak gRPC."""
    context.obj = debug


app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("up")(up.up)
app.command("down")(down.down)
app.command("status")(status.status)
app.command("logs")(logs.logs)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(fleet.app)
app.add_typer(native.app)
app.add_typer(params.app)
app.add_typer(privacy.app)
app.add_typer(replay.app)
app.command("serve", context_settings=serve.CONTEXT_SETTINGS, add_help_option=False)(serve.serve)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 2 for the user's mistakes, 1 for ours."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_debug = "--debug" in arguments
    if is_debug and "serve" not in arguments[:2]:
        arguments = ["--debug", *(a for a in arguments if a != "--debug")]
    try:
        return int(app(arguments, prog_name="heronry", standalone_mode=False) or 0)
    except (Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED_EXIT_CODE
    except TyperException as error:
        text = describe_usage(error)
        # A command that was given nothing answers with its help.
        sys.stderr.write(f"{text}\n" if text.startswith("Usage: ") else f"error: {text}\n")
        return 2
    except BrokenPipeError:
        return _end_quietly()
    except Exception as error:  # noqa: BLE001 - the outermost place: every error becomes a line and an exit code
        report(error, is_debug=is_debug)
        return exit_code_of(error)


def _end_quietly() -> int:
    # The reader of our output has gone (`heronry logs | head`); Python would complain once more at exit.
    # Without a standard output the interpreter skips its last flush.
    sys.stdout = None
    return 0
