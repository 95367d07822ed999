"""A call that its peer has ended tells the peer's status, whatever was still on its way there."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from heronry.client.peer_status import peer_status

# gRPC alone hides the status of one call in three here: that none of so many is hidden happens once in 10^10 runs.
NUM_CALLS = 60
METADATA = (("heronry-test", "kept"),)


class Servicer(grpc.GenericRpcHandler):
    """Refuses every stream before it reads, or takes one message and waits."""

    def __init__(self) -> None:
        self.was_cancelled = asyncio.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = self.refuse if handler_call_details.method.endswith("Refuse") else self.wait
        return grpc.stream_stream_rpc_method_handler(method)

    async def refuse(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no place", METADATA)

    async def wait(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
        try:
            await context.write(await anext(aiter(requests)))
            await asyncio.Event().wait()
        finally:
            self.was_cancelled.set()


@pytest.fixture
async def served() -> AsyncIterator[tuple[grpc.aio.Channel, Servicer]]:
    server, servicer = grpc.aio.server(), Servicer()
    server.add_generic_rpc_handlers((servicer,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel, servicer
    await server.stop(0)


async def messages() -> AsyncIterator[bytes]:
    for number in range(3):
        yield bytes([number])


async def first_answer(call: grpc.aio.StreamStreamCall) -> bytes:
    with peer_status(call):
        async for answer in call:
            return answer
    raise AssertionError("the call ended without an answer and without an error")


@pytest.mark.timeout(60)
async def test_a_refusal_is_told_though_messages_came_too_late(served: tuple[grpc.aio.Channel, Servicer]) -> None:
    channel, _ = served
    for _ in range(NUM_CALLS):
        call = channel.stream_stream("/test/Refuse")(messages())
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await first_answer(call)

        error = raised.value
        assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no place")
        assert METADATA[0] in tuple(error.trailing_metadata())


@pytest.mark.timeout(60)
async def test_a_call_that_is_left_is_cancelled_at_once(served: tuple[grpc.aio.Channel, Servicer]) -> None:
    channel, servicer = served
    call = channel.stream_stream("/test/Wait")(messages())
    assert await first_answer(call) == b"\0"

    async with asyncio.timeout(10):
        await servicer.was_cancelled.wait()
    assert call.cancelled()
