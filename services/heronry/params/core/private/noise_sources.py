"""Where a release's noise comes from."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heronry.native import grid_add
from heronry.params.core.private.claim import steps_of
from heronry.params.core.private.private_sum import Integers
from heronry.params.core.private.row_deviations import RowDeviations
from heronry.params.core.private.terms import ReleaseTerms
from heronry.privacy.factorisation import Recurrence, Strategy, noise_deviation
from heronry.privacy.noise import NoiseKey, add_discrete_gaussian, add_rounded_normals, fill_normals
from heronry.types.privacy import CorrelatedNoise, NoiseSampler


class NoiseSource(Protocol):
    """Draws the noise of one release after the other."""

    def add_to(self, total: Integers, terms: ReleaseTerms, release: int) -> None:
        """Add the noise of a release to a sum, in steps of its grid."""

    def deviation_steps(self, terms: ReleaseTerms, release: int) -> float:
        """Return the standard deviation that the noise of a release has, in steps of its grid."""


class IndependentSource:
    """Fresh noise with a key of its own for every release."""

    def __init__(self, new_key: Callable[[], NoiseKey], sampler: NoiseSampler) -> None:
        self._new_key = new_key
        self._sampler = sampler

    def add_to(self, total: Integers, terms: ReleaseTerms, release: int) -> None:
        """Add the noise of a release; twice the same release is twice other noise."""
        if self._sampler is NoiseSampler.DISCRETE_GAUSSIAN:
            add_discrete_gaussian(self._new_key(), 0, steps_of(terms), total)
        else:
            add_rounded_normals(self._new_key(), 0, terms.noise_steps, total)

    def deviation_steps(self, terms: ReleaseTerms, release: int) -> float:
        """Return the deviation, the same for every release of the same terms."""
        return float(steps_of(terms)) if self._sampler is NoiseSampler.DISCRETE_GAUSSIAN else terms.noise_steps


class CorrelatedSource:
    """`C^-1 Z` row by row: all of a horizon's noise follows from its keys, each of them for the rows of Z from one on.

    The rows are made in order, each once; one that was made and not released is made anew from the first one on, as
    the recurrence does not run backwards. Memory: the recurrence's vectors, and one for the row.
    """

    def __init__(
        self, keys: Sequence[tuple[int, NoiseKey]], noise: CorrelatedNoise, strategy: Strategy, num_parameters: int
    ) -> None:
        """Take the keys with the first row of each, in order, the first of them being 0."""
        self._keys = tuple(keys)
        self._noise = noise
        self._num_parameters = num_parameters
        self._strategy = strategy
        # The terms' noise is that of one release; a unit moves a horizon further than one release.
        self._sensitivity = noise_deviation(noise, self._strategy) / noise.noise_multiplier
        self._recurrence: Recurrence | None = None
        self._row_deviations = RowDeviations(self._strategy)

    def add_to(self, total: Integers, terms: ReleaseTerms, release: int) -> None:
        """Add the noise of a release to a sum: the row, rounded to the grid."""
        grid_add(total, self._row(release), terms.noise_steps * self._sensitivity, 1.0)

    def deviation_steps(self, terms: ReleaseTerms, release: int) -> float:
        """Return the deviation of a row of `C^-1 Z`."""
        return terms.noise_steps * self._sensitivity * self._row_deviations.of(release)

    def _row(self, release: int) -> npt.NDArray[np.float64]:
        if self._recurrence is None:
            self._recurrence = self._strategy.recurrence(self._num_parameters, self._draw)
        if self._recurrence.num_releases != release:
            self._recurrence.replay(release)
        row = np.empty(self._num_parameters)
        try:
            self._draw(release, row)
            self._recurrence.next(row)
        except BaseException:
            # Its vectors may have moved on in part.
            self._recurrence = None
            raise
        return row

    def _draw(self, index: int, out: npt.NDArray[np.float64]) -> None:
        key = next(key for first_row, key in reversed(self._keys) if first_row <= index)
        fill_normals(key, index, out)
