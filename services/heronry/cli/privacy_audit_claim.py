"""The claim that an audit tries to refute, and when its canaries contribute."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from heronry.cli.privacy_mechanisms import missing_flag
from heronry.native.arrays import Reals
from heronry.privacy.audit import matched_filter, noise_rows
from heronry.privacy.factorisation import strategy_of
from heronry.types.consistency import BufferedAsynchronous, Consistency, SampledRounds
from heronry.types.errors import ConfigurationError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.privacy import (
    BufferedFactorisation,
    CorrelatedNoise,
    DistributedNoise,
    Factorisation,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    TreeFactorisation,
)

_MECHANISMS: Final = ("fixed", "poisson", "without-replacement", "correlated", "tree")
_ROUNDS_LIKE: Final = 8
# Cohorts of which nobody was drawn end with it.
_DEADLINE_S: Final = 1.0
# How much is spent is for the audit's rounds to say.
_NO_LIMIT: Final = 1e6


@dataclass(frozen=True)
class AuditFlags:
    """What was asked for; None where a flag was left out."""

    mechanism: str = ""
    noise_multiplier: float | None = None
    delta: float | None = None
    rounds: int | None = None
    sampling_rate: float | None = None
    cohort: int | None = None
    participations: int | None = None
    separation: int = 1
    buffers: int = 4


@dataclass(frozen=True)
class AuditClaim:
    """A claim over canaries.

    In round t those of group `t mod num_groups` contribute, each at most `num_participations` times; with cohorts
    that the service draws, whoever is drawn.

    Attributes:
      group_size: what a release takes; the last group is filled up by clients that always send zeros.
    """

    privacy: PrivacySettings
    consistency: Consistency
    num_canaries: int
    num_rounds: int
    num_groups: int
    group_size: int
    num_participations: int

    @property
    def settings(self) -> ModelSettings:
        """The settings of the audit's model."""
        if self.privacy.unit is not PrivacyUnit.EPISODE:
            return ModelSettings(consistency=self.consistency, privacy=self.privacy)
        level = AcknowledgementLevel.DISK
        return ModelSettings(consistency=self.consistency, privacy=self.privacy, acknowledgement=level)

    @property
    def is_sampled(self) -> bool:
        """Whether the service draws who contributes."""
        return isinstance(self.consistency, SampledRounds)

    @property
    def absent_sign(self) -> float:
        """What an absent canary sends, over what one sends that is there."""
        return -1.0 if self.privacy.relation is NeighbourRelation.REPLACE_ONE else 0.0

    def contributors(self, release: int) -> range:
        """Return who contributes to a release, canaries first numbers; nobody in particular when they are drawn."""
        if self.is_sampled:
            return range(self.num_canaries)
        group = release % self.num_groups
        return range(group * self.group_size, (group + 1) * self.group_size)

    def filters(self, num_releases: int) -> Reals:
        """Return how each canary's releases are added up, [m, T]."""
        noise, filters = self.privacy.noise, np.zeros((self.num_canaries, num_releases))
        rows = noise_rows(strategy_of(noise), num_releases) if isinstance(noise, CorrelatedNoise) else None
        for group in range(1 if self.is_sampled else self.num_groups):
            participation = np.zeros(num_releases)
            participation[group :: self.num_groups] = 1.0
            members = slice(None) if self.is_sampled else slice(group * self.group_size, (group + 1) * self.group_size)
            filters[members] = matched_filter(participation, rows)
        return filters


def claim_of_flags(flags: AuditFlags, num_canaries: int) -> AuditClaim:
    """Return the claim that the flags describe.

    Raises:
      ConfigurationError: no such mechanism, or a flag is missing or out of range.
    """
    if flags.mechanism not in _MECHANISMS:
        raise ConfigurationError.of("--mechanism", flags.mechanism, f"{', '.join(_MECHANISMS)}; or --like MODEL")
    if flags.noise_multiplier is None:
        raise missing_flag("--noise-multiplier", "a value above 0")
    if flags.delta is None:
        raise missing_flag("--delta", f"a value below {0.5 / num_canaries:.3g}")
    relations = {
        "poisson": NeighbourRelation.ADD_OR_REMOVE_ONE,
        "without-replacement": NeighbourRelation.REPLACE_ONE,
    }
    privacy = PrivacySettings(
        unit=PrivacyUnit.CLIENT,
        relation=relations.get(flags.mechanism, NeighbourRelation.ZERO_OUT_ONE),
        population=num_canaries,
        delta=_delta_for(flags.delta, num_canaries),
        epsilon_limit=_NO_LIMIT,
        clip=FixedClip(1.0),
        noise=_noise_of(flags, flags.noise_multiplier),
    )
    return _claim(privacy, _sampling_of(flags, num_canaries), num_canaries, flags.rounds or 1)


