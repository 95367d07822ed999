"""A contribution on its way into a round."""

from dataclasses import dataclass

from heronry.params.core.aggregation.differences import Difference


@dataclass(frozen=True)
class Contribution:
    """What a round counts.

    Attributes:
      difference: what it adds to the newest values.
      factor: scales the difference, for its staleness; in [0, 1].
      weight: in the mean, as the rule resolved it; above 0.
      largest: the largest magnitude in `difference.values`; finite.
      squared_norm: the sum of squares of `difference.values`.
    """

    difference: Difference
    factor: float
    weight: float
    largest: float
    squared_norm: float

    @property
    def scale(self) -> float:
        """The factor of the values, sign and staleness in one."""
        return self.difference.sign * self.factor

    @property
    def anchor(self) -> float:
        """The factor of the newest values, which are subtracted."""
        return self.factor if self.difference.is_anchored else 0.0
