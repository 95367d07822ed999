"""Parts of contributions on their way into a shard that follows."""

from dataclasses import replace
from typing import Final

from heronry.params.core.admission import base_of
from heronry.params.core.aggregation.rules import weight_of
from heronry.params.core.decoding import Decoded
from heronry.params.core.model import Model
from heronry.params.core.rounds import Place
from heronry.params.core.sharding.parts import Part, rollback_key
from heronry.params.core.versions import Published
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.errors import InvalidArgumentError, StaleContributionError, VersionNotFoundError
from heronry.types.version import ParameterVersion

# Versions that the first shard may be ahead: it keeps as many rounds for those that follow.
MOST_BEHIND: Final = 1024


def repeated_part(model: Model, header: ContributionHeader) -> Acknowledgement | None:
    """Return the answer to a part that was taken before; None when it is new."""
    if (answer := model.requests.find(header.client_id, header.request_id)) is not None:
        return answer
    is_waiting = (header.client_id, header.request_id) in model.waiting
    return replace(acknowledged(model, header), counted=False) if is_waiting else None


def admit_part(model: Model, header: ContributionHeader) -> None:
    """Check a part as far as this shard can; leases and rounds are the first shard's affair.

    Raises:
      InvalidArgumentError: a weight or sample count that does not go with the settings.
      StaleContributionError, VersionNotFoundError: no round can count a contribution with this base.
      ResourceExhaustedError: too many parts wait for their round.
    """
    weight_of(model.settings.aggregation.rule, header, model.settings.limits)
    newest, base = model.history.newest.version, header.base_version
    if not 1 <= base.number <= newest.number + MOST_BEHIND:
        raise VersionNotFoundError.of("base_version", str(base), f"1 to {newest.number} and what the first shard has")
    if base.number < model.oldest_base:
        raise _stale(f"{base} was computed before the rollback to version {model.oldest_base}", "a later version")
    behind, allowed = newest.number - base.number, model.mode.max_staleness + 1
    if behind > allowed:
        raise _stale(f"{base} lies {behind} versions behind {newest}", f"at most {allowed}")
    if base.number <= newest.number:
        # Asked before the values are sent for nothing; a version that is yet to come will be here when it is needed.
        base_of(model, replace(header, base_version=ParameterVersion(model.epoch, base.number)))
    model.waiting.check_room()


def part_of(header: ContributionHeader, decoded: Decoded) -> Part:
    """Return a contribution's values as they wait for their round."""
    return Part(
        client_id=header.client_id,
        request_id=header.request_id,
        base_number=header.base_version.number,
        kind=header.kind,
        values=decoded.vector,
        others=decoded.others,
        largest=decoded.largest,
        squared_norm=decoded.squared_norm,
    )


def put_part(model: Model, part: Part, place: Place | None) -> None:
    """Keep a prepared part until a round counts it, or none can any more; cannot fail."""
    model.waiting.put(replace(part, place=place))
    model.round.began = model.waiting.began


def rollback_part(model: Model, selected: Published, request_id: str) -> Part:
    """Return a version's values as they wait for the first shard's rollback."""
    operator, request_id = rollback_key(request_id)
    return Part(
        client_id=operator,
        request_id=request_id,
        # Kept for as long as this shard can be behind the first one: the rollback may be made any time.
        base_number=model.history.newest.version.number + MOST_BEHIND,
        kind=ContributionKind.DELTA,
        values=model.layout.vector(selected.flat),
        others=model.layout.other_values(selected.flat),
        largest=0.0,
        squared_norm=0.0,
        restores=selected.version.number,
    )


def check_held(part: Part, number: int) -> None:
    """Refuse a rollback to another version than the one held for it: the shards would part.

    Raises:
      InvalidArgumentError: the request was made before, with another version.
    """
    if part.restores != number:
        allowed = f"another one (it was made for version {part.restores}, not {number})"
        raise InvalidArgumentError.of("request_id", part.request_id, allowed)


def acknowledged(model: Model, header: ContributionHeader) -> Acknowledgement:
    """Return the answer to a part that waits: it closes no round."""
    newest = model.history.newest.version
    staleness = max(0, newest.number - header.base_version.number)
    return Acknowledgement(model.settings.acknowledgement, True, model.round.round_id, False, newest, staleness)


def _stale(got: str, allowed: str) -> StaleContributionError:
    details = {"field": "base_version", "value": got, "allowed": allowed}
    return StaleContributionError(f"base_version: {got}, allowed: {allowed}", details=details)
