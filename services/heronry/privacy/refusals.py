"""Settings whose claim would not hold: a table, one reason each; services read it, and run specs."""

from collections.abc import Callable
from typing import Final, NamedTuple

from heronry.types.aggregation import FederatedMean, Mean, Sum
from heronry.types.consistency import LatePolicy, SampledRounds, SynchronousRounds, round_size
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.optimizers import MixingOptimizer
from heronry.types.privacy import (
    CorrelatedNoise,
    DistributedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    TreeFactorisation,
)

_Refusal = tuple[str, object, str]

# What a round of secure aggregation can have: pairs of clients share keys.
MAX_COHORT: Final = 1024

_LEAST_NORM: Final = 2.0**-126
_LARGEST_NORM: Final = 2.0**127
# A bound is at most 2^21 / z steps of the grid, and a round of such has to stay below 2^61.
_LEAST_MULTIPLIER: Final = 2.0**-39
# Beyond it the step of the grid is wider than the bound: contributions would round to nothing.
_LARGEST_MULTIPLIER: Final = 2.0**20
_KINDS: Final = {IndependentNoise: "independent", CorrelatedNoise: "correlated", DistributedNoise: "distributed"}


class _Case(NamedTuple):
    settings: ModelSettings
    privacy: PrivacySettings


_Check = Callable[[_Case], _Refusal | None]


def check_settings(settings: ModelSettings, privacy: PrivacySettings) -> None:
    """Refuse settings whose claim would not hold.

    Raises:
      InvalidArgumentError: naming the field and the reason.
    """
    for check in _CHECKS:
        if (refusal := check(_Case(settings, privacy))) is not None:
            raise InvalidArgumentError.of(*refusal)


def _rule(case: _Case) -> _Refusal | None:
    rule = case.settings.aggregation.rule
    if isinstance(rule, (Mean, Sum, FederatedMean)):
        return None
    allowed = "Mean, Sum, FederatedMean (no other rule has a small L2 sensitivity that noise could hide)"
    return "aggregation.rule", type(rule).__name__, allowed


def _grid(case: _Case) -> _Refusal | None:
    if not case.settings.aggregation.grid_step:
        return None
    return "aggregation.grid_step", case.settings.aggregation.grid_step, "0 (the grid follows from noise and bound)"


def _optimizer(case: _Case) -> _Refusal | None:
    if not isinstance(case.settings.optimizer, MixingOptimizer):
        return None
    return "optimizer", "MixingOptimizer", "an optimiser of differences (mixing has none to clip)"


def _shard(case: _Case) -> _Refusal | None:
    if case.settings.shard is None:
        return None
    return "shard", case.settings.shard.index, "none (a shard does not see the norm of the whole contribution)"


def _late(case: _Case) -> _Refusal | None:
    mode = case.settings.consistency
    if not isinstance(mode, SynchronousRounds) or mode.late is LatePolicy.REFUSE:
        return None
    return "consistency.synchronous.late", mode.late.value, "'refuse' (one contribution a client and release)"


def _sampled(case: _Case) -> _Refusal | None:
    mode, noise = case.settings.consistency, case.privacy.noise
    if not isinstance(mode, SampledRounds):
        if isinstance(noise, IndependentNoise) and noise.is_amplified:
            allowed = "False (only SampledRounds draw a cohort that stays secret)"
            return "privacy.noise.independent.is_amplified", True, allowed
        return None
    if not isinstance(noise, IndependentNoise):
        return "consistency", "SampledRounds", "other rounds (correlated noise is not amplified by sampling)"
    if mode.num_clients != case.privacy.population:
        return "consistency.sampled.num_clients", mode.num_clients, f"{case.privacy.population} (privacy.population)"
    return None


def _amplified(case: _Case) -> _Refusal | None:
    mode, noise = case.settings.consistency, case.privacy.noise
    if not (isinstance(noise, IndependentNoise) and noise.is_amplified and isinstance(mode, SampledRounds)):
        return None
    if noise.sampler is NoiseSampler.DISCRETE_GAUSSIAN:
        allowed = "'rounded_gaussian' (no accountant knows the sampled discrete Gaussian)"
        return "privacy.noise.independent.sampler", noise.sampler.value, allowed
    if mode.cohort_size is not None and case.privacy.relation is not NeighbourRelation.REPLACE_ONE:
        return "privacy.relation", case.privacy.relation.value, "'replace_one' (cohorts of a fixed size)"
    if mode.cohort_size is None and case.privacy.relation is NeighbourRelation.ZERO_OUT_ONE:
        return "privacy.relation", case.privacy.relation.value, "'add_or_remove_one', 'replace_one' (Poisson cohorts)"
    return None


