"""Updates that are noised before they leave, through a real service."""

from pathlib import Path

import numpy as np
import pytest

from heronry.client import (
    BudgetExhaustedError,
    ContributionKind,
    InvalidArgumentError,
    LocalPrivacy,
    NeighbourRelation,
    ParameterCodec,
    RemoteOptimizer,
    TensorRole,
)
from heronry.types.tensors import MergeRule

NUM = 100_000


def mechanism(path: Path | None = None, **settings: float) -> LocalPrivacy:
    given = {"noise_multiplier": 2.0, "epsilon_limit": 8.0, **settings}
    return LocalPrivacy(0.5, relation=NeighbourRelation.ADD_OR_REMOVE_ONE, delta=1e-5, path=path, **given)


async def test_what_the_service_gets_has_the_noise_that_was_claimed(mesh) -> None:
    privacy = mechanism()
    version, _ = await mesh.client.register_model("policy", {"weight": np.zeros(NUM, np.float32)})

    await mesh.client.push(
        "policy",
        {"weight": np.ones(NUM, np.float32)},
        base_version=version,
        kind=ContributionKind.DELTA,
        local_privacy=privacy,
    )

    # The standard deviation of 1e5 normals is within 1 % of its own but for one draw in 130,000 (4.5 s.d.).
    got = (await mesh.client.pull("policy"))["weight"]
    assert got.std() == pytest.approx(1.0, rel=0.01)
    assert privacy.num_pushes == 1


async def test_an_optimiser_stops_at_the_limit_and_hands_in_nothing_more(mesh, tmp_path: Path) -> None:
    privacy = mechanism(tmp_path / "spent.json", noise_multiplier=1.0, epsilon_limit=5.0)
    weights = {"weight": np.zeros(8, np.float32)}
    optimizer = RemoteOptimizer(mesh.client, "policy", weights, local_privacy=privacy, codec=ParameterCodec.INT8)
    await optimizer.register()
    await optimizer.step(gradients={"weight": np.ones(8, np.float32)})

    with pytest.raises(BudgetExhaustedError):
        await optimizer.step(gradients={"weight": np.ones(8, np.float32)})

    assert (await mesh.client.get_model("policy")).num_accepted == 1


async def test_what_has_no_bound_is_refused_before_it_is_charged(mesh) -> None:
    privacy = mechanism()
    roles = {"mean": (TensorRole.BUFFER, MergeRule.LAST)}
    tensors = {"weight": np.zeros(4, np.float32), "mean": np.zeros(2, np.float32)}
    version, _ = await mesh.client.register_model("policy", tensors, roles=roles)

    with pytest.raises(InvalidArgumentError, match=r"schema\.mean\.role"):
        await mesh.client.push("policy", tensors, base_version=version, local_privacy=privacy)
    with pytest.raises(InvalidArgumentError, match="weights have no norm"):
        await mesh.client.push(
            "policy", tensors, base_version=version, local_privacy=privacy, kind=ContributionKind.WEIGHTS
        )
    with pytest.raises(InvalidArgumentError, match="local_privacy"):
        await mesh.client.push("policy", tensors, base_version=version, local_privacy=1.0)

    assert privacy.num_pushes == 0
