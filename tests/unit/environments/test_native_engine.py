"""Native games as environments of the fleet."""

import numpy as np
import pytest

from heronry.environments.native_engine import NativeEnvironment
from heronry.environments.vector import VectorEnvironment
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError


def environment(name: str = "CartPole-v1", num_envs: int = 3, **kwargs: object) -> VectorEnvironment:
    return NativeEnvironment(name, num_envs, kwargs)


def test_choices_and_reals_are_described_as_spaces() -> None:
    assert environment().action_space == ActionSpace("discrete", 2)
    assert environment().observation_space == ObservationSpace((4,))
    assert environment("Pendulum-v1").action_space == ActionSpace("box", shape=(1,), low=(-2.0,), high=(2.0,))
    assert environment().action_mask is None
    assert environment().num_envs == 3
    assert not environment().releases_lock


def test_a_step_shows_what_came_of_it_in_arrays_of_its_own() -> None:
    lanes = environment()
    first = lanes.reset([1, 2, 3])

    one, two = lanes.step(np.array([0, 1, 0])), lanes.step(np.array([0, 1, 0]))

    assert first.shape == one.observation.shape == (3, 4)
    assert one.reward.tolist() == [1.0, 1.0, 1.0]
    assert one.mask.all()
    assert one.lost is None
    assert not np.array_equal(one.observation, two.observation)
    assert all(not np.shares_memory(a, b) for a, b in zip(one[:6], two[:6], strict=True))


def test_the_next_episode_is_shown_where_one_ends_and_its_successor_beside_it() -> None:
    lanes = environment()
    lanes.reset([1, 2, 3])

    steps = [lanes.step(np.zeros(3, np.int64)) for _ in range(12)]

    ended = next(step for step in steps if step.terminated[0])
    assert abs(ended.next_observation[0, 2]) > 12 * 2 * np.pi / 360
    assert np.abs(ended.observation[0]).max() <= 0.05


def test_equal_seeds_give_equal_episodes_and_negative_ones_are_seeds_too() -> None:
    lanes = environment()

    first = lanes.reset([5, 5, -1])

    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[2], environment(num_envs=1).reset([2**64 - 1])[0])


def test_reals_are_clipped_before_they_have_their_price() -> None:
    lanes = environment("MountainCarContinuous-v0", 2)
    lanes.reset([7, 7])

    step = lanes.step(np.array([[1.0], [9.0]]))

    assert step.reward.tolist() == pytest.approx([-0.1, -0.1])
    np.testing.assert_array_equal(step.observation[0], step.observation[1])


@pytest.mark.parametrize("actions", [np.array([0, 1, 2]), np.array([0, 1]), np.array([0, -1, 0])])
def test_actions_that_the_game_has_not_are_refused_by_its_name(actions: np.ndarray) -> None:
    lanes = environment()
    lanes.reset([1, 2, 3])

    with pytest.raises(InvalidArgumentError, match=r"CartPole-v1: actions.*2 choices"):
        lanes.step(actions)


def test_an_action_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Pendulum-v1: actions.*not a number"):
        environment("Pendulum-v1", 1).step(np.array([[np.nan]]))


def test_seeds_of_other_numbers_unknown_games_and_options_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="seeds"):
        environment().reset([1, 2])
    with pytest.raises(EnvironmentNotFoundError, match="CartPole-v9"):
        environment("CartPole-v9")
    with pytest.raises(InvalidArgumentError, match="wind"):
        environment(wind=1)


def test_a_lane_has_a_picture() -> None:
    lanes = environment()
    lanes.reset([1, 2, 3])

    assert lanes.render(2).shape == (300, 400, 3)
    lanes.close()
