"""Observations as one array: against Gymnasium's own `flatten` where the two mean the same, else by hand."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.environments.codecs import ObservationCodec
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError

NUMBERS = st.sampled_from([np.float32, np.float64, np.int16, np.int64])


def boxes():
    shapes = st.lists(st.integers(1, 3), min_size=0, max_size=3)
    return st.builds(lambda shape, dtype: spaces.Box(0, 9, tuple(shape), dtype), shapes, NUMBERS)


def leaves():
    counts = st.lists(st.integers(1, 4), min_size=1, max_size=3)
    return st.one_of(
        boxes(),
        st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), st.integers(-3, 3)),
        st.builds(lambda nvec: spaces.MultiDiscrete(nvec, start=[2] * len(nvec)), counts),
        st.builds(spaces.MultiBinary, st.integers(1, 4)),
    )


def composites():
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            st.builds(spaces.Tuple, st.lists(inner, min_size=1, max_size=3)),
            st.builds(spaces.Dict, st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)),
        ),
        max_leaves=5,
    )


def samples(space, num, seed=0):
    space.seed(seed)
    return [space.sample() for _ in range(num)]


def batched(space, values):
    """Return values as Gymnasium's vector environments show them."""
    return concatenate(space, values, create_empty_array(space, len(values)))


@settings(max_examples=25, deadline=None)
@given(space=composites(), num=st.integers(1, 3))
def test_a_vector_holds_what_gymnasium_flattens_to(space, num):
    values = samples(space, num)
    expected = [np.asarray(spaces.flatten(space, value), np.float32) for value in values]

    encoded = ObservationCodec(space).encode_each(values)

    assert encoded.dtype == np.float32
    assert np.array_equal(encoded.reshape(num, -1), np.stack(expected).reshape(num, -1))


@settings(max_examples=25, deadline=None)
@given(space=composites(), num=st.integers(1, 3))
def test_batched_observations_are_encoded_as_single_ones(space, num):
    values = samples(space, num)
    codec = ObservationCodec(space)

    assert np.array_equal(codec.encode(batched(space, values), num), codec.encode_each(values))


@settings(max_examples=15, deadline=None)
@given(space=composites())
def test_the_description_is_that_of_what_is_stored(space):
    codec = ObservationCodec(space)

    encoded = codec.encode_each(samples(space, 2))

    assert encoded.shape == (2, *codec.space.shape)
    assert encoded.dtype.name == codec.space.element_type


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.bool_])
def test_a_single_box_of_numbers_is_stored_in_its_shape_as_float32(dtype):
    codec = ObservationCodec(spaces.Box(0, 1, (2, 3), dtype))

    assert codec.space == ObservationSpace((2, 3))
    assert codec.encode(np.ones((4, 2, 3), dtype), 4).dtype == np.float32


def test_images_stay_bytes_and_are_not_copied():
    codec = ObservationCodec(spaces.Box(0, 255, (84, 84, 3), np.uint8))
    pictures = np.zeros((2, 84, 84, 3), np.uint8)

    assert codec.space == ObservationSpace((84, 84, 3), "uint8")
    assert np.shares_memory(codec.encode(pictures), pictures)


def test_stacked_frames_are_stored_channels_last():
    codec = ObservationCodec(spaces.Box(0, 255, (4, 84, 84), np.uint8))
    frames = np.random.default_rng(1).integers(256, size=(2, 4, 84, 84), dtype=np.uint8)

    assert codec.space == ObservationSpace((84, 84, 4), "uint8")
    assert np.array_equal(codec.encode(frames), frames.transpose(0, 2, 3, 1))
    assert codec.encode(frames).flags.c_contiguous


def test_pictures_of_flags_say_that_their_bytes_are_at_most_one():
    assert ObservationCodec(spaces.Box(0, 1, (2, 2), np.uint8)).space == ObservationSpace((2, 2), "uint8", 1)


def test_bytes_in_a_composite_are_scaled():
    codec = ObservationCodec(spaces.Tuple((spaces.Box(0, 255, (2,), np.uint8), spaces.Discrete(2))))

    encoded = codec.encode_each([(np.array([0, 255], np.uint8), 1)])

    assert encoded.tolist() == [[0.0, 1.0, 0.0, 1.0]]


def test_text_is_one_hot_by_position_and_zero_past_its_end():
    codec = ObservationCodec(spaces.Text(3, min_length=0, charset="ba"))

    encoded = codec.encode_each(["ab", "", "bbb"])

    assert encoded.tolist() == [[0, 1, 1, 0, 0, 0], [0] * 6, [1, 0, 1, 0, 1, 0]]


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text("xyzäß", max_size=4), min_size=1, max_size=4))
def test_texts_can_be_read_back(texts):
    space = spaces.Text(4, min_length=0, charset="zxyßä")

    encoded = ObservationCodec(space).encode_each(texts).reshape(len(texts), 4, 5)

    read = ["".join(space.character_list[p.argmax()] for p in rows if p.any()) for rows in encoded]
    assert read == texts


