"""Values go in and come out, through the SDK and through bare messages."""

import asyncio
import json
import threading

import numpy as np
import pytest
from safetensors.numpy import load_file

from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    AlreadyExistsError,
    HeronryError,
    InvalidArgumentError,
    UnavailableError,
    VersionNotFoundError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings


def weights(value: float, num: int = 4) -> dict[str, np.ndarray]:
    return {"weight": np.full(num, value, np.float32)}


async def test_pushed_weights_are_pulled_bit_for_bit(mesh) -> None:
    version, created = await mesh.client.register_model("policy", weights(1.0))
    pushed = {"weight": np.array([1e-38, -0.0, 3.3e38, np.pi], np.float32)}

    answer = await mesh.client.push("policy", pushed, base_version=version, kind=ContributionKind.WEIGHTS)
    pulled = await mesh.client.pull("policy")

    assert created
    assert (answer.level, answer.counted, answer.closed_round) == (AcknowledgementLevel.PROCESS, True, True)
    assert pulled.version == answer.version
    assert pulled["weight"].tobytes() == pushed["weight"].tobytes()


async def test_a_model_of_many_chunks_goes_both_ways(mesh) -> None:
    rng = np.random.default_rng(0)
    tensors = {"a": rng.normal(size=(700, 1000)).astype(np.float32), "b": rng.normal(size=3).astype(np.float32)}
    version, _ = await mesh.client.register_model("policy", {n: np.zeros_like(t) for n, t in tensors.items()})

    await mesh.client.push("policy", tensors, base_version=version, kind=ContributionKind.DELTA)
    one, other = await asyncio.gather(mesh.client.pull("policy"), mesh.client.pull("policy"))

    for pulled in (one, other):
        np.testing.assert_array_equal(pulled["a"], tensors["a"])


async def test_versions_of_many_megabytes_are_read_by_threads(mesh) -> None:
    first = {"a": np.zeros(1_500_000, np.float32)}
    version, _ = await mesh.client.register_model("policy", first)
    pushed = {"a": np.random.default_rng(0).standard_normal(1_500_000, np.float32)}

    async with far_reader(mesh) as reader:
        held = await reader.pull("policy")
        # What comes now is known to be large: several wait in a thread each, for a version that there is not yet.
        waiting = [asyncio.create_task(reader.pull("policy", newer_than=version, wait_s=60.0)) for _ in range(3)]
        await until_threads_read(waiting[0])
        waiting[0].cancel()
        answer = await mesh.client.push("policy", pushed, base_version=version, kind=ContributionKind.DELTA)

        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        for pulled in await asyncio.gather(*waiting[1:]):
            assert pulled.version == answer.version
            pulled.verify()
            np.testing.assert_array_equal(pulled["a"], pushed["a"])
        assert await reader.pull("policy", newer_than=answer.version) is None
        assert not held["a"].any()


async def test_a_large_pull_that_is_refused_names_why(mesh) -> None:
    version, _ = await mesh.client.register_model("policy", {"a": np.zeros(1_500_000, np.float32)})

    async with far_reader(mesh) as reader:
        await reader.pull("policy")
        with pytest.raises(VersionNotFoundError):
            await reader.pull("policy", number=version.number + 7)


async def test_closing_ends_large_pulls_that_wait(mesh) -> None:
    version, _ = await mesh.client.register_model("policy", {"a": np.zeros(1_500_000, np.float32)})

    async with far_reader(mesh) as reader:
        await reader.pull("policy")
        waiting = asyncio.create_task(reader.pull("policy", newer_than=version, wait_s=60.0))
        await until_threads_read(waiting)

    with pytest.raises(UnavailableError):
        await waiting


def far_reader(mesh) -> ParamsClient:
    return ParamsClient(mesh.node.addresses, ConnectionOptions(client_id="reader", shares_memory=False))


async def until_threads_read(waiting: asyncio.Task) -> None:
    async with asyncio.timeout(10.0):
        while not any(thread.name == "heronry-download" for thread in threading.enumerate()):
            await asyncio.wait({waiting}, timeout=0)


