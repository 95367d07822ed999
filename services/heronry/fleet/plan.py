"""What a fleet is to do for a run, read from its spec."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.actor import ActorSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.exploration import EpsilonSchedule, Pace
from heronry.fleet.core.lane_settings import LaneSettings
from heronry.fleet.core.lockstep import LockstepPlan
from heronry.maths.forwards import Forward
from heronry.maths.networks import Layers
from heronry.spec import DqnSettings, PpoSettings, RunSpec


@dataclass(frozen=True)
class RunPlan:
    """A run as its fleets see it.

    Attributes:
      lanes: what is stepped.
      actor: how it acts.
      network: as in the run spec.
      backend, device: what evaluates it here.
      is_central: whether the learner's inference service evaluates it instead.
      max_policy_lag: of unrolls that are kept; None: any.
      is_on_policy: whether each unroll is wanted as fresh as can be, learnt from once.
      pace: of a run that explores less as it goes on; None for others.
      lockstep: how each version is waited for, so that the run is the same each time; None unless it is.
    """

    lanes: LaneSettings
    actor: ActorSettings
    network: Mapping[str, object]
    backend: str
    device: str
    is_central: bool
    max_policy_lag: int | None
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
            unroll_length=spec.fleet.unroll_length,
            epsilon=epsilon,
            run_seed=spec.seed,
            fleet_index=fleet_index,
        )
        return cls(
            lanes=_lanes(spec),
            actor=actor,
            network=spec.network.model_dump(),
            backend=spec.fleet.policy,
            device=spec.fleet.device,
            is_central=spec.fleet.inference == "central",
            max_policy_lag=spec.fleet.max_policy_lag,
            is_on_policy=isinstance(algorithm, PpoSettings),
            pace=pace,
            lockstep=_lockstep(spec) if spec.lockstep else None,
        )

    def make_policy(
        self, environment: VectorEnvironment, *, greedy: bool = False, forward: Forward | None = None
    ) -> BehaviourPolicy:
        """Return a policy for an environment's spaces; `forward` evaluates it where that is not done here."""
        return BehaviourPolicy.of_spaces(
            self.actor.algorithm,
            Layers.of_dict(self.network),
            (environment.observation_space, environment.action_space),
            greedy=greedy,
            backend=self.backend,
            device=self.device,
            forward=forward,
        )


def _lanes(spec: RunSpec) -> LaneSettings:
    return LaneSettings(EnvironmentSettings.of_spec(spec.environment), spec.fleet.num_envs, _overlap(spec))


def _overlap(spec: RunSpec) -> bool | None:
    fleet = spec.fleet
    if fleet.overlap is not None or fleet.inference != "central":
        return fleet.overlap
    # While one half waits for a policy that is elsewhere, the other may step. Whether both are in one batch is
    # chance then: only the native loops give the same bits either way.
    return not spec.lockstep or fleet.policy == "native"


def _lockstep(spec: RunSpec) -> LockstepPlan:
    every_updates = spec.checkpoint.every_updates
    return LockstepPlan(spec.fleet.num_envs, spec.algorithm.batch_size, every_updates, spec.max_updates)
