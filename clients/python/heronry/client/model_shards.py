"""The services that hold the shards of models, and where each model's shards lie."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.client.sharded_parameters import ShardedModel
from heronry.client.side_by_side import side_by_side
from heronry.types.errors import ConfigurationError, ModelNotFoundError
from heronry.types.version import ParameterVersion

POLL_S: Final = 0.05


class ModelShards:
    """A client for each service, in the order of the shards; for one event loop."""

    def __init__(self, addresses: Sequence[str | Sequence[str]], options: ConnectionOptions) -> None:
        """Keep where to connect: an address for each shard, or several (best first)."""
        if isinstance(addresses, str) or not addresses:
            raise ConfigurationError.of("addresses", addresses, "an address for each shard, at least one")
        self.options = options
        self.clients = tuple(ParamsClient(address, options) for address in addresses)
        self._models: dict[str, ShardedModel] = {}

    @property
    def first(self) -> ParamsClient:
        """The client of the first shard."""
        return self.clients[0]

    async def known(self, model: str, wait_s: float = 0.0) -> ShardedModel:
        """Return where a model's shards lie; waits for the last of them to be registered."""
        end_s = time.monotonic() + wait_s
        while model not in self._models:
            try:
                infos = await side_by_side(client.get_model(model) for client in self.clients)
                self._models[model] = ShardedModel.of(infos)
            except ModelNotFoundError:
                if time.monotonic() >= end_s:
                    raise
                await asyncio.sleep(POLL_S)
        return self._models[model]

    def forget(self, model: str) -> None:
        """Look again where a model's shards lie when it is asked for next."""
        self._models.pop(model, None)

    async def close(self) -> None:
        """Close the connections; calls and streams in flight end."""
        for client in self.clients:
            await client.close()


def unhashed(version: ParameterVersion) -> ParameterVersion:
    """Return a version without the hashes, which at each shard are those of its own values."""
    return ParameterVersion(version.epoch, version.number)
