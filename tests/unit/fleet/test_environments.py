"""Making environments by id and by factory, and what unusable ones get."""

import numpy as np
import pytest

from heronry.environments.autoreset import AutoresettingEnvironment
from heronry.environments.making import make_environment, make_single
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.single import SingleEnvironments
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError


def settings(name, **kwargs):
    return EnvironmentSettings(f"counting_environments:{name}", kwargs, isolation="none")


def gymnasium(name, kwargs=None):
    return EnvironmentSettings(name, kwargs or {}, engine="gymnasium")


def test_an_id_with_a_vector_entry_point_is_made_by_it():
    environment = make_environment(gymnasium("CartPole-v1"), 3)

    assert isinstance(environment.engine, AutoresettingEnvironment)
    assert environment.num_envs == 3
    assert environment.observation_space.shape == (4,)
    assert environment.action_space == ActionSpace("discrete", num_actions=2)


def test_an_id_without_one_is_stepped_one_by_one():
    environment = make_environment(gymnasium("Pendulum-v1"), 2)

    assert isinstance(environment.engine, SingleEnvironments)
    assert environment.action_space == ActionSpace("box", shape=(1,), low=(-2.0,), high=(2.0,))


def test_arguments_that_the_vector_entry_point_lacks_fall_back_to_single_ones():
    environment = make_environment(gymnasium("CartPole-v1", {"disable_env_checker": False}), 2)

    assert isinstance(environment.engine, SingleEnvironments)


def test_arguments_reach_the_constructor():
    single = make_single(EnvironmentSettings("Pendulum-v1", {"g": 3.0}))

    assert single.unwrapped.g == 3.0


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(EnvironmentNotFoundError, match="'CartPole-v1'"):
        make_environment(EnvironmentSettings("CartPol-v1"), 1)


def test_a_module_that_cannot_be_imported_is_named():
    with pytest.raises(EnvironmentNotFoundError, match="no_such_module"):
        make_environment(EnvironmentSettings("no_such_module:Thing"), 1)


def test_an_unknown_factory_names_the_nearest_of_its_module():
    with pytest.raises(EnvironmentNotFoundError, match="'CountingEnvironment'"):
        make_environment(settings("CountingEnviroment"), 1)


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"environment.kwargs: got \{'gravity': 1\}"):
        make_environment(settings("CountingEnvironment", gravity=1), 1)


def test_a_factory_of_something_else_is_refused():
    with pytest.raises(InvalidArgumentError, match="a factory of a Gymnasium Env"):
        make_environment(settings("not_an_environment"), 1)


@pytest.mark.parametrize(
    ("name", "field"), [("GraphEnvironment", "observation_space"), ("SequenceEnvironment", "action_space")]
)
def test_spaces_that_are_not_supported_are_refused_by_name(name, field):
    with pytest.raises(InvalidArgumentError, match=f"environment.{field}: .*, allowed: .*Discrete"):
        make_environment(settings(name), 1)


def test_categories_are_one_hot_and_counted_from_their_start():
    environment = make_environment(settings("PointEnvironment"), 1)

    first = environment.reset([0])
    step = environment.step(np.zeros((1, 2), np.float32))

    assert first.tolist() == [[0.0, 0.0, 1.0, 0.0]]
    assert step.next_observation.tolist() == [[0.0, 0.0, 0.0, 1.0]]
    assert step.observation.tolist() == [[0.0, 0.0, 1.0, 0.0]]


def test_actions_are_clipped_at_the_environments_edge_and_nowhere_before():
    environment = make_environment(settings("PointEnvironment"), 1)
    environment.reset([0])
    actions = np.array([[5.0, -0.5]], np.float32)

    step = environment.step(actions)

    assert step.reward.tolist() == [1.0]
    assert actions.tolist() == [[5.0, -0.5]]
