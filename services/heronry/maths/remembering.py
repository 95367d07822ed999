"""A policy with memory as a forward pass: keeps the states of its lanes between calls."""

from typing import Protocol, runtime_checkable

import numpy as np

from heronry.maths.network_spec import Tensors
from heronry.maths.networks import RecurrentForward
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray


@runtime_checkable
class Remembers(Protocol):
    """A forward pass that must be told where episodes begin."""

    def begin_episodes(self, lanes: Array) -> None:
        """Forget, with the next call, what is remembered of these lanes, `[N]` bool: an episode begins there."""
        ...


class RememberingForward:
    """Implements `heronry.maths.forwards.Forward`; all lanes begin their episodes with its first call.

    Other weights go on with the states there are. For one thread, and for the same lanes in every call.
    """

    def __init__(self, forward: RecurrentForward) -> None:
        self._forward = forward
        self._states: FloatArray | None = None

    def load(self, tensors: Tensors) -> None:
        """Take other weights from the next call on."""
        self._forward.load(tensors)

    def begin_episodes(self, lanes: Array) -> None:
        """Forget what is remembered of these lanes, `[N]` bool."""
        if self._states is not None:
            self._states = np.where(lanes[:, np.newaxis], np.float32(0.0), self._states)

    def __call__(self, observations: Array) -> FloatArray:
        """Return outputs `[N, n]` and remember the states after them."""
        num_lanes = len(observations)
        if self._states is None:
            self._states = self._forward.first_states(num_lanes)
        if len(self._states) != num_lanes:
            raise InvalidArgumentError.of("observations", num_lanes, f"{len(self._states)} lanes, as before")
        outputs, self._states = self._forward(observations, self._states)
        return outputs
