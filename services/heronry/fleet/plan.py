"""What a fleet is to do for a run, read from its spec."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.actor import ActorSettings
from heronry.fleet.core.exploration import EpsilonSchedule, Pace
from heronry.fleet.core.lockstep import LockstepPlan
from heronry.spec import DqnSettings, RunSpec


@dataclass(frozen=True)
class RunPlan:
    """A run as its fleets see it.

    Attributes:
      environment: what is stepped.
      num_envs: environments side by side.
      actor: how it acts.
      network: `hidden` and `activation`.
      is_on_policy: whether each unroll is wanted fresh, learnt from once.
      pace: of a run that explores less as it goes on; None for others.
      lockstep: how each version is waited for, so that the run is the same each time; None unless it is.
    """

    environment: EnvironmentSettings
    num_envs: int
    actor: ActorSettings
    network: Mapping[str, object]
    is_on_policy: bool
    pace: Pace | None
    lockstep: LockstepPlan | None

    @classmethod
    def from_spec(cls, values: Mapping[str, object], fleet_index: int) -> "RunPlan":
        """Read the plan of one fleet.

        Raises:
          ConfigurationError: the spec has an unknown key or a value that is not allowed.
        """
        spec = RunSpec.from_dict(values)
        algorithm = spec.algorithm
        epsilon = pace = None
        if isinstance(algorithm, DqnSettings):
            decay = algorithm.epsilon_initial, algorithm.epsilon_final, algorithm.epsilon_decay_steps
            epsilon = EpsilonSchedule(*decay)
            items_of_an_update = algorithm.batch_size * algorithm.publish_period
            pace = Pace(algorithm.min_replay_size, items_of_an_update / algorithm.samples_per_insert)
        actor = ActorSettings(
            algorithm=algorithm.name,
            hidden=spec.network.hidden,
            activation=spec.network.activation,
            unroll_length=spec.fleet.unroll_length,
            epsilon=epsilon,
            run_seed=spec.seed,
            fleet_index=fleet_index,
        )
        return cls(
            environment=EnvironmentSettings(spec.environment.id, spec.environment.kwargs),
            num_envs=spec.fleet.num_envs,
            actor=actor,
            network={"hidden": list(spec.network.hidden), "activation": spec.network.activation},
            is_on_policy=epsilon is None,
            pace=pace,
            lockstep=_lockstep(spec) if spec.lockstep else None,
        )


def _lockstep(spec: RunSpec) -> LockstepPlan:
    every_updates = spec.checkpoint.every_updates
    return LockstepPlan(spec.fleet.num_envs, spec.algorithm.batch_size, every_updates, spec.max_updates)
