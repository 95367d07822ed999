"""Client of a learner's inference service."""

import grpc.aio

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.api.learner.v1 import inference_pb2_grpc as pb_grpc
from heronry.client.inference_stream import InferenceStream
from heronry.client.service_client import ServiceClient
from heronry.types.inference import InferenceStatistics, LaneGroup
from heronry.wire.inference import inference_statistics_from_proto


class InferenceClient(ServiceClient["pb_grpc.InferenceServiceAsyncStub"]):
    """Has the policy of the assigned run evaluated by its learner, and tells how steps are batched."""

    _service = "learner"

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.InferenceServiceAsyncStub":
        return pb_grpc.InferenceServiceStub(channel)

    async def statistics(self) -> InferenceStatistics:
        """Tell how steps were batched since the run was assigned."""
        request = pb.GetInferenceStatisticsRequest()
        return inference_statistics_from_proto(await self._call(lambda stub: stub.GetInferenceStatistics, request))

    def stream(self, lanes: LaneGroup) -> InferenceStream:
        """Return the stream of a group of lanes; it connects at its first use."""
        return InferenceStream(self._connection, lanes)
