"""How the contributions of a round become one update."""

from heronry.params.core.aggregation.accumulator import Accumulator, Prepared
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference, MeanDifference
from heronry.params.core.aggregation.rules import accumulator_of, weight_of
from heronry.params.core.aggregation.streaming import weighted_mean

__all__ = [
    "Accumulator",
    "Contribution",
    "Difference",
    "MeanDifference",
    "Prepared",
    "accumulator_of",
    "weight_of",
    "weighted_mean",
]
