"""Mechanisms without a secret cohort: a unit pays for each release it takes part in, or for a whole horizon."""

import math
from dataclasses import dataclass
from typing import ClassVar

from heronry.privacy.accounting.events import Event, gaussian, new_event, repeated
from heronry.privacy.accounting.mechanism import check_count
from heronry.privacy.accounting.skellam import SkellamDpEvent
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

# Not present or absent: rounds that arrivals fill have another client in the place of one who is absent.
_FILLED = (NeighbourRelation.ZERO_OUT_ONE, NeighbourRelation.REPLACE_ONE)


@dataclass(frozen=True)
class FixedCohorts:
    """Independent noise on each release; cohorts are known, or clients come when they like.

    Attributes:
      num_participations: releases that one unit contributes to, at most.
      denominator: contributions a release is divided by; None when it was not told.
    """

    num_participations: int
    denominator: float | None = None
    name: ClassVar[str] = "fixed"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = _FILLED
    noise_of: ClassVar[str] = "a release"
    holds_when: ClassVar[str] = "nobody takes part more often than planned: the service refuses who does"

    def __post_init__(self) -> None:
        check_count("participations", self.num_participations)

    def event(self, noise_multiplier: float) -> Event:
        """Return one Gaussian a participation."""
        return repeated(gaussian(noise_multiplier), self.num_participations)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the multiplier: a sum moves by one clipping norm."""
        return noise_multiplier


@dataclass(frozen=True)
class CorrelatedHorizons:
    """Noise correlated over a horizon by a matrix factorisation; a horizon is one Gaussian release.

    Attributes:
      num_horizons: that one unit takes part in, each paid for as a whole.
      sensitivity: the strategy's, for one unit's participations in a horizon.
      denominator: contributions a release is divided by; None when it was not told.
    """

    num_horizons: int
    sensitivity: float = 1.0
    denominator: float | None = None
    name: ClassVar[str] = "correlated"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = _FILLED
    noise_of: ClassVar[str] = "a horizon's first release"
    holds_when: ClassVar[str] = (
        "the service enforces how often, and how far apart, one unit takes part in a horizon, as the sensitivity says"
    )

    def __post_init__(self) -> None:
        check_count("horizons", self.num_horizons)
        if not (math.isfinite(self.sensitivity) and self.sensitivity > 0):
            raise InvalidArgumentError.of("sensitivity", self.sensitivity, "above 0, finite")

    def event(self, noise_multiplier: float) -> Event:
        """Return one Gaussian a horizon."""
        return repeated(gaussian(noise_multiplier), self.num_horizons)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the noise that a horizon's first release has; it cancels out in the sums of later ones."""
        return noise_multiplier * self.sensitivity


@dataclass(frozen=True)
class TreeHorizons:
    """Binary-tree aggregation; a unit contributes once a horizon.

    Attributes:
      horizon: releases of one tree.
      num_horizons: trees that one unit takes part in.
      denominator: contributions a release is divided by; None when it was not told.
    """

    horizon: int
    num_horizons: int = 1
    denominator: float | None = None
    name: ClassVar[str] = "tree"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = (NeighbourRelation.ZERO_OUT_ONE,)
    noise_of: ClassVar[str] = "all releases of a horizon so far, at most"
    holds_when: ClassVar[str] = "the service refuses a unit's second contribution to a horizon"

    def __post_init__(self) -> None:
        check_count("horizon", self.horizon)
        check_count("horizons", self.num_horizons)

    def event(self, noise_multiplier: float) -> Event:
        """Return one tree a horizon."""
        tree = new_event(
            "SingleEpochTreeAggregationDpEvent", noise_multiplier=noise_multiplier, step_counts=self.horizon
        )
        return repeated(tree, self.num_horizons)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the noise of the sum of all releases so far, at most: one node a level."""
        return noise_multiplier * math.sqrt(self.horizon.bit_length())


@dataclass(frozen=True)
class LocalNoise:
    """Every client noises its own contribution; no server is trusted.

    Attributes:
      num_participations: contributions of one client.
      denominator: clients a release is averaged over; None when it was not told.
    """

    num_participations: int
    denominator: float | None = None
    name: ClassVar[str] = "local"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = (
        NeighbourRelation.ZERO_OUT_ONE,
        NeighbourRelation.ADD_OR_REMOVE_ONE,
        NeighbourRelation.REPLACE_ONE,
    )
    noise_of: ClassVar[str] = "a release"
    holds_when: ClassVar[str] = "each client clips and noises before it sends; that it takes part is public"

    def __post_init__(self) -> None:
        check_count("participations", self.num_participations)

    def event(self, noise_multiplier: float) -> Event:
        """Return one Gaussian a contribution."""
        return repeated(gaussian(noise_multiplier), self.num_participations)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the noise of a sum of as many as it is divided by: each of them brings its own."""
        return noise_multiplier * math.sqrt(self.denominator or 1.0)


@dataclass(frozen=True)
class SkellamShares:
    """Clients add shares of Skellam noise below secure aggregation.

    Attributes:
      num_participations: sums that one unit contributes to.
      num_parameters: coordinates.
      min_survivors: contributions without which nothing is unmasked; their shares make up the noise.
      noise_steps: the noise's standard deviation in steps of the grid: with few, integers cost more than reals.
    """

    num_participations: int
    num_parameters: int
    min_survivors: int
    noise_steps: float = 2.0**20
    name: ClassVar[str] = "distributed"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = _FILLED
    noise_of: ClassVar[str] = "a release of the fewest survivors"
    holds_when: ClassVar[str] = (
        "sums are unmasked only from as many honest survivors as planned; rounding is counted in the sensitivity"
    )

    def __post_init__(self) -> None:
        check_count("participations", self.num_participations)
        check_count("parameters", self.num_parameters)
        check_count("cohort", self.min_survivors)
        if not (math.isfinite(self.noise_steps) and self.noise_steps > 0):
            raise InvalidArgumentError.of("noise_steps", self.noise_steps, "above 0, finite")

    @property
    def denominator(self) -> float:
        """The fewest survivors."""
        return float(self.min_survivors)

    def event(self, noise_multiplier: float) -> Event:
        """Return one Skellam sum a participation."""
        step = SkellamDpEvent(self.noise_steps**2, self.noise_steps / noise_multiplier, self.num_parameters)
        return repeated(step, self.num_participations)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the multiplier; survivors above the fewest bring more."""
        return noise_multiplier
