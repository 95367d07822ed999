"""What the agent chooses and computes, against NumPy."""

import sys
import threading

import numpy as np
import pytest

from heronry.maths.convolutions import Convolution
from heronry.maths.networks import HeadForward, Layers, NetworkSpec
from heronry.maths.policies import choice_log_probabilities
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native_agent import RLAgent, find_module, make_agent_forward
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError, SchemaMismatchError

try:
    find_module()
except FailedPreconditionError as error:
    # An acceptance test builds it and runs these.
    pytest.skip(str(error), allow_module_level=True)

VECTOR = ObservationSpace((4,))
SEVERAL = ActionSpace.of_choices((3, 2), is_masked=True)
PICTURES = ObservationSpace((6, 5, 4), "uint8", high=1)


def shown(rng, num_rows, space=VECTOR):
    if space.element_type == "uint8":
        return rng.integers(0, space.high + 1, (num_rows, *space.shape)).astype(np.uint8)
    return rng.normal(size=(num_rows, *space.shape)).astype(np.float32)


@pytest.mark.parametrize(
    ("algorithm", "head", "layers", "space"),
    [
        ("ppo", "policy", Layers((8, 8)), VECTOR),
        ("dqn", "q", Layers((), "relu"), ObservationSpace((2, 2))),
        ("ppo", "policy", Layers((8,), "elu", (Convolution(3, 2, 2), Convolution(5, 2))), PICTURES),
        ("ppo", "policy", Layers((8,), "relu"), ObservationSpace((3, 3), "uint8")),
    ],
    ids=["plain", "linear", "convolutions", "bytes"],
)
def test_outputs_equal_the_numpy_oracle(algorithm, head, layers, space, make_network, discrete) -> None:
    network, tensors = make_network(algorithm, discrete, layers, space)
    observations = shown(np.random.default_rng(0), 9, space)

    outputs = make_agent_forward(network, head, tensors)(observations)

    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, HeadForward(network, head, tensors)(observations), rtol=0, atol=1e-5)


@pytest.mark.parametrize("space", [VECTOR, PICTURES], ids=["vector", "picture"])
def test_no_observations_have_no_outputs(space, make_network, discrete) -> None:
    layers = Layers((8,), convolutions=(Convolution(3, 2),) if len(space.shape) == 3 else ())
    network, tensors = make_network("ppo", discrete, layers, space)
    observations = shown(np.random.default_rng(0), 0, space)
    agent = RLAgent(network, tensors=tensors)

    assert agent.forward(observations).shape == (0, 3)
    assert agent.select_action(observations).shape == (0,)
    assert agent.log_probabilities(observations, np.empty(0, np.int64)).shape == (0,)


