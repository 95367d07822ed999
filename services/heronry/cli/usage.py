"""What the command line itself checks: values of flags, and the version."""

from importlib import metadata

import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from heronry.types.errors import ConfigurationError

# What pydantic, which reads the flags for typer, calls what it wanted.
_KINDS = {"int_parsing": "an integer", "float_parsing": "a number", "bool_parsing": "true or false"}


def require_range(name: str, value: int, least: int, most: int) -> None:
    """Raise ConfigurationError, naming the flag, unless `value` is between `least` and `most`."""
    if not least <= value <= most:
        raise ConfigurationError.of(name, value, f"{least:,} to {most:,}")


def describe_usage(error: TyperException) -> str:
    """Return a usage error on one line, that of a flag's value as `--seed: got 'abc', allowed: an integer`."""
    cause = error.__cause__ or error.__context__
    names = getattr(getattr(error, "param", None), "opts", ())
    if not isinstance(cause, ValidationError) or not names:
        return error.format_message()
    problem = cause.errors(include_url=False)[0]
    allowed = _KINDS.get(problem["type"]) or problem["msg"].removeprefix("Input should be ")
    _, found, choices = allowed.partition(" is not one of ")
    return str(
        ConfigurationError.of(names[0], problem["input"], choices.rstrip(".").replace("'", "") if found else allowed)
    )


def show_version(is_wanted: bool) -> None:
    """Print the version and end."""
    if not is_wanted:
        return
    try:
        version = metadata.version("heronry")
    except metadata.PackageNotFoundError:
        version = "from source"
    typer.echo(f"heronry {version}")
    raise typer.Exit
