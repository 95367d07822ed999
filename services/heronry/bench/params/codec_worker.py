"""A worker process that pushes and pulls by one codec after another."""

import time

import numpy as np

from heronry.bench.params.clients import Clients
from heronry.bench.params.command_loop import run
from heronry.bench.params.models import contribution_of, settings_of, tensors_of
from heronry.client.params import ParamsClient
from heronry.types.contribution import ContributionKind, ParameterCodec


class CodecCommands:
    """Has rounds of its own, a model for each codec."""

    def __init__(self) -> None:
        self._clients = Clients()

    async def rounds(
        self, address: str, codec: str, num_floats: int, num_rounds: int, top_k_share: float
    ) -> dict[str, object]:
        """Push and pull; tell the bytes that the service received and sent for each, and the seconds of the last."""
        client = await self._clients.client(address, "worker-0")
        await client.register_model(codec, tensors_of(num_floats), settings_of(1, num_versions_kept=3))
        values = contribution_of(num_floats, 0)
        kind, chosen = ContributionKind.DELTA, ParameterCodec(codec)
        moved: list[tuple[int, int]] = []
        seconds = 0.0
        for _ in range(num_rounds):
            base = await client.pull(codec)
            before = await _counted(client, codec)
            begun = time.perf_counter()
            await client.push(
                codec, values, base_version=base.version, kind=kind, codec=chosen, top_k_share=top_k_share
            )
            # Kept values alone travel as a difference: of what the reader has.
            had = base if chosen is ParameterCodec.TOP_K else None
            found = await client.pull(codec, newer_than=base.version, codec=chosen, base=had, wait_s=10.0)
            seconds = time.perf_counter() - begun
            if found is None or np.array_equal(found.flat, base.flat):
                raise RuntimeError(f"{found} came after {base}, the same values: no figure")
            after = await _counted(client, codec)
            moved.append((after[0] - before[0], after[1] - before[1]))
        return {"moved": moved, "seconds": round(seconds, 4)}

    async def close(self) -> None:
        """Close the connection."""
        await self._clients.close()


async def _counted(client: ParamsClient, model: str) -> tuple[int, int]:
    info = await client.get_model(model)
    return info.num_bytes_received, info.num_bytes_sent


if __name__ == "__main__":
    run(CodecCommands())
