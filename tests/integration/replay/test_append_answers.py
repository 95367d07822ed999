"""When a writer is answered: not before its blocks have the table's level, and not never."""

import asyncio
from dataclasses import replace

import pytest

from heronry.replay.table_host import TableHost
from heronry.types.errors import AbortedError, HeronryError, ResourceExhaustedError
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition

FREE = TableDefinition("t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 1000, pattern=Pattern(1, 1))
QUEUE = TableDefinition.queue("t", size=2, pattern=Pattern(1, 1))


class SlowDisk:
    """Stands for the disk of a table whose level waits for it; fails when it is told to."""

    def __init__(self, host: TableHost, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: HeronryError | None = None
        self.is_asked = asyncio.Event()
        self.answers = asyncio.Event()
        monkeypatch.setattr(TableHost, "is_settled", property(lambda _: self.answers.is_set()))
        monkeypatch.setattr(host, "settled", self._settled)

    async def _settled(self) -> None:
        self.is_asked.set()
        await self.answers.wait()
        if self.error is not None:
            raise self.error


async def test_a_writer_that_waits_for_its_answer_is_told_when_the_disk_fails(run, ends_with, monkeypatch) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()
    disk = SlowDisk(running.service.hosts.get("t"), monkeypatch)
    await writer.write(1, [1])
    await disk.is_asked.wait()

    disk.error = ResourceExhaustedError("the disk failed")
    disk.answers.set()

    await ends_with(writer.read, ResourceExhaustedError, "the disk failed")


async def test_a_stream_whose_answers_nobody_takes_ends_although_nothing_more_is_sent(
    run, ends_with, monkeypatch
) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()
    disk = SlowDisk(running.service.hosts.get("t"), monkeypatch)
    await writer.write(1, [1])
    await disk.is_asked.wait()

    disk.error = AbortedError("the reader took nothing")
    disk.answers.set()

    await ends_with(writer.read, AbortedError, "took nothing")
    assert (await running.until(lambda info: info.num_writers == 0)).num_items == 1


async def test_what_waits_for_the_disk_is_not_told_as_accepted_while_the_limiter_holds_back(run, monkeypatch) -> None:
    running = await run()
    await running.create(replace(QUEUE, max_size=2))
    writer = await running.writer()
    disk = SlowDisk(running.service.hosts.get("t"), monkeypatch)
    await writer.write(1, [1])
    await disk.is_asked.wait()
    await writer.write(2, [2, 3])

    told = await writer.read()

    assert told.HasField("waiting")
    assert told.accepted_sequence == 0
    disk.answers.set()
    assert (await writer.read()).accepted_sequence == 1
