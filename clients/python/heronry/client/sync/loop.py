"""An event loop in a thread of its own, for callers that have none or may not block theirs."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from heronry.types.errors import UnavailableError

T = TypeVar("T")
_JOIN_TIMEOUT_S = 5.0


class LoopThread:
    """Runs coroutines to their end from any thread; the loop lives in one daemon thread.

    Usable while another loop runs in the calling thread, as in a notebook.
    """

    def __init__(self, owner: str = "client") -> None:
        """Start it; `owner` is what an error calls closed."""
        self._owner = owner
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_ignore_shared_poller)
        self._ending: set[asyncio.Task[object]] = set()
        self._thread = threading.Thread(target=self._run, name="heronry-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine and return its result; an interrupt cancels it.

        Raises:
          UnavailableError: the loop is closed.
          RuntimeError: it could never be run: the loop belongs to a process that this one was forked from, or is
            the caller's own.
        """
        reason = "called on the client's own loop" if self._is_own_thread else self._why_not
        if reason:
            work.close()
            raise (UnavailableError if self.is_closed else RuntimeError)(reason)
        call = _Call(work)
        try:
            # An interrupt may come before the future is in hand: the call itself can always be cancelled.
            return asyncio.run_coroutine_threadsafe(call.run(), self._loop).result()
        except BaseException:
            self.call_soon(call.cancel)
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """Yield what an asynchronous iterator yields; leaving the loop closes it."""
        done = object()
        # An interrupted caller comes to close the iterator while it is still being advanced.
        turn = asyncio.Lock()

        async def following() -> object:
            async with turn:
                return await anext(items, done)

        async def closing() -> None:
            async with turn:
                await items.aclose()

        try:
            while (item := self.run(following())) is not done:
                yield item  # type: ignore[misc]  # everything but `done` is a T
        finally:
            self.finish(closing())

    def finish(self, work: Coroutine[Any, Any, object]) -> None:
        """Run what ends an iterator, wherever that is dropped.

        A collector may drop it on the loop's own thread, which cannot wait for itself. As the interpreter ends, or
        in a forked process, the loop does not run any more: its streams end with the process.
        """
        if self._why_not:
            work.close()
        elif self._is_own_thread:
            self._begin(work)
        else:
            self.run(work)

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have the loop make a call, without waiting for it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def close(self) -> None:
        """End the loop and its thread; what still runs on it is cancelled."""
        if self._why_not:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_JOIN_TIMEOUT_S)

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._loop.is_closed()

    @property
    def _is_own_thread(self) -> bool:
        return threading.current_thread() is self._thread

    @property
    def _why_not(self) -> str:
        """Why nothing can be run; empty when it can."""
        if self.is_closed:
            return f"the {self._owner} is closed"
        if sys.is_finalizing():
            return "the interpreter is ending"
        return "" if self._thread.is_alive() else "the client belongs to the process that this one was forked from"

    def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        task = self._loop.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


class _Call(Generic[T]):
    """A coroutine that can be cancelled before it has begun."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False

    async def run(self) -> T:
        self._task = asyncio.current_task()
        if self._is_cancelled:
            self._work.close()
            raise asyncio.CancelledError
        return await self._work

    def cancel(self) -> None:
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()


def _ignore_shared_poller(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # gRPC wakes every loop of the process for each event; the ones that come second find nothing to read.
    if not isinstance(context.get("exception"), BlockingIOError):
        loop.default_exception_handler(context)
