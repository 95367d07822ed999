"""Everything that steps environments for one run; lives in one thread."""

from dataclasses import dataclass

import numpy as np

from heronry.environments.vector import Restarting, VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.episode_ids import EpisodeIds
from heronry.fleet.core.exploration import EpsilonSchedule
from heronry.fleet.core.rollout import LaneGroup
from heronry.fleet.core.seeds import environment_seeds, policy_generator
from heronry.fleet.core.unroll import Unroll, empty_columns, experience_columns
from heronry.maths.networks import Tensors
from heronry.maths.policies import acting_head
from heronry.types.columns import ColumnSpec
from heronry.types.run import EnvironmentFailure


@dataclass(frozen=True)
class ActorSettings:
    """How a run acts.

    Attributes:
      algorithm: `ppo`, `dqn` or `external`.
      unroll_length: steps of a block.
      epsilon: exploration of Q-learning; None for other algorithms.
      run_seed: seed of the run.
      fleet_index: position of this fleet among those of the run.
    """

    algorithm: str
    unroll_length: int
    epsilon: EpsilonSchedule | None
    run_seed: int
    fleet_index: int


class Actor:
    """Environments, policy and random numbers of one fleet in one run.

    Args:
      group: the lanes; closed with the actor.
      sampler: draws the random numbers of all lanes, so that an unroll does not depend on how lanes are grouped.
      environments: of the group, for their spaces, restarts and pictures.
      settings: how the run acts.
    """

    def __init__(
        self,
        group: LaneGroup,
        sampler: BehaviourPolicy,
        environments: tuple[VectorEnvironment, ...],
        settings: ActorSettings,
    ) -> None:
        self._group = group
        self._sampler = sampler
        self._environments = environments
        self._settings = settings
        self._num_lanes = sum(e.num_envs for e in environments)
        spaces = environments[0].observation_space, environments[0].action_space
        has_log_probability = acting_head(settings.algorithm) == "policy"
        self._columns = experience_columns(*spaces, with_log_probability=has_log_probability)
        self._episode_ids = EpisodeIds(self._num_lanes)
        self._rng = np.random.default_rng(0)
        self._num_steps = 0
        self._has_begun = False
        self._has_broken_off = False

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """Signatures of the columns of its unrolls."""
        return self._columns

    @property
    def backend(self) -> str:
        """What evaluates the policy, where that is here."""
        return self._sampler.backend

    @property
    def environments(self) -> tuple[VectorEnvironment, ...]:
        """What it steps."""
        return self._environments

    @property
    def num_restarts(self) -> int:
        """Environments that died or hung and were begun anew."""
        return sum(e.num_restarts for e in self._environments if isinstance(e, Restarting))

    @property
    def failures(self) -> tuple[EnvironmentFailure, ...]:
        """The last of those."""
        return tuple(f for e in self._environments if isinstance(e, Restarting) for f in e.failures)

    def begin(self, start: int, num_steps_before: int = 0) -> None:
        """Begin the first episodes, and the random numbers of start `start`.

        Args:
          start: enters every seed; rises with each start, so that no episode is played twice.
          num_steps_before: steps that the run has behind it for each fleet; exploration goes on from there.
        """
        settings = self._settings
        self._rng = policy_generator(settings.run_seed, settings.fleet_index, start)
        self._group.reset(environment_seeds(settings.run_seed, settings.fleet_index, start, self._num_lanes))
        self._episode_ids = EpisodeIds(self._num_lanes)
        self._num_steps = num_steps_before
        self._has_begun = True
        self._has_broken_off = False

    def collect(self, tensors: Tensors | None) -> Unroll | None:
        """Return the next unroll, acted with `tensors`, or with the weights before if they are None.

        None means that it was given up: what it held is lost then.

        Raises:
          SchemaMismatchError: the weights do not fit the run's network and environment.
        """
        if not self._has_begun:
            raise RuntimeError("the actor has not begun")
        if tensors is not None:
            self._group.load(tensors)
        if self._settings.epsilon is not None:
            self._sampler.explore(self._settings.epsilon.at(self._num_steps))
        num_steps = self._settings.unroll_length
        shares = self._group.shares_successors
        columns = empty_columns(self._columns, num_steps, self._num_lanes, shares_successors=shares)
        has_gap, self._has_broken_off = self._has_broken_off, True
        taken = self._group.collect(columns, self._sampler.draw(num_steps, self._num_lanes, self._rng))
        if taken is None:
            return None
        self._has_broken_off = False
        # The steps of an unroll that failed are lost: no episode that it was in can be told to its end.
        cut = np.ones(self._num_lanes, np.bool_) if has_gap else taken.cut
        if cut is not None:
            self._episode_ids.cut(cut)
        ended = np.logical_or(columns["terminated"], columns["truncated"])
        columns["episode_id"][...] = self._episode_ids.next(ended)
        experienced = int(np.count_nonzero(columns["mask"]))
        self._num_steps += experienced
        return Unroll(columns, experienced, taken.environment_time_s, taken.inference_time_s, cut, taken.given_up)

    def close(self) -> None:
        """Release the environments."""
        self._group.close()
