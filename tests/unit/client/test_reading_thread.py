"""Answers of one call, read by a thread of their own."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from heronry.client.reading_thread import read_in_thread

DEADLINE_S = 10.0


class Answers(Iterator[bytes]):
    """Gives its messages, and then waits until it is cancelled or ended."""

    def __init__(self, *messages: bytes) -> None:
        self._messages = list(messages)
        self._over = threading.Event()
        self.is_cancelled = False
        self.is_read_to_the_end = threading.Event()

    def __next__(self) -> bytes:
        if self._messages:
            return self._messages.pop(0)
        self._over.wait(DEADLINE_S)
        self.is_read_to_the_end.set()
        if self.is_cancelled:
            raise ConnectionError("cancelled")
        raise StopIteration

    def cancel(self) -> bool:
        self.is_cancelled = True
        self._over.set()
        return True

    def end(self) -> None:
        self._over.set()


def first_two(frames: Iterator[bytes]) -> bytes:
    return next(frames) + next(frames)


def unreadable(frames: Iterator[bytes]) -> bytes:
    raise ValueError(f"unreadable: {next(frames)!r}")


async def test_what_was_read_is_there_before_the_call_has_ended() -> None:
    answers = Answers(b"a", b"b", b"more")

    assert await read_in_thread(answers, first_two) == b"ab"

    assert not answers.is_read_to_the_end.is_set()
    answers.end()
    assert await asyncio.to_thread(answers.is_read_to_the_end.wait, DEADLINE_S)


async def test_the_event_loop_is_free_meanwhile() -> None:
    answers = Answers(b"a")
    reading = asyncio.create_task(read_in_thread(answers, lambda frames: list(frames)))
    await asyncio.sleep(0)

    answers.end()

    assert await asyncio.wait_for(reading, DEADLINE_S) == [b"a"]


async def test_an_error_is_the_readers() -> None:
    answers = Answers()
    answers.cancel()

    with pytest.raises(ConnectionError, match="cancelled"):
        await read_in_thread(answers, first_two)


async def test_a_call_that_cannot_be_read_is_ended() -> None:
    answers = Answers(b"a", b"b")

    with pytest.raises(ValueError, match="unreadable"):
        await read_in_thread(answers, unreadable)

    assert await asyncio.to_thread(answers.is_read_to_the_end.wait, DEADLINE_S)
    assert answers.is_cancelled


async def test_whoever_is_cancelled_ends_the_call() -> None:
    answers = Answers(b"a")
    reading = asyncio.create_task(read_in_thread(answers, first_two))
    await asyncio.sleep(0)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert answers.is_cancelled
    assert await asyncio.to_thread(answers.is_read_to_the_end.wait, DEADLINE_S)
