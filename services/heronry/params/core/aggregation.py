"""The weighted mean of a round's differences, accumulated as they arrive."""

from dataclasses import dataclass, replace

from heronry.params.core.layout import Vector


@dataclass(frozen=True)
class Difference:
    """What a contribution adds to the newest values `v`: `sign * values`, less `v` when `is_anchored`.

    Weights that were computed at the newest version stay unsubtracted: subtracting now and adding
    the result to `v` later would round twice, and published weights would not be the pushed ones.

    Attributes:
      values: `[P]`; never written to.
      sign: -1 for a gradient, along which an optimiser descends; else 1.
      is_anchored: the difference is `values - v`.
    """

    values: Vector
    sign: float = 1.0
    is_anchored: bool = False

    def evaluated(self, newest: Vector) -> Vector:
        """Return the difference itself, `[P]`."""
        signed = self.values if self.sign == 1.0 else self.values * self.sign
        return signed - newest if self.is_anchored else signed


@dataclass(frozen=True)
class MeanDifference:
    """A mean `values - anchor * v` over the newest values `v`, with `anchor` in [0, 1]."""

    values: Vector
    anchor: float

    def evaluated(self, newest: Vector) -> Vector:
        """Return the mean difference itself, `[P]`."""
        return self.values - newest * self.anchor if self.anchor else self.values

    def applied_to(self, newest: Vector, rate: float) -> Vector:
        """Return `newest + rate * difference`, the terms in `newest` collected first.

        A mean of weights applied at rate 1 is thereby that mean, to the last bit: `newest` has
        the factor 0 and is not read.
        """
        keep = 1.0 - rate * self.anchor
        scaled = self.values if rate == 1.0 else self.values * rate
        return newest * keep + scaled if keep else scaled


@dataclass(frozen=True)
class WeightedSum:
    """A running weighted sum; adding makes a new one, so a refused contribution leaves no trace.

    Weights are counted in units of the first one: a single contribution is its own mean, bit for
    bit, whatever its weight. Memory: one vector, whatever the number of contributions.
    """

    total: Vector | None = None
    anchor: float = 0.0
    denominator: float = 0.0
    unit: float = 1.0
    num_contributions: int = 0

    def share_of(self, weight: float) -> float:
        """Return the factor that a contribution of this weight would enter the sum with."""
        return weight / self.unit if self.num_contributions else 1.0

    def plus(self, difference: Difference, weight: float) -> "WeightedSum":
        """Return the sum with one more contribution."""
        share = self.share_of(weight)
        factor = share * difference.sign
        scaled = difference.values if factor == 1.0 else difference.values * factor
        return replace(
            self,
            total=scaled if self.total is None else self.total + scaled,
            anchor=self.anchor + (share if difference.is_anchored else 0.0),
            denominator=self.denominator + share,
            unit=self.unit if self.num_contributions else weight,
            num_contributions=self.num_contributions + 1,
        )

    def mean(self) -> MeanDifference:
        """Return the weighted mean of what was added; at least one contribution must have been."""
        if self.total is None:
            raise ValueError("the mean of no contributions")
        values = self.total if self.denominator == 1.0 else self.total / self.denominator
        return MeanDifference(values, self.anchor / self.denominator)
