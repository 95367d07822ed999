"""Corrections for experience that was not drawn uniformly."""

import numpy as np
import numpy.typing as npt

from heronry.types.tensors import FloatArray


def importance_weights(probabilities: npt.NDArray[np.float64], table_size: int, exponent: float) -> FloatArray:
    """Return (N P(i))^-β over the batch's largest, [B] float32 in (0, 1].

    Args:
      probabilities: P(i) of drawing each item in one draw, > 0.
      table_size: N, the items it was drawn from.
      exponent: β; 0 corrects nothing, 1 fully.

    Source: Schaul et al. 2016, "Prioritized experience replay", section 3.4.
    """
    # Relative to the rarest item of the batch: the same quotient, without overflow for any N P.
    scaled = probabilities * max(table_size, 1)
    weights: FloatArray = ((scaled / scaled.min()) ** -exponent).astype(np.float32)
    return weights


def annealed(initial: float, final: float, fraction: float) -> float:
    """Return the value a `fraction` of the way from `initial` to `final`, kept between them."""
    return initial + (final - initial) * min(max(fraction, 0.0), 1.0)
