"""What a push may consist of, how it travels, and what becomes of it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from heronry.client import ErrorFeedback, ParameterCodec
from heronry.types.consistency import Asynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    InvalidContributionError,
    SchemaMismatchError,
    StaleContributionError,
)
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.types.tensors import MergeRule, TensorRole

NUM_PARAMETERS = 1000
VALUES = np.linspace(-1, 1, NUM_PARAMETERS, dtype=np.float32)
ZEROS = {"weight": np.zeros((NUM_PARAMETERS - 10, 1), np.float32), "bias": np.zeros(10, np.float32)}
GRADIENT = {"weight": VALUES[:-10].reshape(-1, 1), "bias": VALUES[-10:]}
# Of a value within [-1, 1], rounded to the nearest; INT8 may take either neighbour.
ERRORS = {
    ParameterCodec.F32: 0.0,
    ParameterCodec.BF16: 2**-9,
    ParameterCodec.F16: 2**-12,
    ParameterCodec.INT8: 1 / 127,
}


def flat(parameters: Any) -> np.ndarray:
    return np.concatenate([parameters["weight"].ravel(), parameters["bias"]])


@pytest.mark.parametrize("codec", ERRORS)
async def test_a_contribution_arrives_within_its_codec_s_bounds(
    clients: SimpleNamespace, codec: ParameterCodec
) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)

    await clients.params.push("policy", GRADIENT, base_version=version, kind=ContributionKind.DELTA, codec=codec)
    parameters = await clients.params.pull("policy")

    np.testing.assert_allclose(flat(parameters), VALUES, rtol=0, atol=ERRORS[codec])
    assert parameters.is_exact


async def test_top_k_carries_the_largest_coordinates_alone(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    push: Any = {"kind": ContributionKind.DELTA, "codec": ParameterCodec.TOP_K, "top_k_share": 0.01}

    await clients.params.push("policy", GRADIENT, base_version=version, **push)
    values = flat(await clients.params.pull("policy"))

    kept = np.flatnonzero(values)
    assert kept.size == 10
    np.testing.assert_array_equal(values[kept], VALUES[kept])
    assert np.abs(VALUES[kept]).min() >= np.sort(np.abs(VALUES))[-10]


async def test_packed_bytes_are_fewer(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)

    await clients.params.push("policy", GRADIENT, base_version=version, codec=ParameterCodec.INT8)
    info = await clients.params.get_model("policy")

    # Four blocks of 256 have a scale each.
    assert info.num_bytes_received == NUM_PARAMETERS + 4 * 4


@pytest.mark.parametrize("codec", [ParameterCodec.BF16, ParameterCodec.INT8, ParameterCodec.TOP_K])
async def test_with_feedback_what_was_published_and_what_is_left_make_what_went_in(
    clients: SimpleNamespace, codec: ParameterCodec
) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS, ModelSettings(Asynchronous(max_staleness=9)))
    feedback = ErrorFeedback()
    push: Any = {"kind": ContributionKind.DELTA, "codec": codec, "feedback": feedback, "top_k_share": 0.1}

    for _ in range(4):
        await clients.params.push("policy", GRADIENT, base_version=version, **push)
    parameters = await clients.params.pull("policy")

    assert feedback.residual is not None
    np.testing.assert_allclose(flat(parameters) + feedback.residual, 4 * VALUES, atol=1e-5)


async def test_a_refused_contribution_goes_back_into_the_feedback(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS, ModelSettings(Asynchronous(max_staleness=0)))
    feedback = ErrorFeedback()
    push: Any = {"kind": ContributionKind.DELTA, "codec": ParameterCodec.BF16, "feedback": feedback}
    await clients.params.push("policy", ZEROS, base_version=version, kind=ContributionKind.DELTA)

    with pytest.raises(StaleContributionError):
        await clients.params.push("policy", GRADIENT, base_version=version, **push)

    np.testing.assert_array_equal(feedback.residual, VALUES)
    newest = (await clients.params.pull("policy")).version
    await clients.params.push("policy", ZEROS, base_version=newest, **push)
    parameters = await clients.params.pull("policy")
    np.testing.assert_allclose(flat(parameters) + feedback.residual, VALUES, atol=1e-6)


async def test_a_request_that_is_repeated_with_feedback_is_counted_once(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    feedback = ErrorFeedback()
    push: Any = {"kind": ContributionKind.DELTA, "codec": ParameterCodec.INT8, "request_id": "once"}

    first = await clients.params.push("policy", GRADIENT, base_version=version, feedback=feedback, **push)
    residual = feedback.residual
    again = await clients.params.push("policy", GRADIENT, base_version=version, feedback=ErrorFeedback(), **push)
    parameters = await clients.params.pull("policy")

    assert (first.counted, again.counted) == (True, False)
    np.testing.assert_allclose(flat(parameters) + residual, VALUES, atol=1e-6)


async def test_a_request_whose_answer_was_lost_can_be_repeated_with_its_feedback(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    feedback = ErrorFeedback()
    push: Any = {
        "kind": ContributionKind.DELTA,
        "codec": ParameterCodec.INT8,
        "feedback": feedback,
        "request_id": "once",
    }

    with pytest.raises(DeadlineExceededError):
        await clients.params.push("policy", GRADIENT, base_version=version, timeout_s=-1.0, **push)
    np.testing.assert_array_equal(feedback.residual, VALUES)
    await clients.params.push("policy", GRADIENT, base_version=version, **push)
    parameters = await clients.params.pull("policy")

    np.testing.assert_allclose(flat(parameters) + feedback.residual, VALUES, atol=1e-6)
    assert np.abs(feedback.residual).max() < 1 / 127


async def test_values_that_are_too_large_are_refused_and_not_kept(clients: SimpleNamespace) -> None:
    settings = ModelSettings(limits=ContributionLimits(max_norm=1.0))
    version, _ = await clients.params.register_model("policy", ZEROS, settings)
    feedback = ErrorFeedback()

    with pytest.raises(InvalidArgumentError):
        await clients.params.push("policy", GRADIENT, base_version=version, feedback=feedback)

    assert feedback.residual is None


async def test_validating_counts_nothing(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)

    assert await clients.params.validate("policy", GRADIENT, base_version=version) is None

    info = await clients.params.get_model("policy")
    assert (info.version, info.num_accepted, info.num_pending) == (version, 0, 0)


async def test_validating_raises_what_a_push_would(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    wrong = GRADIENT | {"bias": np.full(10, np.nan, np.float32)}

    with pytest.raises(InvalidContributionError, match="bias"):
        await clients.params.validate("policy", wrong, base_version=version)


async def test_feedback_is_as_before_after_validating(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    feedback = ErrorFeedback()
    push: Any = {"codec": ParameterCodec.BF16, "feedback": feedback, "validate_only": True}

    answer = await clients.params.push("policy", GRADIENT, base_version=version, **push)

    assert not answer.counted
    assert feedback.residual is None


async def test_tensors_of_torch_are_registered_and_pushed(clients: SimpleNamespace) -> None:
    module = torch.nn.Linear(3, 2)
    version, _ = await clients.params.register_model("policy", dict(module.named_parameters()))
    gradient = {"weight": torch.ones(2, 3), "bias": torch.ones(2, requires_grad=True)}

    await clients.params.push("policy", gradient, base_version=version)
    parameters = await clients.params.pull("policy")

    np.testing.assert_allclose(parameters["weight"], module.weight.detach().numpy() - 1, atol=1e-7)
    np.testing.assert_allclose(parameters["bias"], module.bias.detach().numpy() - 1, atol=1e-7)


@pytest.mark.parametrize("codec", [ParameterCodec.BF16, ParameterCodec.INT8])
async def test_tensors_that_are_not_learnt_travel_as_they_are(clients: SimpleNamespace, codec: ParameterCodec) -> None:
    tensors = {"count": np.array([1 << 40], np.int64), "weight": np.zeros(300, np.float32)}
    roles = {"count": (TensorRole.BUFFER, MergeRule.LAST)}
    version, _ = await clients.params.register_model("policy", tensors, roles=roles)
    pushed = {"count": np.array([(1 << 40) + 1], np.int64), "weight": np.ones(300, np.float32)}

    await clients.params.push("policy", pushed, base_version=version, kind=ContributionKind.DELTA, codec=codec)
    exact = await clients.params.pull("policy")
    packed = await clients.params.pull("policy", codec=codec)

    for parameters in (exact, packed):
        np.testing.assert_array_equal(parameters["count"], pushed["count"])
        np.testing.assert_array_equal(parameters["weight"], pushed["weight"])


async def test_a_flat_buffer_is_packed_too(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    push: Any = {"kind": ContributionKind.DELTA, "codec": ParameterCodec.F16}

    await clients.params.push("policy", VALUES, base_version=version, **push)

    np.testing.assert_allclose(flat(await clients.params.pull("policy")), VALUES, atol=2**-12)


async def test_weights_are_not_thinned_out(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)
    push: Any = {"kind": ContributionKind.WEIGHTS, "codec": ParameterCodec.TOP_K}

    with pytest.raises(InvalidArgumentError, match=r"codec: got .*TOP_K"):
        await clients.params.push("policy", GRADIENT, base_version=version, **push)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"codec": "bf16"}, "codec"),
        ({"top_k_share": 0.0}, "top_k_share"),
        ({"sample_count": -1}, "sample_count"),
        ({"weight": 0.0}, "weight"),
        ({"round_id": -1}, "round_id"),
        ({"fencing_token": None}, "fencing_token"),
    ],
)
async def test_an_argument_out_of_range_is_named(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    version, _ = await clients.params.register_model("policy", ZEROS)

    with pytest.raises(InvalidArgumentError) as caught:
        await clients.params.push("policy", GRADIENT, base_version=version, **arguments)

    assert caught.value.details["field"] == field


async def test_a_model_that_was_made_anew_has_its_new_schema(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", ZEROS)
    await clients.params.delete_model("policy")
    version, created = await clients.params.register_model("policy", {"weight": VALUES})

    await clients.params.push("policy", {"weight": VALUES}, base_version=version)

    assert created
    with pytest.raises(SchemaMismatchError):
        await clients.params.push("policy", GRADIENT, base_version=version)
