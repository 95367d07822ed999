"""Gradient descent with momentum."""

import math

import numpy as np

from heronry.native import sgd_step
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.layout import Vector
from heronry.params.core.optimizers.state import NewVector, OptimizerState, Step
from heronry.types.optimizers import SgdOptimizer


class Sgd:
    """Gradient descent with momentum, as `torch.optim.SGD` without dampening; with Nesterov DiLoCo's outer step.

    Source: Sutskever et al. 2013, equations 1 to 4, in the form v = m v + g, w = w - a v.
    """

    def __init__(self, settings: SgdOptimizer) -> None:
        self._settings = settings

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return zero velocity; none at all without momentum."""
        slots = {"velocity": np.zeros_like(newest)} if self._settings.momentum else {}
        return OptimizerState(0, slots)

    def largest_difference(self, dtype: np.dtype[np.floating]) -> float:
        """Return infinity: what overflows shows in the values."""
        return math.inf

    def step(
        self, newest: Vector, mean: MeanDifference, state: OptimizerState, new_values: NewVector, new_slot: NewVector
    ) -> Step:
        """Return the new values and the new velocity."""
        rate, momentum = self._settings.learning_rate, self._settings.momentum
        if not momentum:
            values, largest = mean.applied_to(newest, rate, new_values)
            return Step(values, OptimizerState(state.num_steps + 1), largest)
        difference = mean.evaluated(newest, new_slot)
        values, velocity = new_values(), new_slot()
        nesterov = self._settings.nesterov
        largest = sgd_step(newest, difference, state.slots["velocity"], rate, momentum, nesterov, values, velocity)
        return Step(values, OptimizerState(state.num_steps + 1, {"velocity": velocity}), largest)
