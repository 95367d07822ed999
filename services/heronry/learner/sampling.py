"""Batches of the run's table, for ever, and priorities back to it."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import structlog

from heronry.client.replay import ReplayClient
from heronry.learner.transient import is_transient
from heronry.runtime.backoff import Backoff
from heronry.types.errors import HeronryError
from heronry.types.experience import Batch
from heronry.types.tensors import Array

_log = structlog.get_logger("heronry.learner")


class Sampling:
    """Rides out the loss of the replay service; for one event loop."""

    def __init__(self, replay: ReplayClient, table: str, credits: int) -> None:  # noqa: A002  # the protocol's word
        self._replay = replay
        self._table = table
        self._credits = credits
        self._told: asyncio.Task[None] | None = None

    async def batches(self, batch_size: int, clock: Callable[[], float]) -> AsyncGenerator[tuple[Batch, float], None]:
        """Yield batches, each with the seconds that were waited for it.

        Raises:
          HeronryError: the table refuses for good.
        """
        backoff = Backoff()
        while True:
            try:
                batches = self._replay.sample(self._table, batch_size=batch_size, credits=self._credits)
                try:
                    asked_s = clock()
                    async for batch in batches:
                        backoff.reset()
                        yield batch, clock() - asked_s
                        asked_s = clock()
                finally:
                    await batches.aclose()
            except HeronryError as error:
                if not is_transient(error):
                    raise
                _log.warning("replay_away", table=self._table, reason=str(error))
                await asyncio.sleep(backoff.next_s())

    async def tell(self, batch: Batch, priorities: Array) -> None:
        """Begin to send new priorities, once those before have been sent.

        They may be lost with the replay service: the items keep their old ones then.
        """
        await self.settled()
        self._told = asyncio.create_task(self._send(batch, priorities))

    async def settled(self) -> None:
        """Wait until the priorities have been sent."""
        if self._told is not None:
            await asyncio.shield(self._told)
            self._told = None

    async def close(self) -> None:
        """Give up priorities that are on their way."""
        told, self._told = self._told, None
        if told is not None:
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)

    async def _send(self, batch: Batch, priorities: Array) -> None:
        try:
            await self._replay.update_priorities(self._table, batch.keys, priorities.astype("float64", copy=False))
        except HeronryError as error:
            if not is_transient(error):
                raise
            _log.warning("priorities_lost", table=self._table, reason=str(error))
