"""Central inference on the wire: streams of fleets, and the thread that evaluates for them."""

from heronry.learner.inference.engine import InferenceEngine
from heronry.learner.inference.host import InferenceHost
from heronry.learner.inference.servicer import InferenceServicer

__all__ = ["InferenceEngine", "InferenceHost", "InferenceServicer"]
