"""How versions reach a reader: exactly, packed, as differences, and verified."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.client import ParameterCodec
from heronry.types.consistency import Asynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.models import ModelSettings
from heronry.types.version import ParameterVersion

VALUES = np.linspace(-1, 1, 1000, dtype=np.float32)
LOSSY = {ParameterCodec.BF16: 2**-9, ParameterCodec.F16: 2**-12, ParameterCodec.INT8: 1 / 127}


async def published(client: Any, change: np.ndarray) -> ParameterVersion:
    """Register a model of VALUES and publish it changed; return the first version."""
    version, _ = await client.register_model("policy", {"weight": VALUES})
    await client.push("policy", {"weight": change}, base_version=version, kind=ContributionKind.DELTA)
    return version


@pytest.mark.parametrize("codec", LOSSY)
async def test_a_packed_pull_is_within_the_codec_s_bounds(clients: SimpleNamespace, codec: ParameterCodec) -> None:
    await clients.params.register_model("policy", {"weight": VALUES})

    parameters = await clients.params.pull("policy", codec=codec)

    np.testing.assert_allclose(parameters["weight"], VALUES, rtol=0, atol=LOSSY[codec])
    assert not parameters.is_exact
    assert not parameters["weight"].flags.writeable


@pytest.mark.parametrize("codec", LOSSY)
async def test_a_difference_is_as_exact_as_it_is_small(clients: SimpleNamespace, codec: ParameterCodec) -> None:
    change = VALUES * np.float32(2**-10)
    first = await published(clients.params, change)
    base = await clients.params.pull("policy", number=first.number)

    parameters = await clients.params.pull("policy", codec=codec, base=base)

    # The codec's error of the change, and one rounding of the sum.
    np.testing.assert_allclose(parameters["weight"], VALUES + change, rtol=0, atol=LOSSY[codec] * 2**-10 + 2.0**-23)
    assert parameters.version.number == first.number + 1


async def test_top_k_brings_the_largest_changes(clients: SimpleNamespace) -> None:
    change = np.zeros(1000, np.float32)
    change[[3, 500, 999]] = [1.0, -2.0, 3.0]
    first = await published(clients.params, change)
    base = await clients.params.pull("policy", number=first.number)

    parameters = await clients.params.pull("policy", codec=ParameterCodec.TOP_K, base=base)

    np.testing.assert_array_equal(parameters["weight"], VALUES + change)


async def test_a_base_that_is_no_longer_kept_is_answered_with_values(clients: SimpleNamespace) -> None:
    settings = ModelSettings(Asynchronous(max_staleness=0), num_versions_kept=1)
    version, _ = await clients.params.register_model("policy", {"weight": VALUES}, settings)
    base = await clients.params.pull("policy")
    push: Any = {"kind": ContributionKind.DELTA}
    acknowledgement = await clients.params.push("policy", {"weight": VALUES}, base_version=version, **push)
    await clients.params.push("policy", {"weight": VALUES}, base_version=acknowledgement.version, **push)

    parameters = await clients.params.pull("policy", codec=ParameterCodec.TOP_K, base=base)

    np.testing.assert_allclose(parameters["weight"], 3 * VALUES, rtol=1e-2)


async def test_a_base_must_be_exact(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", {"weight": VALUES})
    base = await clients.params.pull("policy", codec=ParameterCodec.BF16)

    with pytest.raises(InvalidArgumentError, match=r"base: got .*, allowed: Parameters pulled with f32"):
        await clients.params.pull("policy", codec=ParameterCodec.BF16, base=base)


async def test_top_k_needs_a_base(clients: SimpleNamespace) -> None:
    with pytest.raises(InvalidArgumentError, match="codec"):
        await clients.params.pull("policy", codec=ParameterCodec.TOP_K)


@pytest.mark.parametrize("codec", LOSSY)
async def test_a_watch_may_be_packed(clients: SimpleNamespace, codec: ParameterCodec) -> None:
    await clients.params.register_model("policy", {"weight": VALUES})
    watch = clients.params.watch("policy", codec=codec)

    parameters = await anext(watch)
    await watch.aclose()

    np.testing.assert_allclose(parameters["weight"], VALUES, rtol=0, atol=LOSSY[codec])
    assert not parameters.is_exact


async def test_exact_parameters_can_be_verified(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", {"weight": VALUES})

    (await clients.params.pull("policy")).verify()
    with pytest.raises(FailedPreconditionError, match="f32"):
        (await clients.params.pull("policy", codec=ParameterCodec.INT8)).verify()
