"""Versions of a model that lies in several services, on their way to the reader."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from heronry.client.model_shards import ModelShards, unhashed
from heronry.client.parameters import Parameters
from heronry.client.sharded_parameters import ShardedModel, ShardedParameters
from heronry.client.side_by_side import side_by_side
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import VersionNotFoundError
from heronry.types.version import ParameterVersion

# Above this, putting shards together would hold up the event loop.
_INLINE_BYTES: Final = 1 << 20


class ShardedReads:
    """Pulls a model's shards side by side, all of one version; for one event loop.

    The first shard says which versions there are; the others are waited for.
    """

    def __init__(self, shards: ModelShards, model: str, codec: ParameterCodec, base: Parameters | None = None) -> None:
        """Take what is read and how it travels; see `ParamsClient.pull`."""
        self._shards = shards
        self._model = model
        self._codec = codec
        self._base = base

    async def number_of(self, tag: str) -> int:
        """Return the number of the version under a tag."""
        infos = await self._shards.first.list_versions(self._model)
        tags = {name: info.version.number for info in infos for name in info.tags}
        if tag not in tags:
            raise VersionNotFoundError.of("tag", tag, sorted(tags))
        return tags[tag]

    async def newer(self, than: ParameterVersion | None, wait_s: float | None) -> ShardedParameters | None:
        """Return the newest version once it is newer; None when there is none in time."""
        end_s = time.monotonic() + (wait_s or 0.0)
        head = await self._head(than, end_s)
        if head is None:
            return None
        # A worker that is too far ahead of the others is held up by the first shard, if it may be.
        left_s = None if wait_s is None else max(0.0, end_s - time.monotonic())
        return await self.newest(head.number, left_s)

    async def newest(self, number: int, wait_s: float | None = None) -> ShardedParameters:
        """Return the version of a number, or a newer one when a shard does not keep that any more."""
        end_s = time.monotonic() + self._shards.options.timeout_s
        while True:
            try:
                return await self.at(number, wait_s)
            except VersionNotFoundError:
                # A shard that does not follow must not keep its reader for ever.
                newest = (await self._shards.first.get_model(self._model)).version.number
                if newest == number or time.monotonic() >= end_s:
                    raise
                number = newest

    async def at(self, number: int, wait_s: float | None) -> ShardedParameters:
        """Return the version of a number; waits `wait_s` for the first shard to make it, the others for the first."""
        while True:
            whole = await self._shards.known(self._model)
            parts = await self._parts(whole, number, wait_s)
            if whole.ranges[0].schema == parts[0].schema:
                return await _joined(whole, parts)
            # Another model was made under this name since: it is looked at anew.
            self._shards.forget(self._model)

    async def _parts(self, whole: ShardedModel, number: int, wait_s: float | None) -> list[Parameters]:
        lag_s = (wait_s or 0.0) + self._shards.options.timeout_s
        waits = [wait_s, *[lag_s for _ in self._shards.clients[1:]]]
        return await side_by_side(
            client.pull(self._model, number=number, codec=self._codec, base=base, wait_s=shard_wait_s)
            for client, base, shard_wait_s in zip(self._shards.clients, whole.bases(self._base), waits, strict=True)
        )

    async def watch(
        self, newer_than: ParameterVersion | None, *, with_values: bool
    ) -> AsyncGenerator[Parameters, None]:
        """Yield the newest version and then every newer one."""
        whole, last = await self._shards.known(self._model), newer_than
        heads = self._shards.first.watch(self._model, newer_than=newer_than, with_values=False)
        async with aclosing(heads):
            async for head in heads:
                # The version before may have been pulled at a newer number than its head named.
                if not head.version.is_newer_than(last):
                    continue
                if with_values:
                    parameters: Parameters = await self.newest(head.version.number)
                else:
                    parameters = Parameters(unhashed(head.version), whole.schema, None)
                last = parameters.version
                yield parameters

    async def _head(self, than: ParameterVersion | None, end_s: float) -> ParameterVersion | None:
        """Return the first shard's newest version once it is newer; None when there is none in time."""
        first = self._shards.first
        newest = (await first.get_model(self._model)).version
        if newest.is_newer_than(than):
            return newest
        try:
            async with (
                asyncio.timeout(max(0.0, end_s - time.monotonic())),
                aclosing(first.watch(self._model, newer_than=than, with_values=False)) as heads,
            ):
                return (await anext(heads)).version
        except TimeoutError:
            return None


async def _joined(whole: ShardedModel, parts: list[Parameters]) -> ShardedParameters:
    if whole.schema.num_bytes > _INLINE_BYTES:
        return await asyncio.to_thread(whole.joined, parts)
    return whole.joined(parts)
