"""What a round makes of its contributions, in whatever order they come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.types.aggregation import (
    Aggregation,
    FederatedMean,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
)
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole

GRIDS = [Mean(), Sum(), FederatedMean(9)]
RULES = [*GRIDS, NormBoundedMean(2.0), Median(), TrimmedMean(1), Krum(1, 2), GeometricMedian()]

values = st.tuples(*[st.floats(-8, 8, width=32)] * 3)
contributions = st.lists(st.tuples(values, st.integers(1, 9)), min_size=5, max_size=5)
orders = st.permutations(range(5))


def result(make_bench, aggregation: Aggregation, optimizer, contributions, order) -> np.ndarray:
    bench = make_bench()
    bench.register(0.5, 0.25, -1.0, consistency=BufferedAsynchronous(5), aggregation=aggregation, optimizer=optimizer)
    for index in order:
        pushed, samples = contributions[index]
        kind = list(ContributionKind)[index % 3]
        answer = bench.push(*pushed, kind=kind, sample_count=samples, client_id=str(index))
    assert answer.closed_round
    return bench.values.copy()


@pytest.mark.parametrize("rule", GRIDS)
@settings(max_examples=20)
@given(contributions=contributions, order=orders)
def test_sums_on_a_grid_are_the_same_bit_for_bit_in_any_order(make_bench, rule, contributions, order) -> None:
    aggregation = Aggregation(rule, grid_step=2.0**-20)

    one, other = (result(make_bench, aggregation, AdamOptimizer(0.1), contributions, o) for o in (range(5), order))

    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=20)
@given(contributions=contributions, order=orders)
def test_other_rules_are_the_same_within_rounding(make_bench, rule, contributions, order) -> None:
    one, other = (result(make_bench, Aggregation(rule), SgdOptimizer(0.5), contributions, o) for o in (range(5), order))

    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(1)])
@settings(max_examples=20)
@given(contributions=contributions, order=orders)
def test_order_statistics_are_the_same_bit_for_bit(make_bench, rule, contributions, order) -> None:
    one, other = (result(make_bench, Aggregation(rule), SgdOptimizer(1.0), contributions, o) for o in (range(5), order))

    assert one.tobytes() == other.tobytes()


def test_counters_are_added_exactly_in_any_order(make_bench) -> None:
    tensors = {"w": np.zeros(2, np.float32), "n": np.array([2**60], np.int64)}
    schema = ModelSchema.of(tensors, {"n": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS)})
    counts = [1, 2**59, -3]
    totals = []

    for order in ([0, 1, 2], [2, 0, 1]):
        bench = make_bench()
        bench.register_schema(schema, tensors, consistency=BufferedAsynchronous(3))
        for index in order:
            pushed = {"w": np.ones(2, np.float32), "n": np.array([counts[index]])}
            bench.push_flat(bench.header(), np.frombuffer(schema.pack(pushed), np.uint8))
        totals.append(int(schema.views(bench.model.history.newest.flat)["n"][0]))

    assert totals == [2**60 + sum(counts)] * 2
