"""Batches of a pool: how they are split and joined, and how items are evened out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.client.balancing import next_move
from heronry.client.drawn_rows import DrawnRows, join_rows, split_draws
from heronry.types.experience import Batch


def batch_of(keys: list[int], probability: float) -> Batch:
    """A shard's batch of two steps an item; every value is its item's key."""
    array = np.array(keys)
    return Batch(
        columns={"steps": np.stack([array, array]), "first": array.astype(np.float32)},
        keys=array.astype(np.uint64),
        probabilities=np.full(len(keys), probability),
        priorities=array.astype(np.float64),
        times_sampled=np.ones(len(keys), np.uint32),
        behaviour_epochs=np.ones(len(keys), np.uint64),
        behaviour_numbers=np.ones(len(keys), np.uint64),
        table_size=3,
        ages=array.astype(np.uint64),
    )


def test_rows_of_several_shards_are_one_batch() -> None:
    parts = [DrawnRows(batch_of([1, 2, 3], 0.5), 1, 3, 0.25), DrawnRows(batch_of([7, 8], 0.25), 0, 1, 0.75)]

    batch = join_rows(parts, {"first"}, table_size=40, batch_id=9)

    assert batch.keys.tolist() == [2, 3, 7]
    assert batch.columns["steps"].tolist() == [[2, 3, 7], [2, 3, 7]]
    assert batch.columns["first"].tolist() == [2, 3, 7]
    assert batch.columns["first"].dtype == np.float32
    assert batch.ages.tolist() == [2, 3, 7]
    assert batch.lengths is None
    assert (batch.table_size, batch.batch_id, batch.batch_size) == (40, 9, 3)
    # P(i) = P_shard(i) * mass_shard / total.
    assert batch.probabilities.tolist() == [0.125, 0.125, 0.1875]


def test_owned_rows_outlive_the_batch_they_came_in() -> None:
    source = batch_of([1, 2, 3], 0.5)
    rows = DrawnRows(source, 1, 3, 0.25).owned({"first"})
    source.columns["steps"][:] = 0
    source.keys[:] = 0

    batch = join_rows([rows], {"first"}, 3, 1)

    assert batch.keys.tolist() == [2, 3]
    assert batch.columns["steps"].tolist() == [[2, 3], [2, 3]]
    assert batch.probabilities.tolist() == [0.125, 0.125]
    assert rows.owned({"first"}) is rows


@given(
    weights=st.lists(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=5), min_size=1, max_size=4),
    num_draws=st.integers(1, 500),
    seed=st.integers(0, 99),
)
def test_probabilities_over_all_shards_are_those_of_one_big_table(weights, num_draws, seed) -> None:
    masses = np.array([sum(shard) for shard in weights])

    counts, shares = split_draws(np.random.default_rng(seed), num_draws, masses)

    assert counts.sum() == num_draws
    whole = sum(masses)
    for shard, share in zip(weights, shares, strict=True):
        np.testing.assert_allclose([w / sum(shard) * share for w in shard], [w / whole for w in shard])


def test_a_shard_without_mass_is_never_drawn_from() -> None:
    counts, _ = split_draws(np.random.default_rng(0), 10_000, np.array([0.0, 3.0, 0.0, 1.0]))

    assert counts[0] == counts[2] == 0


@given(sizes=st.lists(st.integers(0, 60_000), min_size=1, max_size=6), tolerance=st.sampled_from([0.01, 0.1, 0.5]))
def test_moves_even_out_any_sizes_and_come_to_an_end(sizes, tolerance) -> None:
    sizes = list(sizes)
    total = sum(sizes)
    num_moves = 0
    while (move := next_move(sizes, tolerance)) is not None:
        source, target, num_items = move
        assert 0 < num_items <= sizes[source]
        sizes[source] -= num_items
        sizes[target] += num_items
        num_moves += 1
        assert num_moves < 200

    assert sum(sizes) == total
    assert max(sizes) - min(sizes) <= max(1.0, tolerance * total / len(sizes))


@pytest.mark.parametrize("sizes", [[5], [0, 0], [10, 11], [100, 105, 110]])
def test_sizes_within_the_tolerance_are_left_alone(sizes: list[int]) -> None:
    assert next_move(sizes, 0.1) is None
