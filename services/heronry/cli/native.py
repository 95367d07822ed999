"""`heronry native`: build what is compiled on the user's machine."""

from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.output import console_for, print_json
from heronry.cli.screen import print_line
from heronry.types.errors import ConfigurationError

HELP = "Build the parts in C++ that depend on what is installed here."
TARGETS = ("agent",)
app = typer.Typer(name="native", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def native() -> None:
    """Build the parts in C++ that depend on what is installed here."""


@app.command("build")
def build(
    target: Annotated[str, typer.Argument(help="What to build: agent, the C++ agent on libtorch.")],
    is_forced: Annotated[bool, typer.Option("--force", help="Build although the same build is there.")] = False,
    is_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Build the C++ agent against the torch that is installed; a build is kept for each torch, Python and sources."""
    if target not in TARGETS:
        raise ConfigurationError.of("TARGET", target, ", ".join(TARGETS))
    from heronry.native_agent.building import build_agent  # NumPy, and pydantic
    from heronry.native_agent.loading import load_module

    console = console_for(is_json=is_json)
    built = build_agent(force=is_forced, tell=lambda step: print_line(console, f"{step} ..."))
    load_module()
    if built.seconds:
        print_line(console, f"built in {built.seconds:.0f} s and loaded: {_short(built.module)}")
    else:
        print_line(console, f"built before against torch {built.torch}: {_short(built.module)}")
        print_line(console, "--force builds it again")
    if is_json:
        fields = {"target": target, "module": built.module, "torch": built.torch, "seconds": round(built.seconds, 1)}
        print_json({**fields, "built_now": built.seconds > 0})


def _short(path: Path) -> str:
    """Return a path with the home folder as `~`."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
