"""How errors look to the person at the terminal, and to the shell."""

import sys
import traceback

from heronry.cli.screen import printable
from heronry.launch.errors import LaunchError
from heronry.types.errors import (
    AlreadyExistsError,
    DataLossError,
    EnvironmentFaultError,
    FailedPreconditionError,
    HeronryError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)

USER_ERROR_EXIT_CODE = 2
OUR_ERROR_EXIT_CODE = 1
INTERRUPTED_EXIT_CODE = 130

# What the caller can put right: other input, another file, another moment.
USER_ERRORS = (
    AlreadyExistsError,
    DataLossError,
    EnvironmentFaultError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)


class RunFailedError(HeronryError):
    """The run ended in state FAILED; `is_user_error` when a service blamed the input."""

    def __init__(self, message: str, *, is_user_error: bool) -> None:
        super().__init__(message)
        self.is_user_error = is_user_error


def exit_code_of(error: BaseException) -> int:
    """Return 2 for the user's mistakes and 1 for ours."""
    if isinstance(error, LaunchError):
        return error.exit_code
    if isinstance(error, RunFailedError):
        return USER_ERROR_EXIT_CODE if error.is_user_error else OUR_ERROR_EXIT_CODE
    return USER_ERROR_EXIT_CODE if isinstance(error, USER_ERRORS) else OUR_ERROR_EXIT_CODE


def report(error: BaseException, *, is_debug: bool) -> None:
    """Write the error to standard error: one line, its log's end where it has one, a traceback only on demand."""
    if is_debug:
        traceback.print_exception(error, file=sys.stderr)
    sys.stderr.write(f"error: {describe(error)}\n")
    if isinstance(error, LaunchError):
        for line in error.log_lines:
            sys.stderr.write(f"  | {line}\n")
    if not isinstance(error, HeronryError) and not is_debug:
        sys.stderr.write("this is a bug in heronry; --debug shows where\n")


def describe(error: BaseException) -> str:
    """Return the error's text on one line; errors without a name of ours tell their class."""
    text = printable(" ".join(str(error).split()))
    return text if isinstance(error, HeronryError) else f"{type(error).__name__}: {text}"


def is_user_failure(message: str) -> bool:
    """Tell whether a service's failure text names one of the user's errors: `fleet-0: TableNotFoundError: ...`."""
    words = {part.strip() for part in message.split(":")[:3]}
    return not words.isdisjoint(_names_of(USER_ERRORS))


def _names_of(classes: tuple[type[HeronryError], ...]) -> set[str]:
    names: set[str] = set()
    for cls in classes:
        names.add(cls.__name__)
        names |= _names_of(tuple(cls.__subclasses__()))
    return names
