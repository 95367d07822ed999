"""What a run promises and how it learns: every number of it public, and chosen before the first round."""

from dataclasses import dataclass

from heronry.client import Aggregation, ModelSettings, NormBoundedMean, SgdOptimizer, SynchronousRounds
from heronry.privacy.accounting import PoissonCohorts, plan
from heronry.types.consistency import SampledRounds
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)

RELATION = NeighbourRelation.ADD_OR_REMOVE_ONE
# An empty cohort ends at the deadline: with a handful of clients that is not rare.
DEADLINE_S = 10.0


@dataclass(frozen=True)
class Setting:
    """A claim (epsilon at delta, of a client; None: no claim) and the mechanism's public numbers."""

    epsilon: float | None
    num_clients: int = 200
    num_rounds: int = 20
    delta: float = 1e-5
    sampling_rate: float = 0.5
    clipping_norm: float = 0.4
    learning_rate: float = 1.0

    @property
    def label(self) -> str:
        """How the claim is called on the command line."""
        return "none" if self.epsilon is None else f"{self.epsilon:g}"

    @property
    def expected_cohort(self) -> float:
        """What a sum is divided by, whoever came."""
        return self.sampling_rate * self.num_clients

    def noise_multiplier(self) -> float:
        """Return the least with which all rounds together spend at most epsilon; 0 without a claim. Takes seconds."""
        if self.epsilon is None:
            return 0.0
        cohorts = PoissonCohorts(self.sampling_rate, self.num_rounds, self.expected_cohort)
        return plan(cohorts, delta=self.delta, target_epsilon=self.epsilon, relation=RELATION).noise_multiplier

    def model_settings(self, noise_multiplier: float) -> ModelSettings:
        """Return how the service is to make versions: of noised sums, or without a claim of the plain means."""
        optimizer = SgdOptimizer(self.learning_rate)
        if self.epsilon is None:
            rounds = SynchronousRounds(
                max(1, round(self.expected_cohort)), deadline_s=DEADLINE_S, min_workers=self.num_clients
            )
            return ModelSettings(rounds, Aggregation(NormBoundedMean(self.clipping_norm)), optimizer)
        privacy = PrivacySettings(
            unit=PrivacyUnit.CLIENT,
            relation=RELATION,
            population=self.num_clients,
            delta=self.delta,
            epsilon_limit=self.epsilon,
            clip=FixedClip(self.clipping_norm),
            noise=IndependentNoise(noise_multiplier, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True),
        )
        # Who lost its lease for a moment holds up nobody: coins are flipped for all clients, there or not.
        fewest = self.num_clients - self.num_clients // 10
        rounds_of_coins = SampledRounds(
            self.num_clients,
            deadline_s=DEADLINE_S,
            sampling_rate=self.sampling_rate,
            min_clients=fewest,
            # All who see versions are this program's own: when one appears is told nobody else.
            closes_early=True,
        )
        return ModelSettings(rounds_of_coins, optimizer=optimizer, privacy=privacy)
