"""A model in three services, through the SDK."""

import asyncio
import shutil
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from model_shards import NUM_SHARDS, ROLES, constant, random

from heronry.client.options import ConnectionOptions
from heronry.client.sync.sharded_params import ShardedParamsClient as BlockingShardedParamsClient
from heronry.types.aggregation import Aggregation, Median
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import (
    DataLossError,
    FencedError,
    ForeignEpochError,
    InvalidContributionError,
)
from heronry.types.models import ModelSettings
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings(optimizer=SgdOptimizer(0.3, 0.9, nesterov=True)),
        ModelSettings(optimizer=AdamOptimizer(0.1), consistency=BufferedAsynchronous(3, 8, 0.5)),
        ModelSettings(aggregation=Aggregation(Median()), consistency=BufferedAsynchronous(4)),
        ModelSettings(optimizer=SgdOptimizer(0.5, 0.9), group_optimizers={"head": AdamOptimizer(0.01)}),
    ],
)
async def test_a_model_in_three_services_is_the_model_in_one_bit_for_bit(shards, settings: ModelSettings) -> None:
    rng = np.random.default_rng(3)
    whole, sharded = shards.one(0), shards.client()
    first, groups = random(rng), {"head": "head"}
    await whole.register_model("whole", first, settings, ROLES, groups=groups)
    await sharded.register_model("sharded", first, settings, ROLES, groups=groups)

    for number in range(12):
        values = random(rng)
        for client, model in ((whole, "whole"), (sharded, "sharded")):
            base = (await client.pull(model)).version
            await client.push(model, values, base_version=base, request_id=f"r{number}")

    expected, pulled = await whole.pull("whole"), await sharded.pull("sharded")
    assert pulled.version.number == expected.version.number > 3
    assert pulled.schema == expected.schema
    assert pulled.flat.tobytes() == expected.flat.tobytes()
    pulled.verify()


async def test_no_reader_ever_sees_a_torn_version(shards) -> None:
    pushing = shards.client()
    await pushing.register_model("policy", constant(0.0), ModelSettings(consistency=Asynchronous(max_staleness=64)))
    last, seen = 300, []
    is_over = asyncio.Event()

    async def push(index: int) -> None:
        client = shards.client(f"pusher-{index}")
        rng = np.random.default_rng(index)
        while not is_over.is_set():
            base = (await client.first.get_model("policy")).version
            value = float(rng.integers(-1000, 1000))
            answer = await client.push("policy", constant(value), base_version=base, kind=ContributionKind.WEIGHTS)
            if answer.version.number >= last:
                is_over.set()

    async def read(index: int) -> None:
        client = shards.client(f"reader-{index}")
        while not is_over.is_set():
            seen.append(await client.pull("policy"))

    async def watch() -> None:
        client = shards.client("watcher")
        async with aclosing(client.watch("policy")) as versions:
            async for parameters in versions:
                seen.append(parameters)
                if parameters.version.number >= last:
                    return

    async with asyncio.timeout(60):
        await asyncio.gather(*(push(index) for index in range(4)), read(0), read(1), watch())

    assert len(seen) > 20
    assert all(np.unique(parameters.flat.view(np.float32)).size == 1 for parameters in seen)
    for parameters in seen:
        parameters.verify()


@pytest.mark.parametrize("killed", [0, 1, 2])
async def test_a_shard_that_comes_back_goes_on_with_the_others(shards, killed: int) -> None:
    client = shards.client()
    await client.register_model("policy", constant(0.0), ModelSettings(optimizer=SgdOptimizer(1.0)))
    restarts: list[asyncio.Task[None]] = []

    for number in range(40):
        if number == 20:
            restarts.append(asyncio.create_task(shards.restart(killed)))
        base = (await client.pull("policy", wait_s=10.0)).version
        try:
            await client.push("policy", constant(1.0), base_version=base, kind=ContributionKind.DELTA)
        except ForeignEpochError:
            # Between pull and push the first shard came back in a new epoch: the contribution counts nowhere.
            assert killed == 0
    await asyncio.gather(*restarts)

    pulled = await client.pull("policy", wait_s=10.0)
    values = np.unique(pulled.flat.view(np.float32))
    assert values.tolist() == [pulled.version.number - 1]
    assert pulled.version.number >= 39


async def test_a_shard_that_was_away_while_rounds_closed_catches_up(shards) -> None:
    client = shards.client()
    base, _ = await client.register_model("policy", constant(0.0))
    parts = (await client._shards.known("policy")).cut(constant(5.0))
    for index in (2, 1, 0):
        if index == 0:
            await shards.stop(1)
        fields = {"base_version": base, "kind": ContributionKind.WEIGHTS, "request_id": "r"}
        await client.shards[index].push("policy", parts[index], **fields)

    await shards.start(1)

    pulled = await client.pull("policy", number=2)
    assert np.unique(pulled.flat.view(np.float32)).tolist() == [5.0]


