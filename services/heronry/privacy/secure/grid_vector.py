"""A client's vector on the grid: clipped as a whole, rounded, in steps.

The server never sees the vector, so that here, at the client, is the only place where the bound can be kept. The claim
holds for clients that run this code; a client that does not harms the sum, and itself, but not the others' privacy.
"""

import math
from typing import Final

import numpy as np

from heronry.native import grid_add, measure
from heronry.native.arrays import Vector
from heronry.types.errors import InvalidContributionError
from heronry.types.field_checks import finite_number
from heronry.types.secure_messages import Sums
from heronry.types.secure_rounds import RoundParameters

_UNIT_ROUNDOFF: Final = 2.0**-53


def grid_vector(values: Vector, weight: float, parameters: RoundParameters) -> Sums:
    """Return `rint(weight * min(1, C / ||values||) * values / gamma)`; the input is not modified.

    Args:
      values: [P] float32 or float64, contiguous.
      weight: 0 to 1.
      parameters: of the round.

    Returns:
      [P] int64, at most `parameters.sensitivity / gamma` long.

    Raises:
      InvalidContributionError: another type or length, a value that is not finite, or a norm beyond float64.
      InvalidArgumentError: a weight outside 0 to 1.
    """
    _check_vector(values, parameters.num_parameters)
    share = finite_number("weight", weight, lambda w: 0 <= w <= 1, "0 to 1")
    steps = np.zeros(parameters.num_parameters, np.int64)
    grid_add(steps, values, share * clip_factor(values, parameters.clipping_norm), parameters.grid_step)
    return steps


def clip_factor(values: Vector, clipping_norm: float) -> float:
    """Return `min(1, C / ||values||)`, rounded to zero by more than all that float64 can have lost on the way."""
    largest, squared_norm = measure(values)
    if not math.isfinite(largest):
        raise InvalidContributionError.of("values", largest, "finite")
    if not math.isfinite(squared_norm):
        raise InvalidContributionError.of("values", largest, "of a norm that float64 can square")
    # Worst case of a sum of P rounded squares is P roundings, of its root half as many; a few more for the products.
    norm = math.sqrt(squared_norm) * (1 + (len(values) + 16) * _UNIT_ROUNDOFF)
    return 1.0 if norm <= clipping_norm else clipping_norm / norm


def _check_vector(values: Vector, num_parameters: int) -> None:
    allowed = f"a contiguous vector of {num_parameters} float32 or float64"
    if not isinstance(values, np.ndarray) or values.shape != (num_parameters,):
        raise InvalidContributionError.of("values", getattr(values, "shape", type(values)), allowed)
    if values.dtype not in (np.float32, np.float64) or not values.flags.c_contiguous:
        raise InvalidContributionError.of("values", str(values.dtype), allowed)
