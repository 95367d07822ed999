"""Server optimisers: the mean difference of a round becomes new values.

A difference is the negative of a gradient, so applying it descends. Steps are functions of the
state: what fails on the way to publication leaves values and state as they were.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from heronry.params.core.aggregation import MeanDifference
from heronry.params.core.layout import Vector
from heronry.types.models import AdamOptimizer, ServerOptimizer, SgdOptimizer


@dataclass(frozen=True)
class OptimizerState:
    """What an optimiser remembers: steps taken and `[P]` vectors by name; never written to."""

    num_steps: int = 0
    slots: Mapping[str, Vector] = field(default_factory=dict)


class Optimizer(Protocol):
    """Turns a round's mean into new values."""

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return the state before the first step, for values of this shape and type."""

    def step(self, newest: Vector, mean: MeanDifference, state: OptimizerState) -> tuple[Vector, OptimizerState]:
        """Return the new values and the new state."""


def optimizer_of(settings: ServerOptimizer) -> Optimizer:
    """Return the optimiser that the settings describe."""
    return Sgd(settings) if isinstance(settings, SgdOptimizer) else Adam(settings)


class Sgd:
    """Gradient descent with momentum, as `torch.optim.SGD` without dampening.

    Source: Sutskever et al. 2013, equations 1 to 4, in the form v = m v + g, w = w - a v.
    """

    def __init__(self, settings: SgdOptimizer) -> None:
        self._settings = settings

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return zero velocity; none at all without momentum."""
        slots = {"velocity": np.zeros_like(newest)} if self._settings.momentum else {}
        return OptimizerState(0, slots)

    def step(self, newest: Vector, mean: MeanDifference, state: OptimizerState) -> tuple[Vector, OptimizerState]:
        """Return the new values and the new velocity."""
        rate, momentum = self._settings.learning_rate, self._settings.momentum
        if not momentum:
            return mean.applied_to(newest, rate), OptimizerState(state.num_steps + 1)
        difference = mean.evaluated(newest)
        velocity = state.slots["velocity"] * momentum + difference
        direction = difference + velocity * momentum if self._settings.nesterov else velocity
        return newest + direction * rate, OptimizerState(state.num_steps + 1, {"velocity": velocity})


class Adam:
    """Adam with corrected moments, as `torch.optim.Adam`.

    Source: Kingma and Ba 2015, Algorithm 1.
    """

    def __init__(self, settings: AdamOptimizer) -> None:
        self._settings = settings

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return zero moments."""
        return OptimizerState(0, {"moment1": np.zeros_like(newest), "moment2": np.zeros_like(newest)})

    def step(self, newest: Vector, mean: MeanDifference, state: OptimizerState) -> tuple[Vector, OptimizerState]:
        """Return the new values and the new moments."""
        settings, num_steps = self._settings, state.num_steps + 1
        difference = mean.evaluated(newest)
        moment1 = state.slots["moment1"] * settings.beta1 + difference * (1.0 - settings.beta1)
        moment2 = state.slots["moment2"] * settings.beta2 + np.square(difference) * (1.0 - settings.beta2)
        correction1 = 1.0 - settings.beta1**num_steps
        correction2 = math.sqrt(1.0 - settings.beta2**num_steps)
        root = np.sqrt(moment2) / correction2 + settings.epsilon
        values = newest + moment1 / root * (settings.learning_rate / correction1)
        return values, OptimizerState(num_steps, {"moment1": moment1, "moment2": moment2})
