"""Evens out the items of a pool's shards."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from heronry.client.shard import Shard
from heronry.types.experience import Run

_MOST_MOVED = 16_384


def next_move(sizes: Sequence[int], tolerance: float) -> tuple[int, int, int] | None:
    """Return from which shard to which how many items go next; None when the sizes are even.

    Sizes are even when the largest exceeds the smallest by at most `tolerance` of the mean, or by one item.
    """
    fullest, emptiest = int(np.argmax(sizes)), int(np.argmin(sizes))
    mean = sum(sizes) / len(sizes)
    skew = sizes[fullest] - sizes[emptiest]
    if skew <= max(1.0, tolerance * mean):
        return None
    # Neither goes past the mean: at least one of the two is even afterwards, so the moves come to an end.
    wanted = min(sizes[fullest] - mean, mean - sizes[emptiest])
    return fullest, emptiest, max(1, min(_MOST_MOVED, int(wanted)))


async def move_items(table: str, source: Shard, target: Shard, num_items: int) -> int:
    """Move the oldest items; return how many.

    They are copied first and deleted afterwards: whatever ends in between, none is lost. Until the delete they
    are in both shards.
    """
    keys: list[npt.NDArray[np.uint64]] = []

    async def copied() -> AsyncIterator[Run]:
        async with aclosing(source.client.export(table, max_items=num_items)) as runs:
            async for run in runs:
                keys.append(run.items.keys)
                yield run

    await target.client.import_runs(table, copied())
    gone = np.concatenate(keys) if keys else np.zeros(0, np.uint64)
    num_deleted, _ = await source.client.delete(table, gone)
    return num_deleted
