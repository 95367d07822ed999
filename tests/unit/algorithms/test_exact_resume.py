"""N batches in one go equal k batches, a checkpoint on disk, and the other N - k, bit for bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heronry.algorithms import AlgorithmContext, load
from heronry.learner.core.checkpoint import Checkpoint, decode, encode
from heronry.learner.core.counters import Counters
from heronry.spec.algorithms import DqnSettings, PpoSettings
from heronry.types.errors import DataLossError, SchemaMismatchError

PPO = PpoSettings(batch_size=4, minibatch_size=16, epochs=2, anneal_learning_rate=True, anneal_clip=True)
DQN = DqnSettings(batch_size=2, num_steps=3, publish_period=2, target_update_period=3, samples_per_insert=1)


def make(name, make_network, action_space):
    network, tensors = make_network(name, action_space)
    chosen = {"ppo": PPO, "dqn": DQN}[name]
    return load(name)(chosen, AlgorithmContext(network, tensors, "cpu", seed=3, max_env_steps=2_000))


@pytest.mark.parametrize(("name", "space"), [("ppo", "discrete"), ("ppo", "box"), ("dqn", "discrete")])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(num_before=st.integers(0, 4), num_after=st.integers(1, 4), seed=st.integers(0, 1_000))
def test_a_resumed_learner_is_bit_identical(
    name, space, num_before, num_after, seed, request, make_network, make_batch
) -> None:
    action_space = request.getfixturevalue(space)
    batches = [
        make_batch(seed + i, action_space, num_steps=3 if name == "dqn" else 16) for i in range(num_before + num_after)
    ]
    straight = make(name, make_network, action_space)
    for batch in batches:
        straight.update(batch)

    interrupted = make(name, make_network, action_space)
    for batch in batches[:num_before]:
        interrupted.update(batch)
    files = encode(Checkpoint(interrupted.state(), Counters(), None, "f"))
    resumed = make(name, make_network, action_space)
    resumed.load_state(decode(files, "checkpoint").state)
    for batch in batches[num_before:]:
        resumed.update(batch)

    expected, got = straight.state(), resumed.state()
    assert dict(got.values) == dict(expected.values)
    assert set(got.arrays) == set(expected.arrays)
    for array_name, array in expected.arrays.items():
        np.testing.assert_array_equal(got.arrays[array_name], array)


def test_the_state_of_another_network_is_refused(make_network, discrete) -> None:
    ppo = make("ppo", make_network, discrete)
    state = ppo.state()
    state.arrays["optimizer/first_moment"] = state.arrays["optimizer/first_moment"][:-1]

    with pytest.raises(SchemaMismatchError, match="first_moment"):
        ppo.load_state(state)


def test_a_damaged_random_state_is_named(make_network, discrete) -> None:
    ppo = make("ppo", make_network, discrete)
    state = ppo.state()
    state.values["generator"] = "AAAA"

    with pytest.raises(DataLossError, match="random state"):
        ppo.load_state(state)