@pytest.mark.parametrize("text", ["abc", "x"])
def test_a_text_that_the_space_does_not_hold_is_refused(text):
    with pytest.raises(SchemaMismatchError, match="observation"):
        ObservationCodec(spaces.Text(2, charset="ab")).encode_each([text])


@pytest.mark.parametrize("value", [-1, 4, 7])
def test_a_category_out_of_range_is_refused(value):
    with pytest.raises(SchemaMismatchError, match=r"\[0\] to \[3\]"):
        ObservationCodec(spaces.Discrete(4)).encode_each([value])


@pytest.mark.parametrize(
    "value", [np.zeros(2, np.float32), np.zeros((3, 1), np.float32), np.array(["a"] * 3), None, np.zeros(3, complex)]
)
def test_a_value_of_another_shape_or_type_is_refused(value):
    with pytest.raises(SchemaMismatchError, match=r"float32 of shape \(3,\)"):
        ObservationCodec(spaces.Box(-1, 1, (3,), np.float32)).encode_each([value])


def test_numbers_that_bytes_would_cut_are_refused():
    with pytest.raises(SchemaMismatchError, match="uint8"):
        ObservationCodec(spaces.Box(0, 255, (2,), np.uint8)).encode_each([np.array([1.5, 300.0])])


def test_lanes_that_differ_in_shape_are_refused():
    with pytest.raises(SchemaMismatchError, match="shapes"):
        ObservationCodec(spaces.Box(-1, 1, (3,), np.float32)).encode_each([np.zeros(3), np.zeros(2)])


def test_a_part_that_is_missing_is_refused():
    space = spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Discrete(2)})

    with pytest.raises(SchemaMismatchError, match="'b'"):
        ObservationCodec(space).encode_each([{"a": 1}])


def test_a_space_without_a_form_is_refused_by_its_name():
    space = spaces.Dict({"graph": spaces.Graph(spaces.Discrete(2), None)})

    with pytest.raises(InvalidArgumentError, match=r"environment.observation_space\['graph'\]"):
        ObservationCodec(space)


def test_a_mask_among_the_parts_is_left_out():
    inner = spaces.Box(0, 255, (2, 2), np.uint8)
    space = spaces.Dict({"action_mask": spaces.Box(0, 1, (3,), np.int8), "observation": inner})
    codec = ObservationCodec(space, ActionSpace("discrete", num_actions=3))

    assert codec.space == ObservationSpace((2, 2), "uint8")


def test_a_part_of_that_name_and_another_size_is_no_mask():
    space = spaces.Dict({"action_mask": spaces.Box(0, 1, (2,), np.int8), "other": spaces.Discrete(3)})

    assert ObservationCodec(space, ActionSpace("discrete", num_actions=3)).space == ObservationSpace((5,))


def test_the_batch_of_a_vector_environment_is_encoded(toy_module):
    environment = toy_module.vector(2, "Composite")
    space = environment.single_observation_space

    observation, _ = environment.reset(seed=[5, 9])
    encoded = ObservationCodec(space).encode(observation, 2)

    assert encoded.shape == (2, 1000 + 20 + 1 + 6)
    assert [np.flatnonzero(row).tolist() for row in encoded] == [[5, 1000], [9, 1000]]
    assert isinstance(batch_space(space, 2), gymnasium.spaces.Dict)


def test_bytes_that_come_in_a_wider_type_are_refused_before_they_wrap_round():
    codec = ObservationCodec(spaces.Box(0, 255, (2,), np.uint8))

    with pytest.raises(SchemaMismatchError, match="uint16"):
        codec.encode_each([np.array([300, 1], np.uint16)])


@pytest.mark.parametrize(
    ("shape", "stored"), [((4, 84, 84), (84, 84, 4)), ((84, 84, 3), (84, 84, 3)), ((10, 10, 4),) * 2]
)
def test_pictures_of_bytes_are_stored_channels_last(shape, stored):
    codec = ObservationCodec(gymnasium.spaces.Box(0, 255, shape, np.uint8))
    pictures = np.random.default_rng(0).integers(256, size=(2, *shape), dtype=np.uint8)

    encoded = codec.encode(pictures)

    assert codec.space.shape == stored
    expected = pictures if shape == stored else pictures.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(encoded, expected)
