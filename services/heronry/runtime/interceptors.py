"""What stands before every handler of a server: identity, errors, deadlines and admission of streams."""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

import grpc
import structlog

from heronry.runtime.admission import Admission
from heronry.runtime.call_bounds import CallBounds
from heronry.runtime.identity import ANONYMOUS, Identities
from heronry.runtime.streams import WatchedWriter
from heronry.types.errors import HeronryError, InternalError
from heronry.wire.status import DETAILS_KEY, error_to_status, rule_of

_log = structlog.get_logger(__name__)

_HEALTH: Final = "/grpc.health."

Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Limits:
    """Bounds that hold for every call.

    Attributes:
      unary_timeout_s: bound of a unary call that came without a deadline.
      stall_s: how long a reader may leave a message unread before its stream is ended.
    """

    unary_timeout_s: float = 60.0
    stall_s: float = 30.0


class CallContext:
    """A servicer's view of its call: the context of gRPC, and who calls.

    `write` of a stream ends it when the reader stalls. Everything else is passed on.
    """

    __slots__ = ("_client_id", "_context", "_identities", "write")

    def __init__(self, context: Any, identities: Identities, stall_s: float | None = None) -> None:  # noqa: ANN401 # typed by no public class
        """Ask for the token that the caller must show; `stall_s`: of a stream that answers.

        Raises:
          UnauthenticatedError, PermissionDeniedError: as `Identities.client_id`.
        """
        self._context = context
        self._identities = identities
        # Reading what a caller claims costs as much as a small call: where no token is asked for, nobody is refused.
        self._client_id = identities.client_id(context.invocation_metadata()) if identities.asks_tokens else None
        if stall_s is not None:
            self.write = WatchedWriter(context.write, stall_s).write

    @property
    def client_id(self) -> str:
        """Who makes the call."""
        if self._client_id is None:
            self._client_id = self._identities.client_id(self._context.invocation_metadata())
        return self._client_id

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # whatever gRPC's context has
        return getattr(self._context, name)


def client_id_of(context: object) -> str:
    """Return who makes the call of a context; `anonymous` outside a heronry server."""
    return getattr(context, "client_id", ANONYMOUS)


class Interceptor:
    """Wraps every handler of a server, once, before it starts; for one event loop.

    An interceptor of gRPC's own kind would be asked at every call, through two coroutines.

    Errors of the `heronry.types` tree are sent as they are, whatever else is raised becomes
    INTERNAL with a correlation id, its text only in the log. Health checks need no token.
    """

    def __init__(self, identities: Identities, admission: Admission, limits: Limits) -> None:
        self._identities = identities
        self._admission = admission
        self._limits = limits
        self._bounds = CallBounds(limits.unary_timeout_s)
        # Calls that ended with an error, by method and class; only methods that there are come here.
        self.errors: Counter[tuple[str, str]] = Counter()

    def wrapped(self, handler: Any, method: str) -> "grpc.RpcMethodHandler[Any, Any]":  # noqa: ANN401 # four kinds
        """Return the handler with all that stands before it; `method` is its full name."""
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._unary(handler.unary_unary, method), **codecs)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._upload(handler.stream_unary, method), **codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._stream(handler.unary_stream, method), **codecs)
        return grpc.stream_stream_rpc_method_handler(self._stream(handler.stream_stream, method), **codecs)

    def _unary(self, inner: Handler, method: str) -> Handler:
        check, identities = self._admission.check, self._identities_of(method)

        async def handle(request: object, context: Any) -> object:  # noqa: ANN401 # gRPC's own context
            try:
                check(method)
                call = CallContext(context, identities)
                if context.time_remaining() is not None:
                    return await inner(request, call)
                return await self._bounds.bounded(inner(request, call))
            except Exception as error:  # noqa: BLE001 # every error must become a status
                return await self._end(context, error, method)

        return handle

    def _upload(self, inner: Handler, method: str) -> Handler:
        check, identities = self._admission.check, self._identities_of(method)

        async def handle(requests: object, context: Any) -> object:  # noqa: ANN401 # gRPC's own context
            try:
                check(method)
                call = CallContext(context, identities)
                with self._admission.place(method):
                    return await inner(requests, call)
            except Exception as error:  # noqa: BLE001 # every error must become a status
                return await self._end(context, error, method)

        return handle

    def _stream(self, inner: Handler, method: str) -> Handler:
        check, identities = self._admission.check, self._identities_of(method)

        async def handle(request: object, context: Any) -> None:  # noqa: ANN401 # gRPC's own context
            try:
                check(method)
                call = CallContext(context, identities, self._limits.stall_s)
                with self._admission.place(method), self._admission.ends_at_drain():
                    answers = inner(request, call)
                    if hasattr(answers, "__aiter__"):
                        await _send_all(answers, call)
                    else:
                        await answers
            except Exception as error:  # noqa: BLE001 # every error must become a status
                await self._end(context, error, method)

        return handle

    def _identities_of(self, method: str) -> Identities:
        return Identities() if method.startswith(_HEALTH) else self._identities

    async def _end(self, context: Any, error: Exception, method: str) -> NoReturn:  # noqa: ANN401 # gRPC's own context
        """End a call with an error's status; a call that has been ended already passes through."""
        if isinstance(error, grpc.aio.AbortError):
            raise error
        if isinstance(error, grpc.aio.InternalError):
            # The transport failed under a message: the client went away, nobody is left to be told.
            raise asyncio.CancelledError from error
        named = error if isinstance(error, HeronryError) else _internal(error, method)
        self.errors[method, type(named).__name__] += 1
        metadata = ((DETAILS_KEY, error_to_status(named).SerializeToString()),)
        try:
            await context.abort(rule_of(named).code, named.message, metadata)
        except grpc.aio.InternalError as gone:
            raise asyncio.CancelledError from gone
        raise AssertionError("abort returned")


async def _send_all(answers: AsyncIterator[object], call: CallContext) -> None:
    # Closed here and now: the generator's own `finally` must not wait for the garbage collector.
    async with contextlib.aclosing(cast("Any", answers)):
        async for answer in answers:
            await call.write(answer)


def _internal(error: Exception, method: str) -> InternalError:
    correlation_id = secrets.token_hex(8)
    _log.error("unmapped_error", method=method, correlation_id=correlation_id, exc_info=error)
    message = f"an error of the service; its log has it under {correlation_id}"
    return InternalError(message, details={"correlation_id": correlation_id})
