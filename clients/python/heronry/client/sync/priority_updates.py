"""Blocking stream of priority updates."""

from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from heronry.client.priority_updates import CLOSE_TIMEOUT_S, FLUSH_TIMEOUT_S
from heronry.client.priority_updates import PriorityUpdates as AsyncPriorityUpdates
from heronry.client.sync.loop import LoopThread


class PriorityUpdates:
    """A table's priorities, changed in the order of the calls; see the asynchronous one. Use as `with`; for one thread.

    Updates are queued in the caller's thread; the loop's takes many at a time.
    """

    def __init__(self, updates: AsyncPriorityUpdates, loop: LoopThread) -> None:
        self._updates = updates
        self._loop = loop
        updates.in_loop = loop.call_soon

    @property
    def table(self) -> str:
        """The table whose priorities change."""
        return self._updates.table

    @property
    def num_pending(self) -> int:
        """Updates that the service has not acknowledged yet."""
        return self._updates.num_pending

    def update(
        self,
        keys: npt.NDArray[np.uint64],
        priorities: npt.NDArray[np.floating],
        *,
        timeout_s: float = FLUSH_TIMEOUT_S,
    ) -> None:
        """Queue updates; returns at once unless too many are under way. The arrays may be reused afterwards."""
        while not self._updates.try_update(keys, priorities):
            self._loop.run(self._updates.room(timeout_s))

    def flush(self, *, timeout_s: float = FLUSH_TIMEOUT_S) -> tuple[int, int]:
        """Wait until all is acknowledged; return how many were changed, and how many keys were gone, in all."""
        return self._loop.run(self._updates.flush(timeout_s=timeout_s))

    def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush and end the stream."""
        self._loop.run(self._updates.close(timeout_s=timeout_s))

    def abort(self) -> None:
        """Close the stream at once; what was not acknowledged may be lost."""
        self._loop.run(self._updates.abort())

    def __enter__(self) -> Self:
        self._loop.run(self._updates.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._updates.__aexit__(kind, error, trace))
