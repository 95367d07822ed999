"""Sums of clipped contributions on the integer grid, noised before the first of them is added."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from heronry.native import grid_add, grid_add_all, grid_mean, weighted_sum
from heronry.params.core.aggregation.accumulator import Prepared
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.norm_bound import NormBound
from heronry.params.core.aggregation.vectors import new_vector
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout, Vector
from heronry.params.core.private.drawing import Drawing
from heronry.params.core.private.terms import ReleaseTerms
from heronry.types.errors import InvalidContributionError

Integers = npt.NDArray[np.int64]
_CHUNK: Final = 1 << 16
# Drawn within a millisecond: a thread would cost as much.
_FEWEST_AHEAD: Final = 1 << 18
# Contributions stay where they came in until so many are added in one pass; fewer large ones, as they take room.
_MOST_HELD: Final = 4
_MOST_HELD_BYTES: Final = 256 << 20
_LARGEST_SUM: Final = 2.0**62


class Release(Protocol):
    """What a round is to be released by."""

    @property
    def terms(self) -> ReleaseTerms:
        """The figures of the open release."""

    @property
    def add_noise(self) -> Callable[[Integers], None] | None:
        """Add the open release's noise to the sum, in steps; None while a journal is replayed."""

    @property
    def noise_ahead(self) -> Callable[[Integers], None] | None:
        """The same for any thread; None as well where something must be paid for first."""


