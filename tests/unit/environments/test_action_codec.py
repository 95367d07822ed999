"""Actions that policies choose, and what environments execute for them."""

import itertools

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.environments.codecs import ActionCodec
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import InvalidArgumentError


def choices():
    return st.one_of(
        st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), st.integers(-3, 3)),
        st.builds(
            lambda nvec: spaces.MultiDiscrete(nvec, start=[4] * len(nvec)),
            st.lists(st.integers(1, 4), min_size=1, max_size=3),
        ),
        st.builds(spaces.MultiBinary, st.lists(st.integers(1, 2), min_size=1, max_size=2)),
        st.builds(
            lambda low, n, dtype: spaces.Box(low, low + n, (2,), dtype),
            st.integers(0, 9),
            st.integers(0, 5),
            st.sampled_from([np.uint8, np.int64]),
        ),
        st.builds(
            lambda least, more: spaces.Text(least + more, min_length=least, charset="xyz"),
            st.integers(0, 2),
            st.integers(1, 2),
        ),
    )


def reals():
    shapes = st.lists(st.integers(1, 3), min_size=1, max_size=2)
    return st.builds(
        lambda shape, dtype: spaces.Box(-1, 2, tuple(shape), dtype), shapes, st.sampled_from([np.float32, np.float64])
    )


def composites(leaves):
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(spaces.Tuple, st.lists(inner, min_size=1, max_size=3)),
            st.builds(spaces.Dict, st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)),
        ),
        max_leaves=4,
    )


def drawn(codec, num, rng):
    if codec.space.is_continuous:
        return rng.uniform(-3, 3, (num, *codec.space.shape)).astype(np.float32)
    columns = [rng.integers(n, size=num) for n in codec.space.num_choices]
    return np.stack(columns, axis=1).reshape(num, *codec.space.shape)


@settings(max_examples=25, deadline=None)
@given(space=st.one_of(composites(choices()), composites(reals())), seed=st.integers(0, 99))
def test_whatever_is_chosen_the_space_holds_what_is_executed(space, seed):
    codec = ActionCodec(space)

    executed = codec.encode_each(drawn(codec, 3, np.random.default_rng(seed)))

    assert len(executed) == 3
    assert all(space.contains(action) for action in executed)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(4, start=-1),
        spaces.MultiDiscrete([2, 3], start=[1, 1]),
        spaces.MultiBinary(3),
        spaces.Box(-1, 1, (2,), np.int8),
        spaces.Text(2, min_length=1, charset="xy"),
        spaces.Tuple((spaces.Discrete(2), spaces.Text(1, min_length=0, charset="z"))),
    ],
)
def test_every_action_of_the_space_can_be_chosen(space):
    codec = ActionCodec(space)
    everything = np.array(list(itertools.product(*(range(n) for n in codec.space.num_choices))))
    space.seed(0)

    executed = {repr(a) for a in codec.encode_each(everything.reshape(len(everything), *codec.space.shape))}

    assert all(repr(space.sample()) in executed for _ in range(50))


def test_one_discrete_is_one_choice():
    codec = ActionCodec(spaces.Discrete(3, start=5))

    assert codec.space == ActionSpace("discrete", num_actions=3)
    assert codec.encode(np.array([0, 2])).tolist() == [5, 7]


def test_several_choices_stand_in_the_order_of_the_parts():
    space = spaces.Dict(
        {"b": spaces.MultiDiscrete([2, 3]), "a": spaces.Tuple((spaces.Discrete(4), spaces.MultiBinary(2)))}
    )
    codec = ActionCodec(space)
    in_order = list(space.spaces)

    assert codec.space == ActionSpace.of_choices((4, 2, 2, 2, 3) if in_order == ["a", "b"] else (2, 3, 4, 2, 2))
    assert codec.space.num_logits == 13


def test_boxes_are_one_box_in_the_order_of_the_parts():
    codec = ActionCodec(spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.Box(0, 5, (1, 1)))))

    executed = codec.encode(np.array([[3.0, -0.5, 7.0]], np.float32))

    assert codec.space == ActionSpace("box", shape=(3,), low=(-1, -1, 0), high=(1, 1, 5))
    assert executed[0].tolist() == [[1.0, -0.5]]
    assert executed[1].tolist() == [[[5.0]]]


def test_batches_are_what_vector_environments_take():
    codec = ActionCodec(spaces.Dict({"m": spaces.MultiDiscrete([3, 3]), "d": spaces.Discrete(2)}))
    order = list(codec.encode(np.zeros((4, 3), np.int64)))

    batch = codec.encode(np.array([[1, 1, 1]] * 4))

    assert {name: value.shape for name, value in batch.items()} == {"m": (4, 2), "d": (4,)}
    assert order == list(batch)


def test_integers_of_a_small_box_are_choices_from_its_least():
    codec = ActionCodec(spaces.Box(-2, 3, (2,), np.int32))

    assert codec.space == ActionSpace.of_choices((6, 6))
    assert codec.encode(np.array([[0, 5]])).tolist() == [[-2, 3]]


def test_text_ends_with_its_last_choice_where_it_may_end():
    codec = ActionCodec(spaces.Text(3, min_length=1, charset="xy"))

    assert codec.space.nvec == (2, 3, 3)
    assert codec.encode(np.array([[0, 2, 1], [1, 0, 2], [1, 1, 0]])) == ("x", "yx", "yyx")


@pytest.mark.parametrize("space", [spaces.Box(0, 256, (1,), np.int32), spaces.Box(-(2**31), 2**31 - 1, (1,), np.int32)])
def test_integers_of_a_large_box_are_refused(space):
    with pytest.raises(InvalidArgumentError, match="at most 256 values each"):
        ActionCodec(space)


def test_choices_beside_reals_are_refused():
    with pytest.raises(InvalidArgumentError, match="choices only, or reals only"):
        ActionCodec(spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 1, (1,)))))


@pytest.mark.parametrize(
    ("space", "actions", "allowed"),
    [
        (spaces.Discrete(3), np.array([1, 3]), r"0 to \[2\]"),
        (spaces.Discrete(3), np.array([-1, 0]), r"0 to \[2\]"),
        (spaces.MultiDiscrete([2, 3]), np.array([[2, 0]]), r"0 to \[1, 2\]"),
        (spaces.MultiDiscrete([2, 3]), np.array([1]), r"shape \(2,\)"),
        (spaces.Box(-1, 1, (1,)), np.array([[0.0], [np.nan]]), "finite numbers"),
        (spaces.Box(-1, 1, (1,)), np.array([[0.0, 0.0]]), r"shape \(1,\)"),
    ],
)  # fmt: skip
def test_actions_of_another_space_are_refused(space, actions, allowed):
    with pytest.raises(InvalidArgumentError, match=allowed):
        ActionCodec(space).encode(actions)
