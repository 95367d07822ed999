"""Environments in worker processes of their own, and simulators beside them; importing it brings no Gymnasium."""

from heronry.environments.isolated.environments import IsolatedEnvironments, make_isolated

__all__ = ["IsolatedEnvironments", "make_isolated"]
