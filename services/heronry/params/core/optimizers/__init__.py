"""Server optimisers: the mean difference of a round becomes new values."""

from heronry.params.core.optimizers.from_settings import optimizer_for, optimizer_of
from heronry.params.core.optimizers.state import NewVector, Optimizer, OptimizerState, Step

__all__ = ["NewVector", "Optimizer", "OptimizerState", "Step", "optimizer_for", "optimizer_of"]
