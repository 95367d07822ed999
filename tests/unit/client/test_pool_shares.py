"""What each shard of a pool holds of a table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.client.shares import share_of, share_of_limiter
from heronry.types.errors import InvalidArgumentError
from heronry.types.tables import RateLimiter, Selector, TableDefinition


@pytest.fixture
def definition() -> TableDefinition:
    limiter = RateLimiter.sample_to_insert_ratio(8.0, 1000, 400.0)
    return TableDefinition("t", Selector.prioritized(0.6), Selector.fifo(), limiter, 100_000, max_bytes=1 << 30, seed=7)


def test_a_share_is_a_part_of_everything_that_is_counted(definition: TableDefinition) -> None:
    shares = [share_of(definition, index, 4) for index in range(4)]

    assert [share.max_size for share in shares] == [25_000] * 4
    assert [share.max_bytes for share in shares] == [1 << 28] * 4
    assert [share.seed for share in shares] == [7, 8, 9, 10]
    # The whole buffer of 400 on each side of 8000, a quarter on each shard.
    assert shares[0].rate_limiter == RateLimiter(8.0, 250, 1900.0, 2100.0)
    assert (
        replace(shares[0], **{n: getattr(definition, n) for n in ("max_size", "max_bytes", "rate_limiter", "seed")})
        == definition
    )


def test_one_shard_holds_the_table_itself(definition: TableDefinition) -> None:
    assert share_of(definition, 0, 1) == definition


def test_no_bound_stays_no_bound() -> None:
    limiter = RateLimiter.of_min_size(10)

    share = share_of_limiter(limiter, 3)

    assert share.min_size == 4
    assert (share.min_diff, share.max_diff) == (limiter.min_diff, limiter.max_diff)


@given(
    spi=st.floats(0.1, 50.0),
    min_size=st.integers(1, 10_000),
    buffer=st.floats(1.0, 1e6),
    num_shards=st.integers(1, 16),
)
def test_shares_never_allow_more_than_the_whole(spi, min_size, buffer, num_shards) -> None:
    whole = RateLimiter.sample_to_insert_ratio(spi, min_size, max(buffer, num_shards * 2.0 * max(1.0, spi)))
    share = share_of_limiter(whole, num_shards)

    # What the shards' differences may add up to lies within the whole's bounds, and enough items come first.
    assert num_shards * share.min_diff == pytest.approx(whole.min_diff)
    assert num_shards * share.max_diff == pytest.approx(whole.max_diff)
    assert min_size <= num_shards * share.min_size < min_size + num_shards


@given(part=st.floats(0.0, 0.999), spi=st.floats(0.1, 10.0), num_shards=st.integers(2, 16))
def test_a_buffer_too_narrow_to_be_shared_is_refused_by_name(part, spi, num_shards) -> None:
    least = 2 * max(1.0, spi)
    width = least * (1.0 + 1e-9 + part * (num_shards - 1))

    with pytest.raises(
        InvalidArgumentError, match=rf"max_diff - min_diff: got .* allowed: at least .* {num_shards} sh"
    ):
        share_of_limiter(RateLimiter(spi, 1_000_000, 0.0, width), num_shards)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_size": 3}, r"max_size: got 3, allowed: at least 4"),
        ({"max_size": 1001}, r"max_size: got 1001, allowed: at least 1004 for a min_size of 1001 over 4 shards"),
        ({"max_bytes": 2}, r"max_bytes: got 2"),
        ({"sampler": Selector.fifo()}, r"sampler: got 'fifo', allowed: uniform, prioritized"),
    ],
)
def test_an_impossible_share_is_refused_by_name(definition: TableDefinition, changed: dict, message: str) -> None:
    limiter = RateLimiter.of_min_size(1001)

    with pytest.raises(InvalidArgumentError, match=message):
        share_of(replace(definition, **{"rate_limiter": limiter, **changed}), 0, 4)
