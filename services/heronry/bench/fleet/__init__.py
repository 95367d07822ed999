"""What environments, policies in the fleet and central inference do in a second."""

from heronry.bench.fleet.suite import MEASUREMENTS

__all__ = ["MEASUREMENTS"]
