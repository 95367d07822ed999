"""The blocking clients' loop: what an interrupt, a collector, a fork and the end of the process leave behind."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator

import pytest

from heronry.client.sync.loop import LoopThread


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Let SIGINT interrupt, also where whoever started the tests had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_an_interrupted_iterator_is_closed_once_it_has_stopped() -> None:
    closed: list[str] = []
    main = threading.main_thread().ident
    assert main is not None

    async def waiting() -> AsyncGenerator[int, None]:
        try:
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.Event().wait()
            yield 1
        finally:
            # Many turns of the loop: the caller wants to close it in the midst of them.
            for _ in range(20_000):
                await asyncio.sleep(0)
            closed.append("closed")

    loop = LoopThread()
    items = loop.iterate(waiting())

    with pytest.raises(KeyboardInterrupt):
        next(items)

    assert closed == ["closed"]
    loop.close()


async def _numbers(closed: threading.Event) -> AsyncGenerator[int, None]:
    try:
        while True:
            yield 1
    finally:
        closed.set()


def test_an_iterator_that_the_collector_drops_on_the_loops_own_thread_is_closed_there() -> None:
    closed = threading.Event()
    loop = LoopThread()
    items = loop.iterate(_numbers(closed))
    assert next(items) == 1
    cycle: dict[str, object] = {"items": items}
    cycle["itself"] = cycle
    del items, cycle

    loop.call_soon(gc.collect)

    assert closed.wait(10)
    loop.close()


def test_a_coroutine_that_waits_for_its_own_loop_is_told_so() -> None:
    loop = LoopThread()

    async def nested() -> None:
        loop.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="called on the client's own loop"):
        loop.run(nested())
    loop.close()


_LEFT_OPEN = """
import sys
from heronry.client.sync.loop import LoopThread

async def numbers():
    while True:
        yield 1

items = LoopThread().iterate(numbers())
print(next(items), flush=True)
"""


def test_a_program_ends_although_an_iterator_is_left_open() -> None:
    done = subprocess.run([sys.executable, "-c", _LEFT_OPEN], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes can be forked")
def test_a_forked_process_is_told_that_the_client_is_not_its_own_and_may_drop_it() -> None:
    loop = LoopThread()
    items = loop.iterate(_numbers(threading.Event()))
    assert next(items) == 1

    child = os.fork()
    if child == 0:
        os._exit(_without_loop(loop, items))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert next(items) == 1
    items.close()
    loop.close()


def _without_loop(loop: LoopThread, items: object) -> int:
    signal.alarm(30)
    try:
        loop.run(asyncio.sleep(0))
    except RuntimeError as error:
        items.close()
        loop.close()
        return 0 if "forked" in str(error) else 2
    return 1
