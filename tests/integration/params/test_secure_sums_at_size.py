"""Secure aggregation at size: 32 clients of a million parameters, a fifth of which drop out; beside a plain round."""

import asyncio
import time
from collections.abc import Iterable

import numpy as np
import pytest

from heronry.client.secure_stream import SecureStream
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.models import ModelSettings
from heronry.types.optimizers import SgdOptimizer
from heronry.types.privacy import DistributedNoise
from tests.integration.params.conftest import Mesh
from tests.integration.params.secure_clients import Clients, VanishedError, clients_of, clipped_sum, settings

NUM_CLIENTS = 32
NUM_DROPPED = 6
NUM = 1_000_000
NAMES = [f"client-{index:02}" for index in range(NUM_CLIENTS)]
CLAIM = DistributedNoise(noise_multiplier=0.5, min_survivors=20)


class CountingStream(SecureStream):
    """Counts the bytes of its messages; vanishes, if it is to, where that costs the service most."""

    vanishes = False
    num_sent = 0
    num_received = 0

    def _send(self, frames: Iterable[bytes]) -> None:
        super()._send(self._counted(frames))

    def _counted(self, frames: Iterable[bytes]) -> Iterable[bytes]:
        for frame in frames:
            self.num_sent += len(frame)
            yield frame

    async def _answered(self, message, vector, weight):
        self.num_received += message.ByteSize()
        if self.vanishes and message.WhichOneof("part") == "relayed":
            raise VanishedError
        return await super()._answered(message, vector, weight)


@pytest.mark.acceptance
async def test_a_round_of_32_clients_and_a_million_parameters_survives_a_fifth_of_drop_outs(
    mesh: Mesh, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    vectors = {name: (1e-3 * rng.normal(size=NUM)).astype(np.float32) for name in NAMES}
    plain_s = await _plain_round(mesh, vectors)
    await mesh.client.delete_model("policy")
    zeros = {"weight": np.zeros(NUM, np.float32)}
    base, _ = await mesh.client.register_model(
        "policy", zeros, settings(NUM_CLIENTS, CLAIM, epsilon_limit=1e9, deadline_s=120.0)
    )
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        clients.claim = CLAIM
        streams = [_stream(clients, name, base) for name in NAMES]
        for stream in streams[:NUM_DROPPED]:
            stream.vanishes = True

        start_s = time.perf_counter()
        work = (stream.run(vectors[name], 1.0, 300.0) for name, stream in zip(NAMES, streams, strict=True))
        results = await asyncio.gather(*work, return_exceptions=True)
        secure_s = time.perf_counter() - start_s

    found = np.array((await mesh.client.pull("policy"))["weight"], np.float64)
    rest = found - clipped_sum(vectors[name] for name in NAMES[NUM_DROPPED:]) / NUM_CLIENTS
    survivors = streams[NUM_DROPPED:]
    sent, received = (max(getattr(s, field) for s in survivors) for field in ("num_sent", "num_received"))
    with capsys.disabled():
        print(
            f"\nsecure round of {NUM_CLIENTS} x {NUM}, {NUM_DROPPED} dropped: {secure_s:.2f} s, plain {plain_s:.2f} s"
        )
        print(f"bytes of a client: sent {sent}, received {received}; plain: sent {4 * NUM}")
    assert sum(isinstance(result, VanishedError) for result in results) == NUM_DROPPED
    assert sum(not isinstance(result, BaseException) for result in results) == NUM_CLIENTS - NUM_DROPPED
    deviation = CLAIM.noise_multiplier * np.sqrt(len(survivors) / CLAIM.min_survivors) / NUM_CLIENTS
    # A million draws: their spread lies within half a percent unless something is wrong; 7 of its own deviations.
    assert abs(np.std(rest) / deviation - 1) < 0.005


def _stream(clients: Clients, name: str, base) -> CountingStream:
    return CountingStream(clients.clients[name]._connection, clients.header(name, base), CLAIM)


async def _plain_round(mesh: Mesh, vectors: dict[str, np.ndarray]) -> float:
    """Return how long the same contributions take by Push."""
    plain = ModelSettings(consistency=BufferedAsynchronous(NUM_CLIENTS, 1), optimizer=SgdOptimizer(learning_rate=1.0))
    base, _ = await mesh.client.register_model("policy", {"weight": np.zeros(NUM, np.float32)}, plain)
    async with clients_of(mesh.node.addresses, NAMES) as clients:

        async def push(name: str) -> None:
            values = {"weight": vectors[name]}
            kind = ContributionKind.DELTA
            await clients.clients[name].push("policy", values, base_version=base, kind=kind, timeout_s=60.0)

        start_s = time.perf_counter()
        await asyncio.gather(*(push(name) for name in NAMES))
        return time.perf_counter() - start_s
