"""What an optimiser remembers, and what a step makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.layout import Vector

NewVector = Callable[[], Vector]


@dataclass(frozen=True)
class OptimizerState:
    """Steps taken and `[P]` vectors by name; never written to."""

    num_steps: int = 0
    slots: Mapping[str, Vector] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """New values and the state that goes with them.

    Attributes:
      largest: the largest magnitude in `values`; NaN and infinity show through.
    """

    values: Vector
    state: OptimizerState
    largest: float


class Optimizer(Protocol):
    """Turns a round's mean into new values.

    A difference is the negative of a gradient, so applying it descends. Steps write into new memory only: one
    that is refused on its way to publication leaves values and state as they were.
    """

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return the state before the first step, for values of this shape and type."""

    def largest_difference(self, dtype: np.dtype[np.floating]) -> float:
        """Return the bound of a mean's components beyond which the state could overflow; infinity without one.

        An infinite second moment beside finite values would hold its coordinate still for ever.
        """

    def step(
        self, newest: Vector, mean: MeanDifference, state: OptimizerState, new_values: NewVector, new_slot: NewVector
    ) -> Step:
        """Return the new values and the new state.

        Args:
          newest: `[P]`.
          mean: of the round.
          state: as the step before left it.
          new_values: gives the memory of the new values; not called when the mean is they, as it is.
          new_slot: gives memory for the state, and for what is dropped after the step.
        """
