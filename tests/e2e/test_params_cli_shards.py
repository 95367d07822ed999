"""`heronry params` with all addresses of a model in two services, and with optimisers of groups."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from heronry.client import (
    AdamOptimizer,
    ConnectionOptions,
    ContributionKind,
    ModelSettings,
    SgdOptimizer,
    ShardedParamsClient,
)

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
HEAD = np.zeros(5, np.float32)


@pytest.fixture
def addresses(start_service, tmp_path: Path) -> list[str]:
    """Two parameter services that serve; their models lie in the test's folder."""
    sockets = [tmp_path / f"{index}.sock" for index in range(2)]
    for index, socket in enumerate(sockets):
        start_service("params", socket, "--data-dir", tmp_path / f"data-{index}")
    return [f"unix:{socket}" for socket in sockets]


def filled(addresses: list[str]) -> None:
    """Make `policy` in both, with an optimiser for its head, and a second version."""

    async def fill() -> None:
        async with ShardedParamsClient(addresses, ConnectionOptions(client_id="worker-a", retry_s=20)) as client:
            settings = ModelSettings(optimizer=SgdOptimizer(1.0), group_optimizers={"head": AdamOptimizer(0.5)})
            tensors = {"weight": WEIGHT, "head": HEAD}
            version, _ = await client.register_model("policy", tensors, settings, groups={"head": "head"})
            ones = {name: np.ones_like(value) for name, value in tensors.items()}
            await client.push("policy", ones, base_version=version, kind=ContributionKind.DELTA)

    asyncio.run(fill())


@pytest.mark.timeout(120)
def test_all_shards_of_a_model_are_reached_by_their_addresses(heronry, addresses: list[str], tmp_path: Path) -> None:
    filled(addresses)
    every = ",".join(addresses)

    shown = heronry("params", "show", "policy", "--address", every)
    tagged = heronry("params", "tag", "policy", "good", "--number", "1", "--address", every)
    back = heronry("params", "rollback", "policy", "--tag", "good", "--address", every)
    exported = heronry("params", "export", "policy", tmp_path / "out", "--address", every)
    alone = heronry("params", "rollback", "policy", "--number", "1", "--address", addresses[1])
    deleted = heronry("params", "delete", "policy", "--yes", "--address", every)
    left = [heronry("params", "list", "--address", address).out for address in addresses]

    assert "tensor weight  float32[2, 3] parameter" in shown.out
    assert "optimizer of group head: adam: learning_rate 0.5" in shown.out
    assert (tagged.code, back.code, exported.code) == (0, 0, 0)
    assert "version 1.3" in back.out
    tensors = safetensors.numpy.load_file(tmp_path / "out" / "policy.safetensors")
    assert {name: value.tolist() for name, value in tensors.items()} == {
        "weight": WEIGHT.tolist(),
        "head": HEAD.tolist(),
    }
    assert (alone.code, "shard 1 of 2" in alone.err) == (2, True)
    assert deleted.code == 0
    assert all("no models" in out for out in left)


@pytest.mark.timeout(120)
def test_the_rate_of_a_group_is_set_at_every_shard(heronry, addresses: list[str]) -> None:
    filled(addresses)

    changed = heronry(
        "params", "set", "policy", "--group", "head", "--learning-rate", "0.25", "--address", addresses[0], "--json"
    )
    unknown = heronry("params", "set", "policy", "--group", "tail", "--learning-rate", "1", "--address", addresses[0])
    follows = heronry("params", "set", "policy", "--learning-rate", "1", "--address", addresses[1])
    everywhere = heronry("params", "set", "policy", "--learning-rate", "0.5", "--address", ",".join(addresses))
    second = heronry("params", "show", "policy", "--address", addresses[1], "--json")

    groups = changed.result["settings"]["group_optimizers"]
    assert groups == {"head": {"kind": "adam", "learning_rate": 0.25, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}}
    assert changed.result["settings"]["optimizer"]["learning_rate"] == 1.0
    assert "groups of policy with an optimiser of their own: head" in unknown.err
    assert "shard 1 of 2, allowed: the first shard" in follows.err
    assert everywhere.code == 0
    settings = second.result["settings"]
    assert (settings["optimizer"]["learning_rate"], settings["group_optimizers"]) == (0.5, groups)
