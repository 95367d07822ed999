"""Errors as statuses."""

import grpc
import pytest

from heronry.types import errors
from heronry.wire.status import error_from_rpc, error_from_status, error_to_status, is_retryable, rule_of


class FailedCall:
    def __init__(self, code: grpc.StatusCode, details: str | None, metadata=()) -> None:
        self._parts = (code, details, metadata)

    def code(self):
        return self._parts[0]

    def details(self):
        return self._parts[1]

    def trailing_metadata(self):
        return self._parts[2]


@pytest.mark.parametrize(
    ("cls", "code"),
    [
        (errors.TableNotFoundError, grpc.StatusCode.NOT_FOUND),
        (errors.ConfigurationError, grpc.StatusCode.INVALID_ARGUMENT),
        (errors.ForeignEpochError, grpc.StatusCode.FAILED_PRECONDITION),
        (errors.EnvironmentFaultError, grpc.StatusCode.UNKNOWN),
        (errors.InternalError, grpc.StatusCode.INTERNAL),
    ],
)
def test_a_class_has_the_code_of_its_nearest_base(cls, code) -> None:
    assert rule_of(cls).code is code


def test_what_may_pass_is_retryable_and_nothing_else() -> None:
    retryable = {"ResourceExhaustedError", "UnavailableError", "AbortedError"}
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.HeronryError)]

    assert {c.__name__ for c in classes if is_retryable(c("x"))} == retryable


def test_an_unknown_reason_falls_back_to_the_code() -> None:
    class NewerError(errors.NotFoundError):
        pass

    status = error_to_status(NewerError("gone", details={"a": "b"}))
    back = error_from_status(status)

    assert type(back) is errors.NotFoundError
    assert (back.message, back.details) == ("gone", {"a": "b"})


def test_long_details_are_cut() -> None:
    back = error_from_status(error_to_status(errors.NotFoundError("x", details={"have": "y" * 10_000})))

    assert len(back.details["have"]) == 512


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.UnavailableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceededError),
        (grpc.StatusCode.UNIMPLEMENTED, errors.UnimplementedError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.ResourceExhaustedError),
        (grpc.StatusCode.CANCELLED, errors.InternalError),
    ],
)
def test_a_status_of_grpc_itself_becomes_the_class_of_its_code(code, expected) -> None:
    error = error_from_rpc(FailedCall(code, "what it says"))

    assert type(error) is expected
    assert error.message == "what it says"
    assert error.details == {"code": code.name}


def test_a_message_too_large_for_grpc_is_named() -> None:
    call = FailedCall(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (5242885 vs. 4194304)")

    error = error_from_rpc(call)

    assert isinstance(error, errors.MessageTooLargeError)
    assert error.details == {"field": "message", "value": "'5242885 bytes'", "allowed": "at most 4194304 bytes"}


def test_details_that_are_garbled_fall_back_to_the_code() -> None:
    call = FailedCall(grpc.StatusCode.NOT_FOUND, "gone", (("grpc-status-details-bin", b"\xff\xff"),))

    assert type(error_from_rpc(call)) is errors.NotFoundError
