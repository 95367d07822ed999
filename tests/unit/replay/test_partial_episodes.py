from dataclasses import replace

import numpy as np
import pytest

from heronry.types.blocking import WouldBlock
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.tables import PartialEpisodes, RateLimiter, Selector, TableDefinition

DROP = TableDefinition(
    "t",
    Selector.fifo(),
    Selector.fifo(),
    RateLimiter.of_min_size(1),
    100,
    pattern=Pattern(2, 1, episode_end=EpisodeEnd.DROP),
    partial_episodes=PartialEpisodes.DROP,
)


def firsts(bench) -> list[int]:
    """Return the first step of each item, oldest item first."""
    items = bench.table.contents.items
    slots = items.by_age(items.used_slots())
    return bench.table.store.gather(items.windows(slots))["step"][0].tolist() if len(slots) else []


def ends(*lanes: bool) -> np.ndarray:
    return np.array(lanes)


def test_items_of_an_episode_whose_writer_is_lost_go_and_those_of_finished_ones_stay(bench) -> None:
    bench = bench(DROP)
    writer = bench.writer()
    writer.append(bench.block(1, 3, lane_ends=ends(True)))
    writer.append(bench.block(2, 4))
    assert firsts(bench) == [0, 1, 3, 4, 5]

    writer.close()

    assert firsts(bench) == [0, 1]
    assert bench.table.info().num_deletes == 3


def test_they_stay_where_the_writer_ended_or_the_table_keeps_them(bench) -> None:
    ended, kept = bench(DROP), bench(replace(DROP, partial_episodes=PartialEpisodes.KEEP))
    for each in (ended, kept):
        writer = each.writer()
        writer.append(each.block(1, 4))
        if each is ended:
            writer.end()
        writer.close()

        assert firsts(each) == [0, 1, 2]


def test_an_episode_that_ends_in_a_later_block_keeps_the_items_of_the_earlier_ones(bench) -> None:
    bench = bench(DROP)
    writer = bench.writer(lanes=2)
    writer.append(bench.block(1, 3, 2))
    writer.append(bench.block(2, 2, 2, lane_ends=ends(True, False)))
    writer.append(bench.block(3, 1, 2))

    writer.close()

    # Lane 0 holds the even steps, of which an episode of 5 is finished.
    assert firsts(bench) == [0, 2, 4, 6]


def test_items_that_were_still_waiting_go_with_their_episode(bench) -> None:
    bench = bench(replace(DROP, rate_limiter=RateLimiter.queue(4), max_times_sampled=1))
    writer = bench.writer()
    block = bench.block(1, 7)
    with pytest.raises(WouldBlock):
        writer.append(block)

    writer.close()
    again = bench.writer()
    again.append(block)

    assert firsts(bench) == []
    assert again.progress.accepted_sequence == 1
    bench.table.reset()
    again.close()
    assert bench.table.info().num_bytes == 0
