"""What the parameter service's speed and memory are worth, beside bare gRPC and NumPy."""

from heronry.bench.params.suite import MEASUREMENTS

__all__ = ["MEASUREMENTS"]
