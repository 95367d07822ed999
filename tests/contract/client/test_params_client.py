from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    InvalidContributionError,
    ModelNotFoundError,
    SchemaMismatchError,
    StaleContributionError,
)
from heronry.types.models import ModelSettings
from heronry.types.optimizers import SgdOptimizer
from heronry.types.run import ServiceRole
from heronry.types.tensors import MergeRule, TensorRole

TENSORS = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2, np.float32)}


async def test_a_registered_model_can_be_pulled(clients: SimpleNamespace) -> None:
    version, created = await clients.params.register_model("policy", TENSORS)
    again = await clients.params.register_model("policy", TENSORS)

    parameters = await clients.params.pull("policy")

    assert created
    assert again == (version, False)
    assert parameters.version == version
    assert list(parameters) == ["weight", "bias"]
    np.testing.assert_array_equal(parameters["weight"], TENSORS["weight"])
    assert not parameters["weight"].flags.writeable


async def test_another_schema_under_the_same_name_is_refused(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS)

    with pytest.raises(AlreadyExistsError):
        await clients.params.register_model("policy", {"weight": TENSORS["weight"]})


async def test_a_gradient_moves_the_values_against_it(clients: SimpleNamespace) -> None:
    settings = ModelSettings(optimizer=SgdOptimizer(learning_rate=0.5))
    version, _ = await clients.params.register_model("policy", TENSORS, settings)
    gradient = {name: np.ones_like(tensor) for name, tensor in TENSORS.items()}

    acknowledgement = await clients.params.push("policy", gradient, base_version=version)
    parameters = await clients.params.pull("policy", newer_than=version)

    assert acknowledgement.counted
    assert acknowledgement.closed_round
    assert parameters.version == acknowledgement.version
    np.testing.assert_allclose(parameters["weight"], TENSORS["weight"] - 0.5)


async def test_pushed_weights_are_published_as_they_are(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    flat = np.linspace(-1, 1, 8, dtype=np.float32)

    await clients.params.push("policy", flat, kind=ContributionKind.WEIGHTS, base_version=version)
    parameters = await clients.params.pull("policy")

    np.testing.assert_array_equal(parameters.flat.view(np.float32), flat)


async def test_a_contribution_is_counted_once_however_often_it_is_sent(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    push: Any = {"base_version": version, "request_id": "once", "kind": ContributionKind.DELTA}

    first = await clients.params.push("policy", TENSORS, **push)
    second = await clients.params.push("policy", TENSORS, **push)

    assert (first.counted, second.counted) == (True, False)
    assert second.version == first.version


async def test_there_is_nothing_newer_than_the_newest(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)

    assert await clients.params.pull("policy", newer_than=version) is None
    assert await clients.params.pull("policy", newer_than=version, wait_s=0.05) is None


async def test_a_watch_yields_the_newest_version_and_then_newer_ones(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    watch = clients.params.watch("policy")

    first = await anext(watch)
    acknowledgement = await clients.params.push("policy", TENSORS, kind=ContributionKind.WEIGHTS, base_version=version)
    second = await anext(watch)
    await watch.aclose()

    assert first.version == version
    assert second.version == acknowledgement.version
    np.testing.assert_array_equal(second["weight"], TENSORS["weight"])


async def test_a_watch_without_values_yields_versions_alone(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    watch = clients.params.watch("policy", with_values=False)

    parameters = await anext(watch)
    await watch.aclose()

    assert parameters.version == version
    assert len(parameters) == 0


async def test_a_watch_goes_on_after_the_service_was_away(clients: SimpleNamespace, services: Any) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    watch = clients.params.watch("policy")
    await anext(watch)

    await services.stop(ServiceRole.PARAMS)
    await services.start(ServiceRole.PARAMS)
    version, _ = await clients.params.register_model("policy", TENSORS)
    await clients.params.push("policy", TENSORS, kind=ContributionKind.WEIGHTS, base_version=version)
    parameters = await anext(watch)
    await watch.aclose()

    assert parameters.version.epoch >= version.epoch


async def test_tags_keep_versions_under_a_name(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)

    tagged = await clients.params.tag_version("policy", "best")
    await clients.params.push("policy", TENSORS, kind=ContributionKind.DELTA, base_version=version)
    parameters = await clients.params.pull("policy", tag="best")
    versions = await clients.params.list_versions("policy")

    assert tagged == version == parameters.version
    assert [v.tags for v in versions] == [("best",), ()]


async def test_models_tell_their_settings_and_counts(clients: SimpleNamespace) -> None:
    settings = ModelSettings(BufferedAsynchronous(2, max_staleness=3))
    version, _ = await clients.params.register_model("policy", TENSORS, settings)
    await clients.params.push("policy", TENSORS, base_version=version)

    info = await clients.params.get_model("policy")

    assert info.settings == settings
    assert (info.num_pending, info.num_accepted, info.num_bytes) == (1, 1, 32)
    assert await clients.params.list_models() == (info,)


async def test_an_exported_version_and_a_checkpoint_have_a_path(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS)

    assert (await clients.params.export_version("policy", "run/policy", metadata={"a": 1})).endswith(".safetensors")
    assert await clients.params.save_checkpoint()


async def test_an_unknown_model_is_named(clients: SimpleNamespace) -> None:
    with pytest.raises(ModelNotFoundError, match="'policy'"):
        await clients.params.pull("policy")


async def test_a_contribution_that_is_not_finite_is_refused(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)

    with pytest.raises(InvalidContributionError):
        await clients.params.push("policy", np.full(8, np.nan, np.float32), base_version=version)


async def test_a_contribution_with_other_shapes_never_leaves_the_client(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)

    with pytest.raises(SchemaMismatchError, match=r"bias\.shape"):
        await clients.params.push("policy", TENSORS | {"bias": np.zeros(3, np.float32)}, base_version=version)


async def test_a_stale_contribution_is_refused_by_name(clients: SimpleNamespace) -> None:
    settings = ModelSettings(Asynchronous(max_staleness=0))
    version, _ = await clients.params.register_model("policy", TENSORS, settings)
    await clients.params.push("policy", TENSORS, base_version=version)

    with pytest.raises(StaleContributionError):
        await clients.params.push("policy", TENSORS, base_version=version)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"values": "abc"}, "values"),
        ({"values": ["a", "b"]}, "values"),
        ({"values": None}, "values"),
        ({"values": {"weight": TENSORS["weight"], "bias": "x"}}, "values.bias"),
        ({"base_version": None}, "base_version"),
        ({"base_version": "1.0"}, "base_version"),
        ({"kind": "weights"}, "kind"),
        ({"model": 1}, "model"),
        ({"feedback": True}, "feedback"),
        ({"request_id": 5}, "request_id"),
        ({"timeout_s": "soon"}, "timeout_s"),
        ({"sample_count": 2**64}, "sample_count"),
        ({"validate_only": "yes"}, "validate_only"),
        ({"weight": True}, "weight"),
    ],
)
async def test_a_push_with_an_argument_of_the_wrong_type_names_it(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS)
    right = {"model": "policy", "values": TENSORS, "base_version": version}

    with pytest.raises(InvalidArgumentError) as caught:
        await clients.params.push(**(right | arguments))

    assert caught.value.details["field"] == field


