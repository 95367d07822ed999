"""What goes to people and what goes to programs."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console_for(*, is_json: bool) -> "Console":
    """Return the console for people; with `--json` it is standard error, which leaves standard output to programs."""
    from rich.console import Console  # commands that print nothing rich start faster

    return Console(stderr=is_json, highlight=False, emoji=False, soft_wrap=True)


def print_json(fields: Mapping[str, object]) -> None:
    """Write one JSON object as the last line of standard output."""
    sys.stdout.write(json.dumps(fields, default=str) + "\n")
    sys.stdout.flush()
