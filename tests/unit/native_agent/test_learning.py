"""The agent's update against the Python learner's, from the same weights, seed and batches."""

import numpy as np
import pytest

from heronry.algorithms import AlgorithmContext
from heronry.algorithms.dqn import Dqn
from heronry.algorithms.ppo import Ppo
from heronry.maths.convolutions import Convolution
from heronry.maths.networks import Layers
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native_agent import RLAgent, find_module
from heronry.spec.algorithms import DqnSettings, PpoSettings
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError, SchemaMismatchError

try:
    find_module()
except FailedPreconditionError as error:
    # An acceptance test builds it and runs these.
    pytest.skip(str(error), allow_module_level=True)

ONE_MINIBATCH = PpoSettings(batch_size=4, minibatch_size=64, epochs=1, learning_rate=1e-3)
MANY = PpoSettings(
    batch_size=4, minibatch_size=16, epochs=3, learning_rate=1e-3, entropy_coefficient=0.01, anneal_clip=True,
    anneal_learning_rate=True,
)  # fmt: skip
EARLY_STOP = PpoSettings(
    batch_size=4, minibatch_size=16, learning_rate=1e-2, target_kl=1e-3, normalize_advantages=False
)
WINDOWS = DqnSettings(batch_size=16, publish_period=2, target_update_period=3, num_steps=3, anneal_learning_rate=True)
MAX_ENV_STEPS = 1_000


def both(learner, network, tensors, settings, action_space):
    ours = RLAgent(network, settings, tensors, action_space=action_space, seed=7, max_env_steps=MAX_ENV_STEPS)
    return ours, learner(settings, AlgorithmContext(network, tensors, "cpu", 7, MAX_ENV_STEPS))


def assert_same(ours, theirs, batches):
    for batch in batches:
        result, expected = ours.update(batch), theirs.update(batch)

        assert (result.num_gradient_steps, result.num_steps) == (expected.num_gradient_steps, expected.num_steps)
        assert dict(result.metrics) == pytest.approx(dict(expected.metrics), abs=1e-5)
        weights = theirs.weights()
        assert list(weights) == list(ours.get_model_parameters())
        for name, tensor in ours.get_model_parameters().items():
            np.testing.assert_allclose(tensor, weights[name], rtol=0, atol=1e-5, err_msg=name)
        if expected.priorities is not None:
            np.testing.assert_allclose(result.priorities, expected.priorities, rtol=0, atol=1e-5)


@pytest.mark.parametrize("settings", [ONE_MINIBATCH, MANY, EARLY_STOP], ids=["one minibatch", "many", "early stop"])
@pytest.mark.parametrize("space", ["discrete", "box"])
def test_ppo_learns_what_the_python_learner_learns(settings, space, make_network, make_batch, request) -> None:
    action_space = request.getfixturevalue(space)
    network, tensors = make_network("ppo", action_space)
    ours, theirs = both(Ppo, network, tensors, settings, action_space)

    assert_same(ours, theirs, [make_batch(seed, action_space) for seed in range(4)])


@pytest.mark.parametrize(
    "action_space",
    [
        ActionSpace.of_choices((3, 2)),
        ActionSpace.of_choices((3, 2), is_masked=True),
        ActionSpace("discrete", num_actions=3, is_masked=True),
        ActionSpace.of_choices((3,)),
        ActionSpace.of_choices((3,), is_masked=True),
    ],
    ids=["several", "several with masks", "one with masks", "a component", "a component with masks"],
)
def test_choices_and_masks_learn_the_same(action_space, make_network, make_batch) -> None:
    network, tensors = make_network("ppo", action_space)
    ours, theirs = both(Ppo, network, tensors, MANY, action_space)

    assert_same(ours, theirs, [make_batch(seed, action_space) for seed in range(3)])


def test_dqn_values_the_successors_by_what_they_allow(make_network, make_batch) -> None:
    action_space = ActionSpace("discrete", num_actions=3, is_masked=True)
    network, tensors = make_network("dqn", action_space)
    ours, theirs = both(Dqn, network, tensors, WINDOWS, action_space)

    assert_same(ours, theirs, [make_batch(seed, action_space, num_steps=3, batch_size=30) for seed in range(3)])


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_every_activation_learns_the_same(activation, make_network, make_batch, discrete) -> None:
    network, tensors = make_network("ppo", discrete, Layers((8, 8), activation))
    ours, theirs = both(Ppo, network, tensors, MANY, discrete)

    assert_same(ours, theirs, [make_batch(seed, discrete) for seed in range(2)])


