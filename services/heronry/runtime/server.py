"""The gRPC server of a service: its servicers, health, reflection and channelz on its addresses."""

import asyncio
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import grpc
import grpc.aio
from grpc_channelz.v1 import channelz, channelz_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from heronry.runtime.admission import Admission
from heronry.runtime.binding import advertised, bind
from heronry.runtime.identity import Identities
from heronry.runtime.interceptors import Interceptor, Limits
from heronry.runtime.settings import ServiceSettings
from heronry.wire.options import server_options

_GENERATED_SUFFIX: Final = "_pb2_grpc"
_CHANNELZ: Final = "grpc.channelz.v1.Channelz"

AddToServer = Callable[[Any, Any], None]


class Recorder:
    """Stands in for a server to take the handlers that generated code registers."""

    def __init__(self) -> None:
        self.service = ""
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Ignore them: a generic handler hides the methods' codecs."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Keep the handlers by method."""
        self.service = service
        self.handlers = dict(handlers)


class ServerBuilder:
    """Collects the servicers of a server."""

    def __init__(self) -> None:
        self.handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        """By the methods' full names, with the slash before."""
        self.names: list[str] = []

    def add(
        self,
        servicer: object,
        add_to_server: AddToServer,
        full_name: str,
        *,
        raw_requests: Collection[str] = (),
        raw_responses: Collection[str] = (),
    ) -> None:
        """Add a servicer.

        Args:
          servicer: its methods are `async def`.
          add_to_server: the generated `add_..._to_server`.
          full_name: of the service, such as `heronry.api.params.v1.ParamsService`; shown by
            reflection and health.
          raw_requests: methods that are handed each request as the bytes that came.
          raw_responses: methods that answer with messages which are serialised already, so that one
            that goes to many readers is serialised once.

        Raises:
          ValueError: a name that the service does not have.
          TypeError: a method that is not `async def`; in a `grpc.aio` server it can hang its client.
        """
        recorder = Recorder()
        add_to_server(servicer, recorder)
        unknown = {*raw_requests, *raw_responses} - set(recorder.handlers)
        if unknown or recorder.service != full_name:
            raise ValueError(f"{recorder.service} is not {full_name} or has no {sorted(unknown)}")
        for name, handler in recorder.handlers.items():
            if _is_implemented(handler):
                codecs = {"raw_request": name in raw_requests, "raw_response": name in raw_responses}
                self.handlers[f"/{full_name}/{name}"] = _recoded(handler, **codecs)
        self.names.append(full_name)


class Methods(grpc.GenericRpcHandler):
    """Finds the handlers of all services of a server.

    Each method that generated code registers with the transport has a waiter of its own there, all of which are
    turned over at every call of any method.
    """

    def __init__(self, handlers: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]") -> None:
        """Take them by their methods' full names."""
        self._handlers = dict(handlers)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Return the handler of a call; None, which gRPC answers with UNIMPLEMENTED, when there is no such method."""
        return self._handlers.get(handler_call_details.method)


class RpcServer:
    """A `grpc.aio` server with everything around the servicers.

    Bound and answering health checks from `start` on; servicers are reached from `set_serving` on,
    until then their callers are told UNAVAILABLE.
    """

    def __init__(self, settings: ServiceSettings, builder: ServerBuilder) -> None:
        limits = Limits(settings.unary_timeout_s, settings.stall_s)
        self._settings = settings
        self._names = tuple(builder.names)
        self.admission = Admission(settings.max_streams)
        interceptor = Interceptor(Identities.from_file(settings.tokens_file), self.admission, limits)
        self.errors = interceptor.errors
        self._health = health.aio.HealthServicer()
        _add_infrastructure(builder, self._health)
        options = server_options(
            max_message_bytes=settings.max_message_bytes,
            max_streams=settings.max_streams,
            keepalive=settings.keepalive,
        )
        self._server = grpc.aio.server(options=options)
        wrapped = {method: interceptor.wrapped(handler, method) for method, handler in builder.handlers.items()}
        self._server.add_generic_rpc_handlers((Methods(wrapped),))

    async def start(self) -> tuple[str, ...]:
        """Bind the addresses and begin to answer; return the addresses for others.

        Raises:
          ConfigurationError: see `binding.bind`.
        """
        bound = bind(self._server, self._settings)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.start()
        return advertised(bound, self._settings)

    async def set_serving(self) -> None:
        """Let calls through to the servicers."""
        self.admission.open()
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def drain(self, grace_s: float) -> None:
        """Refuse new calls, end open streams, let unary calls and uploads finish within `grace_s`."""
        await self._health.enter_graceful_shutdown()
        self.admission.drain()
        await self._server.stop(grace_s)

    async def _set_health(self, status: int) -> None:
        await asyncio.gather(*(self._health.set(name, status) for name in ("", *self._names)))


def _add_infrastructure(builder: ServerBuilder, health_servicer: health.aio.HealthServicer) -> None:
    """Add health, channelz and reflection, which shows them all."""
    builder.add(health_servicer, health_pb2_grpc.add_HealthServicer_to_server, health.SERVICE_NAME)
    builder.add(channelz.aio.ChannelzServicer(), channelz_pb2_grpc.add_ChannelzServicer_to_server, _CHANNELZ)
    shown = reflection.aio.ReflectionServicer((*builder.names, reflection.SERVICE_NAME))
    builder.add(shown, reflection_pb2_grpc.add_ServerReflectionServicer_to_server, reflection.SERVICE_NAME)


def _is_implemented(handler: Any) -> bool:  # noqa: ANN401 # four kinds
    """Tell whether the servicer has the method; without a handler, gRPC answers UNIMPLEMENTED."""
    kinds = (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
    method = next(kind for kind in kinds if kind is not None)
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        return True
    if not method.__module__.endswith(_GENERATED_SUFFIX):
        raise TypeError(f"{method.__qualname__} is not `async def`")
    return False


def _recoded(handler: Any, *, raw_request: bool, raw_response: bool) -> "grpc.RpcMethodHandler[Any, Any]":  # noqa: ANN401 # four kinds
    """Return the handler with codecs taken away; without one, bytes pass as they are."""
    codecs = {
        "request_deserializer": None if raw_request else handler.request_deserializer,
        "response_serializer": None if raw_response else handler.response_serializer,
    }
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler(handler.unary_unary, **codecs)
    if handler.unary_stream is not None:
        return grpc.unary_stream_rpc_method_handler(handler.unary_stream, **codecs)
    if handler.stream_unary is not None:
        return grpc.stream_unary_rpc_method_handler(handler.stream_unary, **codecs)
    return grpc.stream_stream_rpc_method_handler(handler.stream_stream, **codecs)