async def test_a_first_shard_restored_to_an_earlier_state_makes_no_torn_versions(shards, tmp_path: Path) -> None:
    client = shards.client()
    await client.register_model("policy", constant(0.0))

    async def push(value: float) -> None:
        base = (await client.first.get_model("policy")).version
        await client.push("policy", constant(value), base_version=base, kind=ContributionKind.WEIGHTS)

    await push(1.0)
    await shards.stop(0)
    shutil.copytree(tmp_path / "shard-0", tmp_path / "copy")
    await shards.start(0)
    await push(2.0)
    await client.pull("policy", number=3)
    await shards.stop(0)
    shutil.rmtree(tmp_path / "shard-0")
    shutil.copytree(tmp_path / "copy", tmp_path / "shard-0")
    await shards.start(0)
    earlier = await client.pull("policy")

    await push(7.0)

    assert np.unique(earlier.flat.view(np.float32)).tolist() == [1.0]
    with pytest.raises(DataLossError, match="shard 1 has parted from the first shard before version 3"):
        await client.pull("policy")


async def test_a_refusal_by_any_shard_counts_nowhere(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0))
    values = constant(1.0)
    # The last of a hundred floats lies in the last shard.
    values["weight"][-1, -1] = np.nan

    with pytest.raises(InvalidContributionError, match="weight"):
        await client.push("policy", values, base_version=version)

    assert (await client.get_model("policy")).version.number == 1


async def test_a_push_that_is_repeated_is_counted_once(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0))
    fields = {"base_version": version, "kind": ContributionKind.DELTA, "request_id": "same"}

    answers = [await client.push("policy", constant(1.0), **fields) for _ in range(3)]

    assert [answer.counted for answer in answers] == [True, False, False]
    assert np.unique((await client.pull("policy")).flat.view(np.float32)).tolist() == [1.0]


async def test_a_cohort_contributes_with_its_lease_at_the_first_shard(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0), ModelSettings(consistency=SynchronousRounds(1)))

    with pytest.raises(FencedError):
        await client.push("policy", constant(1.0), base_version=version, kind=ContributionKind.DELTA)
    async with client.first.worker("policy") as worker:
        invitation = await worker.join_round(timeout_s=10.0)
        await client.push(
            "policy",
            constant(2.0),
            base_version=invitation.base_version,
            kind=ContributionKind.DELTA,
            fencing_token=worker.fencing_token,
            round_id=invitation.round_id,
        )

    assert np.unique((await client.pull("policy")).flat.view(np.float32)).tolist() == [2.0]


async def test_a_part_that_is_never_pushed_counts_as_zero_after_a_while(make_shards) -> None:
    shards = await make_shards(shard_patience_s=0.05)
    client = shards.client()
    version, _ = await client.register_model("policy", constant(1.0))
    parts = (await client._shards.known("policy")).cut(constant(7.0))

    await client.first.push("policy", parts[0], base_version=version, kind=ContributionKind.WEIGHTS)

    pulled = await client.pull("policy", number=2)
    flat = pulled.flat.view(np.float32)
    assert (flat[:33].tolist(), flat[34:].tolist()) == ([7.0] * 33, [1.0] * 66)
    assert (await shards.one(1).get_model("policy")).refusals == {"MissingPart": 1}


async def test_codecs_pack_each_shard(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0))

    await client.push(
        "policy", constant(1.5), base_version=version, kind=ContributionKind.WEIGHTS, codec=ParameterCodec.BF16
    )
    pulled = await client.pull("policy", codec=ParameterCodec.INT8)

    np.testing.assert_allclose(pulled["weight"], constant(1.5)["weight"], rtol=0.02)
    assert not pulled.is_exact


async def test_the_blocking_client_does_the_same(shards) -> None:
    def use() -> list[float]:
        with BlockingShardedParamsClient(shards.addresses, ConnectionOptions(client_id="worker")) as client:
            version, _ = client.register_model("policy", constant(1.0))
            client.push("policy", constant(4.0), base_version=version, kind=ContributionKind.WEIGHTS)
            watched = next(iter(client.watch("policy")))
            pulled = client.pull("policy", wait_s=5.0)
            info = client.get_model("policy")
            assert (client.client_id, info.version.number, watched.version.number) == ("worker", 2, 2)
            assert client.first.get_model("policy").settings.shard.num_shards == NUM_SHARDS
            client.tag_version("policy", "best")
            assert client.list_versions("policy")[-1].tags == ("best",)
            client.delete_model("policy")
            return np.unique(pulled.flat.view(np.float32)).tolist()

    assert await asyncio.to_thread(use) == [4.0]
