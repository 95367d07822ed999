"""The inference service's calls."""

from collections.abc import AsyncIterable, Awaitable
from typing import Protocol

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.api.learner.v1 import inference_pb2_grpc
from heronry.learner.inference.host import InferenceHost
from heronry.learner.inference.stream import serve_infer
from heronry.runtime.interceptors import client_id_of
from heronry.wire.inference import inference_statistics_to_proto


class StreamWriter(Protocol):
    """What a stream needs of its call's context."""

    def write(self, message: pb.InferResponse, /) -> Awaitable[None]:
        """Send one message; returns when the reader has room for it."""
        ...


class InferenceServicer(inference_pb2_grpc.InferenceServiceServicer):
    """Holds no state."""

    def __init__(self, host: InferenceHost) -> None:
        self._host = host

    async def Infer(self, requests: AsyncIterable[pb.InferRequest], context: StreamWriter) -> None:  # type: ignore[override] # a stream's handler may write instead of yield
        await serve_infer(requests, context.write, self._host, client_id_of(context))

    async def GetInferenceStatistics(
        self, request: pb.GetInferenceStatisticsRequest, context: object
    ) -> pb.GetInferenceStatisticsResponse:
        return inference_statistics_to_proto(self._host.statistics())
