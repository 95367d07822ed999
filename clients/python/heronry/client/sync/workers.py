"""Blocking clients of fleet and learner."""

from heronry.client.fleet import EVALUATION_TIMEOUT_S
from heronry.client.fleet import FleetClient as AsyncFleetClient
from heronry.client.learner import LearnerClient as AsyncLearnerClient
from heronry.client.sync.blocking_client import BlockingClient
from heronry.types.recordings import Recording, RecordingOrder
from heronry.types.run import Evaluation, FleetStatistics, LearnerStatistics


class FleetClient(BlockingClient[AsyncFleetClient]):
    """Looks at a fleet and has it judge policies; see the asynchronous client of the same name."""

    _asynchronous = AsyncFleetClient

    def statistics(self) -> FleetStatistics:
        """Tell what the fleet has done since its run was assigned."""
        return self._loop.run(self._client.statistics())

    def evaluate(
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
        """Play fresh episodes with one version of the run's policy; episode i is seeded with `seed + i`."""
        return self._loop.run(
            self._client.evaluate(
                model,
                num_episodes=num_episodes,
                seed=seed,
                number=number,
                tag=tag,
                greedy=greedy,
                timeout_s=timeout_s,
            )
        )

    def record_episode(self, order: RecordingOrder, *, timeout_s: float = EVALUATION_TIMEOUT_S) -> Recording:
        """Play one fresh episode with one version of the run's policy, and return its film."""
        return self._loop.run(self._client.record_episode(order, timeout_s=timeout_s))


class LearnerClient(BlockingClient[AsyncLearnerClient]):
    """Looks at a learner and has it write checkpoints; see the asynchronous client of the same name."""

    _asynchronous = AsyncLearnerClient

    def statistics(self) -> LearnerStatistics:
        """Tell what the learner has done since its run began."""
        return self._loop.run(self._client.statistics())

    def save_checkpoint(self, *, request_id: str | None = None) -> str:
        """Write the learner's own state between two updates; return the directory."""
        return self._loop.run(self._client.save_checkpoint(request_id=request_id))
