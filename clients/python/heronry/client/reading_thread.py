"""Answers of one call, read by a thread of their own.

On the event loop every message wakes the loop, which asks for the next one when it gets to it. A thread that does
nothing else takes a fifth less CPU, and the loop stays free while large values come in.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Answers(Iterator[bytes], Protocol):
    """The answers of a call as they come; waits for each."""

    def cancel(self) -> bool:
        """End the call; whoever waits for an answer gets an error."""


async def read_in_thread(answers: Answers, read: Callable[[Iterator[bytes]], T]) -> T:
    """Return what `read` makes of the answers, before their call has ended; cancelling this ends the call.

    Raises:
      whatever `read` and the call do.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            settle = _with_result(future, read(answers))
        except BaseException as error:  # noqa: BLE001 # it belongs to whoever waits
            settle = _with_error(future, error)
            # Of an answer that cannot be read the rest would come for nobody.
            answers.cancel()
        with contextlib.suppress(RuntimeError):
            # The loop may have been closed meanwhile: then nobody waits.
            loop.call_soon_threadsafe(settle)
        _drain(answers)

    # Never one of a pool: calls that wait for a round would take the places of all others.
    threading.Thread(target=run, name="heronry-download", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        answers.cancel()
        raise


def _drain(answers: Answers) -> None:
    """Let the call end by itself: nobody waits for its status, which changes nothing."""
    with contextlib.suppress(Exception):
        for _ in answers:
            continue


def _with_result(future: "asyncio.Future[T]", result: T) -> Callable[[], None]:
    def settle() -> None:
        if not future.done():
            future.set_result(result)

    return settle


def _with_error(future: "asyncio.Future[T]", error: BaseException) -> Callable[[], None]:
    def settle() -> None:
        if not future.done():
            future.set_exception(error)

    return settle