def test_convolutions_over_pictures_learn_the_same(make_network, make_batch, discrete) -> None:
    pictures = ObservationSpace((6, 5, 4), "uint8", high=1)
    layers = Layers((8,), "relu", (Convolution(3, 2, 2), Convolution(5, 2)))
    network, tensors = make_network("ppo", discrete, layers, pictures)
    ours, theirs = both(Ppo, network, tensors, MANY, discrete)

    assert_same(ours, theirs, [make_batch(seed, discrete, shown=pictures) for seed in range(2)])


@pytest.mark.parametrize("double", [True, False])
def test_dqn_learns_what_the_python_learner_learns(double, make_network, make_batch, discrete) -> None:
    settings = WINDOWS.model_copy(update={"double": double})
    network, tensors = make_network("dqn", discrete)
    ours, theirs = both(Dqn, network, tensors, settings, discrete)

    assert_same(ours, theirs, [make_batch(seed, discrete, num_steps=3, batch_size=30) for seed in range(4)])


def test_other_weights_are_gone_on_from(make_network, make_batch, discrete) -> None:
    network, tensors = make_network("dqn", discrete)
    ours, theirs = both(Dqn, network, tensors, WINDOWS, discrete)
    others = network.init(np.random.default_rng(6))

    ours.set_model_parameters(others)
    theirs.adopt(others)

    assert_same(ours, theirs, [make_batch(seed, discrete, num_steps=3, batch_size=32) for seed in range(3)])


def test_a_batch_without_experience_teaches_nothing(make_network, make_batch, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    agent = RLAgent(network, MANY, tensors)
    batch = make_batch(0, discrete)
    batch.columns["mask"] = np.zeros_like(batch.columns["mask"])

    result = agent.update(batch)

    assert (result.num_gradient_steps, result.num_steps, dict(result.metrics)) == (0, 0, {})
    np.testing.assert_equal(agent.get_model_parameters(), tensors)


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("observation", lambda a: a[..., :3], "batch.observation.shape"),
        ("next_observation", lambda a: a[:-1], "batch.next_observation.shape"),
        ("reward", lambda a: a.astype(np.int64), "batch.reward.dtype"),
        ("terminated", lambda a: a.astype(np.uint8), "batch.terminated.dtype"),
        ("mask", lambda a: a[:, :2], "batch.mask.shape"),
        ("action", lambda a: a.astype(np.float32), "batch.action.dtype"),
        ("log_probability", lambda a: a.reshape(-1), "batch.log_probability.shape"),
        ("observation", lambda a: a.astype("U4"), "batch.observation.dtype"),
        ("action_mask", lambda a: a[..., :2], "batch.action_mask.shape"),
        ("action_mask", lambda a: a.astype(np.uint8), "batch.action_mask.dtype"),
    ],
)
def test_a_column_that_does_not_fit_is_named(name, change, field, make_network, make_batch) -> None:
    action_space = ActionSpace("discrete", num_actions=3, is_masked=True)
    network, tensors = make_network("ppo", action_space)
    agent = RLAgent(network, MANY, tensors)
    batch = make_batch(0, action_space)
    batch.columns[name] = change(batch.columns[name])

    with pytest.raises(SchemaMismatchError) as caught:
        agent.update(batch)

    assert caught.value.details["field"] == field
    np.testing.assert_equal(agent.get_model_parameters(), tensors)


def test_a_missing_column_is_named(make_network, make_batch, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    batch = make_batch(0, discrete)
    del batch.columns["log_probability"]

    with pytest.raises(SchemaMismatchError, match="also log_probability"):
        RLAgent(network, MANY, tensors).update(batch)


def test_an_action_that_is_none_of_the_choices_is_named(make_network, make_batch, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    batch = make_batch(0, discrete)
    batch.columns["action"] = np.full_like(batch.columns["action"], 3)

    with pytest.raises(InvalidArgumentError, match=r"batch\.action: got 3, allowed: 0 to 2"):
        RLAgent(network, MANY, tensors).update(batch)


def test_a_policy_without_values_does_not_learn(make_network, make_batch, discrete) -> None:
    network, tensors = make_network("external", discrete)

    with pytest.raises(InvalidArgumentError, match="this agent only acts"):
        RLAgent(network, tensors=tensors).update(make_batch(0, discrete))
