"""Plays evaluations and recordings, one at a time, each in a thread that may be given up."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from heronry.client.params import ParamsClient
from heronry.fleet.gate import Gate
from heronry.fleet.plan import RunPlan
from heronry.fleet.watched_calls import Watch, WatchedCalls
from heronry.types.errors import ResourceExhaustedError
from heronry.types.recordings import Recording, RecordingOrder
from heronry.types.run import Evaluation
from heronry.types.tensors import Array

if TYPE_CHECKING:
    from heronry.fleet.core.evaluation import EpisodeResults
    from heronry.fleet.core.recording import FilmedEpisode


@dataclass(frozen=True)
class EvaluationOrder:
    """What to judge: the newest version of `model`, or the one of a number or tag."""

    model: str
    number: int | None
    tag: str | None
    num_episodes: int
    seed: int
    greedy: bool


class Judge:
    """Judges policies of one run; for one event loop."""

    def __init__(self, plan: RunPlan, params: ParamsClient, max_orders: int, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._params = params
        self._max_orders = max_orders
        self._num_orders = 0
        self._calls = WatchedCalls("fleet-judge", plan.lanes.environment, clock)

    async def evaluate(self, order: EvaluationOrder) -> Evaluation:
        """Pull the version and play; a cancelled caller's evaluation ends at its next step.

        Raises:
          InvalidArgumentError: a number outside its range.
          ModelNotFoundError, VersionNotFoundError: there is no such policy.
          SchemaMismatchError: the model is not a policy of this run's environment.
          ResourceExhaustedError: too many evaluations wait.
          EnvironmentFaultError: an environment broke its contract, or hangs.
        """
        from heronry.fleet.core.evaluation import check_request  # brings Gymnasium: not before the port is bound

        check_request(order.num_episodes, order.seed)
        async with self._order() as gate:
            parameters = await self._params.pull(order.model, number=order.number, tag=order.tag)
            results = await self._calls.make(partial(self._play, order, dict(parameters), gate))
        return Evaluation(parameters.version, results.returns, results.lengths)

    async def record(self, order: RecordingOrder) -> Recording:
        """Pull the version, play one episode and return its film.

        Raises:
          FailedPreconditionError: the environment cannot be drawn here.
          InvalidArgumentError, ModelNotFoundError, VersionNotFoundError, SchemaMismatchError,
          ResourceExhaustedError, EnvironmentFaultError: as `evaluate`.
        """
        from heronry.fleet.core.recording import check_order  # brings Gymnasium: not before the port is bound

        check_order(order)
        async with self._order() as gate:
            parameters = await self._params.pull(order.model, number=order.number, tag=order.tag)
            filmed, file = await self._calls.make(partial(self._film, order, dict(parameters), gate))
        return Recording(parameters.version, filmed.episode_return, filmed.length, filmed.ended, file)

    @contextlib.asynccontextmanager
    async def _order(self) -> AsyncIterator[Gate]:
        """Hold one of the places; what it plays ends with its caller."""
        if self._num_orders >= self._max_orders:
            raise ResourceExhaustedError(f"{self._num_orders} evaluations wait or run, allowed: {self._max_orders}")
        self._num_orders += 1
        gate = Gate()
        gate.open()
        try:
            yield gate
        finally:
            gate.stop()
            self._num_orders -= 1

    def _film(
        self, order: RecordingOrder, tensors: Mapping[str, Array], gate: Gate, watch: Watch
    ) -> "tuple[FilmedEpisode, bytes]":
        from heronry.environments.making import make_one  # as above
        from heronry.fleet.core.films import encode_film
        from heronry.fleet.core.recording import film_episode

        environment = make_one(self._plan.lanes.environment, with_pictures=True)
        watch(environment)
        try:
            policy = self._plan.make_policy(environment, greedy=order.greedy)
            policy.load(tensors)
            filmed = film_episode(environment, policy, order.seed, order.max_steps, gate.may_go_on)
        finally:
            environment.close()
        return filmed, encode_film(filmed.frames, order.frames_per_second, order.format)

    def _play(self, order: EvaluationOrder, tensors: Mapping[str, Array], gate: Gate, watch: Watch) -> "EpisodeResults":
        from heronry.fleet.core.evaluation import evaluate_policy  # as above

        return evaluate_policy(
            self._plan.lanes.environment,
            self._plan.network,
            tensors,
            order.num_episodes,
            order.seed,
            greedy=order.greedy,
            algorithm=self._plan.actor.algorithm,
            may_go_on=gate.may_go_on,
            watch=watch,
        )
