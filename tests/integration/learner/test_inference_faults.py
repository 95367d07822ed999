"""Streams of central inference that break: what is asked again, what is evaluated once, who is told."""

import asyncio
import contextlib
import enum

import numpy as np
import pytest

from heronry.learner.core.inference import Policy
from heronry.types.errors import FencedError, ForeignEpochError, UnavailableError, VersionNotFoundError
from heronry.types.version import ParameterVersion
from tests.support.inference_server import Counting, lanes, observed


class Fault(enum.Enum):
    """How a stream breaks."""

    CUT_BY_CLIENT = "cut_by_client"
    CHANNEL_CLOSED = "channel_closed"
    SERVER_DRAINED = "server_drained"


@pytest.mark.parametrize("fault", Fault)
async def test_a_stream_that_breaks_goes_on_where_it_was(server, fault) -> None:
    stream = server.stream()
    await stream.begin_unroll()
    await stream.infer(observed(1.0))

    if fault is Fault.CUT_BY_CLIENT:
        stream._call.cancel()
    elif fault is Fault.CHANNEL_CLOSED:
        await stream._connection._drop()
    else:
        # The transport goes, the engine stays: what it knows of the group is there.
        await server.server.drain(0.0)
        await server.listen()
    await server.publish(2)
    outputs = await stream.infer(observed(1.0))

    # The unroll's version acts on, and the state has seen two steps.
    np.testing.assert_array_equal(outputs, [[1, 1, 2]] * 2)
    assert stream.num_connects == 2


async def test_an_answer_that_was_lost_is_given_again_and_not_evaluated_twice(server) -> None:
    stream = server.stream()
    await stream.begin_unroll()
    read = stream._call.read

    async def lost():
        await read()
        raise UnavailableError("the answer was lost")

    stream._call.read = lost
    outputs = await stream.infer(observed(1.0))

    np.testing.assert_array_equal(outputs, [[1, 1, 1]] * 2)
    assert server.engine.statistics().num_repeated == 1
    assert server.engine.statistics().num_rows == 2


async def test_a_fleet_waits_for_a_service_that_is_restarted_and_fetches_its_unroll_s_version(server) -> None:
    stream = server.stream()
    await stream.begin_unroll()
    await stream.infer(observed(1.0))
    server.at_params[1] = Policy(ParameterVersion(1, 1), Counting(1), np.empty(0, np.float32))

    await server.stop()
    asked = asyncio.create_task(stream.infer(observed(1.0)))
    await asyncio.sleep(0)
    await server.start()
    await server.publish(9)

    # What was remembered of the lanes is lost, the version is not.
    np.testing.assert_array_equal(await asked, [[1, 1, 1]] * 2)


async def test_an_unroll_whose_version_is_gone_is_told_so_and_another_may_begin(server) -> None:
    stream = server.stream()
    await stream.begin_unroll()
    await stream.infer(observed(1.0))

    await server.stop()
    await server.start()
    await server.publish(9)
    with pytest.raises(VersionNotFoundError):
        await stream.infer(observed(1.0))
    begun = await stream.begin_unroll()

    assert begun.version.number == 9
    assert (await stream.infer(observed(1.0)))[0, 0] == 9.0


async def test_an_unroll_of_an_epoch_that_is_over_ends_though_its_number_may_come_again(server) -> None:
    await server.publish(5)
    stream = server.stream()
    await stream.begin_unroll()
    await stream.infer(observed(1.0))

    await server.stop()
    await server.start()
    await server.publish(3, epoch=2)
    async with asyncio.timeout(5.0):
        with pytest.raises(ForeignEpochError, match=r"got 2\.3, allowed: 1\.5"):
            await stream.infer(observed(1.0))
    begun = await stream.begin_unroll()

    assert begun.version == ParameterVersion(2, 3)


async def test_a_newer_stream_of_a_group_ends_the_older_one(server) -> None:
    older, newer = server.stream(), server.stream()
    await older.begin_unroll()
    await older.infer(observed(1.0))

    await newer.begin_unroll()
    with pytest.raises(FencedError, match="a newer stream serves group 'fleet-0/0'"):
        await older.infer(observed(1.0))

    assert (await newer.infer(observed(1.0)))[0, 2] == 2.0


async def test_a_stream_ends_when_its_fleet_is_gone(server, wait_until) -> None:
    stream = server.stream()
    await stream.begin_unroll()
    assert server.engine.statistics().num_streams == 1

    await server.clients[-1].close()

    await wait_until(lambda: not server.engine.statistics().num_streams)


class Relay:
    """Stands between a fleet and the server; connections it was told to hold stay open and carry nothing."""

    def __init__(self, address):
        self.target = address.removeprefix("unix:")
        self.may_pass = []
        self.writers = []

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader, writer):
        there, to_there = await asyncio.open_unix_connection(self.target)
        passes = asyncio.Event()
        passes.set()
        self.may_pass.append(passes)
        self.writers += [writer, to_there]
        await asyncio.gather(self.pump(reader, to_there, passes), self.pump(there, writer, passes))

    async def pump(self, reader, writer, passes):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await passes.wait()
                writer.write(data)
        writer.close()

    def hold(self):
        """Let nothing through on the connections there are."""
        for passes in self.may_pass:
            passes.clear()

    async def close(self):
        self.server.close()
        for passes in self.may_pass:
            passes.set()
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def test_a_half_open_connection_ends_on_both_sides_and_the_group_goes_on(server, wait_until) -> None:
    relay = Relay(server.address)
    stream = server.client(await relay.start()).stream(lanes())
    await stream.begin_unroll()
    await stream.infer(observed(1.0))

    relay.hold()
    await wait_until(lambda: not server.engine.statistics().num_streams)
    outputs = await stream.infer(observed(1.0))
    await relay.close()

    np.testing.assert_array_equal(outputs, [[1, 1, 2]] * 2)
    assert stream.num_connects == 2
