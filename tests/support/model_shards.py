"""A model in three parameter services, and clients of it."""

from pathlib import Path

import numpy as np

from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.client.sharded_params import ShardedParamsClient
from heronry.params import ParamsSettings, build
from heronry.params.service import ParamsService
from heronry.runtime.node import ServiceNode
from heronry.types.tensors import MergeRule, TensorRole

NUM_SHARDS = 3
ROLES = {"n": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS)}


def constant(value: float, num: int = 100) -> dict[str, np.ndarray]:
    return {"weight": np.full((num // 4, 4), value, np.float32)}


def random(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "layer": rng.normal(size=(9, 11)).astype(np.float32),
        "n": rng.integers(0, 9, size=5),
        "head": rng.normal(size=(3, 2, 5)).astype(np.float16),
    }


class Shards:
    """Three services with folders and sockets of their own, which can be killed one by one."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self._folder = folder
        self._settings = settings
        self.services: dict[int, tuple[ParamsService, ServiceNode]] = {}
        self._clients: list[ParamsClient | ShardedParamsClient] = []

    @property
    def addresses(self) -> list[str]:
        return [f"unix:{self._folder}/{index}.sock" for index in range(NUM_SHARDS)]

    async def start(self, index: int) -> None:
        name = f"shard-{index}"
        settings = ParamsSettings(
            data_dir=self._folder / name,
            listen=(self.addresses[index],),
            instance=name,
            token=f"secret-of-{name}",
            stall_s=5.0,
            **self._settings,
        )
        service = build(settings)
        node = ServiceNode(service, settings)
        await node.start()
        self.services[index] = service, node

    async def stop(self, index: int) -> None:
        await self.services.pop(index)[1].stop()

    async def restart(self, index: int) -> None:
        await self.stop(index)
        await self.start(index)

    def client(self, name: str = "worker", token: str | None = None, **options: float) -> ShardedParamsClient:
        patience = {"retry_s": 10.0, "timeout_s": 20.0, **options}
        options = ConnectionOptions(client_id=name, token=token, **patience)
        client = ShardedParamsClient(self.addresses, options)
        self._clients.append(client)
        return client

    def one(self, index: int) -> ParamsClient:
        client = ParamsClient(self.addresses[index], ConnectionOptions(client_id="worker"))
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        for index in list(self.services):
            await self.stop(index)
