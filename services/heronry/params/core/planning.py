"""What a contribution, or the end of a round, will do to a model."""

import math
from collections.abc import Mapping

import numpy as np

from heronry.params.core.admission import Admission, admit, base_of
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference, MeanDifference
from heronry.params.core.decoding import Decoded
from heronry.params.core.model import Model
from heronry.params.core.plans import Closing, Plan
from heronry.params.core.rounds import Entry
from heronry.params.core.versions import Published
from heronry.types.aggregation import Sum
from heronry.types.contribution import Acknowledgement, ClosedRound, ContributionHeader
from heronry.types.tensors import Array


def plan_contribution(
    model: Model, header: ContributionHeader, decoded: Decoded, num_bytes: int, now_s: float, time_s: float
) -> Plan:
    """Work out what a contribution does; changes nothing that is seen.

    Raises:
      InvalidContributionError: above the norm allowed, or a component that would overflow the round. In a private
        model `plan_zeros` is to follow.
      ResourceExhaustedError: there is no room to hold the contribution.
      as `admit`: time has passed since the header came in.
    """
    if model.privacy is not None:
        model.privacy.time_s = time_s
    admission = admit(model, header, now_s)
    base, settings = base_of(model, header), model.settings
    base_flat = None if base is None else base.flat
    difference = model.pipeline.difference_of(header, decoded.vector, base_flat, model.newest, settings.optimizer)
    max_norm = math.inf if settings.limits.max_norm is None else settings.limits.max_norm
    factor = model.mode.factor_of(admission.staleness)
    contribution = model.pipeline.contribution(
        difference, decoded, model.newest, factor, admission.weight, max_norm, max_component(model)
    )
    entry = _entry_of(header, admission, contribution, decoded.others, num_bytes, time_s)
    # Rounds of private models are released by themselves, once their contributions are counted.
    is_last = model.round.num_contributions + 1 >= model.closing_size
    return plan_entry(model, entry, closes=is_last and model.privacy is None)


def plan_zeros(model: Model, header: ContributionHeader, num_bytes: int, now_s: float, time_s: float) -> Plan:
    """Work out what a contribution to a private model does whose values are refused: zeros, in the client's name.

    Were it not counted, another one would take its place: whether values are finite would move more than one bound.

    Raises:
      as `plan_contribution`, what is about values aside.
    """
    if model.privacy is None:
        raise ValueError("refused values count in private models only")
    model.privacy.time_s = time_s
    admission = admit(model, header, now_s)
    zeros = np.zeros(model.layout.num_parameters, model.layout.dtype)
    zeros.flags.writeable = False
    factor = model.mode.factor_of(admission.staleness)
    contribution = Contribution(Difference(zeros), factor, admission.weight, largest=0.0, squared_norm=0.0)
    return plan_entry(model, _entry_of(header, admission, contribution, {}, num_bytes, time_s), closes=False)


def _entry_of(
    header: ContributionHeader,
    admission: Admission,
    contribution: Contribution,
    others: Mapping[str, Array],
    num_bytes: int,
    time_s: float,
) -> Entry:
    return Entry(
        client_id=header.client_id,
        request_id=header.request_id,
        contribution=contribution,
        others=others,
        staleness=admission.staleness,
        answered_round=admission.answered_round,
        time_s=time_s,
        num_bytes=num_bytes,
    )


def plan_entry(model: Model, entry: Entry, *, closes: bool) -> Plan:
    """Work out what an entry does: counted in the open round, which it closes or not."""
    opened = model.round
    prepared = opened.accumulator.prepare(entry.contribution, model.newest.vector)
    try:
        buffers = opened.buffers.plus(entry.others, entry.contribution.weight)
        # Of every contribution, not of the one that closes: it would be refused for what another one did.
        others = buffers.published(model.layout.other_values(model.newest.flat))
        model.pipeline.check_others(others)
        mean = opened.accumulator.mean(model.newest.vector, prepared) if closes else None
        closing = None if mean is None else closing_of(model, mean, others, entry, entry.time_s)
    except BaseException:
        opened.accumulator.discard(prepared)
        raise
    acknowledgement = Acknowledgement(
        level=model.settings.acknowledgement,
        counted=True,
        round_id=opened.round_id,
        closed_round=closes,
        version=closing.published.version if closing else model.history.newest.version,
        staleness=entry.staleness,
    )
    return Plan(entry, prepared, buffers, acknowledgement, closing)


def plan_close(model: Model, time_s: float) -> Closing:
    """Work out what the open round makes as it stands; at least one contribution must have been counted."""
    others = model.round.buffers.published(model.layout.other_values(model.newest.flat))
    mean = model.round.accumulator.mean(model.newest.vector)
    return closing_of(model, mean, others, None, time_s)


def discard(model: Model, plan: Plan) -> None:
    """Let go of a plan that is not made true."""
    model.round.accumulator.discard(plan.prepared)


def max_component(model: Model) -> float:
    """Return the bound of a contribution's components that keeps the optimiser's state finite in any round."""
    bound = model.optimizer.largest_difference(model.layout.dtype)
    # What a mean or a robust rule makes is no larger than the largest contribution.
    return bound / model.sum_size if isinstance(model.settings.aggregation.rule, Sum) else bound


def closing_of(
    model: Model, mean: MeanDifference, others: Mapping[str, Array], entry: Entry | None, time_s: float
) -> Closing:
    """Work out the version that a round of this mean makes; `entry` is the contribution that closes it, if one does."""
    opened, newest = model.round, model.history.newest
    flat, state = model.pipeline.close(model.optimizer, mean, others, model.newest, model.optimizer_state)
    published = Published.of(flat, newest.version, time_s)
    counted = (*opened.contributions, entry.counted) if entry else tuple(opened.contributions)
    closed_round = ClosedRound(opened.round_id, published.version, counted, time_s, settings=model.settings)
    return Closing(published, state, closed_round)
