"""The learner's calls: decode, one call, encode."""

from pathlib import Path
from typing import Protocol

import grpc.aio

from heronry.api.learner.v1 import learner_pb2 as pb
from heronry.api.learner.v1 import learner_pb2_grpc
from heronry.types.run import LearnerStatistics
from heronry.wire.statistics import learner_statistics_to_proto


class Learner(Protocol):
    """What the calls look at."""

    def statistics(self) -> LearnerStatistics:
        """Return what was done for the run; nothing without one."""
        ...

    async def save_checkpoint(self, request_id: str) -> tuple[Path, int]:
        """Write a checkpoint; return where, and the updates it covers."""
        ...


class LearnerServicer(learner_pb2_grpc.LearnerServiceServicer):
    """Holds no state."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner

    async def GetStatistics(  # named by the proto
        self, request: pb.GetStatisticsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.GetStatisticsResponse:
        return learner_statistics_to_proto(self._learner.statistics())

    async def SaveCheckpoint(  # named by the proto
        self, request: pb.SaveCheckpointRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.SaveCheckpointResponse:
        path, num_updates = await self._learner.save_checkpoint(request.request_id)
        return pb.SaveCheckpointResponse(path=str(path), num_updates=num_updates)
