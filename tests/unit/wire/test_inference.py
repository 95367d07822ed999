"""Messages of central inference: what is encoded is decoded the same, what does not fit is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.inference import InferenceStatistics, InferenceStep, LaneGroup, OpenedGroup, UnrollBegun
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.inference import (
    begin_unroll_from_proto,
    begin_unroll_to_proto,
    inference_statistics_from_proto,
    inference_statistics_to_proto,
    open_from_proto,
    open_to_proto,
    opened_from_proto,
    opened_to_proto,
    outputs_from_proto,
    outputs_to_proto,
    step_from_proto,
    step_to_proto,
    unroll_begun_from_proto,
    unroll_begun_to_proto,
)

LANES = LaneGroup("run", "fleet-0/1", 3, 2, ElementType.UINT8, (2, 3))


@pytest.mark.parametrize("element_type", ElementType)
def test_lanes_come_back(element_type) -> None:
    lanes = LaneGroup("run", "fleet-0/1", 2**40, 7, element_type, (4, 2))

    assert open_from_proto(open_to_proto(lanes)) == lanes


@given(number=st.none() | st.integers(0, 2**64 - 1), last=st.integers(0, 2**64 - 1))
def test_numbers_come_back(number, last) -> None:
    opened = OpenedGroup(5, last)

    assert begin_unroll_from_proto(begin_unroll_to_proto(number).begin_unroll) == number
    assert opened_from_proto(opened_to_proto(opened).opened) == opened


@given(
    observations=arrays.arrays(np.uint8, (2, 2, 3)),
    begins=st.none() | arrays.arrays(np.bool_, 2),
    sequence=st.integers(1, 2**64 - 1),
)
def test_a_step_comes_back(observations, begins, sequence) -> None:
    step = step_from_proto(step_to_proto(InferenceStep(sequence, observations, begins)).step, LANES)

    assert step.sequence == sequence
    np.testing.assert_array_equal(step.observations, observations)
    assert (step.begins is None) == (begins is None)
    if begins is not None:
        np.testing.assert_array_equal(step.begins, begins)


def test_lanes_that_are_not_adjacent_in_memory_come_back_in_their_order() -> None:
    every_other = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)[::2]

    step = step_from_proto(step_to_proto(InferenceStep(1, every_other)).step, LANES)

    np.testing.assert_array_equal(step.observations, every_other)


@given(outputs=arrays.arrays(np.float32, (3, 4)))
def test_outputs_come_back_bit_for_bit(outputs) -> None:
    message = outputs_to_proto(9, outputs).outputs

    assert message.sequence == 9
    assert outputs_from_proto(message, 3, 4).tobytes() == outputs.tobytes()


@pytest.mark.parametrize("log_std", [[], [0.25, -1.5]])
def test_what_acts_comes_back(log_std) -> None:
    begun = UnrollBegun(ParameterVersion(2, 7, b"c", b"p"), ParameterVersion(2, 9), np.array(log_std, np.float32))

    decoded = unroll_begun_from_proto(unroll_begun_to_proto(begun).unroll_begun)

    assert (decoded.version, decoded.newest) == (begun.version, begun.newest)
    np.testing.assert_array_equal(decoded.log_std, begun.log_std)


def test_figures_come_back() -> None:
    statistics = InferenceStatistics("run", 1, 2, 3, 4, 5, 6.5, 0.25, 0.125)

    assert inference_statistics_from_proto(inference_statistics_to_proto(statistics)) == statistics


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"group_id": ""}, InvalidArgumentError, "open.group_id: got '', allowed: a name, not empty"),
        ({"num_lanes": 0}, InvalidArgumentError, "open.num_lanes: got 0"),
        ({"element_type": 0}, SchemaMismatchError, "open.element_type: got 0"),
    ],
)
def test_an_opening_that_says_too_little_is_named(changes, error, message) -> None:
    request = open_to_proto(LANES)
    for name, value in changes.items():
        setattr(request.open, name, value)

    with pytest.raises(error, match=message):
        open_from_proto(request)


def test_a_stream_that_does_not_open_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="message: got 'begin_unroll', allowed: open, as the first message"):
        open_from_proto(begin_unroll_to_proto(None))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (pb.InferStep(observations=bytes(11)), r"step.observations.num_bytes: got 11, allowed: 12 \(2 observations"),
        (pb.InferStep(observations=bytes(12), begins=bytes(3)), "step.begins.num_bytes: got 3, allowed: 0 or 2"),
    ],
)
def test_bytes_of_other_lanes_are_named(step, message) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        step_from_proto(step, LANES)


def test_outputs_of_another_size_are_named() -> None:
    with pytest.raises(SchemaMismatchError, match=r"outputs\.num_bytes: got 8, allowed: 24"):
        outputs_from_proto(pb.InferOutputs(outputs=bytes(8)), 2, 3)