def _relation(case: _Case) -> _Refusal | None:
    """Refuse "present or absent" where another client takes an absent one's place: that moves a sum by two bounds."""
    mode, noise = case.settings.consistency, case.privacy.noise
    is_drawn = isinstance(mode, SampledRounds) and mode.cohort_size is None
    if is_drawn and isinstance(mode, SampledRounds) and mode.max_cohort is not None:
        # With a cap one who is absent makes room as well; the accountant of amplified ones knows.
        is_drawn = isinstance(noise, IndependentNoise) and noise.is_amplified
    if is_drawn or case.privacy.relation is not NeighbourRelation.ADD_OR_REMOVE_ONE:
        return None
    allowed = "'zero_out_one', 'replace_one' (another takes the place of one who is absent)"
    return "privacy.relation", case.privacy.relation.value, allowed


def _largest(case: _Case) -> _Refusal | None:
    max_norm = case.settings.limits.max_norm
    if max_norm is None:
        return None
    return "limits.max_norm", max_norm, "none (contributions are clipped; which are refused would tell of their values)"


def _unit(case: _Case) -> _Refusal | None:
    if case.privacy.unit is not PrivacyUnit.EPISODE:
        return None
    noise = case.privacy.noise
    if isinstance(noise, IndependentNoise) and noise.is_amplified:
        return "privacy.unit", "episode", "'client' (the server draws clients, not episodes)"
    if isinstance(noise, CorrelatedNoise) and noise.max_participations != 1:
        field = "privacy.noise.correlated.max_participations"
        return field, noise.max_participations, "1 (an episode enters one contribution)"
    return None


def _tree(case: _Case) -> _Refusal | None:
    noise = case.privacy.noise
    if not (isinstance(noise, CorrelatedNoise) and isinstance(noise.factorisation, TreeFactorisation)):
        return None
    if case.privacy.relation is NeighbourRelation.ZERO_OUT_ONE:
        return None
    return "privacy.relation", case.privacy.relation.value, "'zero_out_one' (tree aggregation)"


def _norm(case: _Case) -> _Refusal | None:
    clip = case.privacy.clip
    if isinstance(clip, FixedClip):
        norm, field = clip.norm, "fixed.norm"
    else:
        norm, field = clip.initial_norm, "quantile.initial_norm"
    if _LEAST_NORM <= norm <= _LARGEST_NORM:
        return None
    allowed = f"{_LEAST_NORM:.3g} to {_LARGEST_NORM:.3g} (the range of float32: values beyond it could not be noised)"
    return f"privacy.clip.{field}", norm, allowed


def _multiplier(case: _Case) -> _Refusal | None:
    multiplier = case.privacy.noise.noise_multiplier
    least = round_size(case.settings.consistency) * _LEAST_MULTIPLIER
    if least <= multiplier <= _LARGEST_MULTIPLIER:
        return None
    allowed = f"{least:.3g} to {_LARGEST_MULTIPLIER:.3g} (the grid of the noise has to hold a round in 63 bits)"
    return f"privacy.noise.{_KINDS[type(case.privacy.noise)]}.noise_multiplier", multiplier, allowed


def _cohort(case: _Case) -> _Refusal | None:
    mode, noise = case.settings.consistency, case.privacy.noise
    if not isinstance(noise, DistributedNoise):
        return None
    if not isinstance(mode, SynchronousRounds):
        return "consistency", type(mode).__name__, "SynchronousRounds (a sum is unmasked by the cohort that made it)"
    size, fewest = mode.cohort_size, noise.min_survivors
    if not 2 <= size <= MAX_COHORT:
        return "consistency.synchronous.cohort_size", size, f"2 to {MAX_COHORT} (secure aggregation)"
    if not size // 2 < fewest <= size:
        allowed = f"{size // 2 + 1} to {size} (more than half: two answers on who survived cannot both do)"
        return "privacy.noise.distributed.min_survivors", fewest, allowed
    return None


def _unseen(case: _Case) -> _Refusal | None:
    """Refuse what would need a look at single contributions."""
    settings, privacy = case.settings, case.privacy
    if not isinstance(privacy.noise, DistributedNoise):
        return None
    if not isinstance(settings.aggregation.rule, (Mean, Sum)):
        return "aggregation.rule", type(settings.aggregation.rule).__name__, "Mean, Sum (weights cannot be checked)"
    if not isinstance(privacy.clip, FixedClip):
        return "privacy.clip", type(privacy.clip).__name__, "FixedClip (nobody can count who was clipped)"
    if privacy.unit is PrivacyUnit.EPISODE:
        return "privacy.unit", "episode", "'client' (what a contribution was made of cannot be checked)"
    return None


def _forgetful(case: _Case) -> _Refusal | None:
    """Refuse what a crash may forget, where a repeat is told by its request alone."""
    level = case.settings.acknowledgement
    if case.privacy.unit is not PrivacyUnit.EPISODE or level is AcknowledgementLevel.DISK:
        return None
    return "acknowledgement", level.value, "'disk' (an episode that is forgotten would be counted again)"


_CHECKS: Final[tuple[_Check, ...]] = (
    _rule,
    _grid,
    _optimizer,
    _shard,
    _late,
    _sampled,
    _amplified,
    _tree,
    _relation,
    _largest,
    _unit,
    _cohort,
    _unseen,
    _norm,
    _multiplier,
    _forgetful,
)
