"""What people see of names that strangers chose, on terminals of any width and in pipes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from heronry.cli.screen import print_line, print_table, printable

COLUMNS = ("model", "size", "mode", "accepted")
ROWS = [("a-model-with-a-long-name", "12.0 MB", "stale_synchronous", "1,234"), ("b", "24 B", "buffered", "7")]


def shown(width: int, rows: list[tuple[str, ...]], *, is_terminal: bool) -> list[str]:
    console = console_of(width, is_terminal=is_terminal)
    print_table(console, COLUMNS, rows, "no models")
    return console.file.getvalue().splitlines()


def console_of(width: int, *, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=None, highlight=False)


def test_a_pipe_gets_whole_lines_however_narrow_the_terminal_was() -> None:
    assert shown(20, ROWS, is_terminal=False) == [
        "model                        size  mode               accepted",
        "a-model-with-a-long-name  12.0 MB  stale_synchronous     1,234",
        "b                            24 B  buffered                  7",
    ]


def test_a_terminal_that_is_wide_enough_gets_the_same_lines() -> None:
    assert shown(62, ROWS, is_terminal=True) == shown(62, ROWS, is_terminal=False)


def test_a_narrow_terminal_gets_a_block_a_row_and_loses_no_figure() -> None:
    assert shown(40, ROWS, is_terminal=True) == [
        "model a-model-with-a-long-name",
        "  size: 12.0 MB  mode: stale_synchronous",
        "  accepted: 1,234",
        "model b",
        "  size: 24 B  mode: buffered",
        "  accepted: 7",
    ]


@given(rows=st.lists(st.tuples(*(st.text(max_size=12) for _ in COLUMNS)), min_size=1, max_size=4))
def test_every_cell_is_there_at_every_width(rows: list[tuple[str, ...]]) -> None:
    for width, is_terminal in ((20, True), (80, True), (20, False)):
        text = "\n".join(shown(width, rows, is_terminal=is_terminal))

        for cell in (cell for row in rows for cell in row):
            assert printable(cell).strip() in text


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("name", ["[red]x[/red]", ":bomb:", "[/]", r"\[x]"])
def test_markup_in_names_is_text(name: str, is_terminal: bool) -> None:
    console = console_of(80, is_terminal=is_terminal)

    print_table(console, ("tag",), [(name,)], "none")
    print_line(console, f"tag {name}")

    assert console.file.getvalue().splitlines() == ["tag", name, f"tag {name}"]


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_control_characters_are_written_as_python_writes_them() -> None:
    assert printable("a\x1b[31m\nb\x9b\u202e é") == r"a\x1b[31m\nb\x9b\u202e é"


def test_lines_are_folded_between_words_on_a_terminal_only() -> None:
    text = "  limits: max_norm -, max_weight 1000000000"
    terminal, pipe = console_of(24, is_terminal=True), console_of(24, is_terminal=False)

    print_line(terminal, text)
    print_line(pipe, text)

    assert terminal.file.getvalue().splitlines() == ["  limits: max_norm -,", "      max_weight", "      1000000000"]
    assert pipe.file.getvalue().splitlines() == [text]


def test_nothing_is_said_in_words() -> None:
    assert shown(80, [], is_terminal=True) == ["no models"]
