"""A pool's writer between shards: what it appends anew, whatever interrupts it."""

import asyncio
from collections.abc import Coroutine
from typing import Self

import numpy as np
import pytest

from heronry.client.pool_writer import PoolWriter
from heronry.client.shard import ShardLostError
from heronry.client.step_buffer import StepBuffer
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
VERSION = ParameterVersion(1, 1)


class FakeWriter:
    """Takes as many blocks as it has credits for; accepts those it is told to."""

    def __init__(self, writer_id: str, num_credits: int) -> None:
        self.writer_id = writer_id
        self.taken: list[int] = []
        self.num_accepted = 0
        self.num_credits = num_credits
        self.more = asyncio.Event()

    @property
    def num_unaccepted(self) -> int:
        return len(self.taken) - self.num_accepted

    async def append(self, columns, *_: object, **__: object) -> None:
        while len(self.taken) >= self.num_credits:
            self.more.clear()
            await self.more.wait()
        self.taken.append(int(columns["step"][0, 0]))

    async def flush(self, **_: object) -> None:
        self.num_accepted = len(self.taken)

    async def close(self, **_: object) -> None:
        """End in good order."""

    async def abort(self) -> None:
        """End at once."""

    async def __aenter__(self) -> Self:
        return self


class FakeShard:
    """A shard that is lost when it is told to be."""

    def __init__(self, address: str, num_credits: int) -> None:
        self.address, self.num_credits, self.num_writers, self.is_lost = address, num_credits, 0, False
        self.writers: list[FakeWriter] = []

    async def unless_lost(self, call: Coroutine[object, object, object]) -> object:
        if self.is_lost:
            call.close()
            raise ShardLostError(self.address)
        return await call


def pool_writer(shards: list[FakeShard], num_lanes: int = 1) -> PoolWriter:
    async def choose() -> FakeShard:
        return next(s for s in shards if not s.is_lost)

    def open_on(shard: FakeShard, num_moves: int) -> FakeWriter:
        shard.writers.append(FakeWriter(f"w{num_moves}", shard.num_credits))
        return shard.writers[-1]

    return PoolWriter("t", num_lanes, StepBuffer((STEP,), num_lanes, 4), choose, open_on)


async def append(writer: PoolWriter, value: int) -> None:
    await writer.append({"step": np.full((1, 1), value)}, VERSION)


async def interrupted(work: Coroutine[object, object, None], shard: FakeShard, num_taken: int) -> None:
    """Cancel work once the shard has taken so many blocks and gives no more credits."""
    task = asyncio.ensure_future(work)
    while not shard.writers or len(shard.writers[0].taken) < num_taken:  # noqa: ASYNC110 # seen by asking alone
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_blocks_of_a_lost_shard_are_all_appended_anew_although_the_move_was_interrupted() -> None:
    first, second = FakeShard("a", 8), FakeShard("b", 2)
    async with pool_writer([first, second]) as writer:
        for value in range(5):
            await append(writer, value)
        first.writers[0].num_accepted = 1
        first.is_lost = True
        await interrupted(append(writer, 5), second, 2)
        assert writer.num_unaccepted == 4

        second.writers[0].num_credits = 8
        await append(writer, 6)
        await writer.flush()

        # The first was accepted, and the one that was cancelled was not taken.
        assert second.writers[0].taken == [1, 2, 3, 4, 6]
        assert (writer.num_unaccepted, first.num_writers, second.num_writers) == (0, 0, 1)


async def test_a_shard_that_is_lost_in_the_midst_of_a_move_hands_over_all_of_it_to_the_next() -> None:
    shards = [FakeShard("a", 8), FakeShard("b", 2), FakeShard("c", 8)]
    async with pool_writer(shards) as writer:
        for value in range(4):
            await append(writer, value)
        shards[0].is_lost = True
        await interrupted(append(writer, 4), shards[1], 2)
        shards[1].writers[0].num_accepted = 1
        shards[1].is_lost = True

        await append(writer, 5)

        assert shards[2].writers[0].taken == [1, 2, 3, 5]


async def test_another_version_in_the_midst_of_a_step_of_several_lanes_is_named() -> None:
    async with pool_writer([FakeShard("a", 8)], num_lanes=2) as writer:
        await writer.append_step({"step": 1}, lane=0, behaviour_version=VERSION)

        with pytest.raises(InvalidArgumentError, match=r"lane: got \[0\]"):
            await writer.append_step({"step": 1}, lane=1, behaviour_version=ParameterVersion(1, 2))

        await writer.append_step({"step": 2}, lane=1, behaviour_version=VERSION)
