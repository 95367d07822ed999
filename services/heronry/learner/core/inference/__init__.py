"""Central inference without a socket: groups of lanes, batches, versions."""

from heronry.learner.core.inference.batcher import Batch, PendingStep
from heronry.learner.core.inference.inference import Inference, InferenceLimits, Session
from heronry.learner.core.inference.policies import Policy, StatefulForward, Stateless, evaluate

__all__ = [
    "Batch",
    "Inference",
    "InferenceLimits",
    "PendingStep",
    "Policy",
    "StatefulForward",
    "Session",
    "Stateless",
    "evaluate",
]