class PrivateSum:
    """Counts the contributions of one release after the other; an empty release is pure noise.

    The sum starts from the noise. It is drawn in a thread from `begin` on, while the first contribution of a release
    comes in; at the latest when that one is prepared, or none came. Memory: an int64 vector, and a few contributions
    where they came in, which are added together. Adding is O(P).
    """

    def __init__(self, layout: ParameterLayout, round_size: int, pool: BufferPool, release: Release) -> None:
        self._layout = layout
        self._pool = pool
        self._round_size = round_size
        self._release = release
        num_bytes = layout.num_parameters * layout.dtype.itemsize
        self._most_held = max(1, min(_MOST_HELD, _MOST_HELD_BYTES // max(1, num_bytes)))
        self._drawing: Drawing | None = None
        self.clear()

    def begin(self) -> None:
        """Draw the open release's noise in a thread, unless it was; no contribution to it may have been looked at."""
        ahead = self._release.noise_ahead
        is_early = self._total is None and self._drawing is None
        if is_early and ahead is not None and self._layout.num_parameters >= _FEWEST_AHEAD:
            self._drawing = Drawing(self._new_total(), partial(_fill, ahead))

    def clear(self) -> None:
        """Begin the next round."""
        if self._drawing is not None:
            # Its source must not be asked for the next release's noise meanwhile.
            self._drawing.result()
            self._drawing = None
        self.num_contributions = 0
        # Contributions that were not clipped, less those that were: half of it is the sum of `b - 1/2`. Zeros do not
        # vote: else replacing a clipped contribution by zeros would move it by 1, and 1/2 is what is paid for.
        self.num_unclipped_less_clipped = 0
        self._held: list[Prepared] = []
        self._total: Integers | None = None
        self._is_noised = False
        self._newest: Vector | None = None

    def close(self) -> None:
        """Let go of the buffer."""
        self.clear()

    def prepare(self, contribution: Contribution, newest: Vector) -> Prepared:
        """Clip a contribution by its norm in float64, rounded towards zero; see `Accumulator.prepare`.

        Raises:
          InvalidContributionError: the norm is beyond float64, or components so large that integers would overflow.
        """
        terms = self._release.terms
        clip = NormBound(terms.clipping_norm).factor_of(contribution, newest)
        weight = contribution.weight / terms.max_weight
        if not 0.0 <= weight <= 1.0:
            raise InvalidContributionError.of("weight", contribution.weight, f"0 to {terms.max_weight:g}")
        # What is clipped to C has no component above C.
        if not (terms.clipping_norm / terms.step + 1.0) * self._round_size <= _LARGEST_SUM / 2:
            allowed = f"at most {_LARGEST_SUM / 2 / self._round_size:.3g} steps of {terms.step:g}"
            raise InvalidContributionError.of("clipping_norm", terms.clipping_norm, allowed)
        scale = contribution.scale * weight * clip
        self._make_room(is_added_at_once=contribution.difference.is_anchored)
        self._newest = newest
        return Prepared(contribution, scale, scale if contribution.difference.is_anchored else 0.0)

    def discard(self, prepared: Prepared) -> None:
        """Let go of what was prepared: it holds nothing."""

    def add(self, prepared: Prepared) -> None:
        """Count a contribution."""
        if prepared.contribution.difference.is_anchored:
            self._add_difference(prepared)
        else:
            self._held.append(prepared)
        self.num_contributions += 1
        if prepared.contribution.squared_norm:
            self.num_unclipped_less_clipped += 1 if self._is_whole(prepared) else -1

    def mean(self, newest: Vector, last: Prepared | None = None) -> MeanDifference:
        """Return the noised sum over the public denominator; `last` is never there: releases close by themselves."""
        if last is not None:
            raise ValueError("a private round is closed when its contributions are counted")
        total, terms, out = self._noised(), self._release.terms, new_vector(self._layout, self._pool)
        if not self._is_noised:
            raise ValueError("a release without its noise")
        self._add_held(total)
        grid_mean(total, terms.step, terms.denominator, out)
        return MeanDifference(out, 0.0)

    def _is_whole(self, prepared: Prepared) -> bool:
        """Tell whether a contribution was within the bound."""
        contribution = prepared.contribution
        unclipped = contribution.scale * (contribution.weight / self._release.terms.max_weight)
        return prepared.scale == unclipped

    def _make_room(self, *, is_added_at_once: bool) -> None:
        """Do what may fail of adding one more; the noise is drawn, or has begun to be, before any is counted."""
        is_full = len(self._held) == self._most_held
        if is_full or is_added_at_once or self._drawing is None:
            total = self._noised()
            if is_full:
                self._add_held(total)

    def _add_held(self, total: Integers) -> None:
        if self._held:
            scales = np.array([prepared.scale for prepared in self._held])
            values = [prepared.contribution.difference.values for prepared in self._held]
            grid_add_all(total, values, scales, self._release.terms.step)
            self._held = []

    def _add_difference(self, prepared: Prepared) -> None:
        """Add weights, less the newest ones."""
        if self._newest is None:
            raise AssertionError("the newest values came with what was prepared")
        total, values = self._sum(), prepared.contribution.difference.values
        for part in self._parts():
            evaluated = np.empty_like(values[part])
            weighted_sum((values[part], self._newest[part]), np.array([1.0, -1.0]), evaluated)
            grid_add(total[part], evaluated, prepared.scale, self._release.terms.step)

    def _parts(self) -> Iterator[slice]:
        """Yield chunks that stay in the cache between the passes over them."""
        for start in range(0, self._layout.num_parameters, _CHUNK):
            yield slice(start, start + _CHUNK)

    def _noised(self) -> Integers:
        """Return the sum with the release's noise in it, as soon as there is a source of it."""
        if self._drawing is not None:
            self._total, self._drawing = self._drawing.result(), None
            self._is_noised = self._total is not None
        total, add_noise = self._sum(), self._release.add_noise
        if not self._is_noised and add_noise is not None:
            add_noise(total)
            self._is_noised = True
        return total

    def _sum(self) -> Integers:
        if self._total is None:
            self._total = self._new_total()
            self._total.fill(0)
        return self._total

    def _new_total(self) -> Integers:
        return self._pool.take(self._layout.num_parameters * 8).view(np.int64)


def _fill(add_noise: Callable[[Integers], None], total: Integers) -> None:
    total.fill(0)
    add_noise(total)


def clipped_share(num_unclipped_less_clipped: int) -> float:
    """Return the sum of `b_i - 1/2` over contributions, `b_i` being 1 for those that were not clipped."""
    return math.ldexp(float(num_unclipped_less_clipped), -1)
