"""Rollbacks and other settings of a live model in three services: every version is the same of all shards."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from model_shards import NUM_SHARDS, ROLES, constant, random

from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    StaleContributionError,
    VersionNotFoundError,
)
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer


async def test_a_model_that_is_changed_and_rolled_back_is_the_whole_one_bit_for_bit(shards) -> None:
    rng = np.random.default_rng(6)
    whole, sharded = shards.one(0), shards.client()
    first, settings = random(rng), ModelSettings(optimizer=AdamOptimizer(0.1), consistency=BufferedAsynchronous(2, 8))
    await whole.register_model("whole", first, settings, ROLES)
    await sharded.register_model("sharded", first, settings, ROLES)

    for number in range(14):
        values = random(rng)
        for client, model in ((whole, "whole"), (sharded, "sharded")):
            if number == 5:
                # The round that is open has one contribution: it closes with the new rate.
                await client.update_model(model, optimizer=AdamOptimizer(0.3))
            if number == 9:
                await client.rollback_model(model, number=3)
            base = (await client.pull(model)).version
            await client.push(model, values, base_version=base, request_id=f"r{number}")

    expected, pulled = await whole.pull("whole"), await sharded.pull("sharded")
    assert pulled.version.number == expected.version.number == 8
    assert pulled.flat.tobytes() == expected.flat.tobytes()
    pulled.verify()


async def test_a_rollback_publishes_the_tagged_values_at_every_shard_once(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(1.0), ModelSettings(num_versions_kept=2))
    await client.tag_version("policy", "good")
    for value in (2.0, 3.0, 4.0):
        version = (await client.pull("policy", wait_s=5.0)).version
        await client.push("policy", constant(value), base_version=version, kind=ContributionKind.WEIGHTS)

    made = [await client.rollback_model("policy", tag="good", request_id="once") for _ in range(2)]

    pulled = await client.pull("policy")
    assert [version.number for version in made] == [5, 5]
    assert (pulled.version.number, np.unique(pulled["weight"]).tolist()) == (5, [1.0])
    with pytest.raises(StaleContributionError, match=r"rolled back|before the rollback"):
        await client.push("policy", constant(9.0), base_version=version, kind=ContributionKind.WEIGHTS)
    pending = [(await shards.one(index).get_model("policy")).num_pending for index in range(NUM_SHARDS)]
    assert pending == [0, 0, 0]


async def test_a_rollback_to_what_one_shard_has_lost_changes_nothing(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))
    for value in (2.0, 3.0):
        base = (await client.pull("policy", wait_s=5.0)).version
        await client.push("policy", constant(value), base_version=base, kind=ContributionKind.WEIGHTS)
    await client.pull("policy", number=3)
    # Untagged versions are not in checkpoints: this shard comes back with the newest one alone.
    await shards.one(1).save_checkpoint()
    await shards.restart(1)
    impatient = shards.client("operator", timeout_s=0.5)

    with pytest.raises(VersionNotFoundError):
        await impatient.rollback_model("policy", number=2)

    pulled = await client.pull("policy")
    assert (pulled.version.number, np.unique(pulled["weight"]).tolist()) == (3, [3.0])


async def test_a_rollback_that_is_tried_again_with_another_version_is_refused_and_tears_nothing(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))
    for value in (2.0, 3.0):
        base = (await client.pull("policy", wait_s=5.0)).version
        await client.push("policy", constant(value), base_version=base, kind=ContributionKind.WEIGHTS)
    await client.pull("policy", number=3)
    # The operator went away when one shard held the values; meanwhile the tag was moved.
    await client.shards[1].rollback_model("policy", number=1, request_id="back", asks_all_shards=True)
    await client.tag_version("policy", "good", number=2)
    await shards.restart(1)

    with pytest.raises(InvalidArgumentError, match="request_id: got 'back', allowed: another one"):
        await client.rollback_model("policy", tag="good", request_id="back")
    await client.rollback_model("policy", tag="good", request_id="another")

    pulled = await client.pull("policy")
    assert (pulled.version.number, np.unique(pulled["weight"]).tolist()) == (4, [2.0])


@pytest.mark.parametrize("killed", [0, 1])
async def test_a_shard_that_is_killed_around_a_rollback_follows_it(shards, killed: int) -> None:
    client = shards.client()
    await client.register_model("policy", constant(1.0))
    base = (await client.pull("policy")).version
    await client.push("policy", constant(2.0), base_version=base, kind=ContributionKind.WEIGHTS)
    await client.pull("policy", number=2)
    for shard in client.shards[1:]:
        await shard.rollback_model("policy", number=1, request_id="back", asks_all_shards=True)
    if killed:
        await shards.stop(1)

    await client.first.rollback_model("policy", number=1, request_id="back", asks_all_shards=True)
    if killed:
        await shards.start(1)
    else:
        await shards.restart(0)

    pulled = await client.pull("policy", number=3, wait_s=10.0)
    assert np.unique(pulled["weight"]).tolist() == [1.0]
    base = pulled.version
    answer = await client.push("policy", constant(5.0), base_version=base, kind=ContributionKind.WEIGHTS)
    assert np.unique((await client.pull("policy", number=answer.version.number))["weight"]).tolist() == [5.0]


async def test_changed_figures_hold_at_every_shard_at_once(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0), ModelSettings(optimizer=SgdOptimizer(1.0)))

    info = await client.update_model(
        "policy",
        limits=ContributionLimits(max_weight=2.0),
        consistency=Asynchronous(max_staleness=3),
        optimizer=SgdOptimizer(0.5),
        num_versions_kept=3,
    )
    await client.push("policy", constant(1.0), base_version=version, kind=ContributionKind.DELTA)

    assert (info.schema, info.version.number) == ((await client.get_model("policy")).schema, 1)
    assert np.unique((await client.pull("policy"))["weight"]).tolist() == [0.5]
    settings = [(await shards.one(index).get_model("policy")).settings for index in range(NUM_SHARDS)]
    assert len({str(replace(one, shard=None)) for one in settings}) == 1
    assert settings[2].limits.max_weight == 2.0
    with pytest.raises(InvalidArgumentError, match="max_norm"):
        await client.update_model("policy", limits=ContributionLimits(max_norm=1.0))


async def test_a_shard_that_was_away_takes_a_change_where_it_belongs(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(0.0), ModelSettings(optimizer=SgdOptimizer(1.0)))
    base, _ = await client.register_model("policy", constant(0.0))
    parts = (await client._shards.known("policy")).cut(constant(8.0))
    for index in (2, 1):
        await client.shards[index].push(
            "policy", parts[index], base_version=base, kind=ContributionKind.DELTA, request_id="r"
        )
    await shards.stop(1)
    # Made with the rate before, while shard 1 is away; the change comes after.
    await client.first.push("policy", parts[0], base_version=base, kind=ContributionKind.DELTA, request_id="r")
    impatient = shards.client("operator", timeout_s=0.5, retry_s=0.2)
    await impatient.first.update_model("policy", optimizer=SgdOptimizer(0.25))

    await shards.start(1)

    assert np.unique((await client.pull("policy", number=2))["weight"]).tolist() == [8.0]
    base = (await client.pull("policy")).version
    await client.push("policy", constant(8.0), base_version=base, kind=ContributionKind.DELTA)
    assert np.unique((await client.pull("policy", number=3))["weight"]).tolist() == [10.0]


async def test_a_change_that_comes_to_a_shard_together_with_anothers_has_been_taken(shards) -> None:
    client, other = shards.client("operator"), shards.client("another operator")
    await client.register_model("policy", constant(0.0))
    await shards.stop(2)
    changing = asyncio.create_task(client.update_model("policy", num_versions_kept=3))
    async with asyncio.timeout(10.0):
        while (await other.first.get_model("policy")).settings.num_versions_kept != 3:  # noqa: ASYNC110 # the service tells nobody
            await asyncio.sleep(0)
    await other.first.update_model("policy", limits=ContributionLimits(max_weight=2.0))

    await shards.start(2)

    assert (await changing).settings.num_versions_kept == 3
    settings = (await shards.one(2).get_model("policy")).settings
    assert (settings.num_versions_kept, settings.limits.max_weight) == (3, 2.0)


async def test_a_change_that_a_shard_has_not_taken_is_told(shards) -> None:
    client = shards.client("operator", timeout_s=0.5, retry_s=0.2)
    await client.register_model("policy", constant(0.0))
    await client.get_model("policy")
    await shards.stop(2)

    with pytest.raises(DeadlineExceededError, match="shard 2 has not taken it yet"):
        await client.update_model("policy", num_versions_kept=3)
