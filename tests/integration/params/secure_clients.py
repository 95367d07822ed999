"""Clients of secure rounds that do as they are told: take part, or vanish at a step."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.client.secure_stream import SecureStream
from heronry.types.aggregation import Aggregation
from heronry.types.consistency import SynchronousRounds
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.errors import HeronryError
from heronry.types.models import ModelSettings
from heronry.types.optimizers import SgdOptimizer
from heronry.types.privacy import (
    DistributedNoise,
    FixedClip,
    NeighbourRelation,
    PrivacySettings,
    PrivacyUnit,
)
from heronry.types.version import ParameterVersion

STEPS = ("opened", "roster", "relayed", "unmask")
CLAIM = DistributedNoise(noise_multiplier=0.01, min_survivors=4)
NORM = 1.0


class VanishedError(Exception):
    """The client is gone; its process would be too."""


class VanishingStream(SecureStream):
    """Goes away when the service asks for a certain thing."""

    vanishes_at = ""

    async def _answered(self, message, vector, weight):
        if message.WhichOneof("part") == self.vanishes_at:
            raise VanishedError
        return await super()._answered(message, vector, weight)


class MangledStream(SecureStream):
    """Sends its messages as a function makes them of what they should be."""

    mangle: Callable[[bytes], bytes]

    def _send(self, frames: Iterable[bytes]) -> None:
        super()._send([self.mangle(frame) for frame in frames])


class SilentStream(SecureStream):
    """Is there, and says nothing after its header."""

    reached: asyncio.Event

    async def _answered(self, message, vector, weight):
        self.reached.set()
        await asyncio.get_running_loop().create_future()


def settings(
    cohort_size: int = 6,
    claim: DistributedNoise = CLAIM,
    *,
    epsilon_limit: float = 1e9,
    deadline_s: float = 30.0,
    quorum: int | None = None,
    aggregation: Aggregation | None = None,
) -> ModelSettings:
    privacy = PrivacySettings(
        unit=PrivacyUnit.CLIENT,
        relation=NeighbourRelation.ZERO_OUT_ONE,
        population=100,
        delta=1e-3,
        epsilon_limit=epsilon_limit,
        clip=FixedClip(NORM),
        noise=claim,
    )
    rounds = SynchronousRounds(cohort_size, quorum=quorum, deadline_s=deadline_s)
    return ModelSettings(
        aggregation=aggregation or Aggregation(),
        consistency=rounds,
        optimizer=SgdOptimizer(learning_rate=1.0),
        privacy=privacy,
    )


@dataclass
class Outcome:
    """What each client got: an answer or an error."""

    answers: dict[str, Acknowledgement] = field(default_factory=dict)
    errors: dict[str, BaseException] = field(default_factory=dict)


@dataclass
class Clients:
    """Clients with leases of their own."""

    addresses: Sequence[str]
    clients: dict[str, ParamsClient] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    claim: DistributedNoise = CLAIM

    async def come(self, names: Iterable[str]) -> None:
        for name in names:
            self.clients[name] = ParamsClient(self.addresses, ConnectionOptions(client_id=name))
            self.tokens[name] = (await self.clients[name].register_worker("policy")).fencing_token

    async def contribute(self, name: str, vector: np.ndarray, base: ParameterVersion, **fields) -> Acknowledgement:
        fields = {"fencing_token": self.tokens[name], "timeout_s": 60.0, "claim": self.claim} | fields
        return await self.clients[name].sum_securely("policy", {"weight": vector}, base_version=base, **fields)

    async def vanish(self, name: str, vector: np.ndarray, base: ParameterVersion, step: str) -> None:
        stream = VanishingStream(self.clients[name]._connection, self.header(name, base), self.claim)
        stream.vanishes_at = step
        await stream.run(vector, 1.0, 60.0)

    @contextlib.asynccontextmanager
    async def silent(self, name: str, base: ParameterVersion) -> AsyncIterator[asyncio.Event]:
        """Let a client enter and say nothing more; the event is set once its round has begun."""
        stream = SilentStream(self.clients[name]._connection, self.header(name, base), self.claim)
        stream.reached = asyncio.Event()
        work = asyncio.create_task(stream.run(np.zeros(1, np.float32), 1.0, 60.0))
        try:
            yield stream.reached
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def mangled(
        self, name: str, vector: np.ndarray, base: ParameterVersion, mangle: Callable[[bytes], bytes]
    ) -> None:
        """Take part with messages that are made wrong."""
        stream = MangledStream(self.clients[name]._connection, self.header(name, base), self.claim)
        stream.mangle = mangle
        await stream.run(vector, 1.0, 60.0)

    async def forge(self, name: str, claimed: str, base: ParameterVersion) -> None:
        """Enter under another client's name."""
        header = ContributionHeader("policy", claimed, "", base, ContributionKind.DELTA)
        await SecureStream(self.clients[name]._connection, header, self.claim).run(np.zeros(1, np.float32), 1.0, 10.0)

    def header(self, name: str, base: ParameterVersion) -> ContributionHeader:
        token = self.tokens[name]
        return ContributionHeader("policy", name, "", base, ContributionKind.DELTA, fencing_token=token)

    async def run(
        self, vectors: dict[str, np.ndarray], base: ParameterVersion, vanishing: dict[str, str] | None = None, **fields
    ) -> Outcome:
        vanishing = vanishing or {}

        def part(name: str):
            if name in vanishing:
                return self.vanish(name, vectors[name], base, vanishing[name])
            return self.contribute(name, vectors[name], base, **fields)

        results = await asyncio.gather(*(part(name) for name in vectors), return_exceptions=True)
        outcome = Outcome()
        for name, result in zip(vectors, results, strict=True):
            if isinstance(result, HeronryError | VanishedError):
                outcome.errors[name] = result
            elif isinstance(result, BaseException):
                raise result
            else:
                outcome.answers[name] = result
        return outcome

    async def close(self) -> None:
        for client in self.clients.values():
            await client.close()


@contextlib.asynccontextmanager
async def clients_of(addresses: Sequence[str], names: Iterable[str]) -> AsyncIterator[Clients]:
    clients = Clients(addresses)
    try:
        await clients.come(names)
        yield clients
    finally:
        await clients.close()


def vectors_of(names: Iterable[str], num_parameters: int = 400, scale: float = 1.5, seed: int = 7):
    """Directions of a norm about `scale`: above 1 they are clipped."""
    rng = np.random.default_rng(seed)
    return {
        name: (scale / np.sqrt(num_parameters) * rng.normal(size=num_parameters)).astype(np.float32) for name in names
    }


def clipped_sum(vectors: Iterable[np.ndarray]) -> np.ndarray:
    """Reference: the sum of vectors, each of them of a norm of at most 1."""
    exact = [vector.astype(np.float64) for vector in vectors]
    return sum(vector / max(1.0, float(np.linalg.norm(vector)) / NORM) for vector in exact)