def test_a_forward_takes_other_weights_and_looks_at_its_head_alone(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    observations = shown(np.random.default_rng(0), 5)
    forward = make_agent_forward(network, "policy", tensors)
    others = {n: t for n, t in network.init(np.random.default_rng(9)).items() if n.startswith("policy")}

    forward.load(others)

    np.testing.assert_allclose(forward(observations), HeadForward(network, "policy", others)(observations), atol=1e-5)


def test_weights_come_back_as_they_were_set(make_network, box) -> None:
    network, tensors = make_network("ppo", box)
    agent = RLAgent(network)

    agent.set_model_parameters(tensors)

    assert list(agent.get_model_parameters()) == list(network.shapes())
    np.testing.assert_equal(agent.get_model_parameters(), tensors)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda t: t.pop("policy/0/bias"), "tensors"),
        (lambda t: t.update({"stranger": np.zeros(2, np.float32)}), "tensors"),
        (lambda t: t.update({"policy/0/bias": np.zeros(9, np.float32)}), "tensors.policy/0/bias.shape"),
        (lambda t: t.update({"policy/0/bias": np.zeros(8)}), "tensors.policy/0/bias.dtype"),
        (lambda t: t.update({"policy/0/bias": [0.0] * 8}), "tensors.policy/0/bias"),
    ],
    ids=["missing", "stranger", "shape", "dtype", "no array"],
)
def test_weights_of_another_network_are_refused_by_name(change, field, make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    agent = RLAgent(network, tensors=tensors)
    others = dict(network.init(np.random.default_rng(9)))
    change(others)

    with pytest.raises(SchemaMismatchError) as caught:
        agent.set_model_parameters(others)

    assert caught.value.details["field"] == field
    np.testing.assert_equal(agent.get_model_parameters(), tensors)


def test_observations_of_another_shape_are_refused(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    agent = RLAgent(network, tensors=tensors)

    with pytest.raises(SchemaMismatchError, match=r"observations\.shape: got \(7, 5\), allowed: \[N, ...\] of size 4"):
        agent.select_action(np.zeros((7, 5), np.float32))


def test_a_head_that_is_not_there_is_refused(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)

    with pytest.raises(InvalidArgumentError, match="head: got 'q', allowed: policy, value"):
        RLAgent(network, tensors=tensors).forward(np.zeros((1, 4), np.float32), "q")


def test_a_network_with_memory_is_refused(discrete) -> None:
    network = NetworkSpec(VECTOR, Layers((8,), recurrent=4), (("policy", 3),))

    with pytest.raises(InvalidArgumentError, match=r"network\.recurrent: got 4"):
        RLAgent(network)


def test_an_action_space_of_another_size_is_refused(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)

    with pytest.raises(InvalidArgumentError, match=r"action_space\.size: got 5, allowed: 3"):
        RLAgent(network, tensors=tensors, action_space=SEVERAL)


def test_greedy_actions_are_the_likeliest(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    observations = shown(np.random.default_rng(0), 20)

    actions = RLAgent(network, tensors=tensors).select_action(observations, greedy=True)

    expected = HeadForward(network, "policy", tensors)(observations).argmax(axis=1)
    assert actions.dtype == np.int64
    np.testing.assert_array_equal(actions, expected)


def test_one_observation_gets_one_action(make_network, discrete, box) -> None:
    state = np.zeros(4, np.float32)
    network, tensors = make_network("ppo", discrete)

    assert RLAgent(network, tensors=tensors).select_action(state).shape == ()
    network, tensors = make_network("ppo", box)
    assert RLAgent(network, tensors=tensors).select_action(state).shape == (2,)


def test_actions_are_drawn_with_the_probabilities_of_the_policy(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete, Layers(()))
    tensors["policy/head/weight"][:] = 0
    tensors["policy/head/bias"][:] = np.log([0.2, 0.5, 0.3])
    num_draws = 20_000

    actions = RLAgent(network, tensors=tensors, seed=1).select_action(np.zeros((num_draws, 4), np.float32))

    # A false alarm at five standard deviations: below one in a million for each.
    shares = np.bincount(actions, minlength=3) / num_draws
    np.testing.assert_allclose(shares, [0.2, 0.5, 0.3], atol=5 * 0.5 / np.sqrt(num_draws))


def test_the_same_seed_draws_the_same_actions_however_much_is_learnt(make_network, make_batch, box) -> None:
    network, tensors = make_network("ppo", box)
    one, other = (RLAgent(network, tensors=tensors, seed=3) for _ in range(2))
    observations = shown(np.random.default_rng(0), 6)

    other.update(make_batch(0, box))
    other.set_model_parameters(tensors)

    np.testing.assert_array_equal(one.select_action(observations), other.select_action(observations))


def test_log_probabilities_of_reals_are_those_of_the_normal_distribution(make_network, box) -> None:
    network, tensors = make_network("ppo", box)
    tensors["policy/log_std"][:] = [0.3, -0.5]
    rng = np.random.default_rng(0)
    observations, actions = shown(rng, 7), rng.normal(size=(7, 2)).astype(np.float32)

    found = RLAgent(network, tensors=tensors).log_probabilities(observations, actions)

    means = HeadForward(network, "policy", tensors)(observations).astype(np.float64)
    deviations = np.exp([0.3, -0.5])
    density = -0.5 * ((actions - means) / deviations) ** 2 - np.log(deviations) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, density.sum(axis=1), atol=1e-5)


def test_several_choices_keep_to_their_masks(make_network) -> None:
    network, tensors = make_network("ppo", SEVERAL)
    rng = np.random.default_rng(0)
    observations, mask = shown(rng, 500), rng.random((500, 5)) < 0.5
    mask[np.arange(500), rng.integers(0, 3, 500)] = True
    mask[np.arange(500), 3 + rng.integers(0, 2, 500)] = True
    agent = RLAgent(network, tensors=tensors, action_space=SEVERAL)

    drawn = agent.select_action(observations, action_mask=mask, epsilon=0.5)
    likeliest = agent.select_action(observations, greedy=True, action_mask=mask)
    found = agent.log_probabilities(observations, drawn, action_mask=mask)

    for actions in (drawn, likeliest):
        assert actions.shape == (500, 2)
        assert mask[np.arange(500), actions[:, 0]].all()
        assert mask[np.arange(500), 3 + actions[:, 1]].all()
    logits = np.where(mask, HeadForward(network, "policy", tensors)(observations), -np.inf)
    np.testing.assert_allclose(found, choice_log_probabilities(logits, drawn, (3, 2)), atol=1e-5)


def test_one_component_is_an_axis_of_its_own(make_network, discrete) -> None:
    component = ActionSpace.of_choices((3,))
    network, tensors = make_network("ppo", component)
    observations = shown(np.random.default_rng(0), 7)
    agent = RLAgent(network, tensors=tensors, action_space=component, seed=2)
    plain = RLAgent(make_network("ppo", discrete)[0], tensors=tensors, action_space=discrete, seed=2)

    chosen, expected = agent.select_action(observations), plain.select_action(observations)

    assert chosen.shape == (7, 1)
    np.testing.assert_array_equal(chosen[:, 0], expected)
    np.testing.assert_array_equal(
        agent.log_probabilities(observations, chosen), plain.log_probabilities(observations, expected)
    )


def test_an_agent_that_waits_has_no_choice_and_no_doubt(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    agent = RLAgent(network, tensors=tensors)
    observations, mask = shown(np.random.default_rng(0), 4), np.array([[True, False, False]] * 4)

    actions = agent.select_action(observations, action_mask=mask)

    assert actions.tolist() == [0] * 4
    assert agent.log_probabilities(observations, actions, action_mask=mask).tolist() == [0.0] * 4


def test_a_mask_that_leaves_nothing_is_refused(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    mask = np.ones((4, 3), bool)
    mask[2] = False

    with pytest.raises(InvalidArgumentError, match="action_mask: got 'nothing in row 2'"):
        RLAgent(network, tensors=tensors).select_action(np.zeros((4, 4), np.float32), action_mask=mask)


@pytest.mark.parametrize("epsilon", [-0.1, 1.5, float("nan")])
def test_an_epsilon_that_is_no_probability_is_refused(epsilon, make_network, discrete) -> None:
    network, tensors = make_network("dqn", discrete)

    with pytest.raises(InvalidArgumentError, match=r"epsilon: got .*, allowed: 0 to 1"):
        RLAgent(network, tensors=tensors).select_action(np.zeros((1, 4), np.float32), epsilon=epsilon)


def test_action_values_are_explored_with_chance_epsilon(make_network, discrete) -> None:
    network, tensors = make_network("dqn", discrete)
    agent = RLAgent(network, tensors=tensors, seed=2)
    observations = np.tile(shown(np.random.default_rng(0), 1), (20_000, 1))

    best = agent.select_action(observations)
    explored = agent.select_action(observations, epsilon=0.3)

    # Two of three random actions differ from the best; five standard deviations.
    assert len(set(best.tolist())) == 1
    assert np.mean(explored != best) == pytest.approx(0.2, abs=5 * 0.5 / np.sqrt(20_000))


def test_other_threads_run_while_the_agent_computes(make_network, make_batch, discrete, lock_kept) -> None:
    network, tensors = make_network("ppo", discrete)
    agent = RLAgent(network, tensors=tensors)
    observations, batch = shown(np.random.default_rng(0), 50_000), make_batch(0, discrete, 200, 20)

    assert not runs_beside(lambda: sum(range(100_000)))
    assert any(runs_beside(lambda: agent.select_action(observations)) for _ in range(20))
    assert any(runs_beside(lambda: agent.update(batch)) for _ in range(20))


@pytest.fixture
def lock_kept():
    """The interpreter's lock changes hands where a thread gives it up, never because time has passed."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(interval)


def runs_beside(call) -> bool:
    """Tell whether this thread had a turn while another was in `call`."""
    began, ended = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        call()
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait(10)
    had_a_turn = not ended.is_set()
    thread.join()
    return had_a_turn
