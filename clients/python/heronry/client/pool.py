"""Several replay services that hold one table together."""

import asyncio
import secrets
import time
import zlib
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from heronry.client.arguments import MAX_CREDITS, check_count, check_name
from heronry.client.balancing import move_items, next_move
from heronry.client.options import ConnectionOptions, check_address
from heronry.client.pool_reader import PoolReader
from heronry.client.pool_updates import PoolPriorityUpdates
from heronry.client.pool_writer import PoolWriter
from heronry.client.shard import Shard, ShardLostError, rows_by_shard
from heronry.client.shares import share_of, share_of_limiter
from heronry.client.step_buffer import StepBuffer, block_steps_for
from heronry.client.writer import Writer
from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    AlreadyExistsError,
    ConfigurationError,
    FailedPreconditionError,
    InvalidArgumentError,
    TableNotFoundError,
    UnavailableError,
)
from heronry.types.experience import Batch
from heronry.types.tables import RateLimiter, TableDefinition, TableInfo

_WAIT_S = 0.1
_NUM_SUMMED = (
    "num_items",
    "num_bytes",
    "num_inserts",
    "num_samples",
    "num_deletes",
    "num_lagging",
    "num_writers",
    "num_step_bytes",
    "num_ignored",
    "num_recovered",
    "mass",
)


