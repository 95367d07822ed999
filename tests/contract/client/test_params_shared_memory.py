"""Between processes of one machine values travel by memory that both map; seen at the arrays themselves."""

import asyncio
import mmap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import heronry.client
import heronry.client.sync
from heronry.client import ConnectionOptions, ContributionKind, ParameterCodec
from heronry.client.sync.loop import LoopThread
from heronry.types.errors import DeadlineExceededError
from heronry.types.run import ServiceRole

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "memfd_create"), reason="needs memory files")

NUM_PARAMETERS = 200_000
VALUES = {"weight": np.linspace(-1, 1, NUM_PARAMETERS, dtype=np.float32)}
OPTIONS = ConnectionOptions(client_id="tester", timeout_s=5.0, retry_s=1.0, reconnect_s=5.0)


def is_mapped(array: np.ndarray) -> bool:
    """Tell whether an array lies in mapped memory, in place."""
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return isinstance(base.obj if isinstance(base, memoryview) else base, mmap.mmap)


@pytest.fixture(params=["unix", "tcp"])
async def address(request: pytest.FixtureRequest, services: Any, tmp_path: Path) -> str:
    if request.param == "unix":
        await services.stop(ServiceRole.PARAMS)
        services.addresses[ServiceRole.PARAMS] = f"unix:{tmp_path}/params.sock"
        await services.start(ServiceRole.PARAMS)
    return services.addresses[ServiceRole.PARAMS]


@pytest.fixture(params=["async", "sync"])
async def near(request: pytest.FixtureRequest, address: str, awaitable: Any) -> AsyncIterator[SimpleNamespace]:
    """Clients that share memory and that do not, and a look at the loan of each."""
    sharing = heronry.client.ParamsClient(address, OPTIONS)
    streaming = heronry.client.ParamsClient(address, replace(OPTIONS, shares_memory=False))
    if request.param == "async":
        async with sharing, streaming:
            yield SimpleNamespace(sharing=sharing, streaming=streaming, loan=lambda: sharing._lent._loan)
        return
    with heronry.client.sync.ParamsClient(address, OPTIONS) as blocking:
        loop: LoopThread = blocking._loop
        yield SimpleNamespace(
            sharing=awaitable(blocking),
            streaming=awaitable(heronry.client.sync.ParamsClient.of(streaming, loop)),
            loan=lambda: blocking._client._lent._loan,
        )
        loop.run(streaming.close())


async def test_a_version_is_read_in_place(near: SimpleNamespace) -> None:
    await near.sharing.register_model("policy", VALUES)

    parameters = await near.sharing.pull("policy")

    assert is_mapped(parameters["weight"])
    assert not parameters["weight"].flags.writeable
    np.testing.assert_array_equal(parameters["weight"], VALUES["weight"])
    parameters.verify()


async def test_switched_off_nothing_is_shared(near: SimpleNamespace) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)

    parameters = await near.streaming.pull("policy")
    await near.streaming.push("policy", VALUES, base_version=version)

    assert not is_mapped(parameters["weight"])
    assert near.loan() is None
    np.testing.assert_array_equal(parameters["weight"], VALUES["weight"])


async def test_a_watch_reads_in_place(near: SimpleNamespace) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)
    watch = near.sharing.watch("policy")

    first = await anext(watch)
    await near.sharing.push("policy", VALUES, base_version=version, kind=ContributionKind.DELTA)
    second = await anext(watch)
    await watch.aclose()

    assert is_mapped(first["weight"])
    assert is_mapped(second["weight"])
    np.testing.assert_array_equal(first["weight"], VALUES["weight"])
    np.testing.assert_array_equal(second["weight"], 2 * VALUES["weight"])


