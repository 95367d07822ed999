"""From settings to optimisers."""

from heronry.params.core.optimizers.adaptive import Adagrad, Adam
from heronry.params.core.optimizers.mixing import Mixing
from heronry.params.core.optimizers.sgd import Sgd
from heronry.params.core.optimizers.state import Optimizer
from heronry.types.optimizers import AdagradOptimizer, MixingOptimizer, ServerOptimizer, SgdOptimizer


def optimizer_of(settings: ServerOptimizer) -> Optimizer:
    """Return the optimiser that the settings describe."""
    if isinstance(settings, SgdOptimizer):
        return Sgd(settings)
    if isinstance(settings, AdagradOptimizer):
        return Adagrad(settings)
    if isinstance(settings, MixingOptimizer):
        return Mixing(settings)
    return Adam(settings)
