"""Proximal policy optimisation."""

from heronry.algorithms.ppo.ppo import Ppo

__all__ = ["Ppo"]
