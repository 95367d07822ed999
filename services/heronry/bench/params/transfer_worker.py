"""A client process that pulls or pushes one version after the other."""

import time

import numpy as np

from heronry.bench.params.clients import Clients
from heronry.bench.params.command_loop import cpu_s, lies_in_shared_memory, run
from heronry.bench.params.models import Floats, contribution_of, samples_of, settings_of, tensors_of
from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient
from heronry.types.contribution import Acknowledgement, ContributionKind
from heronry.types.version import ParameterVersion

_CLIENT_ID = "client-0"
_NUM_CONTRIBUTIONS = 2


class TransferCommands:
    """Moves the versions of one model at a time."""

    def __init__(self) -> None:
        self._clients = Clients()
        self._client: ParamsClient | None = None
        self._model = ""
        self._num_floats = 0
        self._versions: list[ParameterVersion] = []
        self._samples: list[list[float]] = []
        self._values: list[Floats] = []
        self._num_pulled = self._num_pushed = 0

    async def prepare(
        self, address: str, model: str, num_floats: int, num_versions: int, num_contributions: int
    ) -> dict[str, object]:
        """Create a model with some versions of different values; tell the number of the first.

        More than one version takes one contribution each: `num_contributions` is 1 then.
        """
        self._client = await self._clients.client(address, _CLIENT_ID)
        self._model, self._num_floats = model, num_floats
        settings = settings_of(num_contributions, num_versions_kept=num_versions)
        version, _ = await self._client.register_model(model, tensors_of(num_floats), settings)
        self._versions = [version]
        self._values = [contribution_of(num_floats, seed) for seed in range(_NUM_CONTRIBUTIONS)]
        self._samples = [samples_of(np.zeros(num_floats, np.float32))]
        self._num_pulled = self._num_pushed = 0
        while len(self._versions) < num_versions:
            await self._push_version()
        return {"number": version.number}

    async def pulls(
        self, num_transfers: int, copied: bool, shared: bool, is_newest: bool | None = None
    ) -> dict[str, object]:
        """Pull versions; tell the seconds of each, with a copy into memory of our own where asked for.

        All of them in turn, or the newest alone, or all but the newest.
        """
        places = self._places(is_newest)
        out = np.zeros(self._num_floats, np.float32)
        seconds: list[float] = []
        before = cpu_s()
        for _ in range(num_transfers):
            place = places[self._num_pulled % len(places)]
            self._num_pulled += 1
            begun = time.perf_counter()
            found = await self._connected().pull(self._model, number=self._versions[place].number)
            if copied:
                np.copyto(out, found.flat.view(np.float32))
            seconds.append(time.perf_counter() - begun)
            self._check(found, place, shared)
        return {"seconds": seconds, "cpu_s": cpu_s() - before}

    async def pushes(self, num_transfers: int) -> dict[str, object]:
        """Push contributions in turn; tell the seconds of each."""
        seconds: list[float] = []
        before = cpu_s()
        for _ in range(num_transfers):
            begun = time.perf_counter()
            await self._push()
            seconds.append(time.perf_counter() - begun)
        return {"seconds": seconds, "cpu_s": cpu_s() - before}

    async def copies(self, num_transfers: int) -> dict[str, object]:
        """Copy between two buffers that were touched; tell the seconds of each."""
        out = np.zeros(self._num_floats, np.float32)
        seconds: list[float] = []
        for number in range(num_transfers):
            begun = time.perf_counter()
            np.copyto(out, self._values[number % _NUM_CONTRIBUTIONS])
            seconds.append(time.perf_counter() - begun)
        return {"seconds": seconds}

    async def counters(self) -> dict[str, object]:
        """Tell what the service has counted for the model."""
        info = await self._connected().get_model(self._model)
        return {"num_accepted": info.num_accepted, "num_pending": info.num_pending, "number": info.version.number}

    async def close(self) -> None:
        """Close all connections."""
        await self._clients.close()

    def _places(self, is_newest: bool | None) -> range:
        num_versions = len(self._versions)
        if is_newest is None:
            return range(num_versions)
        return range(num_versions - 1, num_versions) if is_newest else range(num_versions - 1)

    async def _push_version(self) -> None:
        added = samples_of(self._values[self._num_pushed % _NUM_CONTRIBUTIONS])
        answer = await self._push()
        if not answer.closed_round:
            raise RuntimeError("a contribution made no version: no figure")
        self._versions.append(answer.version)
        self._samples.append([old + new for old, new in zip(self._samples[-1], added, strict=True)])

    def _check(self, found: Parameters, place: int, shared: bool) -> None:
        """Check which version came, that its first and last values are right, and by which way they came."""
        if found.version != self._versions[place] or found.flat.nbytes != 4 * self._num_floats:
            raise RuntimeError(f"{found} was pulled, not {self._versions[place]}: no figure")
        if lies_in_shared_memory(found.flat) is not shared:
            raise RuntimeError(f"shared memory was {'not ' if shared else ''}used: no figure")
        if not np.allclose(samples_of(found.flat.view(np.float32)), self._samples[place], atol=1e-6):
            raise RuntimeError("other values were pulled than pushed: no figure")

    async def _push(self) -> Acknowledgement:
        values = self._values[self._num_pushed % _NUM_CONTRIBUTIONS]
        self._num_pushed += 1
        answer = await self._connected().push(
            self._model, values, base_version=self._versions[-1], kind=ContributionKind.DELTA
        )
        if not answer.counted:
            raise RuntimeError("a contribution was not counted: no figure")
        return answer

    def _connected(self) -> ParamsClient:
        if self._client is None:
            raise RuntimeError("no model was prepared")
        return self._client


if __name__ == "__main__":
    run(TransferCommands())
