"""A shard's share of a table that several services hold together."""

from dataclasses import replace

from heronry.types.errors import InvalidArgumentError
from heronry.types.tables import RateLimiter, SelectorKind, TableDefinition

# Above this a bound means none: shares of it would be as meaningless as itself.
_NO_BOUND = 1e300
_SEED_RANGE = 1 << 64
DRAWN_KINDS = (SelectorKind.UNIFORM, SelectorKind.PRIORITIZED)


def share_of(definition: TableDefinition, index: int, num_shards: int) -> TableDefinition:
    """Return the table that the shard of this index holds.

    Sizes are rounded down, so that all shards together hold at most what was declared; `min_size` is
    rounded up, so that none is sampled too early. Each shard draws with a seed of its own.

    Raises:
      InvalidArgumentError: a share is impossible, or the sampler has an order over all items, which no shard knows.
    """
    if definition.sampler.kind not in DRAWN_KINDS:
        allowed = ", ".join(kind.value for kind in DRAWN_KINDS) + " (no shard knows the order of all items)"
        raise InvalidArgumentError.of("definition.sampler", definition.sampler.kind.value, allowed)
    max_size = _part("definition.max_size", definition.max_size, num_shards)
    limiter = share_of_limiter(definition.rate_limiter, num_shards)
    if limiter.min_size > max_size:
        least = num_shards * limiter.min_size
        allowed = f"at least {least} for a min_size of {definition.rate_limiter.min_size} over {num_shards} shards"
        raise InvalidArgumentError.of("definition.max_size", definition.max_size, allowed)
    return replace(
        definition,
        rate_limiter=limiter,
        max_size=max_size,
        max_bytes=_part("definition.max_bytes", definition.max_bytes, num_shards) if definition.max_bytes else 0,
        seed=(definition.seed + index) % _SEED_RANGE,
    )


def share_of_limiter(limiter: RateLimiter, num_shards: int) -> RateLimiter:
    """Return the limiter of each of `num_shards` shards.

    The differences of all shards add up to that of the whole table; with the bounds divided by their number it
    stays within what was declared.

    Raises:
      InvalidArgumentError: a share of the bounds is narrower than a limiter may be.
    """
    min_diff, max_diff = (_bound(value, num_shards) for value in (limiter.min_diff, limiter.max_diff))
    width = 2 * max(1.0, limiter.samples_per_insert)
    if max_diff - min_diff < width:
        allowed = f"at least {num_shards * width:g} for {num_shards} shards"
        raise InvalidArgumentError.of("rate_limiter.max_diff - min_diff", limiter.max_diff - limiter.min_diff, allowed)
    return RateLimiter(limiter.samples_per_insert, -(-limiter.min_size // num_shards), min_diff, max_diff)


def _bound(value: float, num_shards: int) -> float:
    return value if abs(value) >= _NO_BOUND else value / num_shards


def _part(field: str, value: int, num_shards: int) -> int:
    if value < num_shards:
        raise InvalidArgumentError.of(field, value, f"at least {num_shards}, one for each shard")
    return value // num_shards
