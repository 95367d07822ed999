"""Steering live models."""

from types import SimpleNamespace

import numpy as np
import pytest

from heronry.types.consistency import Asynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    FailedPreconditionError,
    HeronryError,
    InvalidArgumentError,
    ModelNotFoundError,
    StaleContributionError,
    VersionNotFoundError,
)
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.types.optimizers import SgdOptimizer

TENSORS = {"weight": np.arange(6, dtype=np.float32)}
ONES = {"weight": np.ones(6, np.float32)}


@pytest.mark.parametrize("by", ["number", "tag"])
async def test_a_rollback_publishes_earlier_values_under_a_new_number(clients: SimpleNamespace, by: str) -> None:
    first, _ = await clients.params.register_model("policy", TENSORS)
    await clients.params.tag_version("policy", "good")
    pushed = await clients.params.push("policy", ONES, base_version=first, kind=ContributionKind.DELTA)

    which = {"number": first.number} if by == "number" else {"tag": "good"}
    version = await clients.params.rollback_model("policy", **which)
    parameters = await clients.params.pull("policy")

    assert version.number == pushed.version.number + 1
    assert parameters.version == version
    np.testing.assert_array_equal(parameters["weight"], TENSORS["weight"])


async def test_contributions_computed_before_a_rollback_are_refused(clients: SimpleNamespace) -> None:
    first, _ = await clients.params.register_model("policy", TENSORS)
    pushed = await clients.params.push("policy", ONES, base_version=first)
    await clients.params.rollback_model("policy", number=first.number)

    with pytest.raises(FailedPreconditionError):
        await clients.params.push("policy", ONES, base_version=pushed.version)


async def test_a_repeated_rollback_has_no_further_effect(clients: SimpleNamespace) -> None:
    first, _ = await clients.params.register_model("policy", TENSORS)
    await clients.params.push("policy", ONES, base_version=first)

    once = await clients.params.rollback_model("policy", number=first.number, request_id="once")
    again = await clients.params.rollback_model("policy", number=first.number, request_id="once")

    assert again == once


async def test_a_rollback_to_no_version_is_refused(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS)

    with pytest.raises(VersionNotFoundError):
        await clients.params.rollback_model("policy", tag="nowhere")
    with pytest.raises(InvalidArgumentError):
        await clients.params.rollback_model("policy")


async def test_the_figures_of_a_live_model_change(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    limits = ContributionLimits(max_norm=1.0)

    info = await clients.params.update_model(
        "policy",
        consistency=Asynchronous(max_staleness=0),
        limits=limits,
        optimizer=SgdOptimizer(0.5),
        num_versions_kept=3,
    )

    expected = ModelSettings(
        Asynchronous(max_staleness=0), optimizer=SgdOptimizer(0.5), limits=limits, num_versions_kept=3
    )
    assert info.settings == expected
    with pytest.raises(InvalidArgumentError):
        await clients.params.push("policy", ONES, base_version=version)
    small = {"weight": np.full(6, 0.1, np.float32)}
    await clients.params.push("policy", small, base_version=version)
    np.testing.assert_allclose((await clients.params.pull("policy"))["weight"], TENSORS["weight"] - 0.05, rtol=1e-6)
    with pytest.raises(StaleContributionError):
        await clients.params.push("policy", small, base_version=version)


async def test_what_is_not_named_stays(clients: SimpleNamespace) -> None:
    settings = ModelSettings(Asynchronous(3), limits=ContributionLimits(max_norm=2.0), num_versions_kept=4)
    await clients.params.register_model("policy", TENSORS, settings)

    info = await clients.params.update_model("policy", optimizer=SgdOptimizer(0.1))

    assert (info.settings.consistency, info.settings.limits) == (settings.consistency, settings.limits)
    assert info.settings.num_versions_kept == 4


async def test_a_deleted_model_is_gone(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS)

    await clients.params.delete_model("policy")

    assert await clients.params.list_models() == ()
    with pytest.raises(ModelNotFoundError):
        await clients.params.pull("policy")


@pytest.mark.parametrize("call", ["rollback_model", "update_model", "delete_model", "register_worker"])
async def test_steering_an_unknown_model_names_it(clients: SimpleNamespace, call: str) -> None:
    arguments = {"number": 1} if call == "rollback_model" else {}

    with pytest.raises(ModelNotFoundError, match="'policy'"):
        await getattr(clients.params, call)("policy", **arguments)


async def test_refusals_are_counted_by_name(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, ModelSettings(Asynchronous(max_staleness=0)))
    await clients.params.push("policy", ONES, base_version=version)

    with pytest.raises(HeronryError):
        await clients.params.push("policy", ONES, base_version=version)
    info = await clients.params.get_model("policy")

    assert (info.num_refused, dict(info.refusals)) == (1, {"StaleContributionError": 1})
