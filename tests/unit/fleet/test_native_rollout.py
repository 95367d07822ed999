"""Unrolls collected in one call equal those collected step by step."""

import itertools

import numpy as np
import pytest

from heronry.environments.making import make_environment
from heronry.environments.native_engine import NativeEnvironment
from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.native_rollout import NativeRollout
from heronry.fleet.core.rollout import Rollout
from heronry.fleet.core.unroll import columns_of_lanes, empty_columns, experience_columns
from heronry.maths.networks import Convolution, Layers, network_for
from heronry.maths.policies import lanes_of
from heronry.types.errors import InvalidArgumentError

CONVOLUTIONAL = Layers((8,), "relu", (Convolution(4),))
CASES = [
    ("CartPole-v1", "ppo", Layers((8,))),
    ("CartPole-v1", "dqn", Layers((8,))),
    ("Pendulum-v1", "ppo", Layers((8,))),
    ("ConnectFour-v0", "ppo", Layers((8,))),
    ("ConnectFour-v0", "dqn", Layers((8,))),
    ("MinAtar/Breakout-v1", "ppo", CONVOLUTIONAL),
]
NUM_STEPS = 30


class Lanes:
    """A native game, a policy for it and its columns."""

    def __init__(self, name, algorithm, layers, num_lanes=6, backend="native"):
        self.environment = NativeEnvironment(name, num_lanes, {})
        spaces = self.environment.observation_space, self.environment.action_space
        self.policy = BehaviourPolicy.of_spaces(algorithm, layers, spaces, backend=backend)
        self.policy.explore(0.5)
        spec = network_for(algorithm, layers, *spaces)
        rng = np.random.default_rng(3)
        self.tensors = {n: rng.normal(size=s).astype(np.float32) for n, s in spec.shapes().items()}
        self.specs = experience_columns(*spaces, with_log_probability=algorithm == "ppo")
        self.num_lanes = num_lanes

    def collect(self, group, num_unrolls=2):
        group.load(self.tensors)
        group.reset(range(self.num_lanes))
        rng = np.random.default_rng(4)
        unrolls = []
        for _ in range(num_unrolls):
            columns = empty_columns(self.specs, NUM_STEPS, self.num_lanes)
            assert group.collect(columns, self.policy.draw(NUM_STEPS, self.num_lanes, rng)) is not None
            unrolls.append(columns)
        return unrolls


@pytest.mark.parametrize(("name", "algorithm", "layers"), CASES)
def test_unrolls_equal_those_collected_step_by_step_bit_for_bit(name, algorithm, layers):
    one, other = Lanes(name, algorithm, layers), Lanes(name, algorithm, layers)

    at_once = one.collect(NativeRollout(one.environment, one.policy))
    in_turn = other.collect(Rollout(other.environment, other.policy, itertools.count().__next__))

    for mine, theirs in zip(at_once, in_turn, strict=True):
        for column in set(mine) - {"episode_id"}:
            np.testing.assert_array_equal(mine[column], theirs[column], err_msg=column)


def test_some_lanes_of_larger_columns_are_filled():
    whole, half = Lanes("CartPole-v1", "ppo", Layers((8,))), Lanes("CartPole-v1", "ppo", Layers((8,)), num_lanes=2)
    (expected,) = whole.collect(NativeRollout(whole.environment, whole.policy), num_unrolls=1)
    group = NativeRollout(half.environment, half.policy)
    group.load(half.tensors)
    group.reset(range(2, 4))
    columns = empty_columns(half.specs, NUM_STEPS, 6)
    randoms = half.policy.draw(NUM_STEPS, 6, np.random.default_rng(4))

    group.collect(columns_of_lanes(columns, slice(2, 4)), lanes_of(randoms, slice(2, 4)))

    for column in set(columns) - {"episode_id"}:
        np.testing.assert_array_equal(columns[column][:, 2:4], expected[column][:, 2:4], err_msg=column)


def test_an_unroll_is_given_up_when_told_so():
    lanes = Lanes("CartPole-v1", "ppo", Layers((8,)))
    answers = iter([True, False])
    group = NativeRollout(lanes.environment, lanes.policy, lambda: next(answers))
    group.load(lanes.tensors)
    group.reset(range(6))
    columns = empty_columns(lanes.specs, NUM_STEPS, 6)

    assert group.collect(columns, lanes.policy.draw(NUM_STEPS, 6, np.random.default_rng(0))) is None


def test_an_action_that_is_no_number_names_its_lane():
    lanes = Lanes("Pendulum-v1", "ppo", Layers((8,)))
    lanes.tensors["policy/head/bias"][:] = np.nan

    with pytest.raises(InvalidArgumentError, match="lane 0"):
        lanes.collect(NativeRollout(lanes.environment, lanes.policy))


def test_only_native_games_with_native_policies_that_draw_suit():
    native, by_numpy = (Lanes("CartPole-v1", "ppo", Layers((8,)), backend=b) for b in ("native", "numpy"))
    spaces = native.environment.observation_space, native.environment.action_space
    greedy = BehaviourPolicy.of_spaces("ppo", Layers((8,)), spaces, greedy=True, backend="native")
    gymnasium = make_environment(EnvironmentSettings("CartPole-v1", engine="gymnasium", isolation="none"), 2)

    assert NativeRollout.suits(native.environment, native.policy)
    assert not NativeRollout.suits(by_numpy.environment, by_numpy.policy)
    assert not NativeRollout.suits(native.environment, greedy)
    assert not NativeRollout.suits(gymnasium, native.policy)
    gymnasium.close()


def test_a_truncated_row_takes_its_own_mask_for_its_successors():
    lanes = Lanes("ConnectFour-v0", "dqn", Layers((8,)))
    (columns,) = lanes.collect(NativeRollout(lanes.environment, lanes.policy), num_unrolls=1)

    ended = columns["terminated"] | columns["truncated"]

    following = np.concatenate([columns["action_mask"][1:], lanes.environment.action_mask[np.newaxis]])
    expected = np.where(ended[..., np.newaxis], columns["action_mask"], following)
    np.testing.assert_array_equal(columns["next_action_mask"], expected)
    assert ended.any()
