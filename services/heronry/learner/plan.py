"""What a learner is to do for a run, read from its spec."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.environments.settings import EnvironmentSettings
from heronry.learner.core.checkpoint import fingerprint_of
from heronry.maths.networks import MlpSpec, network_for
from heronry.spec import RunSpec, policy_settings
from heronry.types.errors import ConfigurationError
from heronry.types.models import ModelSettings
from heronry.types.tensors import FloatArray

# Purposes of random streams; the fleets' have other numbers.
_FIRST_WEIGHTS = 11
_ALGORITHM = 12


@dataclass(frozen=True)
class RunPlan:
    """A run as its learner sees it.

    Attributes:
      spec: the whole spec.
      credits: batches that may be out of the table at a time. A queue's are one by one, because a
        batch that waits here is a version older when it is learnt from.
    """

    spec: RunSpec
    credits: int

    @classmethod
    def from_spec(cls, values: Mapping[str, object]) -> "RunPlan":
        """Read the plan.

        Raises:
          ConfigurationError: the spec has an unknown key or a value that is not allowed, or needs no learner.
        """
        spec = RunSpec.from_dict(values)
        if not spec.needs_learner:
            raise ConfigurationError.of("algorithm.name", spec.algorithm.name, "an algorithm with a learner")
        return cls(spec, credits=2 if spec.algorithm.name == "dqn" else 1)

    def network(self) -> MlpSpec:
        """Return the network for the environment's spaces; makes one environment to see them.

        Raises:
          EnvironmentNotFoundError, InvalidArgumentError: it cannot be made or its spaces are not supported.
        """
        from heronry.environments.making import make_environment  # brings Gymnasium: after the port is bound

        settings = EnvironmentSettings(self.spec.environment.id, self.spec.environment.kwargs)
        environment = make_environment(settings, 1)
        try:
            size, actions = environment.observation_space.size, environment.action_space
        finally:
            environment.close()
        network = self.spec.network
        return network_for(self.spec.algorithm.name, network.hidden, network.activation, size, actions)

    def first_weights(self, network: MlpSpec) -> dict[str, FloatArray]:
        """Return the weights that the run begins with."""
        return network.init(np.random.default_rng([self.spec.seed, _FIRST_WEIGHTS]))

    @property
    def algorithm_seed(self) -> int:
        """Seed of what the algorithm draws."""
        return int(np.random.SeedSequence([self.spec.seed, _ALGORITHM]).generate_state(1)[0])

    def fingerprint(self, network: MlpSpec) -> str:
        """Return the hash of what a checkpoint must fit."""
        environment = {"id": self.spec.environment.id, "kwargs": dict(self.spec.environment.kwargs)}
        parts = {"algorithm": self.spec.algorithm.name, "network": network.to_dict(), "environment": environment}
        return fingerprint_of(parts)

    def model_settings(self) -> ModelSettings:
        """Return how params keeps the policy."""
        return policy_settings(self.spec)

    @property
    def is_private(self) -> bool:
        """Whether the policy's versions are released under a claim of differential privacy."""
        return self.spec.privacy is not None

    @property
    def goes_on_from_releases(self) -> bool:
        """Whether each update begins at what params has released, as fleets act with it; not with replay."""
        return self.is_private and self.spec.algorithm.name == "ppo"

    def is_over(self, num_updates: int) -> bool:
        """Tell whether a private run has made its updates: each costs privacy, and so many were reckoned with."""
        return self.goes_on_from_releases and num_updates >= self.spec.max_updates
