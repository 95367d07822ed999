"""Pure mathematics of learning on NumPy arrays: networks, policies, returns, losses."""

from heronry.maths.importance import annealed, importance_weights
from heronry.maths.networks import Layers, NetworkSpec, network_for
from heronry.maths.returns import (
    Steps,
    VTrace,
    WindowReturns,
    bootstrapped_returns,
    generalized_advantages,
    lambda_returns,
    n_step_returns,
    v_trace,
    window_returns,
)
from heronry.maths.spaces import ActionSpace, ObservationSpace

__all__ = [
    "ActionSpace",
    "Layers",
    "NetworkSpec",
    "ObservationSpace",
    "Steps",
    "VTrace",
    "WindowReturns",
    "annealed",
    "bootstrapped_returns",
    "generalized_advantages",
    "importance_weights",
    "lambda_returns",
    "n_step_returns",
    "network_for",
    "v_trace",
    "window_returns",
]
