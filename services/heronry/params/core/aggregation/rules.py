"""From settings to weights and accumulators."""

import math
from pathlib import Path

from heronry.params.core.aggregation.accumulator import Accumulator
from heronry.params.core.aggregation.geometric_median import GeometricMedianRule
from heronry.params.core.aggregation.grid import GridSum
from heronry.params.core.aggregation.held import HeldContributions
from heronry.params.core.aggregation.held_rows import HeldRows
from heronry.params.core.aggregation.nearest_rows import NearestRows
from heronry.params.core.aggregation.norm_bound import NormBound
from heronry.params.core.aggregation.robust_rules import CoordinateMedian, CoordinateTrimmedMean, RobustRule
from heronry.params.core.aggregation.streaming import StreamingSum
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.types.aggregation import (
    Aggregation,
    AggregationRule,
    FederatedMean,
    GeometricMedian,
    Krum,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
    WeightedMean,
)
from heronry.types.contribution import ContributionHeader
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ContributionLimits


def weight_of(rule: AggregationRule, header: ContributionHeader, limits: ContributionLimits) -> float:
    """Return what a contribution counts in a mean; refuse by name what the rule does not use or allow.

    Raises:
      InvalidArgumentError: a weight that the rule does not use or above the limit, or no samples.
    """
    if isinstance(rule, WeightedMean):
        if not (math.isfinite(header.weight) and 0 < header.weight <= limits.max_weight):
            raise InvalidArgumentError.of("weight", header.weight, f"above 0, at most {limits.max_weight:g}")
        return header.weight
    if header.weight != 1.0:
        raise InvalidArgumentError.of("weight", header.weight, f"1 ({type(rule).__name__} does not weigh)")
    if isinstance(rule, FederatedMean):
        if header.sample_count < 1:
            raise InvalidArgumentError.of("sample_count", header.sample_count, "at least 1 (FederatedMean)")
        return float(min(header.sample_count, rule.max_samples))
    return 1.0


def accumulator_of(
    aggregation: Aggregation, layout: ParameterLayout, round_size: int, pool: BufferPool, spill_dir: Path
) -> Accumulator:
    """Return what counts the rounds of a model, each of at most `round_size` contributions.

    Args:
      aggregation: the rule and its bounds.
      layout: of the model.
      round_size: contributions that close a round at once.
      pool: where buffers come from.
      spill_dir: where a robust rule keeps what it does not hold in memory.
    """
    rule, is_mean = aggregation.rule, not isinstance(aggregation.rule, Sum)
    if aggregation.grid_step:
        return GridSum(layout, round_size, pool, aggregation.grid_step, is_mean=is_mean)
    robust = _robust_rule(rule)
    if robust is not None:
        held = HeldRows(layout.num_parameters * layout.dtype.itemsize, aggregation.max_held_bytes, spill_dir)
        return HeldContributions(layout, round_size, pool, held, robust)
    bound = NormBound(rule.max_norm) if isinstance(rule, NormBoundedMean) else None
    return StreamingSum(layout, round_size, pool, is_mean=is_mean, norm_bound=bound)


def _robust_rule(rule: AggregationRule) -> RobustRule | None:
    if isinstance(rule, Median):
        return CoordinateMedian()
    if isinstance(rule, TrimmedMean):
        return CoordinateTrimmedMean(rule.num_trimmed)
    if isinstance(rule, Krum):
        return NearestRows(rule.num_byzantine, rule.num_selected)
    return GeometricMedianRule() if isinstance(rule, GeometricMedian) else None
