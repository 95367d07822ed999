"""Lines and tables that lose nothing: whole where they go to a program, folded on a terminal that is too narrow."""

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_FIGURE = re.compile(r"-|[0-9][0-9,.]*( [kMG]?B| s)?")
_GAP, _INDENT = "  ", 4


def printable(text: str) -> str:
    r"""Return text with control characters as `\x1b`: names come from strangers and must not steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_line(console: "Console", text: str) -> None:
    """Print one line as it is, markup and all; on a terminal it is folded between words."""
    text = printable(text)
    if console.is_terminal:
        indent = " " * (len(text) - len(text.lstrip()) + _INDENT)
        text = textwrap.fill(
            text, console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    _print(console, text)


def print_table(console: "Console", columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Print rows below their columns, or `nothing`; what a terminal is too narrow for becomes a block a row."""
    from rich.cells import cell_len  # slow to load

    if not rows:
        console.print(nothing)
        return
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *shown, strict=True)]
    if console.is_terminal and sum(widths) + len(_GAP) * (len(widths) - 1) > console.width:
        for row in shown:
            _print_block(console, columns, row)
        return
    is_right = [all(map(_FIGURE.fullmatch, column)) for column in zip(*shown, strict=True)]
    _print(console, _aligned(columns, widths, is_right), style="bold")
    for row in shown:
        _print(console, _aligned(row, widths, is_right))


def _print_block(console: "Console", columns: Sequence[str], row: Sequence[str]) -> None:
    """Print a row's name, and below it what the other columns say, as many on a line as fit."""
    from rich.cells import cell_len  # slow to load

    _print(console, f"{columns[0]} {row[0]}", style="bold")
    line = ""
    for column, cell in zip(columns[1:], row[1:], strict=True):
        part = f"{_GAP}{column}: {cell or '-'}"
        if line and cell_len(line + part) > console.width:
            _print(console, line)
            line = ""
        line += part
    _print(console, line)


def _aligned(cells: Sequence[str], widths: Sequence[int], is_right: Sequence[bool]) -> str:
    from rich.cells import cell_len  # slow to load

    padded = []
    for cell, width, right in zip(cells, widths, is_right, strict=True):
        padding = " " * (width - cell_len(cell))
        padded.append(padding + cell if right else cell + padding)
    return _GAP.join(padded).rstrip()


def _print(console: "Console", text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, emoji=False, soft_wrap=True)