@pytest.mark.parametrize("model", [None, 1, b"policy"])
@pytest.mark.parametrize(
    "call", ["pull", "get_model", "list_versions", "list_workers", "get_privacy_status", "export_version"]
)
async def test_a_model_name_that_is_no_string_is_named(clients: SimpleNamespace, call: str, model: Any) -> None:
    more = ("exports",) if call == "export_version" else ()

    with pytest.raises(InvalidArgumentError, match="model: got"):
        await getattr(clients.params, call)(model, *more)


async def test_a_model_of_things_that_are_no_arrays_is_refused(clients: SimpleNamespace) -> None:
    with pytest.raises(SchemaMismatchError, match=r"tensors\.weight: got \[0\.0, 1\.0\]"):
        await clients.params.register_model("policy", {"weight": [0.0, 1.0]})


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"number": 1, "tag": "best"}, "tag"),
        ({"number": 2**64}, "number"),
        ({"tag": 3}, "tag"),
        ({"wait_s": -1}, "wait_s"),
        ({"wait_s": 1e15}, "wait_s"),
    ],
)
async def test_a_pull_of_what_cannot_be_names_it(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.params.pull("policy", **arguments)

    assert caught.value.details["field"] == field


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"settings": SgdOptimizer()}, "settings"),
        ({"roles": {"wait": (TensorRole.BUFFER, MergeRule.LAST)}}, "roles"),
        ({"roles": {"weight": "buffer"}}, "roles.weight"),
    ],
)
async def test_a_model_with_settings_or_roles_that_are_none_is_refused(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.params.register_model("policy", TENSORS, **arguments)

    assert caught.value.details["field"] == field


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"consistency": "asynchronous"}, "consistency"),
        ({"optimizer": SgdOptimizer}, "optimizer"),
        ({"limits": 3.0}, "limits"),
        ({"num_versions_kept": 2**32}, "num_versions_kept"),
    ],
)
async def test_a_change_that_is_none_is_refused(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await clients.params.update_model("policy", **arguments)

    assert caught.value.details["field"] == field
