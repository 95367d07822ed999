"""One group's stream to an inference service: one question at a time, asked again after a reconnect."""

import asyncio
import contextlib
from typing import Final

import grpc.aio

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.retries import Retries
from heronry.types.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    ForeignEpochError,
    HeronryError,
    InternalError,
    NotFoundError,
    SchemaMismatchError,
    UnavailableError,
)
from heronry.types.inference import InferenceStep, LaneGroup, OpenedGroup, UnrollBegun
from heronry.types.tensors import Array, FloatArray
from heronry.wire.inference import (
    begin_unroll_to_proto,
    open_to_proto,
    opened_from_proto,
    outputs_from_proto,
    step_to_proto,
    unroll_begun_from_proto,
)

OPEN_TIMEOUT_S: Final = 10.0
STEP_TIMEOUT_S: Final = 10.0
UNROLL_TIMEOUT_S: Final = 30.0
_METHOD: Final = "/heronry.api.learner.v1.InferenceService/Infer"


class InferenceStream:
    """For one task at a time on one event loop.

    A stream that breaks is opened again, its unroll's version asked for again by number, and the step
    that was out sent again with the same sequence: the service does not evaluate it twice.
    """

    def __init__(self, connection: Connection, lanes: LaneGroup) -> None:
        self._connection = connection
        self._lanes = lanes
        self._call: grpc.aio.StreamStreamCall[pb.InferRequest, pb.InferResponse] | None = None
        self._opened = OpenedGroup(0, 0)
        self._begun: UnrollBegun | None = None
        self._sequence = 0
        self._is_step_out = False
        self._num_connects = 0

    @property
    def num_connects(self) -> int:
        """How often it was opened."""
        return self._num_connects

    async def begin_unroll(self, number: int | None = None, *, timeout_s: float = UNROLL_TIMEOUT_S) -> UnrollBegun:
        """Choose the version that acts from now on: this one of the current epoch, or the newest.

        Raises:
          DeadlineExceededError: it was not there after `timeout_s`.
          VersionNotFoundError: it is kept no longer.
          HeronryError: the service refuses, or was away for longer than the connection's options allow.
        """
        self._begun = None
        response = await self._asked(begin_unroll_to_proto(number), "unroll_begun", timeout_s)
        self._begun = unroll_begun_from_proto(response.unroll_begun)
        return self._begun

    async def infer(
        self, observations: Array, begins: Array | None = None, *, timeout_s: float = STEP_TIMEOUT_S
    ) -> FloatArray:
        """Return the head's outputs `[N, n]` for observations `[N, ...]`, read-only.

        Args:
          observations: of all lanes, as they are stored.
          begins: `[N]`, where an episode begins; None: nowhere.
          timeout_s: for one answer; after it the stream is opened again.

        Raises:
          FailedPreconditionError: no unroll has begun.
          ForeignEpochError, VersionNotFoundError: the stream broke and the unroll's version is gone; begin another.
          HeronryError: the service refuses, or was away for longer than the connection's options allow.
        """
        self._check(observations)
        self._sequence += 1
        self._is_step_out = True
        try:
            step = InferenceStep(self._sequence, observations, begins)
            response = await self._asked(step_to_proto(step), "outputs", timeout_s, is_asked_again=True)
        finally:
            self._is_step_out = False
        if response.outputs.sequence != self._sequence:
            raise InternalError(f"step {response.outputs.sequence} was answered, {self._sequence} was asked")
        return outputs_from_proto(response.outputs, self._lanes.num_lanes, self._opened.num_outputs)

    async def close(self) -> None:
        """End the stream; the service remembers the group."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    async def _asked(
        self, request: pb.InferRequest, answer: str, timeout_s: float, *, is_asked_again: bool = False
    ) -> pb.InferResponse:
        """Return the answer to a message, asked again when the stream breaks; `is_asked_again`: when it is late too."""
        retries = Retries(self._connection.options.reconnect_s)
        while True:
            try:
                with self._connection.named_errors("Infer"):
                    call = self._call or await self._connect()
                    return await _exchanged(call, request, answer, timeout_s)
            except BaseException as error:
                await self.close()
                if not isinstance(error, HeronryError) or isinstance(error, NotFoundError):
                    raise
                delay_s = retries.delay_after(_as_away(error) if is_asked_again else error)
            await self._connection.refresh()
            await asyncio.sleep(delay_s)

    async def _connect(self) -> "grpc.aio.StreamStreamCall[pb.InferRequest, pb.InferResponse]":
        """Open the stream, and bring it to where the one before was."""
        channel = await self._connection.bulk()
        method: grpc.aio.StreamStreamMultiCallable[pb.InferRequest, pb.InferResponse] = channel.stream_stream(
            _METHOD, pb.InferRequest.SerializeToString, pb.InferResponse.FromString
        )
        self._call = call = method(metadata=self._connection.metadata)
        response = await _exchanged(call, open_to_proto(self._lanes), "opened", OPEN_TIMEOUT_S)
        self._opened = opened_from_proto(response.opened)
        if self._opened.last_sequence and not self._is_step_out:
            # A step that was given up may have been answered, or not.
            self._sequence = self._opened.last_sequence
        if self._begun is not None:
            await _begin_again(call, self._begun)
        self._num_connects += 1
        return call

    def _check(self, observations: Array) -> None:
        lanes = self._lanes
        expected = (lanes.num_lanes, *lanes.shape)
        if observations.shape != expected:
            raise SchemaMismatchError.of("observations.shape", observations.shape, str(expected))
        if observations.dtype != lanes.element_type.dtype:
            raise SchemaMismatchError.of("observations.dtype", str(observations.dtype), lanes.element_type.value)
        if self._begun is None:
            raise FailedPreconditionError("no unroll has begun; allowed: after begin_unroll")


async def _begin_again(
    call: "grpc.aio.StreamStreamCall[pb.InferRequest, pb.InferResponse]", begun: UnrollBegun
) -> None:
    """Go on with an unroll's version on a new stream."""
    # After a restore numbers count in another epoch: the unroll's might be waited for by all, and so never come.
    version = (await _begun(call, None)).newest
    if version.epoch == begun.version.epoch:
        version = (await _begun(call, begun.version.number)).version
    if version != begun.version:
        allowed = f"{begun.version} (params was restored since)"
        details = {"field": "version", "value": str(version), "allowed": allowed}
        raise ForeignEpochError(f"version: got {version}, allowed: {allowed}", details=details)


