"""The blocking clients' loop: what an interrupt leaves behind."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator

import pytest

from heronry.client.sync.loop import LoopThread


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
