"""The error of prefix sums at equal epsilon: what strategies are compared by.

In units of noise multiplier times a sum's sensitivity; independent noise has sqrt(t k) at release t.
"""

import numpy as np

from heronry.privacy.factorisation.strategy import Strategy


def rms_error(strategy: Strategy, horizon: int, max_participations: int, min_separation: int) -> float:
    """Return the root of the mean square error of the T prefix sums, a coordinate."""
    sensitivity = strategy.sensitivity(horizon, max_participations, min_separation)
    return sensitivity * float(np.sqrt(np.mean(strategy.prefix_variances(horizon))))


def max_error(strategy: Strategy, horizon: int, max_participations: int, min_separation: int) -> float:
    """Return the standard deviation of the noisiest of the T prefix sums, a coordinate."""
    sensitivity = strategy.sensitivity(horizon, max_participations, min_separation)
    return sensitivity * float(np.sqrt(np.max(strategy.prefix_variances(horizon))))
