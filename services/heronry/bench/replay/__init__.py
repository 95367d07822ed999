"""What the replay service's speed, memory and durability are worth, beside Reverb."""

from heronry.bench.replay.suite import MEASUREMENTS

__all__ = ["MEASUREMENTS"]
