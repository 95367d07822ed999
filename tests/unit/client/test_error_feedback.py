"""Whatever a codec loses is sent later: what was counted and what is left make what went in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heronry.client.contribution_packing import Packing, pieces_of
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.parameter_vector import VectorLayout
from heronry.native.parameter_packing import unpack_parameters
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    InvalidContributionError,
    SchemaMismatchError,
)
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole

NUM_PARAMETERS = 300
SCHEMA = ModelSchema.of({"w": np.zeros(NUM_PARAMETERS, np.float32)})
LAYOUT = VectorLayout(SCHEMA)
CODECS = [ParameterCodec.BF16, ParameterCodec.F16, ParameterCodec.INT8, ParameterCodec.TOP_K]
GRADIENTS = st.lists(
    arrays.arrays(np.float32, NUM_PARAMETERS, elements=st.floats(-4, 4, width=32), fill=st.floats(-4, 4, width=32)),
    min_size=1,
    max_size=4,
)


def sent(feedback: ErrorFeedback, codec: ParameterCodec, gradient: np.ndarray, request_id: str) -> np.ndarray:
    """Begin a contribution and return what the service makes of it."""
    packing = Packing(codec, ContributionKind.GRADIENT, request_id, 0.1, feedback)
    ((packed,),) = packing.parts([LAYOUT], [pieces_of(SCHEMA, {"w": gradient})])
    if codec is ParameterCodec.F32:
        return packed.view(np.float32)
    received = np.empty(NUM_PARAMETERS, np.float32)
    unpack_parameters(codec, packed, 0, received)
    return received


def residual_of(feedback: ErrorFeedback) -> np.ndarray:
    return np.zeros(NUM_PARAMETERS, np.float32) if feedback.residual is None else feedback.residual


@settings(max_examples=20)
@pytest.mark.parametrize("codec", [ParameterCodec.F32, *CODECS])
@given(gradients=GRADIENTS, are_counted=st.lists(st.booleans(), min_size=4, max_size=4))
def test_what_was_counted_and_what_is_left_make_what_went_in(
    codec: ParameterCodec, gradients: list[np.ndarray], are_counted: list[bool]
) -> None:
    feedback = ErrorFeedback()
    counted = np.zeros(NUM_PARAMETERS)

    for number, (gradient, is_counted) in enumerate(zip(gradients, are_counted, strict=False)):
        received = sent(feedback, codec, gradient, str(number))
        if is_counted:
            counted += received
            feedback.commit()
        else:
            feedback.put_back()

    # Each sum and difference is rounded once, of magnitudes below 4 * 4 * 2.
    bound = 2 * len(gradients) * 32 * np.finfo(np.float32).eps
    np.testing.assert_allclose(counted + residual_of(feedback), np.sum(gradients, axis=0, dtype=np.float64), atol=bound)


@pytest.mark.parametrize("codec", CODECS)
def test_a_repeated_request_has_the_same_bytes_and_is_counted_once(codec: ParameterCodec) -> None:
    feedback = ErrorFeedback()
    gradient = np.linspace(-1, 1, NUM_PARAMETERS, dtype=np.float32)

    first = sent(feedback, codec, gradient, "once")
    feedback.put_back(is_settled=False)
    again = sent(feedback, codec, gradient, "once")
    feedback.commit()

    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(again + residual_of(feedback), gradient, atol=1e-6)


def test_a_refused_contribution_goes_back_as_a_whole() -> None:
    feedback = ErrorFeedback()
    gradient = np.linspace(-1, 1, NUM_PARAMETERS, dtype=np.float32)

    sent(feedback, ParameterCodec.INT8, gradient, "refused")
    feedback.put_back()

    np.testing.assert_array_equal(residual_of(feedback), gradient)


def test_refused_weights_do_not_go_back() -> None:
    feedback = ErrorFeedback()
    packing = Packing(ParameterCodec.BF16, ContributionKind.WEIGHTS, "refused", 0.1, feedback)

    packing.parts([LAYOUT], [pieces_of(SCHEMA, {"w": np.full(NUM_PARAMETERS, 1 / 3, np.float32)})])
    feedback.put_back()

    assert feedback.residual is None


def test_values_that_were_refused_leave_the_residual_as_it_was() -> None:
    feedback = ErrorFeedback()
    sent(feedback, ParameterCodec.INT8, np.linspace(-1, 1, NUM_PARAMETERS, dtype=np.float32), "0")
    feedback.commit()
    before = residual_of(feedback).copy()

    sent(feedback, ParameterCodec.INT8, np.full(NUM_PARAMETERS, 1e30, np.float32), "1")
    feedback.drop()

    np.testing.assert_array_equal(residual_of(feedback), before)


def test_what_is_not_finite_is_refused_and_leaves_no_trace() -> None:
    feedback = ErrorFeedback()

    with pytest.raises(InvalidContributionError):
        sent(feedback, ParameterCodec.BF16, np.full(NUM_PARAMETERS, np.nan, np.float32), "nan")

    assert feedback.residual is None
    sent(feedback, ParameterCodec.BF16, np.zeros(NUM_PARAMETERS, np.float32), "next")


def test_one_contribution_is_under_way_at_a_time() -> None:
    feedback = ErrorFeedback()
    sent(feedback, ParameterCodec.BF16, np.zeros(NUM_PARAMETERS, np.float32), "0")

    with pytest.raises(FailedPreconditionError, match="under way"):
        sent(feedback, ParameterCodec.BF16, np.zeros(NUM_PARAMETERS, np.float32), "1")


def test_a_residual_of_another_model_is_refused() -> None:
    feedback = ErrorFeedback()
    feedback.load_state_dict({"residual": np.zeros(7, np.float32)})

    with pytest.raises(SchemaMismatchError, match="got 7, allowed: 300"):
        sent(feedback, ParameterCodec.BF16, np.zeros(NUM_PARAMETERS, np.float32), "0")


def test_the_state_survives_a_checkpoint() -> None:
    feedback, restored = ErrorFeedback(), ErrorFeedback()
    gradient = np.linspace(-1, 1, NUM_PARAMETERS, dtype=np.float32)
    sent(feedback, ParameterCodec.TOP_K, gradient, "0")
    feedback.commit()

    restored.load_state_dict(feedback.state_dict())

    expected = sent(feedback, ParameterCodec.TOP_K, gradient, "1")
    np.testing.assert_array_equal(sent(restored, ParameterCodec.TOP_K, gradient, "1"), expected)


@pytest.mark.parametrize(
    "state", [{"other": np.zeros(1)}, {"residual": np.zeros((2, 2))}, {"residual": np.zeros(2, int)}]
)
def test_a_state_that_is_none_is_refused(state: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidArgumentError, match="state"):
        ErrorFeedback().load_state_dict(state)


def test_weights_cannot_be_thinned_out() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"codec: got .*TOP_K.*, allowed: f32, bf16, f16 or int8 with WEIGHTS"
    ):
        Packing(ParameterCodec.TOP_K, ContributionKind.WEIGHTS, "0", 0.1, None)


@pytest.mark.parametrize("codec", [ParameterCodec.F32, *CODECS])
def test_parts_of_a_model_share_one_residual(codec: ParameterCodec) -> None:
    # The first part has float32 alone, the second both: its vector, and that of both, are float64.
    tensors = [
        {"a": np.linspace(-2, 3, 70, dtype=np.float32)},
        {"b": np.linspace(-1, 1, 40) / 3, "c": np.ones(9, np.float32), "n": np.arange(3)},
    ]
    roles = {"n": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS)}
    schemas = [ModelSchema.of(tensors[0]), ModelSchema.of(tensors[1], roles)]
    layouts = [VectorLayout(schema) for schema in schemas]
    feedback = ErrorFeedback()
    packing = Packing(codec, ContributionKind.GRADIENT, "r", 0.1, feedback)

    parts = packing.parts(layouts, [pieces_of(s, t) for s, t in zip(schemas, tensors, strict=True)])
    feedback.commit()

    received = [_received(codec, layout, part) for layout, part in zip(layouts, parts, strict=True)]
    values = np.concatenate([tensors[0]["a"], tensors[1]["b"], tensors[1]["c"]])
    np.testing.assert_allclose(np.concatenate(received) + feedback.residual, values, atol=1e-6)
    assert parts[1][-1].tobytes() == np.arange(3).tobytes()


def _received(codec: ParameterCodec, layout: VectorLayout, part: list[np.ndarray]) -> np.ndarray:
    if codec is ParameterCodec.F32:
        return layout.vector(part)
    received = np.empty(layout.num_parameters, layout.dtype)
    unpack_parameters(codec, part[0], 0, received)
    return received
