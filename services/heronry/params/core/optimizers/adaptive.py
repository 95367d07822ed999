"""Optimisers whose step shrinks where differences were large."""

import math

import numpy as np

from heronry.native import adagrad_step, adam_step
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.layout import Vector
from heronry.params.core.optimizers.state import NewVector, OptimizerState, Step
from heronry.types.optimizers import AdagradOptimizer, AdamOptimizer, YogiOptimizer


class Adam:
    """Adam or Yogi with corrected moments; Adam as `torch.optim.Adam`.

    Source: Kingma and Ba 2015, Algorithm 1; Zaheer et al. 2018, Algorithm 2.
    """

    def __init__(self, settings: AdamOptimizer | YogiOptimizer) -> None:
        self._settings = settings

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return zero moments."""
        return OptimizerState(0, {"moment1": np.zeros_like(newest), "moment2": np.zeros_like(newest)})

    def largest_difference(self, dtype: np.dtype[np.floating]) -> float:
        """Return the bound below which squares can be summed for ever."""
        return _largest_squared(dtype)

    def step(
        self, newest: Vector, mean: MeanDifference, state: OptimizerState, new_values: NewVector, new_slot: NewVector
    ) -> Step:
        """Return the new values and the new moments."""
        settings, num_steps = self._settings, state.num_steps + 1
        difference = mean.evaluated(newest, new_slot)
        values, moment1, moment2 = new_values(), new_slot(), new_slot()
        largest = adam_step(
            newest,
            difference,
            state.slots["moment1"],
            state.slots["moment2"],
            settings.learning_rate,
            settings.beta1,
            settings.beta2,
            settings.epsilon,
            num_steps,
            isinstance(settings, YogiOptimizer),
            values,
            moment1,
            moment2,
        )
        return Step(values, OptimizerState(num_steps, {"moment1": moment1, "moment2": moment2}), largest)


class Adagrad:
    """Adagrad, as `torch.optim.Adagrad` without decay.

    Source: Duchi et al. 2011, section 1.1, the diagonal form.
    """

    def __init__(self, settings: AdagradOptimizer) -> None:
        self._settings = settings

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return the first sums of squares."""
        return OptimizerState(0, {"squares": np.full_like(newest, self._settings.initial_accumulator)})

    def largest_difference(self, dtype: np.dtype[np.floating]) -> float:
        """Return the bound below which squares can be summed for ever."""
        return _largest_squared(dtype)

    def step(
        self, newest: Vector, mean: MeanDifference, state: OptimizerState, new_values: NewVector, new_slot: NewVector
    ) -> Step:
        """Return the new values and the new sums."""
        settings = self._settings
        difference = mean.evaluated(newest, new_slot)
        values, squares = new_values(), new_slot()
        rate, epsilon = settings.learning_rate, settings.epsilon
        largest = adagrad_step(newest, difference, state.slots["squares"], rate, epsilon, values, squares)
        return Step(values, OptimizerState(state.num_steps + 1, {"squares": squares}), largest)


def _largest_squared(dtype: np.dtype[np.floating]) -> float:
    """Return the largest component whose squares never sum to infinity, however many there are.

    A sum of `2 ** (nmant + 2)` times a square no longer grows by it: rounding leaves it as it is.
    """
    limits = np.finfo(dtype)
    return math.sqrt(float(limits.max) * 2.0 ** -(limits.nmant + 3))
