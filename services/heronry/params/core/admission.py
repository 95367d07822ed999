"""What is checked of a contribution before its values are there."""

from dataclasses import dataclass

from heronry.params.core.aggregation.rules import weight_of
from heronry.params.core.model import Model
from heronry.params.core.versions import Published
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.errors import InvalidArgumentError, StaleContributionError, VersionNotFoundError
from heronry.types.optimizers import MixingOptimizer, ServerOptimizer
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class Admission:
    """What a contribution's header says that matters to its round.

    Attributes:
      staleness: versions that its base lies behind.
      answered_round: the round it was computed for.
      weight: what it counts in a mean.
    """

    staleness: int
    answered_round: int
    weight: float


def admit(model: Model, header: ContributionHeader, now_s: float) -> Admission:
    """Check all that can be checked without the values.

    Raises:
      InvalidArgumentError: kind, weight or sample count do not go with the settings.
      FencedError: the worker let its lease run out, shows an older one, or has none where one is needed.
      ForeignEpochError, VersionNotFoundError, StaleContributionError: the base cannot be used.
      FailedPreconditionError: the round takes no contribution of this client.
    """
    _check_kind(header.kind, model.settings.optimizer)
    weight = weight_of(model.settings.aggregation.rule, header, model.settings.limits)
    if header.fencing_token:
        model.workers.check_token(header.client_id, header.fencing_token, now_s)
    model.workers.check_lease(header.client_id, now_s, is_needed=model.settings.needs_lease)
    staleness = _staleness(model, header)
    if model.privacy is not None:
        model.privacy.check_contribution(header, model.round)
    return Admission(staleness, model.mode.answered_round(header, model.round), weight)


def base_of(model: Model, header: ContributionHeader) -> Published | None:
    """Return the version that the values must be compared with; None when they need none.

    Raises:
      VersionNotFoundError: it is no longer kept.
    """
    is_compared = header.kind is ContributionKind.WEIGHTS and not isinstance(model.settings.optimizer, MixingOptimizer)
    return model.history.base(header.base_version) if is_compared else None


def _check_kind(kind: ContributionKind, optimizer: ServerOptimizer) -> None:
    if isinstance(optimizer, MixingOptimizer) and kind is not ContributionKind.WEIGHTS:
        raise InvalidArgumentError.of("kind", kind.value, "'weights' (the model mixes weights in)")


def _staleness(model: Model, header: ContributionHeader) -> int:
    newest, base = model.history.newest.version, header.base_version
    staleness = newest.staleness_of(base)
    if staleness < 0 or base.number < 1:
        raise VersionNotFoundError.of("base_version", str(base), f"1 to {newest.number}")
    if base.number < model.oldest_base:
        bound, reason = newest.number - model.oldest_base, f" (rolled back at version {model.oldest_base})"
        raise _stale(header, newest, staleness, bound, reason)
    if staleness > model.mode.max_staleness:
        raise _stale(header, newest, staleness, model.mode.max_staleness, "")
    model.history.check_content(base)
    # Asked before the values are sent for nothing.
    base_of(model, header)
    return staleness


def _stale(
    header: ContributionHeader, newest: ParameterVersion, staleness: int, bound: int, reason: str
) -> StaleContributionError:
    details = {"field": "base_version", "staleness": str(staleness), "max_staleness": str(bound)}
    lies = f"base_version: {header.base_version} lies {staleness} versions behind {newest}"
    return StaleContributionError(f"{lies}, allowed: at most {bound}{reason}", details=details)
