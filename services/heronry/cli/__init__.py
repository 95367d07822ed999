"""The `heronry` command."""

from heronry.cli.main import main

__all__ = ["main"]
