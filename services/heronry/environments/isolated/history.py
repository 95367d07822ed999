"""What each lane has played, so that its failures can be named, and the seeds of those begun anew."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heronry.environments.vector import Step


class LaneHistory:
    """Seed, episodes and steps of N lanes."""

    def __init__(self, num_lanes: int) -> None:
        self._first_seeds = [0] * num_lanes
        self._seeds = [0] * num_lanes
        self._episodes: npt.NDArray[np.int64] = np.zeros(num_lanes, np.int64)
        self._steps: npt.NDArray[np.int64] = np.zeros(num_lanes, np.int64)

    def begin(self, seeds: Sequence[int]) -> None:
        """Begin the first episodes of all lanes."""
        self._first_seeds = [int(s) for s in seeds]
        self._seeds = list(self._first_seeds)
        self._episodes[:] = 0
        self._steps[:] = 0

    def begin_anew(self, lanes: slice, epoch: int) -> list[int]:
        """Return new seeds of some lanes, which begin with them; no epoch has those of another."""
        self._seeds[lanes] = [seed_of_epoch(seed, epoch) for seed in self._first_seeds[lanes]]
        self._episodes[lanes] = 0
        self._steps[lanes] = 0
        return self._seeds[lanes]

    def count(self, step: Step) -> None:
        """Take note of a step; rows outside its mask are none of an episode."""
        self._steps += step.mask
        ended = step.terminated | step.truncated
        self._episodes += ended
        self._steps[ended] = 0

    def seed(self, lane: int) -> int:
        """Return the seed that the lane's episodes began with."""
        return self._seeds[lane]

    def episode(self, lane: int) -> int:
        """Return how many episodes have ended since that seed."""
        return int(self._episodes[lane])

    def steps(self, lane: int) -> int:
        """Return the steps of the lane's episode."""
        return int(self._steps[lane])


def seed_of_epoch(first_seed: int, epoch: int) -> int:
    """Return the seed of a lane in an epoch, so that one begun anew does not play its old episodes again."""
    return int(np.random.SeedSequence([first_seed, epoch]).generate_state(1)[0])
