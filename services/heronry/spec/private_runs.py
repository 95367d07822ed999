"""Runs whose privacy claim would not hold, or could not be kept to the end: a table, one reason each."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from heronry.privacy.refusals import check_settings
from heronry.spec.policy_model import policy_settings
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import (
    CorrelatedNoise,
    DistributedNoise,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)

if TYPE_CHECKING:
    from heronry.spec.run_spec import RunSpec

_Refusal = tuple[str, object, str]
_Check = Callable[["RunSpec", PrivacySettings], _Refusal | None]

# Versions besides those of the updates: a learner that comes back publishes what it had.
_SPARE_RELEASES: Final = 4
_EPISODES_MIXED: Final = {
    "ppo": "an update learns from many episodes, an episode is cut into unrolls of several updates, and the "
    "learner's Adam carries both on",
    "dqn": "replay hands one episode to many updates, and the learner's Adam carries them on",
}


def check_private_run(spec: "RunSpec") -> None:
    """Refuse a run whose claim would not hold.

    Raises:
      InvalidArgumentError: naming the field and the reason.
    """
    if spec.privacy is None:
        return
    claim = spec.privacy.value()
    for check in _CHECKS:
        if (refusal := check(spec, claim)) is not None:
            raise InvalidArgumentError.of(*refusal)
    check_settings(policy_settings(spec), claim)
    for check in _LAST_CHECKS:
        if (refusal := check(spec, claim)) is not None:
            raise InvalidArgumentError.of(*refusal)


def _registered_elsewhere(spec: "RunSpec", _: PrivacySettings) -> _Refusal | None:
    if spec.needs_learner:
        return None
    allowed = "none with algorithm 'external' (your program registers the model, and states the claim there)"
    return "privacy", "a claim", allowed


def _unit(spec: "RunSpec", claim: PrivacySettings) -> _Refusal | None:
    if claim.unit is not PrivacyUnit.EPISODE:
        return None
    return "privacy.unit", "episode", f"'client' ({_EPISODES_MIXED[spec.algorithm.name]})"


def _lockstep(spec: "RunSpec", _: PrivacySettings) -> _Refusal | None:
    if not spec.lockstep:
        return None
    return "lockstep", True, "false with privacy (noise comes from the operating system: no run is like another)"


def _returns(spec: "RunSpec", _: PrivacySettings) -> _Refusal | None:
    if spec.privacy is None or spec.privacy.publishes_returns:
        return None
    allowed = (
        "true (a run shows returns and losses, and chooses its best version by them: they are outside of the "
        "claim; a program of your own that pushes to params need not publish them)"
    )
    return "privacy.publishes_returns", False, allowed


def _distributed(_: "RunSpec", claim: PrivacySettings) -> _Refusal | None:
    if not isinstance(claim.noise, DistributedNoise):
        return None
    return "privacy.noise", "distributed", "independent, correlated (secure aggregation needs many clients)"


def _pattern(_: "RunSpec", claim: PrivacySettings) -> _Refusal | None:
    """The one learner contributes to every release: a horizon that forbids it could not be ended."""
    noise, field = claim.noise, "privacy.noise.correlated"
    if not isinstance(noise, CorrelatedNoise):
        return None
    if noise.min_separation != 1:
        return f"{field}.min_separation", noise.min_separation, "1 (the learner contributes to every version)"
    if noise.max_participations != noise.horizon:
        allowed = f"{noise.horizon} (horizon: the learner contributes to every version)"
        return f"{field}.max_participations", noise.max_participations, allowed
    return None


def _budget(spec: "RunSpec", claim: PrivacySettings) -> _Refusal | None:
    """Refuse a run that would be cut off; where the number of versions is known beforehand."""
    if spec.algorithm.name != "ppo" or _is_discrete(claim):
        return None
    from heronry.privacy.accounting.closed_form import gaussian_noise_multiplier  # claims are few

    least = gaussian_noise_multiplier(claim.epsilon_limit, 1, claim.delta)
    multiplier = claim.noise.noise_multiplier / (2 if claim.relation is NeighbourRelation.REPLACE_ONE else 1)
    a_charge = claim.noise.horizon if isinstance(claim.noise, CorrelatedNoise) else 1
    num_releases = math.floor((multiplier / least) ** 2 * (1 + 1e-9)) * a_charge
    if spec.max_updates + _SPARE_RELEASES <= num_releases:
        return None
    steps = (num_releases - _SPARE_RELEASES) * spec.algorithm.batch_size * spec.fleet.unroll_length
    if steps < 1:
        allowed = f"more noise (epsilon_limit {claim.epsilon_limit:g} pays for {num_releases} versions of this)"
        return "privacy.noise", f"noise multiplier {claim.noise.noise_multiplier:g}", allowed
    paid = f"privacy.epsilon_limit {claim.epsilon_limit:g} pays for {num_releases:,} versions"
    why = f"{paid}, {_SPARE_RELEASES} of them spare"
    return "max_env_steps", spec.max_env_steps, f"at most {steps:,} ({why})"


def _is_discrete(claim: PrivacySettings) -> bool:
    return isinstance(claim.noise, IndependentNoise) and claim.noise.sampler is NoiseSampler.DISCRETE_GAUSSIAN


_CHECKS: Final[tuple[_Check, ...]] = (_registered_elsewhere, _unit, _lockstep, _returns, _distributed)
# After the table of all models: its reasons come first.
_LAST_CHECKS: Final[tuple[_Check, ...]] = (_pattern, _budget)
