"""Waiting for a core call while the peer is told why."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from heronry.replay.hosts import TableHost
from heronry.types.blocking import Waiting

T = TypeVar("T")

Tell = Callable[[Waiting], Awaitable[None]]


async def told_why(call: Awaitable[T], host: TableHost, side: str, period_s: float, tell: Tell) -> T:
    """Return what a core call returns; until then tell once a period why its side waits longest.

    When the stream ends first the call is withdrawn before this returns: it does not run any more.
    """
    task = asyncio.ensure_future(call)
    task.add_done_callback(_note_end)
    try:
        while not (await asyncio.wait({task}, timeout=period_s))[0]:
            waiting = host.longest_waiting(side)
            if waiting is not None:
                await tell(waiting)
        return task.result()
    finally:
        await _withdraw(task)


def _note_end(task: asyncio.Future[T]) -> None:
    # Its waiter may be cancelled in the very moment in which it fails: a table goes, and its readers with it.
    if not task.cancelled():
        task.exception()


async def _withdraw(task: asyncio.Future[T]) -> None:
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
