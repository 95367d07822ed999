"""The one table of errors and gRPC codes, and the way of an error over the wire.

An error travels as `google.rpc.Status`: the code for generic tools, an `ErrorInfo` whose reason is
the class name and whose metadata are the details, a `RetryInfo` where the error says when to retry.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from heronry.types import errors

DOMAIN: Final = "heronry"
DETAILS_KEY: Final = "grpc-status-details-bin"
_MAX_DETAIL_CHARACTERS: Final = 512
_TOO_LARGE: Final = re.compile(r"message larger than max \((\d+) vs\. (\d+)\)")


class FailedCall(Protocol):
    """What both flavours of gRPC raise: `grpc.aio.AioRpcError`, and `grpc.RpcError` that is a call."""

    def code(self) -> Any: ...  # noqa: ANN401 # the stubs of both flavours differ
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[Any] | None: ...


@dataclass(frozen=True)
class StatusRule:
    """How a class of errors is sent; `is_retryable` says that the same call may succeed later."""

    code: grpc.StatusCode
    is_retryable: bool = False


_RULES: Final[dict[type[errors.HeronryError], StatusRule]] = {
    errors.InvalidArgumentError: StatusRule(grpc.StatusCode.INVALID_ARGUMENT),
    errors.NotFoundError: StatusRule(grpc.StatusCode.NOT_FOUND),
    errors.AlreadyExistsError: StatusRule(grpc.StatusCode.ALREADY_EXISTS),
    errors.FailedPreconditionError: StatusRule(grpc.StatusCode.FAILED_PRECONDITION),
    errors.BudgetExhaustedError: StatusRule(grpc.StatusCode.RESOURCE_EXHAUSTED, is_retryable=False),
    errors.ResourceExhaustedError: StatusRule(grpc.StatusCode.RESOURCE_EXHAUSTED, is_retryable=True),
    errors.DeadlineExceededError: StatusRule(grpc.StatusCode.DEADLINE_EXCEEDED),
    errors.UnavailableError: StatusRule(grpc.StatusCode.UNAVAILABLE, is_retryable=True),
    errors.AbortedError: StatusRule(grpc.StatusCode.ABORTED, is_retryable=True),
    errors.UnauthenticatedError: StatusRule(grpc.StatusCode.UNAUTHENTICATED),
    errors.PermissionDeniedError: StatusRule(grpc.StatusCode.PERMISSION_DENIED),
    errors.DataLossError: StatusRule(grpc.StatusCode.DATA_LOSS),
    errors.UnimplementedError: StatusRule(grpc.StatusCode.UNIMPLEMENTED),
    errors.InternalError: StatusRule(grpc.StatusCode.INTERNAL),
    errors.EnvironmentFaultError: StatusRule(grpc.StatusCode.UNKNOWN),
    errors.HeronryError: StatusRule(grpc.StatusCode.UNKNOWN),
}


def _with_subclasses(cls: type[errors.HeronryError]) -> list[type[errors.HeronryError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _with_subclasses(child))]


_CLASSES: Final = {cls.__name__: cls for cls in _with_subclasses(errors.HeronryError)}
_CLASS_OF_CODE: Final = {rule.code: cls for cls, rule in _RULES.items()}


def rule_of(error: errors.HeronryError | type[errors.HeronryError]) -> StatusRule:
    """Return the rule of an error's class, or of its nearest base that has one."""
    cls = error if isinstance(error, type) else type(error)
    return next(_RULES[base] for base in cls.__mro__ if base in _RULES)


def is_retryable(error: errors.HeronryError) -> bool:
    """Tell whether the same call may succeed later without being changed."""
    return rule_of(error).is_retryable


def error_to_status(error: errors.HeronryError) -> status_pb2.Status:
    """Return the status message of an error; long details are cut."""
    status = status_pb2.Status(code=rule_of(error).code.value[0], message=error.message)
    details = {str(key): str(value)[:_MAX_DETAIL_CHARACTERS] for key, value in error.details.items()}
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=DOMAIN, metadata=details))
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def error_from_status(status: status_pb2.Status) -> errors.HeronryError:
    """Return the error of a status message; without our `ErrorInfo`, the class of its code."""
    cls = _class_of_number(status.code)
    details: dict[str, str] = {}
    retry_after_s: float | None = None
    for packed in status.details:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if packed.Unpack(info) and info.domain == DOMAIN:
            cls = _CLASSES.get(info.reason, cls)
            details = dict(info.metadata)
        elif packed.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    return cls(status.message, details=details, retry_after_s=retry_after_s)


def error_from_rpc(error: FailedCall) -> errors.HeronryError:
    """Return the named error of a failed call, of either flavour of gRPC."""
    code: grpc.StatusCode = error.code()
    text = error.details() or ""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return error_from_status(status_pb2.Status.FromString(value))
            except DecodeError:
                break
    too_large = _TOO_LARGE.search(text)
    if too_large:
        return errors.MessageTooLargeError.of("message", f"{too_large[1]} bytes", f"at most {too_large[2]} bytes")
    cls = _CLASS_OF_CODE.get(code, errors.InternalError)
    return cls(text or code.name, details={"code": code.name})


def _class_of_number(number: int) -> type[errors.HeronryError]:
    return next((cls for code, cls in _CLASS_OF_CODE.items() if code.value[0] == number), errors.InternalError)
