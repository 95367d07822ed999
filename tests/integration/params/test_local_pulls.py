"""Pulls over the connection that a reader on this machine fetched memory by, seen through the SDK."""

import asyncio
import contextlib

import numpy as np
import pytest

from heronry.client.params import ParamsClient
from heronry.types.contribution import ContributionKind
from heronry.types.errors import ModelNotFoundError, VersionNotFoundError

NUM = 1 << 18
NUM_BYTES = 4 * NUM


@pytest.fixture
async def client(mesh) -> ParamsClient:
    """Return a client that has pulled the first of two versions, of ones and of twos."""
    version, _ = await mesh.client.register_model("policy", {"weight": np.full(NUM, 1.0, np.float32)})
    await mesh.client.pull("policy")
    await pushed(mesh.client, version)
    return mesh.client


async def pushed(client: ParamsClient, version):
    values = {"weight": np.full(NUM, 1.0, np.float32)}
    return (await client.push("policy", values, base_version=version, kind=ContributionKind.DELTA)).version


@contextlib.contextmanager
def no_calls(monkeypatch: pytest.MonkeyPatch):
    """Forbid pulls over gRPC."""

    def forbidden(channel: object) -> None:
        raise AssertionError("a call over gRPC")

    with monkeypatch.context() as patch:
        patch.setattr("heronry.client.downloads.pull_method", forbidden)
        patch.setattr("heronry.client.downloads.reading_pull_method", forbidden)
        yield


async def test_later_pulls_need_no_call_and_are_counted(client, monkeypatch) -> None:
    await client.pull("policy")
    with no_calls(monkeypatch):
        newest, first = await client.pull("policy"), await client.pull("policy", number=1)
        none = await client.pull("policy", newer_than=newest.version)

    assert set(newest["weight"]) == {2.0}
    assert set(first["weight"]) == {1.0}
    assert none is None
    assert not newest["weight"].flags.writeable
    newest.verify()
    assert (await client.get_model("policy")).num_bytes_sent == 4 * NUM_BYTES


async def test_what_cannot_be_answered_is_refused_by_name(client) -> None:
    with pytest.raises(VersionNotFoundError, match="77"):
        await client.pull("policy", number=77)
    with pytest.raises(ModelNotFoundError, match="nobody"):
        await client.pull("nobody")
    assert (await client.pull("policy")).version.number == 2


async def test_a_pull_may_wait_for_the_next_version(client) -> None:
    newest = await client.pull("policy")

    waiting = asyncio.ensure_future(client.pull("policy", newer_than=newest.version, wait_s=10.0))
    await asyncio.sleep(0)
    await pushed(client, newest.version)

    assert set((await waiting)["weight"]) == {3.0}


async def test_pulls_side_by_side_get_what_they_asked_for(client) -> None:
    numbers = [1, 2, 2, 1, 2, 1]

    pulled = await asyncio.gather(*(client.pull("policy", number=number) for number in numbers))

    assert [found.version.number for found in pulled] == numbers
    assert [float(found["weight"][-1]) for found in pulled] == numbers


async def test_an_answer_to_a_cancelled_pull_is_not_taken_for_the_next_ones(client) -> None:
    await client.pull("policy")
    for num_turns in range(4):
        pulling = asyncio.ensure_future(client.pull("policy", number=1))
        for _ in range(num_turns):
            await asyncio.sleep(0)
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)

        assert (await client.pull("policy", number=2)).version.number == 2


async def test_a_service_that_closes_the_connection_is_called_again(client, mesh, monkeypatch) -> None:
    await client.pull("policy")
    mesh.service._transfers.clear()

    found = [await client.pull("policy") for _ in range(2)]
    with no_calls(monkeypatch):
        found.append(await client.pull("policy"))

    assert [set(parameters["weight"]) for parameters in found] == [{2.0}] * 3


async def test_a_model_that_was_made_anew_under_its_name_is_not_taken_for_the_old_one(client) -> None:
    await client.delete_model("policy")
    with pytest.raises(ModelNotFoundError):
        await client.pull("policy")
    await client.register_model("policy", {"bias": np.full(NUM, 5.0, np.float32)})

    found = [await client.pull("policy") for _ in range(2)]

    assert [dict(p).keys() for p in found] == [{"bias"}] * 2
    assert set(found[1]["bias"]) == {5.0}
