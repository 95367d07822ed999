"""What a fleet is to do for a run, read from its spec."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.actor import ActorSettings
from heronry.fleet.core.exploration import EpsilonSchedule
from heronry.spec import DqnSettings, RunSpec


@dataclass(frozen=True)
class RunPlan:
    """A run as its fleets see it.

    Attributes:
      environment: what is stepped.
      num_envs: environments side by side.
      actor: how it acts.
      network: `hidden` and `activation`.
      batch_size: items of one update.
      is_on_policy: whether each unroll is wanted fresh, learnt from once.
      is_lockstep: whether each version is waited for, so that the run is the same each time.
    """

    environment: EnvironmentSettings
    num_envs: int
    actor: ActorSettings
    network: Mapping[str, object]
    batch_size: int
    is_on_policy: bool
    is_lockstep: bool

    @classmethod
    def from_spec(cls, values: Mapping[str, object], fleet_index: int) -> "RunPlan":
        """Read the plan of one fleet.

        Raises:
          ConfigurationError: the spec has an unknown key or a value that is not allowed.
        """
        spec = RunSpec.from_dict(values)
        algorithm = spec.algorithm
        epsilon = None
        if isinstance(algorithm, DqnSettings):
            decay = algorithm.epsilon_initial, algorithm.epsilon_final, algorithm.epsilon_decay_steps
            epsilon = EpsilonSchedule(*decay)
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
            batch_size=algorithm.batch_size,
            is_on_policy=epsilon is None,
            is_lockstep=spec.lockstep,
        )
