"""What a learner is to do for a run, read from its spec."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.environments.settings import EnvironmentSettings
from heronry.learner.config import LearnerServiceSettings
from heronry.learner.core.checkpoint import fingerprint_of
from heronry.learner.core.inference import InferenceLimits
from heronry.learner.inference.central import CentralPolicy
from heronry.maths.networks import Layers, NetworkSpec, network_for
from heronry.spec import POLICY, RunSpec, policy_settings
from heronry.types.errors import ConfigurationError
from heronry.types.models import ModelSettings
from heronry.types.tensors import FloatArray
from heronry.wire.options import DEFAULT_MAX_MESSAGE_BYTES

# Purposes of random streams; the fleets' have other numbers.
_FIRST_WEIGHTS = 11
_ALGORITHM = 12

# Of a message beside what it has for each lane.
_MESSAGE_OVERHEAD = 4096


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

    @classmethod
    def of_followed(cls, spec: RunSpec) -> "RunPlan":
        """Return the plan of a run whose policy is evaluated here while others learn it."""
        return cls(spec, credits=0)

    def network(self) -> NetworkSpec:
        """Return the network for the environment's spaces; makes one environment to see them.

        Raises:
          EnvironmentNotFoundError, InvalidArgumentError: it cannot be made, or its spaces are not supported or
            do not fit the network.
        """
        from heronry.environments.making import read_spaces  # brings Gymnasium: after the port is bound

        spaces = read_spaces(EnvironmentSettings.of_spec(self.spec.environment))
        return network_for(self.spec.algorithm.name, Layers.of_dict(self.spec.network.model_dump()), *spaces)

    def first_weights(self, network: NetworkSpec) -> dict[str, FloatArray]:
        """Return the weights that the run begins with."""
        return network.init(np.random.default_rng([self.spec.seed, _FIRST_WEIGHTS]))

    @property
    def algorithm_seed(self) -> int:
        """Seed of what the algorithm draws."""
        return int(np.random.SeedSequence([self.spec.seed, _ALGORITHM]).generate_state(1)[0])

    def fingerprint(self, network: NetworkSpec) -> str:
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

    def central_policy(self, run_id: str, network: NetworkSpec) -> CentralPolicy | None:
        """Return what is evaluated for fleets; None when they do it themselves."""
        fleet = self.spec.fleet
        if fleet.inference != "central":
            return None
        algorithm = self.spec.algorithm.name
        return CentralPolicy(run_id, POLICY, algorithm, network, fleet.policy, fleet.device)

    def inference_limits(self, settings: LearnerServiceSettings) -> InferenceLimits:
        """Return the bounds of central inference."""
        inference = self.spec.inference
        return InferenceLimits(
            max_batch_size=inference.max_batch_size,
            max_wait_s=inference.max_wait_s,
            num_versions_kept=inference.num_versions_kept,
            max_streams=settings.max_inference_streams,
            max_lanes=settings.max_inference_lanes,
            max_step_bytes=settings.max_message_bytes - _MESSAGE_OVERHEAD,
            # What clients take.
            max_answer_bytes=DEFAULT_MAX_MESSAGE_BYTES - _MESSAGE_OVERHEAD,
        )

    def is_over(self, num_updates: int) -> bool:
        """Tell whether a private run has made its updates: each costs privacy, and so many were reckoned with."""
        return self.goes_on_from_releases and num_updates >= self.spec.max_updates
