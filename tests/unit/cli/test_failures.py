"""Exit codes and how errors are told."""

import pytest

from heronry.cli.failures import RunFailedError, describe, exit_code_of, is_user_failure, report
from heronry.launch.errors import LaunchError
from heronry.types.errors import (
    ConfigurationError,
    DataLossError,
    EnvironmentNotFoundError,
    HeronryError,
    InternalError,
    RunActiveError,
    UnavailableError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), 2),
        (EnvironmentNotFoundError("x"), 2),
        (DataLossError("x"), 2),
        (RunActiveError("x"), 2),
        (UnavailableError("x"), 1),
        (InternalError("x"), 1),
        (ValueError("x"), 1),
        (LaunchError("x", instance="params-0", exit_code=2), 2),
        (LaunchError("x", instance="params-0"), 1),
        (RunFailedError("x", is_user_error=True), 2),
        (RunFailedError("x", is_user_error=False), 1),
    ],
)
def test_the_exit_code_tells_whose_mistake_it_was(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


def test_an_error_is_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    report(ConfigurationError.of("seed", -1, "0 or\nmore"), is_debug=False)

    assert capsys.readouterr().err == "error: seed: got -1, allowed: 0 or more\n"


def test_a_traceback_comes_only_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ConfigurationError("wrong")
    except HeronryError as error:
        report(error, is_debug=True)

    assert "Traceback" in capsys.readouterr().err


def test_an_error_without_a_name_of_ours_is_called_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    report(KeyError("x"), is_debug=False)

    assert "KeyError" in capsys.readouterr().err
    assert describe(ValueError("a  b")) == "ValueError: a b"


def test_a_launch_error_shows_the_end_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    error = LaunchError("params-0: ended", instance="params-0", log_lines=("first", "second"))

    report(error, is_debug=False)

    assert capsys.readouterr().err == "error: params-0: ended\n  | first\n  | second\n"


@pytest.mark.parametrize(
    ("message", "is_user"),
    [
        ("EnvironmentNotFoundError: no environment 'x'", True),
        ("fleet-0: SchemaMismatchError: wrong shape", True),
        ("InternalError: boom", False),
        ("", False),
    ],
)
def test_a_failed_run_is_the_users_when_a_service_named_one_of_the_users_errors(message: str, is_user: bool) -> None:
    assert is_user_failure(message) is is_user
