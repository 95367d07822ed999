"""From settings to optimisers."""

from dataclasses import asdict

import numpy as np

from heronry.params.core.optimizers.adaptive import Adagrad, Adam
from heronry.params.core.optimizers.mixing import Mixing
from heronry.params.core.optimizers.sgd import Sgd
from heronry.params.core.optimizers.state import Optimizer
from heronry.types.errors import InvalidArgumentError
from heronry.types.optimizers import AdagradOptimizer, MixingOptimizer, ServerOptimizer, SgdOptimizer


def check_precision(settings: ServerOptimizer, dtype: np.dtype[np.floating]) -> None:
    """Refuse figures that a model's number type does not hold: steps would make NaN, or none at all.

    Raises:
      InvalidArgumentError: a figure that is infinite there, or 0 though it is not.
    """
    limits = np.finfo(dtype)
    for name, value in asdict(settings).items():
        size = abs(float(value))
        if size and not float(limits.smallest_subnormal) <= size <= float(limits.max):
            allowed = f"{limits.smallest_subnormal:.3g} to {limits.max:.3g} ({dtype})"
            raise InvalidArgumentError.of(f"optimizer.{name}", value, allowed)


def optimizer_of(settings: ServerOptimizer) -> Optimizer:
    """Return the optimiser that the settings describe."""
    if isinstance(settings, SgdOptimizer):
        return Sgd(settings)
    if isinstance(settings, AdagradOptimizer):
        return Adagrad(settings)
    if isinstance(settings, MixingOptimizer):
        return Mixing(settings)
    return Adam(settings)
