"""What a model in three services is to those who register, find, tag and delete it."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from model_shards import NUM_SHARDS, ROLES, constant, random

from heronry.client.sharded_params import ShardedParamsClient
from heronry.types.aggregation import Aggregation, Krum
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    ModelNotFoundError,
    VersionNotFoundError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings


async def test_a_reader_that_registered_nothing_knows_the_whole_model(shards) -> None:
    rng = np.random.default_rng(0)
    tensors = random(rng)
    await shards.client().register_model("policy", tensors, None, ROLES)

    reader = shards.client("reader")
    pulled, info = await reader.pull("policy"), await reader.get_model("policy")

    assert {name: array.shape for name, array in pulled.items()} == {n: a.shape for n, a in tensors.items()}
    assert (info.schema, info.num_bytes) == (pulled.schema, pulled.flat.nbytes)
    assert await reader.pull("policy", newer_than=pulled.version) is None


async def test_registering_again_leaves_the_model_as_it_is(shards) -> None:
    client = shards.client()
    version, is_new = await client.register_model("policy", constant(1.0))
    await client.push("policy", constant(2.0), base_version=version, kind=ContributionKind.WEIGHTS)

    again = await shards.client("another").register_model("policy", constant(9.0))

    assert (is_new, again[1], again[0].number) == (True, False, 2)
    assert np.unique((await client.pull("policy")).flat.view(np.float32)).tolist() == [2.0]


async def test_of_callers_that_register_different_values_at_a_time_one_wins(shards) -> None:
    clients = [shards.client(f"client-{i}") for i in range(4)]

    outcomes = await asyncio.gather(*(c.register_model("policy", constant(i)) for i, c in enumerate(clients)))

    assert sum(is_new for _, is_new in outcomes) == 1
    winner = [is_new for _, is_new in outcomes].index(True)
    pulled = await clients[0].pull("policy")
    assert np.unique(pulled.flat.view(np.float32)).tolist() == [winner]


async def test_a_registration_that_broke_off_is_completed_by_the_same_values(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))
    await shards.one(2).delete_model("policy")

    _, is_new = await shards.client("again").register_model("policy", constant(1.0))

    assert not is_new
    assert (await shards.client("reader").pull("policy"))["weight"].shape == (25, 4)


async def test_a_shard_left_over_with_other_values_is_told(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))
    await shards.one(0).delete_model("policy")

    with pytest.raises(AlreadyExistsError, match=r"shard [12] was registered before, with other values"):
        await shards.client("again").register_model("policy", constant(2.0))


async def test_tags_hold_a_version_at_every_shard(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(1.0), ModelSettings(num_versions_kept=1))

    await client.tag_version("policy", "first")
    await client.push("policy", constant(2.0), base_version=version, kind=ContributionKind.WEIGHTS)

    assert np.unique((await client.pull("policy", number=1)).flat.view(np.float32)).tolist() == [1.0]
    assert (await client.pull("policy", tag="first")).version.number == 1
    assert [info.tags for info in await client.list_versions("policy")] == [("first",), ()]
    with pytest.raises(VersionNotFoundError):
        await client.pull("policy", number=9)
    with pytest.raises(VersionNotFoundError, match="no tag 'best'"):
        await client.pull("policy", tag="best")


async def test_settings_that_shards_cannot_have_are_refused_before_anything_is_made(shards) -> None:
    client = shards.client()
    rule = ModelSettings(aggregation=Aggregation(Krum(1)), consistency=BufferedAsynchronous(5))
    for settings in (rule, ModelSettings(acknowledgement=AcknowledgementLevel.MEMORY)):
        with pytest.raises(InvalidArgumentError, match=r"settings\."):
            await client.register_model("policy", constant(1.0), settings)

    for index in range(NUM_SHARDS):
        assert await shards.one(index).list_models() == ()


async def test_rollback_and_update_that_would_reach_one_shard_are_refused(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))

    with pytest.raises(FailedPreconditionError, match="rollback: model 'policy' is shard 0 of 3"):
        await client.first.rollback_model("policy", number=1)
    with pytest.raises(FailedPreconditionError, match="update: model 'policy' is shard 2 of 3, allowed: the first"):
        await client.shards[2].update_model("policy", num_versions_kept=3)


async def test_a_deleted_model_is_gone_everywhere_and_can_be_made_anew(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))

    await client.delete_model("policy")

    with pytest.raises(ModelNotFoundError):
        await client.pull("policy")
    version, is_new = await client.register_model("policy", constant(2.0))
    await client.push("policy", constant(3.0), base_version=version, kind=ContributionKind.WEIGHTS)
    pulled = await client.pull("policy", newer_than=version, wait_s=10.0)
    assert (is_new, np.unique(pulled.flat.view(np.float32)).tolist()) == (True, [3.0])


async def test_services_follow_with_the_token_they_call_others_with(make_shards, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    names = ["worker", *(f"shard-{index}" for index in range(NUM_SHARDS))]
    tokens.write_text("".join(f"{name} secret-of-{name}\n" for name in names))
    shards = await make_shards(tokens_file=tokens)
    client = shards.client(token="secret-of-worker")
    version, _ = await client.register_model("policy", constant(1.0))

    await client.push("policy", constant(2.0), base_version=version, kind=ContributionKind.WEIGHTS)

    assert np.unique((await client.pull("policy")).flat.view(np.float32)).tolist() == [2.0]


async def test_addresses_out_of_order_are_refused_by_name(shards) -> None:
    await shards.client().register_model("policy", constant(1.0))
    addresses = shards.addresses

    async with ShardedParamsClient([addresses[1], addresses[0], addresses[2]]) as client:
        with pytest.raises(InvalidArgumentError, match=r"addresses\[0\]: got 'shard 1 of 3', allowed: shard 0 of 3"):
            await client.pull("policy")


async def test_a_model_that_was_made_anew_under_its_name_is_not_taken_for_the_old_one(shards) -> None:
    reader, operator = shards.client("reader"), shards.client("operator")
    await reader.register_model("policy", constant(1.0))
    await reader.pull("policy")
    await operator.delete_model("policy")
    await operator.register_model("policy", {"bias": np.full((50, 2), 7.0, np.float32)})

    info, pulled = await shards.client("other").get_model("policy"), await reader.pull("policy")

    assert {name: values.shape for name, values in pulled.items()} == {"bias": (50, 2)}
    assert np.unique(pulled["bias"]).tolist() == [7.0]
    assert (await reader.get_model("policy")).schema == info.schema


async def test_a_model_that_was_made_anew_is_described_as_it_is(shards) -> None:
    reader, operator = shards.client("reader"), shards.client("operator")
    await reader.register_model("policy", constant(1.0))
    await operator.delete_model("policy")
    await operator.register_model("policy", {"bias": np.full((60, 5), 7.0, np.float32)})

    info = await reader.get_model("policy")

    assert (info.num_bytes, [tensor.name for tensor in info.schema.tensors]) == (1200, ["bias"])
