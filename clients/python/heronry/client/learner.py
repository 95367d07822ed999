"""Client of a learner."""

import uuid

import grpc.aio

from heronry.api.learner.v1 import learner_pb2 as pb
from heronry.api.learner.v1 import learner_pb2_grpc as pb_grpc
from heronry.client.service_client import ServiceClient
from heronry.types.run import LearnerStatistics
from heronry.wire.statistics import learner_statistics_from_proto

_SLOW_CALL_S = 60.0


class LearnerClient(ServiceClient["pb_grpc.LearnerServiceAsyncStub"]):
    """Looks at a learner and has it write checkpoints."""

    _service = "learner"

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.LearnerServiceAsyncStub":
        return pb_grpc.LearnerServiceStub(channel)

    async def statistics(self) -> LearnerStatistics:
        """Tell what the learner has done since its run began."""
        return learner_statistics_from_proto(
            await self._call(lambda stub: stub.GetStatistics, pb.GetStatisticsRequest())
        )

    async def save_checkpoint(self, *, request_id: str | None = None) -> str:
        """Write the learner's own state between two updates; return the directory."""
        request = pb.SaveCheckpointRequest(request_id=request_id or uuid.uuid4().hex)
        return (await self._call(lambda stub: stub.SaveCheckpoint, request, _SLOW_CALL_S)).path