class ReplayBufferPool:
    """Tables spread over replay services: each service holds a whole table of its own, a shard.

    A writer's lanes stay on one shard; batches come from all, in proportion to what the shards hold; updates go
    where the key says. A shard that does not answer is left out until it is back: `lost` names it, writers
    move to the others. Give every service a number of its own (`shard`). Use as `async with`; belongs to
    one event loop.
    """

    def __init__(
        self, addresses: Sequence[str], options: ConnectionOptions | None = None, *, seed: int | None = None
    ) -> None:
        """Keep where the services are; `seed` is that of the split of batches."""
        if not addresses or isinstance(addresses, str):
            raise InvalidArgumentError.of("addresses", addresses, "a list of at least one address")
        for address in addresses:
            check_address(address)
        if len(set(addresses)) != len(addresses):
            raise InvalidArgumentError.of("addresses", list(addresses), "each address once")
        chosen = options or ConnectionOptions()
        self._client_id = chosen.client_id
        self._shards = [Shard(address, chosen, self._note_change) for address in addresses]
        self._readers: set[PoolReader] = set()
        self._rng = np.random.default_rng(seed)

    @property
    def num_shards(self) -> int:
        """Shards, lost ones included."""
        return len(self._shards)

    @property
    def lost(self) -> Mapping[str, str]:
        """The addresses that do not answer now, and why."""
        return {s.address: s.lost_because for s in self._shards if s.lost_because is not None}

    async def open(self) -> Self:
        """Look at all shards for the first time.

        Raises:
          UnavailableError: none answers.
          ConfigurationError: two have the same number.
        """
        await asyncio.gather(*(shard.look() for shard in self._shards))
        if len(self.lost) == self.num_shards:
            raise UnavailableError(f"no shard answers: {'; '.join(f'{a}: {why}' for a, why in self.lost.items())}")
        self._check_numbers()
        for shard in self._shards:
            shard.start()
        return self

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(shard.close() for shard in self._shards))

    async def create_table(self, definition: TableDefinition) -> bool:
        """Make the table's share on each shard; False when equal ones were there.

        `max_size`, `max_bytes` and the limiter's bounds are those of all shards together. A shard that is lost
        gets its share when it is back.

        Raises:
          InvalidArgumentError: a share of it is impossible.
          AlreadyExistsError: a shard has another table of that name.
          ConfigurationError: two shards have the same number.
        """
        shares = [share_of(definition, index, self.num_shards) for index in range(self.num_shards)]
        created = [await self._create(shard, share) for shard, share in zip(self._shards, shares, strict=True)]
        await asyncio.gather(*(shard.look() for shard in self._live))
        self._check_numbers()
        return any(created)

    async def get_table(self, table: str) -> TableInfo:
        """Describe the table of all shards that answer: counters are summed, the definition is one shard's."""
        check_name("table", table)
        infos = tuple((await self.shard_tables(table)).values())
        summed = {name: sum(getattr(info, name) for info in infos) for name in _NUM_SUMMED}
        waiting = tuple(waiting for info in infos for waiting in info.waiting)
        return replace(infos[0], waiting=waiting, **summed)

    async def shard_tables(self, table: str) -> Mapping[str, TableInfo]:
        """Describe the table of each shard that answers, by address.

        Raises:
          TableNotFoundError: no shard that answers has it.
        """
        check_name("table", table)
        await asyncio.gather(*(shard.look() for shard in self._shards))
        infos = {s.address: s.infos[table] for s in self._live if table in s.infos}
        if not infos:
            raise TableNotFoundError.of("table", table, sorted({name for s in self._live for name in s.infos}))
        return infos

    async def set_rate_limiter(self, table: str, rate_limiter: RateLimiter) -> None:
        """Give each shard its share of another limiter; the counters stay.

        Raises:
          UnavailableError: a shard is lost: limiters that differ would not add up.
        """
        share = share_of_limiter(rate_limiter, self.num_shards)
        for shard in self._all():
            await shard.client.set_rate_limiter(table, share)
            if table in shard.declared:
                shard.declared[table] = replace(shard.declared[table], rate_limiter=share)

    async def reset(self, table: str) -> int:
        """Drop all items of the shards that answer and zero their counters; return how many were dropped."""
        return sum(await asyncio.gather(*(shard.client.reset(table) for shard in self._live)))

    async def save_snapshot(self, table: str) -> Mapping[str, str]:
        """Save a snapshot on each shard; return where, by address.

        Raises:
          UnavailableError: a shard is lost.
        """
        shards = self._all()
        saved = await asyncio.gather(*(shard.client.save_snapshot(table) for shard in shards))
        return {shard.address: snapshot.path for shard, snapshot in zip(shards, saved, strict=True)}

    def writer(
        self,
        table: str,
        *,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str | None = None,
        writer_epoch: int | None = None,
        block_steps: int | None = None,
    ) -> PoolWriter:
        """Return a writer of `num_lanes` lanes on one shard, to be used as `async with`.

        A writer that is given its `writer_id` comes to the same shard each time, as long as that answers; others
        go where there are the fewest writers, then the fewest items.
        """
        check_name("table", table)
        check_count("num_lanes", num_lanes)
        check_count("block_steps", 1 if block_steps is None else block_steps)
        check_count("writer_epoch", 0 if writer_epoch is None else writer_epoch, 0)
        name = writer_id or f"{self._client_id}-{secrets.token_hex(3)}"

        def open_on(shard: Shard, num_moves: int) -> Writer:
            # After a move the name is new: a shard that knows it from before would take the blocks for old ones.
            own = name if num_moves == 0 else f"{name}~{num_moves}"
            epoch = time.time_ns() // 1_000 if writer_epoch is None else writer_epoch
            return shard.client.writer(table, columns=columns, num_lanes=num_lanes, writer_id=own, writer_epoch=epoch)

        buffer = StepBuffer(columns, num_lanes, block_steps or block_steps_for(columns, num_lanes))
        by_name = writer_id is not None
        return PoolWriter(table, num_lanes, buffer, lambda: self._choose(table, name, by_name=by_name), open_on)

    async def sample(
        self,
        table: str,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 2,  # noqa: A002 # the protocol's word
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches of independent draws over all shards.

        A batch is split by a multinomial draw over the shards' masses: items, or sums of weights. `probabilities`
        are those of the whole table, and `table_size` counts all shards, so importance weights come out as with
        one big table. Masses are those of the last look, at most half a second old. A shard that holds less than
        its share of `min_size`, or whose limiter holds samplers back, gives nothing while others can. Up to `credits`
        batches are drawn ahead on each shard; limiters count them when they are drawn.

        Raises:
          DeadlineExceededError: no batch was complete after `timeout_s`; says which shard was waited for.
        """
        check_name("table", table)
        check_count("batch_size", batch_size)
        check_count("credits", credits, maximum=MAX_CREDITS)
        await self.shard_tables(table)
        reader = PoolReader(self._shards, table, batch_size, columns, credits, self._rng)
        self._readers.add(reader)
        try:
            while True:
                yield await reader.next(timeout_s)
        finally:
            self._readers.discard(reader)
            await reader.close()

    async def update_priorities(
        self, table: str, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
    ) -> tuple[int, int]:
        """Change priorities, each where its key says; return how many were changed and how many were not.

        Keys of lost shards, or of none of the pool's, count with those that are gone.
        """
        if len(keys) != len(priorities):
            raise InvalidArgumentError.of("priorities", f"{len(priorities)} values", f"{len(keys)}, one for each key")
        return await self._routed(
            keys, lambda shard, rows: shard.client.update_priorities(table, keys[rows], priorities[rows])
        )

    def priority_updates(self, table: str) -> PoolPriorityUpdates:
        """Return what changes priorities over streams, to be used as `async with`."""
        check_name("table", table)
        return PoolPriorityUpdates(table, self._shards, lambda shard: shard.client.priority_updates(table))

    async def delete(self, table: str, keys: npt.NDArray[np.uint64]) -> tuple[int, int]:
        """Delete items, each where its key says; return how many were deleted and how many were not."""
        return await self._routed(keys, lambda shard, rows: shard.client.delete(table, keys[rows]))

    async def balance_buffers(self, table: str, tolerance: float = 0.10) -> int:
        """Move items from full shards to empty ones until their numbers differ by at most `tolerance` of the mean.

        Returns how many were moved. Moved items have new keys; updates for the old ones are ignored. Items are
        copied before they are deleted: an interruption leaves some twice, and none is lost.

        Raises:
          FailedPreconditionError: a move changed nothing, because others fill or empty the shards as fast.
        """
        if not 0 < tolerance < 1:
            raise InvalidArgumentError.of("tolerance", tolerance, "above 0, below 1")
        num_moved = 0
        while True:
            infos = await self.shard_tables(table)
            shards = [shard for shard in self._live if shard.address in infos]
            move = next_move([infos[shard.address].num_items for shard in shards], tolerance)
            if move is None:
                return num_moved
            source, target, num_items = move
            moved = await move_items(table, shards[source], shards[target], num_items)
            if not moved:
                raise FailedPreconditionError(f"table {table!r}: nothing could be moved from {shards[source].address}")
            num_moved += moved

    async def __aenter__(self) -> Self:
        try:
            return await self.open()
        except BaseException:
            await self.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def _live(self) -> list[Shard]:
        return [shard for shard in self._shards if not shard.is_lost]

    def _all(self) -> list[Shard]:
        if self.lost:
            raise UnavailableError(f"shards are lost: {', '.join(self.lost)}")
        return list(self._shards)

    def _note_change(self) -> None:
        for reader in self._readers:
            reader.note_change()

    async def _create(self, shard: Shard, share: TableDefinition) -> bool:
        shard.declared[share.table] = share
        if shard.is_lost:
            return False
        try:
            return await shard.client.create_table(share)
        except AlreadyExistsError:
            del shard.declared[share.table]
            have = (await shard.client.get_table(share.table)).definition
            if replace(have, seed=share.seed, columns=share.columns or have.columns) != share:
                raise
            # Made with the shards named in another order, which gave it another seed.
            shard.declared[share.table] = have
            return False

    async def _choose(self, table: str, name: str, *, by_name: bool) -> Shard:
        """Return the shard for a writer, by what each holds now; waits for one while all are lost."""

        def rank(shard: Shard) -> tuple[int, int, int]:
            # Highest random weight: each shard keeps its writers when another one comes or goes.
            chance = -zlib.crc32(f"{name}@{shard.address}".encode())
            info = shard.infos.get(table)
            if by_name or info is None:
                return 0, 0, chance
            return max(info.num_writers, shard.num_writers), info.num_items, chance

        await asyncio.gather(*(shard.look() for shard in self._shards))
        while not self._live:  # noqa: ASYNC110 - it is looked at in intervals anyway
            await asyncio.sleep(_WAIT_S)
        return min(self._live, key=rank)

    async def _routed(self, keys: npt.NDArray[np.uint64], call: "_RoutedCall") -> tuple[int, int]:
        calls = [_or_nothing(shard, call(shard, rows)) for shard, rows in rows_by_shard(self._shards, keys)]
        num_applied = sum(applied for applied, _ in await asyncio.gather(*calls))
        return num_applied, len(keys) - num_applied

    def _check_numbers(self) -> None:
        taken: dict[int, str] = {}
        for shard in self._live:
            if shard.number is None:
                continue
            other = taken.setdefault(shard.number, shard.address)
            if other != shard.address:
                allowed = f"a number of its own for each service; {other} and {shard.address} have the same"
                raise ConfigurationError.of("shard", shard.number, allowed)


class _RoutedCall(Protocol):
    """Types a call to one shard for some rows of the keys."""

    def __call__(self, shard: Shard, rows: npt.NDArray[np.intp]) -> Coroutine[Any, Any, tuple[int, int]]: ...


async def _or_nothing(shard: Shard, call: Coroutine[Any, Any, tuple[int, int]]) -> tuple[int, int]:
    try:
        return await shard.unless_lost(call)
    except ShardLostError:
        return 0, 0
