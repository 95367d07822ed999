"""The fleet's calls: decode, one call, encode."""

from collections.abc import AsyncIterator
from typing import Protocol

import grpc.aio

from heronry.api.fleet.v1 import fleet_pb2 as pb
from heronry.api.fleet.v1 import fleet_pb2_grpc
from heronry.fleet.judge import EvaluationOrder
from heronry.types.recordings import Recording, RecordingOrder
from heronry.types.run import Evaluation, FleetStatistics
from heronry.wire.recordings import recording_order_from_proto, recording_to_proto
from heronry.wire.runs import evaluation_to_proto
from heronry.wire.statistics import fleet_statistics_to_proto


class Fleet(Protocol):
    """What the calls look at."""

    def statistics(self) -> FleetStatistics:
        """Return what was done for the run; nothing without one."""
        ...

    async def evaluate(self, order: EvaluationOrder) -> Evaluation:
        """Judge a policy of the run."""
        ...

    async def record(self, order: RecordingOrder) -> Recording:
        """Film an episode of a policy of the run."""
        ...


class FleetServicer(fleet_pb2_grpc.FleetServiceServicer):
    """Holds no state."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def GetStatistics(
        self, request: pb.GetStatisticsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.GetStatisticsResponse:
        return fleet_statistics_to_proto(self._fleet.statistics())

    async def Evaluate(
        self, request: pb.EvaluateRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.EvaluateResponse:
        return evaluation_to_proto(await self._fleet.evaluate(_order(request)))

    async def RecordEpisode(
        self, request: pb.RecordEpisodeRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> AsyncIterator[pb.RecordEpisodeResponse]:
        for message in recording_to_proto(await self._fleet.record(recording_order_from_proto(request))):
            yield message


def _order(request: pb.EvaluateRequest) -> EvaluationOrder:
    which = request.WhichOneof("which")
    return EvaluationOrder(
        model=request.model,
        number=request.number if which == "number" else None,
        tag=request.tag if which == "tag" else None,
        num_episodes=request.num_episodes,
        seed=request.seed,
        greedy=request.greedy,
    )
