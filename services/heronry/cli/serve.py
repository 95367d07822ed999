"""`heronry serve ROLE`: one service in this process."""

import os
import sys
from typing import Annotated

import typer

from heronry.launch.processes import child_environment
from heronry.types.errors import ConfigurationError
from heronry.types.run import ServiceRole

# Everything after the role is the service's own, --help included.
CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def serve(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help="params, replay, fleet, learner or coordinator.")] = "",
) -> None:
    """Run one service; further flags are the service's own (heronry serve params --help)."""
    roles = [known.value for known in ServiceRole]
    if role in ("", "--help", "-h"):
        sys.stdout.write(f"usage: heronry serve ROLE [FLAGS]\nroles: {', '.join(roles)}\n")
        return
    if role not in roles:
        raise ConfigurationError.of("role", role, ", ".join(roles) + _hint(role, roles))
    # The service takes this process's place: signals reach it, and nothing of the CLI stays in memory.
    command = [sys.executable, "-m", f"heronry.{role}", *context.args]
    os.execve(sys.executable, command, child_environment(os.environ))  # noqa: S606 - no shell is wanted


def _hint(role: str, roles: list[str]) -> str:
    import difflib  # only for a mistake

    close = difflib.get_close_matches(role, roles, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
