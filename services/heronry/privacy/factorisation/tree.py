"""Binary-tree aggregation, without state: the noise of a node is drawn again when it is needed.

Nodes are numbered by the release that closes them: node r covers the releases (r + 1 - 2^v, r], 2^v being the largest
power of two that divides r + 1. These are all the nodes that prefix sums use, one a release.

Source: Dwork et al. 2010; Chan, Shi and Song 2011; the numbering is Fenwick's (1994).
"""

from dataclasses import dataclass

import numpy as np

from heronry.native.arrays import Reals
from heronry.privacy.factorisation.recurrence import Draw, Recurrence, RecurrenceState
from heronry.types.errors import InvalidArgumentError


@dataclass(frozen=True)
class TreeAggregation:
    """A prefix sum has the noise of at most log2(T) + 1 nodes, and a release lies below as many."""

    def prefix_variances(self, horizon: int) -> Reals:
        """Return the variance of each prefix sum of the noise, [T], for node noises of variance 1."""
        return np.array([float(num_releases.bit_count()) for num_releases in range(1, horizon + 1)])

    def sensitivity(self, horizon: int, max_participations: int, min_separation: int) -> float:
        """Return how far one unit moves the nodes, at most: release 0 lies in `horizon.bit_length()` of them.

        With node noise of deviation z * sensitivity the horizon costs one Gaussian of z. The accountant's
        `SingleEpochTreeAggregationDpEvent` takes the node noise itself: z * sensitivity there is the same.
        """
        if max_participations != 1:
            allowed = "1 (the tree's claim is for one contribution a unit)"
            raise InvalidArgumentError.of("max_participations", max_participations, allowed)
        return float(np.sqrt(horizon.bit_length()))

    def recurrence(self, num_parameters: int, draw: Draw) -> Recurrence:
        """Return the recurrence from release 0; `draw` gives the nodes' noises, before the newest, again."""
        return _TreeRecurrence(num_parameters, draw)


class _TreeRecurrence:
    """y_t = N(prefix t) - N(prefix t - 1): the new node's noise, less that of the nodes which it takes the place of.

    One draw a release on average beside the new node's own, log2(T) at most.
    """

    num_state_vectors = 0

    def __init__(self, num_parameters: int, draw: Draw) -> None:
        self._draw = draw
        self._node: Reals = np.empty(num_parameters)
        self._num_releases = 0

    @property
    def num_releases(self) -> int:
        return self._num_releases

    def next(self, z: Reals) -> None:
        if z.shape != self._node.shape or z.dtype != np.float64:
            raise ValueError(f"noise of shape {z.shape}, {z.dtype} (expected {self._node.shape}, float64)")
        size, covered = 1, self._num_releases + 1
        while covered % (2 * size) == 0:
            self._draw(self._num_releases - size, self._node)
            np.subtract(z, self._node, out=z)
            size *= 2
        self._num_releases += 1

    def state(self) -> RecurrenceState:
        return RecurrenceState(self._num_releases, np.empty((0, len(self._node))))

    def restore(self, state: RecurrenceState) -> None:
        self._num_releases = state.num_releases

    def replay(self, num_releases: int) -> None:
        self._num_releases = num_releases
