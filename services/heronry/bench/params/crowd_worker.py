"""A process that is many workers: each a client with an identity and connections of its own."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Any

from heronry.bench.params.clients import Clients
from heronry.bench.params.command_loop import run
from heronry.bench.params.models import Floats, contribution_of, samples_of, settings_of, tensors_of
from heronry.client.params import ParamsClient
from heronry.types.contribution import Acknowledgement, ContributionKind
from heronry.types.version import ParameterVersion


class CrowdCommands:
    """Lets its workers push side by side, and its readers watch."""

    def __init__(self) -> None:
        self._clients = Clients()
        self._workers: list[ParamsClient] = []
        self._values: list[Floats] = []
        self._model = ""
        self._version: ParameterVersion | None = None

    async def register(self, address: str, model: str, num_floats: int, **settings: Any) -> dict[str, object]:  # noqa: ANN401 # those of `settings_of`
        """Create a model."""
        client = await self._clients.client(address, "registrar")
        version, _ = await client.register_model(model, tensors_of(num_floats), settings_of(**settings))
        return {"number": version.number}

    async def gather(self, address: str, model: str, names: Sequence[str], num_floats: int) -> dict[str, object]:
        """Connect workers of these names."""
        self._model = model
        self._values = [contribution_of(num_floats, seed) for seed in range(2)]
        self._workers = [await self._clients.client(address, name) for name in names]
        for worker in self._workers:
            self._version = (await worker.get_model(model)).version
        return {}

    async def push_all(self, num_open: int) -> dict[str, object]:
        """Let every worker push once, so many at a time; tell the sum of what they pushed, at some places."""
        turns = asyncio.Semaphore(num_open)

        async def pushed(number: int) -> list[float]:
            values = self._values[number % len(self._values)]
            async with turns:
                await self._pushed(self._workers[number], values)
            return samples_of(values)

        samples = await asyncio.gather(*(pushed(number) for number in range(len(self._workers))))
        return {"sum": [sum(column) for column in zip(*samples, strict=True)]}

    async def newest(self, address: str) -> dict[str, object]:
        """Pull the newest version; tell its number and some of its values."""
        found = await (await self._clients.client(address, "reader")).pull(self._model)
        return {"number": found.version.number, "values": samples_of(found.flat.view(self._values[0].dtype))}

    async def offer(self, at: float, seconds: float, rate: float) -> dict[str, object]:
        """Let every worker push `rate` times a second, whether answers come or not.

        Tells how long each push took from the moment at which it was due, and when each version was asked for.
        """
        num_pushes = round(seconds * rate)
        count = len(self._workers)
        # Spread over a period: workers do not wait for each other.
        starts = [at + (number / count) / rate for number in range(count)]
        told = await asyncio.gather(
            *(self._offered(w, start, num_pushes, 1 / rate) for w, start in zip(self._workers, starts, strict=True))
        )
        pushes = [push for worker in told for push in worker]
        return {"latencies": [latency for latency, _, _ in pushes], "due": {n: due for _, due, n in pushes}}

    async def _offered(
        self, worker: ParamsClient, start: float, num_pushes: int, period_s: float
    ) -> list[tuple[float, float, int]]:
        told: list[tuple[float, float, int]] = []

        async def pushed(number: int) -> None:
            due = start + number * period_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            answer = await self._pushed(worker, self._values[number % len(self._values)])
            told.append((time.monotonic() - due, due, answer.version.number))

        await asyncio.gather(*(pushed(number) for number in range(num_pushes)))
        return told

    async def watch(self, at: float, seconds: float) -> dict[str, object]:
        """Let every worker watch with values; tell when it had which version."""
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        return {"seen": await asyncio.gather(*(self._watched(worker, at + seconds) for worker in self._workers))}

    async def _watched(self, reader: ParamsClient, end: float) -> list[tuple[float, int]]:
        seen: list[tuple[float, int]] = []
        versions = reader.watch(self._model)
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                async for parameters in versions:
                    moment = time.monotonic()
                    seen.append((moment, parameters.version.number))
        except TimeoutError:
            return seen
        finally:
            await versions.aclose()
        return seen

    async def calls(self, at: float, seconds: float, num_in_flight: int) -> dict[str, object]:
        """Describe the model again and again, so many calls at a time; tell how many answers came."""
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        end = at + seconds
        latencies: list[float] = []

        async def caller() -> None:
            while (begun := time.monotonic()) < end:
                await self._workers[0].get_model(self._model)
                latencies.append(time.monotonic() - begun)

        await asyncio.gather(*(caller() for _ in range(num_in_flight)))
        return {"num_calls": len(latencies), "p50_s": statistics.median(latencies)}

    async def counters(self) -> dict[str, object]:
        """Tell what the service has counted for the model."""
        info = await self._workers[0].get_model(self._model)
        names = ("num_accepted", "num_refused", "num_bytes_received", "num_bytes_sent")
        return {name: getattr(info, name) for name in names} | {"number": info.version.number}

    async def close(self) -> None:
        """Close all connections."""
        await self._clients.close()

    async def _pushed(self, worker: ParamsClient, values: Floats) -> Acknowledgement:
        assert self._version is not None
        answer = await worker.push(self._model, values, base_version=self._version, kind=ContributionKind.DELTA)
        if not answer.counted:
            raise RuntimeError("a contribution was not counted: no figure")
        # Others' versions come in any order: a worker's base is the newest that this process knows of.
        if answer.version.is_newer_than(self._version):
            self._version = answer.version
        return answer


if __name__ == "__main__":
    run(CrowdCommands())
