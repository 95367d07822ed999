"""Values that the command line refuses."""

import pytest
from typer.main import get_command

from heronry.cli import params
from heronry.cli.main import main
from heronry.cli.usage import MAX_COUNT, MAX_SMALL_COUNT
from heronry.types import field_checks


def test_the_bounds_are_those_of_the_wire() -> None:
    assert (MAX_COUNT, MAX_SMALL_COUNT) == (field_checks.MAX_COUNT, field_checks.MAX_SMALL_COUNT)


def integer_options() -> list[tuple[str, str]]:
    """Return every command of params with each of its options that take whole numbers."""
    return [
        (name, option.opts[0])
        for name, command in get_command(params.app).commands.items()
        for option in command.params
        if option.type_descriptor.annotation is int
    ]


def test_every_whole_number_has_a_range() -> None:
    found = integer_options()

    assert {("set", "--max-staleness"), ("tag", "--number"), ("rollback", "--number")} <= set(found)
    assert len(found) >= 10


@pytest.mark.parametrize("value", ["99999999999999999999999", "-1"])
@pytest.mark.parametrize(("command", "option"), integer_options())
def test_numbers_that_nothing_could_hold_are_refused_with_their_range(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["params", command, "policy", *(["best"] if command == "tag" else []), option, value]

    assert main(words) == 2
    assert f"error: {option}: got '{value}', allowed: " in (told := capsys.readouterr().err)
    assert " to 4,294,967,295" in told or " to 18,446,744,073,709,551,615" in told
