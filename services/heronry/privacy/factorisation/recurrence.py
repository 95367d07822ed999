"""What all recurrences share: the count of releases, the secret state, the way back after a restart.

Axes: P parameters, V state vectors.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from heronry.native.arrays import Reals

# Fills a vector with the standard normals of stream number `index`; the same ones whenever it is asked.
Draw = Callable[[int, Reals], None]

# Values a pass works on: a chunk of every state vector stays in the second-level cache.
CHUNK: Final = 16384


@dataclass(frozen=True)
class RecurrenceState:
    """Where a recurrence stands. Secret: whoever has it can subtract noise from releases to come.

    Attributes:
      num_releases: noises handed out.
      vectors: [V, P] float64.
    """

    num_releases: int
    vectors: Reals


class Recurrence(Protocol):
    """Turns the independent noise of a horizon into correlated noise, one release at a time. Not task-safe."""

    @property
    def num_releases(self) -> int:
        """Noises handed out; the number of the stream that `next` wants now."""

    @property
    def num_state_vectors(self) -> int:
        """Vectors of P float64 that are kept from one release to the next."""

    def next(self, z: Reals) -> None:
        """Turn `z`, the standard normals of stream `num_releases`, into (C^-1 Z)_t, in place."""

    def state(self) -> RecurrenceState:
        """Return the state; its vectors are the recurrence's own and change with `next`."""

    def restore(self, state: RecurrenceState) -> None:
        """Go on from `state`, which is copied."""

    def replay(self, num_releases: int) -> None:
        """Come to where `num_releases` noises have been handed out, from the streams alone."""


class LinearRecurrence(ABC):
    """A recurrence that keeps vectors. The bits of its noise depend on the streams only, not on the chunks."""

    def __init__(self, num_state_vectors: int, num_parameters: int, draw: Draw) -> None:
        self._vectors: Reals = np.zeros((num_state_vectors, num_parameters))
        self._num_releases = 0
        self._draw = draw
        self._scratch: Reals = np.empty(CHUNK)

    @property
    def num_releases(self) -> int:
        return self._num_releases

    @property
    def num_state_vectors(self) -> int:
        return len(self._vectors)

    def next(self, z: Reals) -> None:
        num_parameters = self._vectors.shape[1]
        if z.shape != (num_parameters,) or z.dtype != np.float64:
            raise ValueError(f"noise of shape {z.shape}, {z.dtype} (expected ({num_parameters},), float64)")
        for start in range(0, num_parameters, CHUNK):
            part = slice(start, min(start + CHUNK, num_parameters))
            self._advance(z[part], self._vectors[:, part], self._scratch[: part.stop - start])
        self._num_releases += 1

    def state(self) -> RecurrenceState:
        return RecurrenceState(self._num_releases, self._vectors)

    def restore(self, state: RecurrenceState) -> None:
        if state.vectors.shape != self._vectors.shape:
            raise ValueError(f"state of shape {state.vectors.shape} (expected {self._vectors.shape})")
        self._vectors[:] = state.vectors
        self._num_releases = state.num_releases

    def replay(self, num_releases: int) -> None:
        """Come to where `num_releases` noises have been handed out, by making them again; costs as much."""
        z: Reals = np.empty(self._vectors.shape[1])
        self._vectors[:] = 0.0
        self._num_releases = 0
        while self._num_releases < num_releases:
            self._draw(self._num_releases, z)
            self.next(z)

    @abstractmethod
    def _advance(self, z: Reals, vectors: Reals, scratch: Reals) -> None:
        """Turn a chunk of `z` into noise and move the state's chunks on, all in place."""
