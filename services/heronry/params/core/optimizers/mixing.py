"""Mixing of weights."""

import math

import numpy as np

from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.layout import Vector
from heronry.params.core.optimizers.state import NewVector, OptimizerState, Step
from heronry.types.optimizers import MixingOptimizer


class Mixing:
    """`w = (1 - rate) w + rate * mean` for contributions that are weights, anchored at the newest values.

    A contribution of staleness factor s is thereby mixed in at `rate * s`.

    Source: Xie et al. 2019, Algorithm 1.
    """

    def __init__(self, settings: MixingOptimizer) -> None:
        self._rate = settings.rate

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return the state of an optimiser that remembers nothing."""
        return OptimizerState()

    def largest_difference(self, dtype: np.dtype[np.floating]) -> float:
        """Return infinity: what overflows shows in the values."""
        return math.inf

    def step(
        self, newest: Vector, mean: MeanDifference, state: OptimizerState, new_values: NewVector, new_slot: NewVector
    ) -> Step:
        """Return the mixture."""
        values, largest = mean.applied_to(newest, self._rate, new_values)
        return Step(values, OptimizerState(state.num_steps + 1), largest)
