"""What a shard makes of a round that the first shard has closed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference
from heronry.params.core.decoding import Decoded
from heronry.params.core.model import Model
from heronry.params.core.planning import max_component, plan_entry
from heronry.params.core.plans import Closing
from heronry.params.core.rounds import Entry
from heronry.params.core.sharding.parts import Part, PartKey, rollback_key
from heronry.params.core.sharding.recovery import lost
from heronry.params.core.versions import Published
from heronry.types.contribution import (
    Acknowledgement,
    ClosedRound,
    ContributionHeader,
    ContributionKind,
    CountedContribution,
)
from heronry.types.errors import InvalidContributionError, VersionNotFoundError
from heronry.types.models import ModelSettings
from heronry.types.optimizers import MixingOptimizer
from heronry.types.tensors import Array, MergeRule
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class RoundPlan:
    """What a closed round will do to a shard; nothing has happened yet.

    Attributes:
      missing: contributions whose part did not come: they count as zero.
      failure: why the values stay as they are; empty: they do not.
    """

    closed: ClosedRound
    missing: frozenset[PartKey]
    closing: Closing
    failure: str = ""


def check_next(model: Model, closed: ClosedRound) -> None:
    """Refuse a round that does not follow the last one applied.

    Raises:
      DataLossError: rounds are missing, or the first shard has gone back to before what this one has applied.
    """
    expected, newest = model.round.round_id, model.history.newest.version
    if (closed.round_id, closed.version.number) != (expected, newest.number + 1):
        got = f"round {closed.round_id} (version {closed.version.number})"
        raise lost(model.name, f"the first shard sent {got}, allowed: round {expected} (version {newest.number + 1})")
    if newest.parent_hash and closed.version.parent_hash != newest.parent_hash:
        raise lost(model.name, f"version {newest.number} of the first shard is not the one that this shard followed")


def adopted(model: Model, settings: ModelSettings) -> ModelSettings | None:
    """Return a shard's settings with the figures of the first one's; None when it has them."""
    own = replace(settings, shard=model.settings.shard)
    return None if own == model.settings else own


def missing_parts(model: Model, closed: ClosedRound) -> list[PartKey]:
    """Return the contributions of a round whose part is not here."""
    return [key for key in _keys(closed) if key not in model.waiting]


def plan_round(model: Model, closed: ClosedRound, missing: frozenset[PartKey]) -> RoundPlan:
    """Work out the version that a round makes of this shard's parts; changes nothing that is seen.

    A shard cannot refuse what the first one has counted: where the update would not be finite here, the
    values stay as they are for this version.

    Raises:
      ResourceExhaustedError: there is no room to hold the contributions.
    """
    newest, failure = model.history.newest, ""
    try:
        closing = _restored(model, closed) if closed.rollback_id else _closing(model, closed, missing)
    except InvalidContributionError as error:
        failure = str(error)
        kept = Published.of(newest.flat, newest.version, closed.publish_time_s)
        closing = Closing(kept, model.optimizer_state, closed)
    finally:
        model.drop_round()
    # The hash of the first shard's version ties this one to it: whoever puts shards together compares them.
    version = replace(closing.published.version, parent_hash=closed.version.content_hash)
    published = replace(closing.published, version=version)
    return RoundPlan(closed, missing, replace(closing, published=published, closed_round=closed), failure)


def apply_round(model: Model, plan: RoundPlan) -> None:
    """Let go of the parts that a round has counted, after its version was published; cannot fail."""
    version = plan.closing.published.version
    answer = Acknowledgement(model.settings.acknowledgement, True, plan.closed.round_id, False, version, 0)
    for key in _keys(plan.closed):
        if key not in plan.missing:
            model.requests.remember(*key, answer)
        model.waiting.discard(key)
    # The first shard tells what was in its rounds.
    model.closed_rounds.clear()
    if plan.closed.rollback_id:
        model.oldest_base = version.number
        model.waiting.discard(rollback_key(plan.closed.rollback_id))
        model.rollbacks.remember(*rollback_key(plan.closed.rollback_id), answer)
    # The first shard refuses what is older: no round can name it any more.
    model.waiting.discard_before(max(model.oldest_base, version.number - model.mode.max_staleness - 1))
    model.round.began = model.waiting.began


def _closing(model: Model, closed: ClosedRound, missing: frozenset[PartKey]) -> Closing:
    last = len(closed.contributions) - 1
    for index, counted in enumerate(closed.contributions):
        key = counted.client_id, counted.request_id
        part = None if key in missing else model.waiting.find(key)
        entry = _entry(model, counted, part, closed.publish_time_s)
        plan = plan_entry(model, entry, closes=index == last)
        if plan.closing is not None:
            model.round.accumulator.discard(plan.prepared)
            return plan.closing
        model.round.add(entry, plan.prepared, plan.buffers, None)
    raise lost(model.name, f"round {closed.round_id} of the first shard has no contributions")


def _restored(model: Model, closed: ClosedRound) -> Closing:
    """Return the end of a round by a rollback: the values that were held for it are published again."""
    part = model.waiting.find(rollback_key(closed.rollback_id))
    if part is None:
        raise lost(model.name, f"this shard was not asked to hold what rollback {closed.rollback_id!r} goes back to")
    flat = model.new_flat()
    model.layout.write(part.values, part.others, flat)
    published = Published.of(flat, model.history.newest.version, closed.publish_time_s)
    return Closing(published, model.optimizer.initial_state(model.layout.vector(published.flat)), closed)


def _entry(model: Model, counted: CountedContribution, part: Part | None, time_s: float) -> Entry:
    """Return a part as its round counts it; None, or one whose base is gone, counts as zero."""
    difference = None if part is None else _difference(model, part)
    if part is None or difference is None:
        zero = np.zeros(model.layout.num_parameters, model.layout.dtype)
        contribution = Contribution(Difference(zero), counted.factor, counted.weight, 0.0, 0.0)
        others = _unchanged_others(model)
    else:
        decoded = Decoded(part.values, part.others, part.largest, part.squared_norm)
        contribution = model.pipeline.contribution(
            difference, decoded, model.newest, counted.factor, counted.weight, np.inf, max_component(model)
        )
        others = dict(part.others)
    return Entry(counted.client_id, counted.request_id, contribution, others, 0, 0, time_s)


def _difference(model: Model, part: Part) -> Difference | None:
    optimizer = model.settings.optimizer
    version = ParameterVersion(model.epoch, part.base_number)
    header = ContributionHeader(model.name, part.client_id, part.request_id, version, part.kind)
    base = None
    is_compared = part.kind is ContributionKind.WEIGHTS and not isinstance(optimizer, MixingOptimizer)
    if is_compared and part.base_number != model.newest.number:
        try:
            base = model.history.base(version).flat
        except VersionNotFoundError:
            return None
    return model.pipeline.difference_of(header, part.values, base, model.newest, optimizer)


def _unchanged_others(model: Model) -> dict[str, Array]:
    """Return tensors that are not learnt as a contribution that changes nothing has them."""
    newest = model.layout.other_values(model.history.newest.flat)
    counts = {t.name for t in model.layout.others if t.merge_rule is MergeRule.MERGE_COUNTS}
    return {name: np.zeros_like(values) if name in counts else values for name, values in newest.items()}


def _keys(closed: ClosedRound) -> Sequence[PartKey]:
    return [(counted.client_id, counted.request_id) for counted in closed.contributions]
