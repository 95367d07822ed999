"""Environments behind one interface, whatever made them; importing the package brings no Gymnasium."""

from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment

__all__ = ["EnvironmentSettings", "VectorEnvironment"]
