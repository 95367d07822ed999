"""One draw of many items decides as many draws of one."""

import numpy as np
import pytest

from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition

IN_ORDER = [Selector.fifo(), Selector.lifo(), Selector.min_heap(), Selector.max_heap()]


def definition(**more: object) -> TableDefinition:
    given: dict[str, object] = {"rate_limiter": RateLimiter.of_min_size(1), "max_size": 100} | more
    return TableDefinition("t", remover=Selector.fifo(), **given)


@pytest.mark.parametrize("sampler", [Selector.fifo(), Selector.uniform(), Selector.prioritized(1.0)])
@pytest.mark.parametrize("max_times_sampled", [0, 3])
def test_an_item_that_is_dropped_for_its_lag_counts_as_sampled_once(bench, sampler, max_times_sampled: int) -> None:
    bench = bench(definition(sampler=sampler, max_lag=1, max_times_sampled=max_times_sampled))
    bench.fill(2, number=0)
    bench.fill(1, number=5)

    batch = bench.sample(64 if max_times_sampled == 0 else 3)

    assert set(batch.columns["step"][0].tolist()) == {2}
    info = bench.table.info()
    assert (info.num_lagging, info.num_items) == (info.num_deletes - (max_times_sampled > 0), 3 - info.num_deletes)
    assert info.num_samples == len(batch.keys) + info.num_lagging


@pytest.mark.parametrize("sampler", IN_ORDER)
@pytest.mark.parametrize("delivery", Delivery)
def test_items_in_order_are_served_as_often_as_they_may_before_the_next(bench, sampler, delivery) -> None:
    one, many = (bench(definition(sampler=sampler, max_times_sampled=3, delivery=delivery)) for _ in range(2))
    for each in (one, many):
        for priority in (2.0, 7.0, 2.0, 0.0):
            each.fill(1, priority=priority)
        each.sample(2)
    singles = [one.reader(1) for _ in range(9)]

    expected = [reader.advance() for reader in singles]
    batch = many.reader(9).advance()

    assert batch.columns["step"][0].tolist() == [b.columns["step"][0, 0] for b in expected]
    assert batch.times_sampled.tolist() == np.repeat([3, 3, 3, 2], [1, 3, 3, 2]).tolist()
    assert many.table.num_items == one.table.num_items == 1
    assert many.table.info().num_samples == one.table.info().num_samples == 11
    np.testing.assert_array_equal(batch.probabilities, np.ones(9))


def test_a_draw_ends_where_the_items_used_up_bring_the_table_below_its_least(bench) -> None:
    bench = bench(
        definition(sampler=Selector.fifo(), max_times_sampled=2, rate_limiter=RateLimiter.of_min_size(3), max_size=10)
    )
    bench.fill(4)

    assert bench.sample(5) is None

    assert bench.table.info().num_samples == 4
    assert bench.table.num_items == 2
