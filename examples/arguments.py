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


def numbers(least: float, most: float, word: str) -> Callable[[str], list[float | None]]:
    """Return what reads numbers from `least` to `most`, parted by commas, each once; `word` stands for None."""

    def read(text: str) -> list[float | None]:
        try:
            found = [None if part.strip() == word else float(part) for part in text.split(",")]
        except ValueError:
            found = []
        is_allowed = all(number is None or least <= number <= most for number in found)
        if not found or not is_allowed or len(set(found)) < len(found):
            raise argparse.ArgumentTypeError(
                f"got {text!r}, allowed: {word!r} and numbers, {least:g} to {most:g}, parted by commas, each once"
            )
        return found

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
