"""What the end of a private round will do to a model."""

import numpy as np

from heronry.native import grid_mean
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.layout import Vector
from heronry.params.core.model import Model
from heronry.params.core.planning import closing_of
from heronry.params.core.plans import PrivateRelease
from heronry.params.core.private.private_sum import Integers, PrivateSum
from heronry.params.core.private.state import PrivateState
from heronry.types.errors import DataLossError, InvalidContributionError


def plan_release(model: Model, time_s: float) -> PrivateRelease:
    """Work out what the open round makes, its noise included; an empty one is noise alone.

    Raises:
      InvalidContributionError: no step leads from it to finite values; it is tried again until it is given up.
    """
    accumulator = model.round.accumulator
    if model.privacy is None or not isinstance(accumulator, PrivateSum):
        raise ValueError(f"model {model.name!r} makes no claim")
    mean = accumulator.mean(model.newest.vector)
    try:
        closing = closing_of(model, mean, {}, None, time_s)
    except InvalidContributionError as error:
        message = f"{error}; the release of round {model.round.round_id} is tried again until a Rollback gives it up"
        raise InvalidContributionError(message, details=error.details) from error
    return PrivateRelease(mean.values, closing, model.privacy.after_release(accumulator.num_unclipped_less_clipped))


def given_up(model: Model) -> DataLossError:
    """Say that the open round is dropped: a release of it was reserved that the journal does not know of."""
    counted = f"{model.round.num_contributions} contributions to round {model.round.round_id}"
    reason = "the ledger holds a release of them that the journal does not"
    return DataLossError(f"model {model.name!r}: {counted} are given up: {reason}")


def plan_recorded(model: Model, mean: Vector, state: PrivateState, time_s: float) -> PrivateRelease:
    """Work out what a release that a journal holds made: its mean is noised already."""
    return PrivateRelease(mean, closing_of(model, MeanDifference(mean, 0.0), {}, None, time_s), state)


def plan_summed_release(model: Model, total: Integers, time_s: float) -> PrivateRelease:
    """Work out what a sum makes that came with its noise in it: in steps of the grid, of contributions never seen."""
    if model.privacy is None:
        raise ValueError(f"model {model.name!r} makes no claim")
    terms, mean = model.privacy.terms, np.empty(model.layout.num_parameters, model.layout.dtype)
    grid_mean(total, terms.step, terms.denominator, mean)
    closing = closing_of(model, MeanDifference(mean, 0.0), {}, None, time_s)
    return PrivateRelease(mean, closing, model.privacy.after_release(0))
