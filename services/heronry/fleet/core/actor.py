"""Everything that steps environments for one run; lives in one thread."""

from collections.abc import Callable
from dataclasses import dataclass

from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.exploration import EpsilonSchedule
from heronry.fleet.core.rollout import Rollout, Unroll, experience_columns
from heronry.fleet.core.seeds import environment_seeds, policy_generator
from heronry.maths.networks import Tensors
from heronry.maths.policies import acting_head
from heronry.types.columns import ColumnSpec


@dataclass(frozen=True)
class ActorSettings:
    """How a run acts.

    Attributes:
      algorithm: `ppo`, `dqn` or `external`.
      hidden, activation: of the run's network.
      unroll_length: steps of a block.
      epsilon: exploration of Q-learning; None for other algorithms.
      run_seed: seed of the run.
      fleet_index: position of this fleet among those of the run.
    """

    algorithm: str
    hidden: tuple[int, ...]
    activation: str
    unroll_length: int
    epsilon: EpsilonSchedule | None
    run_seed: int
    fleet_index: int


class Actor:
    """Environments, policy and random numbers of one fleet in one run.

    Args:
      environment: is closed with the actor.
      settings: how the run acts.
      clock: monotonic seconds.
      may_go_on: asked before each step, see `Rollout`.
    """

    def __init__(
        self,
        environment: VectorEnvironment,
        settings: ActorSettings,
        clock: Callable[[], float],
        may_go_on: Callable[[], bool],
    ) -> None:
        self._environment = environment
        self._settings = settings
        self._clock = clock
        self._may_go_on = may_go_on
        spaces = environment.observation_space, environment.action_space
        self._policy = BehaviourPolicy.of_spaces(settings.algorithm, settings.hidden, settings.activation, spaces)
        self._rollout: Rollout | None = None
        self._num_steps = 0

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """Signatures of the columns of its unrolls."""
        has_log_probability = acting_head(self._settings.algorithm) == "policy"
        environment = self._environment
        return experience_columns(
            environment.observation_space, environment.action_space, with_log_probability=has_log_probability
        )

    def begin(self, start: int, num_steps_before: int = 0) -> None:
        """Begin the first episodes, and the random numbers of start `start`.

        Args:
          start: enters every seed; rises with each start, so that no episode is played twice.
          num_steps_before: steps that the run has behind it for each fleet; exploration goes on from there.
        """
        settings = self._settings
        rng = policy_generator(settings.run_seed, settings.fleet_index, start)
        self._rollout = Rollout(self._environment, self._policy, rng, self._clock, self._may_go_on)
        seeds = environment_seeds(settings.run_seed, settings.fleet_index, start, self._environment.num_envs)
        self._rollout.reset(seeds)
        self._num_steps = num_steps_before

    def collect(self, tensors: Tensors | None) -> Unroll | None:
        """Return the next unroll, acted with `tensors`, or with the weights before if they are None.

        Raises:
          SchemaMismatchError: the weights do not fit the run's network and environment.
        """
        if self._rollout is None:
            raise RuntimeError("the actor has not begun")
        if tensors is not None:
            self._policy.load(tensors)
        if self._settings.epsilon is not None:
            self._policy.explore(self._settings.epsilon.at(self._num_steps))
        unroll = self._rollout.collect(self._settings.unroll_length)
        if unroll is not None:
            self._num_steps += unroll.num_steps
        return unroll

    def close(self) -> None:
        """Release the environments."""
        self._environment.close()
