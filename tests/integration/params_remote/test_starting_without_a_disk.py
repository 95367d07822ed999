"""A service whose data directory is gone starts from the copies of its checkpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from heronry.client import ConnectionOptions, ForeignEpochError, ModelSettings, ParamsClient, SgdOptimizer
from heronry.params import ParamsSettings, build
from heronry.runtime.node import ServiceNode

GRADIENT = {"weight": np.linspace(-1, 1, 5, dtype=np.float32)}


@asynccontextmanager
async def serving(data_dir: Path, url: str) -> AsyncIterator[ParamsClient]:
    settings = ParamsSettings(data_dir=data_dir, checkpoint_url=url)
    node = ServiceNode(build(settings), settings)
    await node.start()
    try:
        async with ParamsClient(node.addresses, ConnectionOptions(client_id="worker")) as client:
            yield client
    finally:
        await node.stop()


async def test_models_and_their_optimisers_go_on_from_the_url(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    model = ModelSettings(optimizer=SgdOptimizer(0.5, momentum=0.5))
    async with serving(tmp_path / "lost", url) as client:
        await client.register_model("policy", {"weight": np.zeros(5, np.float32)}, model)
        first = (await client.pull("policy")).version
        await client.push("policy", GRADIENT, base_version=first)

    async with serving(tmp_path / "new", url) as client:
        restored = await client.pull("policy")
        with pytest.raises(ForeignEpochError):
            await client.push("policy", GRADIENT, base_version=first)
        await client.push("policy", GRADIENT, base_version=restored.version)
        after = await client.pull("policy")

    # No start whose checkpoints did not get there can have had this epoch.
    assert restored.version.epoch > first.epoch + 999
    np.testing.assert_array_equal(restored["weight"], -0.5 * GRADIENT["weight"])
    # The velocity is 1.5 times the gradient only if it was restored too.
    np.testing.assert_array_equal(after["weight"], restored["weight"] - 0.75 * GRADIENT["weight"])


async def test_a_service_goes_on_while_nothing_can_be_copied(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", f"file://{tmp_path}/remote") as client:
        (tmp_path / "remote").write_text("a file where a folder should be")
        await client.register_model("policy", {"weight": np.zeros(5, np.float32)})
        await client.save_checkpoint()
        base = (await client.pull("policy")).version

        assert (await client.push("policy", GRADIENT, base_version=base)).counted
