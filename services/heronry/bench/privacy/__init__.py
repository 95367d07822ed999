"""What privacy costs: its noise, a round with it, the ledger, secure aggregation."""

from heronry.bench.privacy.suite import MEASUREMENTS

__all__ = ["MEASUREMENTS"]
