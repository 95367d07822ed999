"""Limits that hold callers back, told and lifted."""

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, TableDefinition
from heronry.wire.tables import rate_limiter_to_proto

QUEUE = TableDefinition.queue("t", size=2, pattern=Pattern(1, 1))


async def test_a_writer_is_told_why_its_credits_do_not_come_back(run) -> None:
    running = await run()
    await running.create(QUEUE)
    writer = await running.writer(lanes=3)
    assert (writer.opened.accepted_sequence, writer.opened.credits) == (0, 4)

    await writer.write(1, [0, 1, 2])
    told = await writer.read()

    assert told.accepted_sequence == 0
    assert (told.waiting.side, told.waiting.value, told.waiting.bound) == ("insert", 3.0, 2.0)
    waiting = (await running.info()).waiting
    assert [(w.side, w.term) for w in waiting] == [("insert", "(inserts + 1) * samples_per_insert - samples")]
    assert waiting[0].waited_s > 0

    reader = await running.reader(3)
    assert await reader.steps() == [0, 1, 2]
    while (answer := await writer.read()).HasField("waiting"):
        assert answer.accepted_sequence == 0
    assert answer.accepted_sequence == 1


async def test_a_reader_is_told_why_no_batch_comes(run) -> None:
    running = await run()
    await running.create(QUEUE)
    reader = await running.reader(1)

    told = await reader.read()

    assert (told.waiting.term, told.waiting.value, told.waiting.bound) == ("inserts - deletes", 0.0, 1.0)
    assert told.waiting.waited.ToTimedelta().total_seconds() > 0


async def test_a_live_change_of_the_limiter_wakes_those_who_wait(run) -> None:
    running = await run()
    await running.create(
        TableDefinition("t", QUEUE.sampler, QUEUE.remover, RateLimiter.of_min_size(100), 100, pattern=Pattern(1, 1))
    )
    reader = await running.reader(2)
    writer = await running.writer(lanes=2)
    await writer.write(1, [5, 6])
    await running.until(lambda info: [w.side for w in info.waiting] == ["sample"])

    limiter = rate_limiter_to_proto(RateLimiter.of_min_size(2))
    await running.stub.SetRateLimiter(pb.SetRateLimiterRequest(table="t", rate_limiter=limiter), timeout=5)

    assert await reader.steps() == [5, 5]
    assert (await running.info()).waiting == ()


async def test_a_batch_may_be_larger_than_the_queue(run) -> None:
    running = await run()
    await running.create(QUEUE)
    reader = await running.reader(12)
    writer = await running.writer(lanes=4)
    for sequence in range(3):
        await writer.write(sequence + 1, [4 * sequence + lane for lane in range(4)])

    assert await reader.steps() == list(range(12))