@pytest.mark.parametrize("codec", [ParameterCodec.F32, ParameterCodec.BF16])
async def test_a_contribution_is_written_into_lent_memory(near: SimpleNamespace, codec: ParameterCodec) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)
    push: Any = {"kind": ContributionKind.DELTA, "codec": codec}

    acknowledgement = await near.sharing.push("policy", VALUES, base_version=version, **push)

    assert acknowledgement.counted
    assert near.loan().is_open
    parameters = await near.sharing.pull("policy")
    np.testing.assert_allclose(parameters["weight"], 2 * VALUES["weight"], atol=2**-8)


async def test_memory_is_lent_once_and_grows_with_the_contributions(near: SimpleNamespace) -> None:
    more = {"weight": np.zeros(2 * NUM_PARAMETERS, np.float32)}
    small, _ = await near.sharing.register_model("small", VALUES)
    large, _ = await near.sharing.register_model("large", more)
    loans = []

    for model, values, version in (("small", VALUES, small), ("large", more, large), ("small", VALUES, small)):
        await near.sharing.push(model, values, base_version=version)
        loans.append(near.loan())

    assert loans[0] is not loans[1]
    assert loans[1] is loans[2]
    assert loans[2].num_bytes >= 8 * NUM_PARAMETERS


async def test_what_was_read_stays_when_further_versions_come(near: SimpleNamespace) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)
    first = await near.sharing.pull("policy")

    for _ in range(6):
        pushed = await near.sharing.push("policy", VALUES, base_version=version, kind=ContributionKind.DELTA)
        version = pushed.version
        await near.sharing.pull("policy")

    np.testing.assert_array_equal(first["weight"], VALUES["weight"])


async def test_a_service_that_was_started_anew_lends_again(near: SimpleNamespace, services: Any) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)
    await near.sharing.push("policy", VALUES, base_version=version)

    await services.stop(ServiceRole.PARAMS)
    await services.start(ServiceRole.PARAMS)
    newest = await near.sharing.pull("policy", wait_s=5.0)
    acknowledgement = await near.sharing.push("policy", VALUES, base_version=newest.version)

    assert acknowledgement.counted
    assert is_mapped(newest["weight"])


async def test_a_small_model_travels_by_the_stream(near: SimpleNamespace) -> None:
    small = {"weight": np.zeros(10, np.float32)}
    version, _ = await near.sharing.register_model("policy", small)

    await near.sharing.push("policy", small, base_version=version)

    assert not is_mapped((await near.sharing.pull("policy"))["weight"])
    assert near.loan() is None


async def test_memory_that_cannot_be_reached_is_asked_for_once(
    near: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As between containers that share a network and no files.
    asked = []

    async def unreachable(*offer: object, **options: object) -> None:
        asked.append(offer)

    monkeypatch.setattr("heronry.client.shared_versions.fetch_descriptor", unreachable)
    monkeypatch.setattr("heronry.client.lent_memory.fetch_offered", unreachable)
    version, _ = await near.sharing.register_model("policy", VALUES)

    for _ in range(2):
        parameters = await near.sharing.pull("policy")
        await near.sharing.push("policy", VALUES, base_version=version)

    assert not is_mapped(parameters["weight"])
    assert len(asked) == 2


async def test_the_contributions_of_one_client_go_side_by_side(near: SimpleNamespace) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)
    push: Any = {"base_version": version, "kind": ContributionKind.DELTA}

    answers = await asyncio.gather(*(near.sharing.push("policy", VALUES, **push) for _ in range(4)))

    assert all(answer.counted for answer in answers)
    np.testing.assert_allclose((await near.sharing.pull("policy"))["weight"], 5 * VALUES["weight"], rtol=1e-6)


async def test_memory_of_a_contribution_whose_outcome_is_unknown_is_not_written_to_again(near: SimpleNamespace) -> None:
    version, _ = await near.sharing.register_model("policy", VALUES)
    await near.sharing.push("policy", VALUES, base_version=version)
    before = near.loan()

    with pytest.raises(DeadlineExceededError):
        await near.sharing.push("policy", VALUES, base_version=version, timeout_s=-1.0)
    await near.sharing.push("policy", VALUES, base_version=version)

    assert not before.is_open
    assert near.loan() is not before
