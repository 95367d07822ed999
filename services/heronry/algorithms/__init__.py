"""Algorithms: each one's loss and update, found by name."""

from heronry.algorithms.algorithm import Algorithm, AlgorithmContext, AlgorithmState, UpdateResult
from heronry.algorithms.registry import load, names

__all__ = ["Algorithm", "AlgorithmContext", "AlgorithmState", "UpdateResult", "load", "names"]
