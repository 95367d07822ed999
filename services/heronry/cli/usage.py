"""What the command line itself checks: values of flags, and the version."""

from importlib import metadata

import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from heronry.types.errors import ConfigurationError

# What the wire has room for, as in `types.field_checks`, which would load NumPy.
MAX_COUNT, MAX_SMALL_COUNT = 2**64 - 1, 2**32 - 1
MAX_SEED = 2**63 - 1
"""Of episodes; NumPy's and Gymnasium's seeds end there."""

# What pydantic, which reads the flags for typer, calls what it wanted.
_KINDS = {"int_parsing": "an integer", "float_parsing": "a number", "bool_parsing": "true or false"}
_OUTSIDE = ("greater_than_equal", "less_than_equal")


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
    allowed = _range_of(error) if problem["type"] in _OUTSIDE else _KINDS.get(problem["type"])
    allowed = allowed or problem["msg"].removeprefix("Input should be ")
    _, found, choices = allowed.partition(" is not one of ")
    return str(
        ConfigurationError.of(names[0], problem["input"], choices.rstrip(".").replace("'", "") if found else allowed)
    )


def _range_of(error: TyperException) -> str:
    """Return the range that the flag declares; empty when it is open at an end."""
    descriptor = getattr(getattr(error, "param", None), "type_descriptor", None)
    declared = getattr(descriptor, "parameter_info", None)
    least, most = getattr(declared, "min", None), getattr(declared, "max", None)
    return "" if least is None or most is None else f"{least:,} to {most:,}"


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
