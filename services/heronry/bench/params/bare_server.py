"""The limit beside rounds: byte streams of bare gRPC and a sum in NumPy, in a process of its own.

No schema, no identity, no checks of any kind; options, chunk size, event loop and malloc settings are those of the
service. Chunks are added as they come; the sum of a chunk is cut off as soon as its last summand is there.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import numpy as np

from heronry.bench.params.bare_grpc import CHUNK_FLOATS, NUMBER, SERVICE, Floats
from heronry.bench.params.command_loop import run
from heronry.wire.options import server_options

_GRACE_S = 1.0


class SumServer:
    """Adds the vectors of `num_workers` pushes and sends the sum to whoever asks for that round's."""

    def __init__(self, num_floats: int, num_workers: int) -> None:
        self._total: Floats = np.zeros(num_floats, np.float32)
        self._num_workers = num_workers
        self._num_chunks = -(-num_floats // CHUNK_FLOATS)
        self._num_pushed = 0
        self._number = 0
        self._frames: list[bytes] = []
        self._has_closed = asyncio.Condition()
        self._open_round()

    async def push(self, requests: AsyncIterator[bytes], context: object) -> bytes:
        """Add a vector, chunk by chunk."""
        del context
        index = 0
        async for frame in requests:
            self._add(index, np.frombuffer(frame, np.float32))
            index += 1
        if index != self._num_chunks:
            raise RuntimeError(f"a push had {index} chunks, not {self._num_chunks}")
        self._num_pushed += 1
        if self._num_pushed == self._num_workers:
            await self._close_round()
        return b""

    async def pull(self, request: bytes, context: object) -> AsyncIterator[bytes]:
        """Send the sum of a round once it is there."""
        del context
        (number,) = NUMBER.unpack(request)
        async with self._has_closed:
            await self._has_closed.wait_for(lambda: self._number >= number)
            frames = self._frames
        for frame in frames:
            yield frame

    async def echo(self, request: bytes, context: object) -> bytes:
        """Answer with what was asked."""
        del context
        return request

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the methods, which take and give bytes."""
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Push": grpc.stream_unary_rpc_method_handler(self.push),
            "Pull": grpc.unary_stream_rpc_method_handler(self.pull),
            "Echo": grpc.unary_unary_rpc_method_handler(self.echo),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _open_round(self) -> None:
        self._num_pushed = 0
        self._num_added = [0] * self._num_chunks
        self._next_frames = [b""] * self._num_chunks

    def _add(self, index: int, values: Floats) -> None:
        total = self._total[index * CHUNK_FLOATS : (index + 1) * CHUNK_FLOATS]
        if self._num_added[index]:
            np.add(total, values, out=total)
        else:
            total[:] = values
        self._num_added[index] += 1
        if self._num_added[index] == self._num_workers:
            self._next_frames[index] = total.tobytes()

    async def _close_round(self) -> None:
        async with self._has_closed:
            self._frames = self._next_frames
            self._number += 1
            self._open_round()
            self._has_closed.notify_all()


class ServerCommands:
    """Serves from the command `start` on."""

    def __init__(self) -> None:
        self._server: grpc.aio.Server | None = None

    async def start(self, num_floats: int, num_workers: int) -> dict[str, object]:
        """Serve; tell the address."""
        self._server = grpc.aio.server(options=server_options())
        self._server.add_generic_rpc_handlers((SumServer(num_floats, num_workers).handler(),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return {"address": f"127.0.0.1:{port}"}

    async def close(self) -> None:
        """End all calls."""
        if self._server is not None:
            await self._server.stop(_GRACE_S)


if __name__ == "__main__":
    run(ServerCommands())