async def test_a_repeated_large_request_is_answered_without_being_counted(mesh) -> None:
    tensors = {"a": np.ones(400_000, np.float32)}
    version, _ = await mesh.client.register_model("policy", tensors)
    arguments = {"base_version": version, "kind": ContributionKind.DELTA, "request_id": "once"}
    first = await mesh.client.push("policy", tensors, **arguments)

    again = await mesh.client.push("policy", tensors, **arguments)

    assert (again.counted, again.version) == (False, first.version)
    assert (await mesh.client.pull("policy"))["a"][0] == 2.0


async def test_pull_tells_that_nothing_is_newer_and_waits_when_asked(mesh) -> None:
    version, _ = await mesh.client.register_model("policy", weights(1.0))
    assert await mesh.client.pull("policy", newer_than=version) is None
    assert await mesh.client.pull("policy", newer_than=version, wait_s=0.05) is None

    waiting = asyncio.create_task(mesh.client.pull("policy", newer_than=version, wait_s=10.0))
    await mesh.set_weights(2.0)

    assert (await waiting)["weight"][0] == 2.0


async def test_pull_waits_for_a_model_to_be_registered(mesh) -> None:
    waiting = asyncio.create_task(mesh.client.pull("policy", wait_s=10.0))
    await mesh.client.list_models()

    await mesh.client.register_model("policy", weights(1.0))

    assert (await waiting).version.number == 1


async def test_versions_are_pulled_by_number_and_tag(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0), ModelSettings(num_versions_kept=2))
    await mesh.client.tag_version("policy", "first")
    for value in (2.0, 3.0, 4.0):
        await mesh.set_weights(value)

    assert (await mesh.client.pull("policy", tag="first"))["weight"][0] == 1.0
    assert (await mesh.client.pull("policy", number=3))["weight"][0] == 3.0
    infos = await mesh.client.list_versions("policy")
    assert [(i.version.number, i.tags) for i in infos] == [(1, ("first",)), (3, ()), (4, ())]
    with pytest.raises(VersionNotFoundError):
        await mesh.client.pull("policy", number=2)
    with pytest.raises(VersionNotFoundError):
        await mesh.client.pull("policy", tag="best", wait_s=0.05)


async def test_another_schema_under_a_name_is_refused(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0))
    with pytest.raises(AlreadyExistsError, match=r"weight float32\[5\]"):
        await mesh.client.register_model("policy", weights(1.0, 5))

    status = await mesh.client.get_privacy_status("policy")

    assert not status.has_claim


async def test_an_exported_version_needs_nothing_of_heronry(mesh) -> None:
    version, _ = await mesh.client.register_model("policy", weights(1.5))

    path = await mesh.client.export_version("policy", "run/policy", metadata={"env": "CartPole-v1", "seed": 3})

    folder = mesh.data_dir / "run" / "policy"
    document = json.loads((folder / "policy.json").read_text())
    assert path == str(folder / "policy.safetensors")
    np.testing.assert_array_equal(load_file(path)["weight"], weights(1.5)["weight"])
    assert document["version"]["content_hash"] == version.content_hash.hex()
    assert document["metadata"] == {"env": "CartPole-v1", "seed": 3}
    assert [t["name"] for t in document["schema"]] == ["weight"]


@pytest.mark.parametrize("directory", ["../outside", "/tmp/outside", "a/../../outside"])
async def test_an_export_cannot_leave_the_data_directory(mesh, directory: str) -> None:
    await mesh.client.register_model("policy", weights(1.5))

    with pytest.raises(InvalidArgumentError, match="directory"):
        await mesh.client.export_version("policy", directory)


async def test_a_checkpoint_is_made_once_a_request(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.5))

    first = await mesh.client.save_checkpoint(request_id="once")
    again = await mesh.client.save_checkpoint(request_id="once")
    other = await mesh.client.save_checkpoint(request_id="twice")

    assert first == again != other
    with pytest.raises(HeronryError, match="run_id"):
        await mesh.client.save_checkpoint("another-run")