async def _begun(
    call: "grpc.aio.StreamStreamCall[pb.InferRequest, pb.InferResponse]", number: int | None
) -> UnrollBegun:
    response = await _exchanged(call, begin_unroll_to_proto(number), "unroll_begun", UNROLL_TIMEOUT_S)
    return unroll_begun_from_proto(response.unroll_begun)


async def _exchanged(
    call: "grpc.aio.StreamStreamCall[pb.InferRequest, pb.InferResponse]",
    request: pb.InferRequest,
    answer: str,
    timeout_s: float,
) -> pb.InferResponse:
    """Send a message and return what answers it."""
    try:
        async with asyncio.timeout(timeout_s):
            # Of a stream that has ended, the reading tells why.
            with contextlib.suppress(asyncio.InvalidStateError):
                await call.write(request)
            response = await call.read()
    except TimeoutError:
        details = {"timeout_s": f"{timeout_s:g}"}
        raise DeadlineExceededError(f"Infer: no {answer} within {timeout_s:g} s", details=details) from None
    if not isinstance(response, pb.InferResponse):
        raise UnavailableError("Infer was ended by the service")
    kind = response.WhichOneof("message")
    if kind != answer:
        raise InternalError(f"Infer: {kind} came where {answer} was due")
    return response


def _as_away(error: HeronryError) -> HeronryError:
    """Return the error with which a peer that answers too late counts as one that is away."""
    is_late = isinstance(error, DeadlineExceededError)
    return UnavailableError(error.message, details=error.details) if is_late else error
