"""The memory that a worker and the fleet share: where it is at work, and the arrays of a step."""

import mmap
import os
import time
from dataclasses import dataclass
from enum import IntEnum
from fcntl import F_ADD_SEALS, F_SEAL_SHRINK, fcntl
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.environments.vector import Bools
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array, FloatArray

# Room for the progress, a page: its mapping stays as it is when the memory grows by the arrays.
_PROGRESS_BYTES: Final = mmap.ALLOCATIONGRANULARITY
_ALIGNMENT: Final = 64


class Phase(IntEnum):
    """What a worker is doing."""

    IDLE = 0
    STARTING = 1
    RESETTING = 2
    STEPPING = 3
    # A vector engine does not say which of the two it does.
    STEPPING_OR_RESETTING = 4


class Progress:
    """Which lane a worker is working for, what it does, and since when: read when it dies or hangs."""

    def __init__(self, descriptor: int) -> None:
        self._words = memoryview(mmap.mmap(descriptor, _PROGRESS_BYTES)).cast("q")

    def begin(self, phase: int, lane: int) -> None:
        """Say what is done from now on; called for every environment in every step."""
        words = self._words
        words[0], words[1], words[2] = phase, lane, time.monotonic_ns()

    @property
    def phase(self) -> Phase:
        """What it does."""
        return Phase(self._words[0])

    @property
    def lane(self) -> int:
        """For which of its lanes; -1: for all."""
        return self._words[1]

    @property
    def since_s(self) -> float:
        """Since when, in seconds of the monotonic clock."""
        return self._words[2] * 1e-9


@dataclass(frozen=True)
class Exchange:
    """Arrays in shared memory; n lanes of one worker.

    Attributes:
      seeds: `[n]` uint64, of the reset that is asked for.
      action: `[n, ...]`, written by the fleet.
      observation, next_observation, reward, terminated, truncated, mask: as in `Step`.
      action_mask: `[n, num_logits]`; no columns where the environments have none.
    """

    seeds: npt.NDArray[np.uint64]
    action: Array
    observation: Array
    next_observation: Array
    reward: FloatArray
    terminated: Bools
    truncated: Bools
    mask: Bools
    action_mask: Bools


def create_memory() -> int:
    """Return a descriptor of memory that holds the progress; nobody can make it smaller."""
    descriptor = os.memfd_create("heronry-environments", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, _PROGRESS_BYTES)
    # A mapping of memory that is cut off kills whoever reads it.
    fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK)
    return descriptor


def map_exchange(
    descriptor: int, num_lanes: int, observation_space: ObservationSpace, action_space: ActionSpace
) -> Exchange:
    """Return the arrays; the memory grows to hold them."""
    acted = np.float32 if action_space.is_continuous else np.int64
    num_logits = action_space.size if action_space.is_masked else 0
    observed = (num_lanes, *observation_space.shape)
    shapes: list[tuple[npt.DTypeLike, tuple[int, ...]]] = [
        (np.uint64, (num_lanes,)),
        (acted, (num_lanes, *action_space.shape)),
        (observation_space.element_type, observed),
        (observation_space.element_type, observed),
        (np.float32, (num_lanes,)),
        *[(np.bool_, (num_lanes,))] * 3,
        (np.bool_, (num_lanes, num_logits)),
    ]
    offsets = [_PROGRESS_BYTES]
    for element_type, shape in shapes:
        num_bytes = int(np.prod(shape)) * np.dtype(element_type).itemsize
        offsets.append(-(-(offsets[-1] + num_bytes) // _ALIGNMENT) * _ALIGNMENT)
    if os.fstat(descriptor).st_size < offsets[-1]:
        os.ftruncate(descriptor, offsets[-1])
    buffer = mmap.mmap(descriptor, offsets[-1])
    placed = zip(shapes, offsets, strict=False)
    return Exchange(*(np.ndarray(shape, element_type, buffer, offset) for (element_type, shape), offset in placed))
