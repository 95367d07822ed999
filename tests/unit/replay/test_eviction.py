"""Who goes when a table lacks bytes, and what is held that nobody needs."""

import numpy as np
import pytest

from heronry.types.patterns import Pattern
from heronry.types.tables import PartialEpisodes, RateLimiter, Selector, TableDefinition

PAGE_BYTES = 2048 * 8


def definition(**more: object) -> TableDefinition:
    given: dict[str, object] = {"remover": Selector.fifo(), "max_size": 10**6} | more
    return TableDefinition("t", sampler=Selector.uniform(), rate_limiter=RateLimiter.of_min_size(1), **given)


def test_a_page_that_lacks_costs_the_items_that_lie_in_about_one(bench) -> None:
    # 128 pages of 2,048 steps hold 262 items of 1,000; a page holds parts of three or four.
    bench = bench(definition(pattern=Pattern(1000, 1000), max_bytes=128 * PAGE_BYTES))
    for _ in range(262):
        bench.fill(1000)
    fewest = bench.table.num_items

    for _ in range(200):
        bench.fill(1000)
        fewest = min(fewest, bench.table.num_items)

    assert fewest >= 250


def test_a_page_of_single_steps_that_lacks_costs_two_pages_at_most(bench) -> None:
    bench = bench(definition(max_bytes=20 * PAGE_BYTES))
    sizes = []
    for _ in range(400):
        bench.fill(300)
        sizes.append(bench.table.num_items)

    assert min(sizes[200:]) >= 17 * 2048


@pytest.mark.parametrize("remover", [Selector.uniform(), Selector.prioritized(1.0), Selector.min_heap()])
def test_a_remover_that_picks_anywhere_costs_no_more_than_the_pages_of_its_picks(bench, remover: Selector) -> None:
    bench = bench(definition(remover=remover, max_bytes=20 * PAGE_BYTES))
    sizes = []
    for _ in range(400):
        bench.fill(300)
        sizes.append(bench.table.num_items)

    # One page is being filled, one goes, and now and then the pick is on the one being filled.
    assert min(sizes[200:]) >= 15 * 2048


def test_keys_of_an_episode_without_end_are_held_no_longer_than_its_items(bench) -> None:
    bench = bench(definition(max_size=100, partial_episodes=PartialEpisodes.DROP))
    for _ in range(100):
        bench.fill(64)
    [writer] = bench.table.writers

    assert len(writer.open_keys) <= 400
    assert len(writer.open_lanes) == len(writer.open_keys)
    bench.stop_filling()
    assert bench.table.num_items == 0


def test_rows_are_as_many_as_items_can_name(bench) -> None:
    bench = bench(definition(columns=()), max_bytes=1 << 36)
    bench.writer()

    # An item names its first row in 32 bits.
    assert len(bench.table.store._pool.store.columns["step"]) <= 2**32
    assert bench.table.store._pool.page_rows == 2048


def test_exported_pages_come_back_when_the_export_ends(bench) -> None:
    bench = bench(definition(max_size=10))
    bench.fill(5000)
    kept = bench.table.store.num_bytes
    pages = bench.table.store.hold_pages()
    bench.stop_filling()
    bench.table.delete(bench.table.contents.items.keys(bench.table.contents.items.used_slots()))

    assert 0 < bench.table.store.num_bytes <= kept
    bench.table.store.release_pages(pages)

    assert bench.table.store.num_bytes == 0
    assert np.all(bench.table.store._pool.table.references[:16] == 0)
