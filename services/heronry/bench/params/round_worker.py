"""A worker process of rounds: through the SDK, or through bare gRPC."""

import time
from collections import Counter
from typing import Any, Protocol

import google_crc32c
import numpy as np

from heronry.bench.params.bare_grpc import BareClient
from heronry.bench.params.clients import Clients
from heronry.bench.params.command_loop import cpu_s, lies_in_shared_memory, run, writes_shared_memory
from heronry.bench.params.models import Floats, contribution_of, samples_of, settings_of, tensors_of
from heronry.client.params import ParamsClient
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.version import ParameterVersion

_NOTHING: Floats = np.empty(0, np.float32)


class Side(Protocol):
    """One of the two ways to take part in rounds."""

    async def push(self, values: Floats) -> None:
        """Contribute."""
        ...

    async def pull(self) -> Floats:
        """Wait for the round's result."""
        ...


class SdkSide:
    """Takes part in the rounds of a model."""

    def __init__(self, client: ParamsClient, model: str, codec: ParameterCodec, version: ParameterVersion) -> None:
        self._client = client
        self._model = model
        self._codec = codec
        self.version = version

    async def push(self, values: Floats) -> None:
        answer = await self._client.push(
            self._model, values, base_version=self.version, kind=ContributionKind.DELTA, codec=self._codec
        )
        if not answer.counted:
            raise RuntimeError("a contribution was not counted: no figure")

    async def pull(self) -> Floats:
        found = await self._client.pull(self._model, newer_than=self.version, wait_s=60.0, codec=self._codec)
        if found is None or found.version.number != self.version.number + 1:
            raise RuntimeError(f"{found} came after {self.version}, not the version of one round: no figure")
        self.version = found.version
        return found.flat.view(np.float32)

    async def newest(self) -> Floats:
        """Return the values that are there."""
        return (await self._client.pull(self._model, codec=self._codec)).flat.view(np.float32)


class BareSide:
    """Takes part in the sums of bare gRPC."""

    def __init__(self, client: BareClient, num_floats: int) -> None:
        self._client = client
        self._number = 0
        self._out: Floats = np.zeros(num_floats, np.float32)

    async def push(self, values: Floats) -> None:
        await self._client.push(values)

    async def pull(self) -> Floats:
        self._number += 1
        await self._client.pull(self._number, self._out)
        return self._out


class RoundCommands:
    """Takes part in the rounds of several sides, one round at a command."""

    def __init__(self) -> None:
        self._clients = Clients()
        self._bare: list[BareClient] = []
        self._sides: dict[str, Side] = {}
        self._values: list[Floats] = []
        self._moved = _NOTHING, _NOTHING
        self._num_rounds: Counter[str] = Counter()

    async def register(self, address: str, model: str, num_floats: int, **settings: Any) -> dict[str, object]:  # noqa: ANN401 # those of `settings_of`
        """Create a model."""
        client = await self._clients.client(address, "registrar", settings.pop("certificate", None))
        _, is_new = await client.register_model(model, tensors_of(num_floats), settings_of(**settings))
        return {"is_new": is_new}

    async def make(self, num_floats: int, seed: int) -> dict[str, object]:
        """Make what will be pushed."""
        values = contribution_of(num_floats, seed)
        # In turn: a model that went the same way in every round would be too large for the steps of INT8.
        self._values = [values, -values]
        return {}

    async def join(
        self, side: str, address: str, model: str, codec: str, client_id: str, certificate: str | None = None
    ) -> dict[str, object]:
        """Take up the rounds of a model, from its newest version on."""
        client = await self._clients.client(address, client_id, certificate)
        found = await client.pull(model)
        self._sides[side] = SdkSide(client, model, ParameterCodec(codec), found.version)
        return {}

    async def join_bare(self, side: str, address: str, num_floats: int) -> dict[str, object]:
        """Take up the sums of bare gRPC."""
        client = BareClient(address)
        self._bare.append(client)
        self._sides[side] = BareSide(client, num_floats)
        return {}

    async def round(self, side: str, at: float) -> dict[str, object]:
        """Push and pull at a moment of the machine's clock; tell when it was over."""
        values = self._values[self._num_rounds[side] % len(self._values)]
        self._num_rounds[side] += 1
        member, cpu_before = self._sides[side], cpu_s()
        time.sleep(max(0.0, at - time.monotonic()))  # noqa: ASYNC251 # nothing else runs here, and it wakes in time
        await member.push(values)
        pushed_at = time.monotonic()
        result = await member.pull()
        end = time.monotonic()
        self._moved = values, result
        return {"end": end, "push_s": pushed_at - at, "cpu_s": cpu_s() - cpu_before}

    async def moved(self) -> dict[str, object]:
        """Tell what the last round moved: asked when all have ended, whose time this must not take."""
        pushed, pulled = self._moved
        # Let go of: the next version takes the memory of this one.
        self._moved = _NOTHING, _NOTHING
        checksum = google_crc32c.value(pulled.view(np.uint8))
        return {"pushed": samples_of(pushed), "pulled": samples_of(pulled), "checksum": checksum}

    async def spread(self, side: str) -> dict[str, object]:
        """Tell the standard deviation of the newest values."""
        member = self._sides[side]
        if not isinstance(member, SdkSide):
            raise TypeError(f"{side}: the sums of bare gRPC are not kept")
        return {"spread": float(np.std(await member.newest(), dtype=np.float64))}

    async def shared_memory(self, side: str) -> dict[str, object]:
        """Tell whether contributions and versions go by shared memory."""
        member = self._sides[side]
        is_read = isinstance(member, SdkSide) and lies_in_shared_memory(await member.newest())
        return {"is_read": is_read, "is_written": writes_shared_memory()}

    async def close(self) -> None:
        """Close all connections."""
        await self._clients.close()
        for client in self._bare:
            await client.close()


if __name__ == "__main__":
    run(RoundCommands())
