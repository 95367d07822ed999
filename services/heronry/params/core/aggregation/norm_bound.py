"""The bound on the norm of a contribution's difference."""

import math
from typing import Final

import numpy as np

from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.layout import Vector
from heronry.types.errors import InvalidContributionError

_ULP: Final = float(np.finfo(np.float64).eps)


class NormBound:
    """Scales differences to an L2 norm of at most `max_norm`; staleness scales what is left of them."""

    def __init__(self, max_norm: float) -> None:
        self._max_norm = max_norm

    def factor_of(self, contribution: Contribution, newest: Vector) -> float:
        """Return `min(1, max_norm / norm)`, so much rounded towards 0 that the bound holds for the product.

        The norm is measured in float64. A zero difference has the factor 1.

        Raises:
          InvalidContributionError: the norm is beyond float64.
        """
        difference = contribution.difference
        squares = difference.measured(newest)[1] if difference.is_anchored else contribution.squared_norm
        norm = math.sqrt(squares)
        if not math.isfinite(norm):
            raise InvalidContributionError.of("contribution", norm, "a finite L2 norm")
        if norm <= self._max_norm:
            return 1.0
        return self._max_norm / norm * (1.0 - _slack(newest))


def _slack(vector: Vector) -> float:
    """Return what rounding can add: to the factor, to each product, and to the sum of P squares."""
    return 2.0 * float(np.finfo(vector.dtype).eps) + len(vector) * _ULP
