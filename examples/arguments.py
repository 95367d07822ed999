"""Values on an example's command line; what an example could not do is a usage error."""

import argparse
from collections.abc import Callable, Collection


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        number = int(text) if text.strip().lstrip("+-").isdecimal() and len(text) < 20 else None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f"got {text!r}, allowed: a whole number, {least} to {most}")
        return number

    return read


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return what reads names of `known`, parted by commas, each once."""

    def read(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        wrong = [name for index, name in enumerate(names) if name not in known or name in names[:index]]
        if wrong:
            raise argparse.ArgumentTypeError(
                f"got {', '.join(map(repr, wrong))}, allowed: {', '.join(known)}, each once"
            )
        return names

    return read