def claim_like(model: str, settings: ModelSettings, flags: AuditFlags, num_canaries: int) -> AuditClaim:
    """Return a model's claim over canaries: its noise, clip, relation, unit, delta and limit, its rate of sampling.

    Raises:
      ConfigurationError: the model makes no claim, one that only its clients' noise keeps, or a flag contradicts it.
    """
    if flags != replace(AuditFlags(), rounds=flags.rounds):
        raise ConfigurationError.of("--like", model, "alone, or with --rounds: the model's claim says the rest")
    privacy, mode = settings.privacy, settings.consistency
    if privacy is None:
        raise ConfigurationError.of("--like", model, "a model with a privacy claim")
    if isinstance(privacy.noise, DistributedNoise):
        raise ConfigurationError.of("--like", model, "a model whose noise the service adds, not its clients")
    privacy = replace(privacy, population=num_canaries, delta=_delta_for(privacy.delta, num_canaries))
    sampling: SampledRounds | None = None
    if isinstance(mode, SampledRounds):
        share = num_canaries / mode.num_clients
        sizes = (None if size is None else max(1, round(size * share)) for size in (mode.cohort_size, mode.max_cohort))
        cohort_size, max_cohort = sizes
        sampling = SampledRounds(
            num_canaries, _DEADLINE_S, mode.sampling_rate, max_cohort, cohort_size, closes_early=True
        )
    return _claim(privacy, sampling, num_canaries, flags.rounds or _ROUNDS_LIKE)


def _claim(privacy: PrivacySettings, sampling: SampledRounds | None, num_canaries: int, rounds: int) -> AuditClaim:
    """Divide the canaries into groups that contribute in turn, as often as they may."""
    if sampling is not None:
        return AuditClaim(privacy, sampling, num_canaries, rounds, 1, num_canaries, rounds)
    noise, most, separation = privacy.noise, rounds, 1
    if isinstance(noise, CorrelatedNoise):
        rounds, separation = min(rounds, noise.horizon), noise.min_separation
        most = min(noise.max_participations, rounds)
    if privacy.unit is PrivacyUnit.EPISODE:
        most = 1
    num_groups = min(rounds, max(separation, min(rounds // most, num_canaries)))
    group_size = -(-num_canaries // num_groups)
    num_rounds = min(rounds, num_groups * most)
    consistency = BufferedAsynchronous(group_size)
    return AuditClaim(privacy, consistency, num_canaries, num_rounds, num_groups, group_size, most)


def _delta_for(delta: float, num_canaries: int) -> float:
    if not 0 < delta < 0.5 / num_canaries:
        allowed = f"below {0.5 / num_canaries:.3g} (1 / (2 --canaries)): a larger one could explain every right guess"
        raise ConfigurationError.of("--delta", delta, allowed)
    return delta


def _noise_of(flags: AuditFlags, multiplier: float) -> IndependentNoise | CorrelatedNoise:
    if flags.mechanism not in {"correlated", "tree"}:
        is_amplified = flags.mechanism != "fixed"
        return IndependentNoise(multiplier, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified)
    factorisation: Factorisation = TreeFactorisation()
    if flags.mechanism == "correlated":
        factorisation = BufferedFactorisation(flags.buffers)
    return CorrelatedNoise(multiplier, flags.rounds or 1, flags.participations or 1, flags.separation, factorisation)


def _sampling_of(flags: AuditFlags, num_canaries: int) -> SampledRounds | None:
    if flags.mechanism == "poisson":
        if flags.sampling_rate is None:
            raise missing_flag("--sampling-rate", "a value above 0, at most 1")
        return SampledRounds(num_canaries, _DEADLINE_S, sampling_rate=flags.sampling_rate, closes_early=True)
    if flags.mechanism == "without-replacement":
        if flags.cohort is None:
            raise missing_flag("--cohort", f"1 to {num_canaries} (--canaries)")
        return SampledRounds(num_canaries, _DEADLINE_S, cohort_size=flags.cohort, closes_early=True)
    return None
