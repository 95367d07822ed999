"""The Skellam mechanism: integer noise whose shares add up, for sums that nobody sees in parts."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SkellamDpEvent:
    """One sum of integer vectors, noised by a Skellam variable in every coordinate; dp-accounting has no such event.

    Attributes:
      variance: of the noise of a coordinate, in steps squared; shares add up to it.
      l2_sensitivity: L2 bound of one unit's integer vector, in steps, its rounding counted.
      num_parameters: coordinates.
    """

    variance: float
    l2_sensitivity: float
    num_parameters: int

    def scaled(self, factor: float) -> "SkellamDpEvent":
        """Return the event at `factor` times the sensitivity."""
        return SkellamDpEvent(self.variance, self.l2_sensitivity * factor, self.num_parameters)


def skellam_rdp(event: SkellamDpEvent, orders: npt.ArrayLike) -> Reals:
    """Return the Rényi divergences of a Skellam release, one for each order above 1.

    `a D2^2 / (2 v) + min(((2 a - 1) D2^2 + 6 D1) / (4 v^2), 3 D1 / (2 v))` holds for whole orders `a`. In between,
    `(a - 1) * rdp(a)` is convex in `a` (van Erven and Harremoës 2014, Corollary 2), so the chord bounds it.

    Source: Agarwal, Kairouz and Liu 2021, "The Skellam Mechanism for Differentially Private Federated Learning",
    Theorem 3.5.
    """
    order = np.asarray(orders, np.float64)
    floor, ceiling = np.floor(order), np.ceil(order)
    share = order - floor
    chord: Reals = (1 - share) * (floor - 1) * _at_whole(event, floor) + share * (ceiling - 1) * _at_whole(
        event, ceiling
    )
    chord /= order - 1
    return chord


def l1_sensitivity(event: SkellamDpEvent) -> float:
    """Return the L1 bound that follows from the L2 bound: of integers, `|x| <= x^2`; of `P` of them, Cauchy-Schwarz."""
    return min(math.sqrt(event.num_parameters) * event.l2_sensitivity, event.l2_sensitivity**2)


def _at_whole(event: SkellamDpEvent, order: Reals) -> Reals:
    squared, l1, variance = event.l2_sensitivity**2, l1_sensitivity(event), event.variance
    excess = np.minimum(((2 * order - 1) * squared + 6 * l1) / (4 * variance**2), 3 * l1 / (2 * variance))
    return order * squared / (2 * variance) + excess
