"""The client of bare gRPC: what a worker without our SDK would do at best."""

import struct
from collections.abc import Iterator

import grpc.aio
import numpy as np
import numpy.typing as npt

from heronry.wire.chunks import CHUNK_BYTES
from heronry.wire.options import client_options

SERVICE = "heronry.bench.BareSum"
CHUNK_FLOATS = CHUNK_BYTES // 4
NUMBER = struct.Struct("<Q")
"""Of the round whose sum is asked for, from 1."""
Floats = npt.NDArray[np.float32]


class BareClient:
    """Pushes a vector and pulls the sum into memory that was touched before."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=client_options(bulk=True))
        self._push: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = self._channel.stream_unary(f"/{SERVICE}/Push")
        self._pull: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(f"/{SERVICE}/Pull")

    async def push(self, values: Floats) -> None:
        """Send a vector; its chunks are made while others travel."""
        await self._push(_chunks(values))

    async def pull(self, number: int, out: Floats) -> None:
        """Wait for the sum of a round and place it in `out`."""
        filled = 0
        place = out.view(np.uint8)
        async for frame in self._pull(NUMBER.pack(number)):
            place[filled : filled + len(frame)] = np.frombuffer(frame, np.uint8)
            filled += len(frame)
        if filled != place.size:
            raise RuntimeError(f"a pull had {filled} bytes, not {place.size}")

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()


def _chunks(values: Floats) -> Iterator[bytes]:
    for start in range(0, values.size, CHUNK_FLOATS):
        yield values[start : start + CHUNK_FLOATS].tobytes()
