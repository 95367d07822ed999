"""A model's claim: what a release is made by, and what it costs whom."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

from heronry.params.core.layout import ParameterLayout
from heronry.params.core.private.distributed import distributed_event, distributed_terms
from heronry.params.core.private.refusals import check_sound
from heronry.params.core.private.state import PrivateState
from heronry.params.core.private.terms import ReleaseTerms
from heronry.privacy.clipping import vector_noise_multiplier
from heronry.types.aggregation import FederatedMean, Sum
from heronry.types.consistency import BufferedAsynchronous, SampledRounds, SynchronousRounds
from heronry.types.models import ModelSettings
from heronry.types.privacy import (
    CorrelatedNoise,
    DistributedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    QuantileClipping,
)


class ChargeScope(enum.Enum):
    """What is paid for."""

    # Everybody pays for every release, whether drawn or not.
    RELEASE = "release"
    # A unit pays for the releases that it contributed to.
    PARTICIPATION = "participation"
    # Everybody pays for a whole horizon of releases before the first of them.
    HORIZON = "horizon"


@dataclass(frozen=True)
class Claim:
    """The settings of a private model, read for one mechanism.

    Attributes:
      scope: what is paid for at a time, and by whom.
      expected_size: contributions of a round, on average; public.
      denominator: what a sum is divided by; 1 for sums.
      max_weight: that weights are divided by.
      event: what is paid for, as a document; its noise is relative to the bound of one contribution.
      mechanism: in words.
      closes_early: whether the end of a round with a secret cohort depends on the cohort.
    """

    settings: PrivacySettings
    scope: ChargeScope
    num_parameters: int
    expected_size: float
    denominator: float
    max_weight: float
    event: Mapping[str, object]
    mechanism: str
    closes_early: bool = False

    @classmethod
    def of(cls, settings: ModelSettings, privacy: PrivacySettings, layout: ParameterLayout) -> "Claim":
        """Read the settings.

        Raises:
          InvalidArgumentError: the claim would not hold.
        """
        check_sound(settings, privacy, layout)
        rule, expected_size = settings.aggregation.rule, _expected_size(settings)
        return cls(
            settings=privacy,
            scope=_scope(privacy),
            num_parameters=layout.num_parameters,
            expected_size=expected_size,
            denominator=1.0 if isinstance(rule, Sum) else expected_size,
            max_weight=float(rule.max_samples) if isinstance(rule, FederatedMean) else 1.0,
            event=_event(settings, privacy, layout.num_parameters),
            mechanism=_mechanism(settings, privacy),
            closes_early=isinstance(settings.consistency, SampledRounds) and settings.consistency.closes_early,
        )

    @property
    def first_state(self) -> PrivateState:
        """The state before the first release."""
        clip = self.settings.clip
        return PrivateState(clip.norm if isinstance(clip, FixedClip) else clip.initial_norm)

    def terms(self, state: PrivateState) -> ReleaseTerms:
        """Return the figures of the open release."""
        noise, norm = self.settings.noise, state.clipping_norm
        if isinstance(noise, DistributedNoise):
            return distributed_terms(norm, noise, int(self.expected_size), self.num_parameters, self.denominator)
        return ReleaseTerms.of(norm, self.vector_multiplier, self.num_parameters, self.denominator, self.max_weight)

    @property
    def vector_multiplier(self) -> float:
        """The noise multiplier of the values: a little more than the claim's, where a noised count takes its share.

        Source: Andrew et al. 2021, Theorem 1.
        """
        multiplier = self.settings.noise.noise_multiplier
        if not isinstance(self.settings.clip, QuantileClipping):
            return multiplier
        return vector_noise_multiplier(multiplier, self.settings.clip.count_noise)


def _scope(privacy: PrivacySettings) -> ChargeScope:
    if isinstance(privacy.noise, CorrelatedNoise):
        return ChargeScope.HORIZON
    is_amplified = isinstance(privacy.noise, IndependentNoise) and privacy.noise.is_amplified
    return ChargeScope.RELEASE if is_amplified else ChargeScope.PARTICIPATION


def _expected_size(settings: ModelSettings) -> float:
    """Return the size of a round as it was fixed beforehand: a public number, and what means are divided by."""
    mode = settings.consistency
    if isinstance(mode, SampledRounds):
        return float(mode.expected_size)
    if isinstance(mode, SynchronousRounds):
        return float(mode.cohort_size)
    return float(mode.num_contributions) if isinstance(mode, BufferedAsynchronous) else 1.0


def _event(settings: ModelSettings, privacy: PrivacySettings, num_parameters: int) -> Mapping[str, object]:
    """Describe what is charged for at a time; `heronry.privacy.accounting` knows these documents."""
    noise, mode = privacy.noise, settings.consistency
    if isinstance(noise, DistributedNoise) and isinstance(mode, SynchronousRounds):
        norm = privacy.clip.norm if isinstance(privacy.clip, FixedClip) else privacy.clip.initial_norm
        return distributed_event(distributed_terms(norm, noise, mode.cohort_size, num_parameters, 1.0), num_parameters)
    # Relative to the bound of one unit; the accountant knows what a relation makes of it.
    is_sampled = isinstance(noise, IndependentNoise) and noise.is_amplified and isinstance(mode, SampledRounds)
    multiplier = noise.noise_multiplier
    gaussian: dict[str, object] = {"class": "GaussianDpEvent", "noise_multiplier": multiplier}
    if isinstance(noise, IndependentNoise) and noise.sampler is NoiseSampler.DISCRETE_GAUSSIAN:
        return {"class": "ZCDpEvent", "rho": 0.5 / multiplier**2, "xi": 0.0}
    if not (is_sampled and isinstance(mode, SampledRounds)):
        return gaussian
    if mode.cohort_size is not None:
        return {
            "class": "SampledWithoutReplacementDpEvent",
            "source_dataset_size": mode.num_clients,
            "sample_size": mode.cohort_size,
            "event": gaussian,
        }
    if mode.max_cohort is not None:
        return {
            "class": "TruncatedSubsampledGaussianDpEvent",
            "dataset_size": mode.num_clients,
            "sampling_probability": mode.sampling_rate,
            "truncated_batch_size": mode.max_cohort,
            "noise_multiplier": multiplier,
        }
    return {"class": "PoissonSampledDpEvent", "sampling_probability": mode.sampling_rate, "event": gaussian}


def _mechanism(settings: ModelSettings, privacy: PrivacySettings) -> str:
    noise, mode = privacy.noise, settings.consistency
    if isinstance(noise, CorrelatedNoise):
        name = type(noise.factorisation).__name__.removesuffix("Factorisation").lower()
        return f"Gaussian noise correlated over {noise.horizon} releases ({name})"
    if isinstance(noise, DistributedNoise):
        return f"Skellam noise in shares of the clients, sums of {noise.min_survivors} at least, by secure aggregation"
    drawn = "exact discrete" if noise.sampler is NoiseSampler.DISCRETE_GAUSSIAN else "rounded"
    if not (noise.is_amplified and isinstance(mode, SampledRounds)):
        return f"independent {drawn} Gaussian noise, not amplified"
    if mode.cohort_size is not None:
        return f"independent {drawn} Gaussian noise, cohorts of {mode.cohort_size} drawn without replacement"
    capped = "" if mode.max_cohort is None else f", at most {mode.max_cohort}"
    return f"independent {drawn} Gaussian noise, Poisson cohorts of rate {mode.sampling_rate:g}{capped}"


def statement_of(model: str, claim: Claim, *, is_void: bool, is_authenticated: bool) -> str:
    """Say a claim in words: what it hides, from whom, and what it does not cover."""
    privacy = claim.settings
    unit = "one client (an identity that the service knows)"
    if privacy.unit is PrivacyUnit.EPISODE:
        unit = "one episode, provided that it enters exactly one contribution"
    relation = {
        NeighbourRelation.ADD_OR_REMOVE_ONE: "present or absent",
        NeighbourRelation.REPLACE_ONE: "replaced by another",
        NeighbourRelation.ZERO_OUT_ONE: "replaced by zeros",
    }[privacy.relation]
    scope = {
        ChargeScope.RELEASE: "each release counts for everybody; the cohort stays secret",
        ChargeScope.PARTICIPATION: "a release counts for those who contributed to it",
        ChargeScope.HORIZON: "a horizon is paid for before its first release; the service limits who contributes when",
    }[claim.scope]
    claimed = (
        f"Model {model!r}: all published versions together are (epsilon, delta)-differentially private for {unit}, "
        f"{relation}, epsilon at most {privacy.epsilon_limit:g} at delta {privacy.delta:g}. "
        f"Mechanism: {claim.mechanism}; {scope}. "
        f"{_trust_of(claim)} "
        "Outside of the claim: returns, losses and other metrics that clients report, replay contents and "
        "priorities, refusals, and when versions appear."
    )
    if privacy.relation is NeighbourRelation.ZERO_OUT_ONE:
        claimed += " That a client takes part, and when, is public: arrivals fill the rounds."
    if claim.scope is ChargeScope.RELEASE:
        claimed += _secrecy_of(claim)
    if not is_authenticated:
        claimed += (
            " The service asks for no tokens: identities are not authenticated, and whoever pushes under several "
            "names counts as several clients."
        )
    if is_void:
        return f"VOID: the noise is deterministic (a test mode), nothing is claimed. As set: {claimed}"
    return claimed


def _secrecy_of(claim: Claim) -> str:
    """Say what must not be seen for sampling to save budget."""
    timing = (
        "rounds may end as soon as their cohort has answered, so whoever sees versions must not see when they appear"
        if claim.closes_early
        else "versions appear at the rounds' deadlines"
    )
    return (
        " The epsilon counts on cohorts that nobody but the service sees: neither who was drawn, nor how many, nor how "
        f"long they take, nor the traffic; {timing}. Metrics endpoint, logs and state folder are for its operator "
        "alone."
    )


def _trust_of(claim: Claim) -> str:
    """Say who is trusted for what."""
    noise = claim.settings.noise
    if not isinstance(noise, DistributedNoise):
        return "The service is trusted; whoever sees the versions and knows all other units is not."
    fewest = noise.min_survivors
    return (
        "The service sees sums alone, and is trusted to follow the protocol and to say truly who is who and who took "
        f"part: who takes part is public. Each client is trusted to clip and to add its share of the noise; {fewest} "
        "honest clients in each sum bring all the noise claimed, and each client in it that tells the service what it "
        f"knows takes one part in {fewest} of the noise's variance away. One that does not clip spoils the sum, not "
        "the privacy of others."
    )


def steps_of(terms: ReleaseTerms) -> int:
    """Return a whole number of steps that is at least the noise's standard deviation, for the discrete Gaussian."""
    return math.ceil(terms.noise_steps)
