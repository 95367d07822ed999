"""Client of an environment fleet."""

import grpc.aio

from heronry.api.fleet.v1 import fleet_pb2 as pb
from heronry.api.fleet.v1 import fleet_pb2_grpc as pb_grpc
from heronry.client.arguments import check_count, check_name, check_selection
from heronry.client.service_client import ServiceClient
from heronry.types.field_checks import MAX_SMALL_COUNT
from heronry.types.recordings import Recording, RecordingOrder
from heronry.types.run import Evaluation, FleetStatistics
from heronry.wire.recordings import recording_from_proto, recording_order_to_proto
from heronry.wire.runs import evaluation_from_proto
from heronry.wire.statistics import fleet_statistics_from_proto

EVALUATION_TIMEOUT_S = 600.0


class FleetClient(ServiceClient["pb_grpc.FleetServiceAsyncStub"]):
    """Looks at a fleet and has it judge policies."""

    _service = "fleet"

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.FleetServiceAsyncStub":
        return pb_grpc.FleetServiceStub(channel)

    async def statistics(self) -> FleetStatistics:
        """Tell what the fleet has done since its run was assigned."""
        return fleet_statistics_from_proto(await self._call(lambda stub: stub.GetStatistics, pb.GetStatisticsRequest()))

    async def evaluate(
        self,
        model: str = "",
        *,
        num_episodes: int,
        seed: int,
        number: int | None = None,
        tag: str | None = None,
        greedy: bool = True,
        timeout_s: float = EVALUATION_TIMEOUT_S,
    ) -> Evaluation:
        """Play fresh episodes with one version of the run's policy; episode i is seeded with `seed + i`.

        Raises:
          InvalidArgumentError: a number outside its range.
          VersionNotFoundError: no such version.
        """
        check_name("model", model)
        check_selection(number, tag)
        check_count("num_episodes", num_episodes, 0, MAX_SMALL_COUNT)
        check_count("seed", seed, 0)
        request = pb.EvaluateRequest(
            model=model, number=number, tag=tag, num_episodes=num_episodes, seed=seed, greedy=greedy
        )
        return evaluation_from_proto(await self._call(lambda stub: stub.Evaluate, request, timeout_s))

    async def record_episode(self, order: RecordingOrder, *, timeout_s: float = EVALUATION_TIMEOUT_S) -> Recording:
        """Play one fresh episode with one version of the run's policy, and return its film.

        Raises:
          InvalidArgumentError: a number outside its range.
          VersionNotFoundError: no such version.
          FailedPreconditionError: the environment draws nothing.
        """
        check_name("model", order.model)
        check_selection(order.number, order.tag)
        check_count("seed", order.seed, 0)
        check_count("max_steps", order.max_steps, 0, MAX_SMALL_COUNT)
        check_count("frames_per_second", order.frames_per_second, 0, MAX_SMALL_COUNT)
        request = recording_order_to_proto(order)

        async def attempt(left_s: float) -> Recording:
            stub = await self._control_stub()
            call = stub.RecordEpisode(request, timeout=left_s, metadata=self._connection.metadata)
            return await recording_from_proto(aiter(call))

        return await self._connection.retried("RecordEpisode", attempt, timeout_s)
