"""Rules by which the contributions of a round become one update."""

from dataclasses import dataclass
from typing import Final, get_args

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import (
    MAX_SMALL_COUNT,
    check_choice,
    number_from_zero,
    positive_number,
    whole_number,
)

DEFAULT_HELD_BYTES: Final = 64 << 20


@dataclass(frozen=True)
class Mean:
    """Every contribution counts the same."""


@dataclass(frozen=True)
class Sum:
    """Contributions are added."""


@dataclass(frozen=True)
class WeightedMean:
    """Each contribution counts by its `weight`."""


@dataclass(frozen=True)
class FederatedMean:
    """Each contribution counts by `min(sample_count, max_samples)` (McMahan et al. 2017, Algorithm 1)."""

    max_samples: int

    def __post_init__(self) -> None:
        max_samples = whole_number("aggregation.federated_mean.max_samples", self.max_samples, 1)
        object.__setattr__(self, "max_samples", max_samples)


@dataclass(frozen=True)
class NormBoundedMean:
    """Each contribution is scaled to an L2 norm of at most `max_norm`, then all count the same."""

    max_norm: float

    def __post_init__(self) -> None:
        max_norm = positive_number("aggregation.norm_bounded_mean.max_norm", self.max_norm)
        object.__setattr__(self, "max_norm", max_norm)


@dataclass(frozen=True)
class Median:
    """The median of each coordinate; of an even number the mean of the middle two."""


@dataclass(frozen=True)
class TrimmedMean:
    """The mean of each coordinate without its `num_trimmed` largest and smallest (Yin et al. 2018)."""

    num_trimmed: int

    def __post_init__(self) -> None:
        num_trimmed = whole_number("aggregation.trimmed_mean.num_trimmed", self.num_trimmed, 1, MAX_SMALL_COUNT)
        object.__setattr__(self, "num_trimmed", num_trimmed)


@dataclass(frozen=True)
class Krum:
    """The mean of the `num_selected` contributions nearest to their neighbours (Blanchard et al. 2017).

    Attributes:
      num_byzantine: contributions that may be arbitrary, f; a round needs at least 2 f + 3.
      num_selected: contributions averaged, m: 1 is Krum, more is multi-Krum.
    """

    num_byzantine: int
    num_selected: int = 1

    def __post_init__(self) -> None:
        num_byzantine = whole_number("aggregation.krum.num_byzantine", self.num_byzantine, 0, MAX_SMALL_COUNT)
        object.__setattr__(self, "num_byzantine", num_byzantine)
        num_selected = whole_number("aggregation.krum.num_selected", self.num_selected, 1, MAX_SMALL_COUNT)
        object.__setattr__(self, "num_selected", num_selected)


@dataclass(frozen=True)
class GeometricMedian:
    """The point of least summed distance to all contributions (Pillutla et al. 2022, smoothed Weiszfeld)."""


AggregationRule = (
    Mean | Sum | WeightedMean | FederatedMean | NormBoundedMean | Median | TrimmedMean | Krum | GeometricMedian
)
GRID_RULES: Final = (Mean, Sum, WeightedMean, FederatedMean)


@dataclass(frozen=True)
class Aggregation:
    """How the contributions of a round become one update.

    Attributes:
      rule: the rule.
      grid_step: width of the integer grid that contributions are rounded to before they are summed, which
        makes sums the same in any order; 0: floating sums. For means and sums.
      max_held_bytes: what a robust rule holds in memory of a round; beyond that it uses a file.
    """

    rule: AggregationRule = Mean()
    grid_step: float = 0.0
    max_held_bytes: int = DEFAULT_HELD_BYTES

    def __post_init__(self) -> None:
        check_choice("aggregation.rule", self.rule, get_args(AggregationRule))
        object.__setattr__(self, "grid_step", number_from_zero("aggregation.grid_step", self.grid_step))
        if self.grid_step and not isinstance(self.rule, GRID_RULES):
            allowed = f"0 with this rule; above 0: {', '.join(rule.__name__ for rule in GRID_RULES)}"
            raise InvalidArgumentError.of("aggregation.grid_step", self.grid_step, allowed)
        object.__setattr__(self, "max_held_bytes", whole_number("aggregation.max_held_bytes", self.max_held_bytes, 1))

    def fewest_contributions(self) -> int:
        """Return how many contributions a round needs for the rule to mean anything."""
        if isinstance(self.rule, TrimmedMean):
            return 2 * self.rule.num_trimmed + 1
        if isinstance(self.rule, Krum):
            return max(2 * self.rule.num_byzantine + 3, self.rule.num_selected)
        return 1
