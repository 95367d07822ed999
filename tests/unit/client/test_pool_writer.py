"""A pool's writer between shards: what it appends anew, whatever interrupts it."""

import asyncio
from collections.abc import Coroutine
from typing import Self

import numpy as np
import pytest

from heronry.client import pool_writer as pool_writer_module
from heronry.client.pool_writer import PoolWriter
from heronry.client.shard import ShardLostError
from heronry.client.step_buffer import StepBuffer
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DeadlineExceededError, InvalidArgumentError
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
VERSION = ParameterVersion(1, 1)


class FakeWriter:
    """Takes as many blocks as it has credits for; accepts those it is told to.

    Blocks of several steps are in pieces: it takes them whole, and waits for the credits of the others.
    """

    def __init__(self, writer_id: str, num_credits: int) -> None:
        self.writer_id = writer_id
        self.taken: list[int] = []
        self.num_accepted = 0
        self.num_credits = num_credits
        self.more = asyncio.Event()

    @property
    def accepted_sequence(self) -> int:
        return self.num_accepted

    @property
    def appended_sequence(self) -> int:
        return len(self.taken)

    async def append(self, columns, *_: object, **__: object) -> int:
        await self._until_credit(1)
        self.taken += columns["step"][:, 0].tolist()
        await self._until_credit(0)
        return len(self.taken)

    async def _until_credit(self, num_more: int) -> None:
        while len(self.taken) + num_more > self.num_credits:
            self.more.clear()
            await self.more.wait()

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


async def append_pieces(writer: PoolWriter, *values: int, timeout_s: float = 60.0) -> int:
    return await writer.append({"step": np.array([values]).T}, VERSION, timeout_s=timeout_s)


async def interrupted(work: Coroutine[object, object, object], shard: FakeShard, num_taken: int) -> None:
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


async def test_a_block_in_pieces_that_was_taken_is_not_told_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_writer_module, "_PATIENCE_S", 0.0)
    shard = FakeShard("a", 2)
    async with pool_writer([shard]) as writer:
        assert await append_pieces(writer, 1, 2, 3, timeout_s=0.01) == 1

        with pytest.raises(DeadlineExceededError, match="no shard took it"):
            await append_pieces(writer, 4, 5, timeout_s=0.01)
        shard.writers[0].num_credits = 8
        assert await append_pieces(writer, 4, 5) == 2

    assert shard.writers[0].taken == [1, 2, 3, 4, 5]


async def test_a_block_in_pieces_is_kept_although_its_wait_was_given_up() -> None:
    first, second = FakeShard("a", 2), FakeShard("b", 8)
    async with pool_writer([first, second]) as writer:
        await interrupted(append_pieces(writer, 1, 2, 3), first, 3)
        first.is_lost = True

        assert await append_pieces(writer, 4) == 2

    assert second.writers[0].taken == [1, 2, 3, 4]


async def test_a_block_in_pieces_comes_once_to_the_shard_whose_move_was_interrupted_by_it() -> None:
    first, second = FakeShard("a", 8), FakeShard("b", 2)
    async with pool_writer([first, second]) as writer:
        await append_pieces(writer, 1, 2, 3)
        first.is_lost = True
        await interrupted(append_pieces(writer, 4), second, 3)

        second.writers[0].num_credits = 8
        await append_pieces(writer, 5)

    assert second.writers[0].taken == [1, 2, 3, 5]


async def test_collected_steps_in_pieces_are_not_shipped_again() -> None:
    shard = FakeShard("a", 1)
    async with pool_writer([shard]) as writer:
        for number in range(2):
            await writer.append_step({"step": number}, behaviour_version=VERSION)
        await interrupted(writer.flush(), shard, 2)

        shard.writers[0].num_credits = 8

    assert shard.writers[0].taken == [0, 1]
