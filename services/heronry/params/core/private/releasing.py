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


def plan_release(model: Model, time_s: float) -> PrivateRelease:
    """Work out what the open round makes, its noise included; an empty one is noise alone."""
    accumulator = model.round.accumulator
    if model.privacy is None or not isinstance(accumulator, PrivateSum):
        raise ValueError(f"model {model.name!r} makes no claim")
    mean = accumulator.mean(model.newest.vector)
    closing = closing_of(model, mean, {}, None, time_s)
    return PrivateRelease(mean.values, closing, model.privacy.after_release(accumulator.num_unclipped_less_clipped))


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
