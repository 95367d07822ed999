"""The `heronry` command: the services' command line, or how to install it."""

import sys

from heronry.client.mesh import INSTALL_LINE


def main() -> int:
    """Run the command line; without its extra, print the line that installs it and return 1."""
    try:
        from heronry.cli.main import main as run  # absent where only the SDK is installed
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("heronry."):
            raise
        sys.stderr.write(f"heronry: the command line is not installed ({error.name} is missing): {INSTALL_LINE}\n")
        return 1
    return run()
