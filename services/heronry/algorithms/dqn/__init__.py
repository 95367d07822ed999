"""Double Q-learning with prioritised n-step replay."""

from heronry.algorithms.dqn.dqn import Dqn

__all__ = ["Dqn"]
