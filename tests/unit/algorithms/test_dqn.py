"""Double DQN's targets, priorities and updates."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from heronry.algorithms import AlgorithmContext
from heronry.algorithms.dqn import Dqn
from heronry.algorithms.dqn.loss import targets, weighted_huber
from heronry.algorithms.dqn.windows import Transitions, transitions_of
from heronry.maths import losses
from heronry.maths.networks import evaluate
from heronry.spec.algorithms import DqnSettings

CPU = torch.device("cpu")
SETTINGS = DqnSettings(
    batch_size=8, num_steps=3, publish_period=2, target_update_period=3, discount=0.9, learning_rate=1e-3
)


def make_dqn(make_network, action_space, settings=SETTINGS):
    network, tensors = make_network("dqn", action_space, "relu")
    return Dqn(settings, AlgorithmContext(network, tensors, "cpu", seed=0, max_env_steps=10_000))


@pytest.mark.parametrize("double", [True, False])
def test_targets_equal_the_numpy_oracle(double: bool) -> None:
    rng = np.random.default_rng(0)
    rewards, discounts = rng.normal(size=6), rng.random(6)
    online, target = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    empty = torch.zeros(6)
    transitions = Transitions(empty, empty, torch.from_numpy(rewards), torch.from_numpy(discounts), empty, empty)

    computed = targets(transitions, torch.from_numpy(online), torch.from_numpy(target), double=double)

    expected = losses.double_q_targets(rewards, discounts, online, target, double=double)
    np.testing.assert_allclose(computed.numpy(), expected, atol=1e-12)


def test_the_best_next_action_is_one_that_the_successor_allows() -> None:
    rng = np.random.default_rng(4)
    online, target = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    rewards, discounts = rng.normal(size=8), np.full(8, 0.9)
    mask = rng.random((8, 3)) < 0.5
    mask[:, 1] = True
    unused = torch.zeros(8)
    transitions = Transitions(
        unused, unused, torch.from_numpy(rewards), torch.from_numpy(discounts), unused, unused, torch.from_numpy(mask)
    )

    values = targets(transitions, torch.from_numpy(online), torch.from_numpy(target), double=True)

    expected = losses.double_q_targets(rewards, discounts, online, target, next_mask=mask)
    np.testing.assert_allclose(values.numpy(), expected)
    for row in range(8):
        allowed = np.flatnonzero(mask[row])
        best = allowed[np.argmax(online[row, allowed])]
        assert expected[row] == pytest.approx(rewards[row] + 0.9 * target[row, best])


def test_a_windows_mask_is_that_of_the_row_it_is_bootstrapped_from(make_batch, make_network, discrete) -> None:
    network, _ = make_network("dqn", discrete)
    batch = make_batch(1, discrete, num_steps=3, batch_size=16)
    masks = np.random.default_rng(5).random((3, 16, 3)) < 0.5
    batch = replace(batch, columns={**batch.columns, "next_action_mask": masks})

    transitions = transitions_of(batch, network, 0.9, 1.0, CPU)

    ended = batch.columns["terminated"] | batch.columns["truncated"]
    last = [next((k for k in range(3) if ended[k, lane]), 2) for lane in range(16)]
    np.testing.assert_array_equal(transitions.successor_masks, masks[last, range(16)])
    dealt = transitions.split(5)
    np.testing.assert_array_equal(dealt[1].successor_masks, transitions.successor_masks[1::4])


def test_a_window_ends_before_a_row_that_its_environments_death_lost(make_batch, make_network, discrete) -> None:
    # A death in the first step of a block: the row before it, in the block before, could not be told of it.
    network, _ = make_network("dqn", discrete)
    batch = make_batch(1, discrete, num_steps=3, batch_size=2)
    never, mask = np.zeros((3, 2), bool), np.ones((3, 2), bool)
    mask[1, 0] = False
    batch = replace(batch, columns={**batch.columns, "terminated": never, "truncated": never, "mask": mask})
    rewards, shown = batch.columns["reward"], batch.columns["next_observation"]

    transitions = transitions_of(batch, network, 0.9, 1.0, CPU)

    whole = rewards[0, 1] + 0.9 * rewards[1, 1] + 0.81 * rewards[2, 1]
    np.testing.assert_allclose(transitions.rewards, [rewards[0, 0], whole], rtol=1e-6)
    np.testing.assert_allclose(transitions.discounts, [0.9, 0.729], rtol=1e-6)
    np.testing.assert_array_equal(transitions.successors, network.inputs(shown[[0, 2], [0, 1]]))


def test_the_loss_weighs_hubers_of_the_errors() -> None:
    errors, weights = np.array([0.5, -3.0, 2.0]), np.array([1.0, 0.5, 0.0])

    loss = weighted_huber(torch.from_numpy(errors), torch.from_numpy(weights))

    assert loss.item() == pytest.approx((losses.huber(errors) * weights).mean())


def test_a_window_is_one_transition_over_its_true_number_of_steps(make_batch, make_network, discrete) -> None:
    network, _ = make_network("dqn", discrete)
    batch = make_batch(1, discrete, num_steps=3, batch_size=64)
    columns = batch.columns

    transitions = transitions_of(batch, network, 0.9, 1.0, CPU)

    for lane in range(64):
        reward, power = 0.0, 1.0
        for k in range(3):
            reward += power * columns["reward"][k, lane]
            power *= 0.9
            if columns["terminated"][k, lane] or columns["truncated"][k, lane]:
                break
        assert transitions.rewards[lane].item() == pytest.approx(reward, abs=1e-5)
        expected = 0.0 if columns["terminated"][k, lane] else power
        assert transitions.discounts[lane].item() == pytest.approx(expected, abs=1e-6)
        np.testing.assert_array_equal(transitions.successors[lane].numpy(), columns["next_observation"][k, lane])
        np.testing.assert_array_equal(transitions.observations[lane].numpy(), columns["observation"][0, lane])


def test_a_window_that_begins_with_a_reset_is_not_learnt_from_nor_sought(make_network, make_batch, discrete) -> None:
    batch = make_batch(2, discrete, num_steps=3, batch_size=16)
    mask = np.ones((3, 16), bool)
    mask[0, :4] = False
    rewards = batch.columns["reward"].copy()
    first, second = make_dqn(make_network, discrete), make_dqn(make_network, discrete)
    garbage = rewards.copy()
    garbage[:, :4] = 1e3

    result = first.update(replace(batch, columns={**batch.columns, "mask": mask}))
    second.update(replace(batch, columns={**batch.columns, "mask": mask, "reward": garbage}))

    assert result.priorities is not None
    assert result.priorities[:4] == pytest.approx(np.full(4, 1e-3))
    for name, array in first.weights().items():
        np.testing.assert_array_equal(array, second.weights()[name])


def test_every_gradient_step_learns_from_the_whole_breadth_of_a_stratified_sample() -> None:
    # Drawn in strata: the k-th item of a sample comes from the k-th part of the table.
    strata, empty = torch.arange(64), torch.zeros(64)

    groups = Transitions(empty, strata, empty, empty, empty, empty).split(16)

    assert sorted(torch.cat([g.actions for g in groups]).tolist()) == strata.tolist()
    for group in groups:
        assert torch.bincount(group.actions // 16).tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize("publish_period", [1, 4])
def test_priorities_are_the_absolute_errors_in_the_order_of_the_items(
    make_network, make_batch, discrete, publish_period
) -> None:
    # Steps too small to move the weights: all errors are those of the first.
    changes = {"publish_period": publish_period, "batch_size": 16 // publish_period, "learning_rate": 1e-12}
    settings = SETTINGS.model_copy(update=changes)
    batch = make_batch(3, discrete, num_steps=3, batch_size=16)
    batch = replace(batch, columns={**batch.columns, "mask": np.ones((3, 16), bool)})
    dqn = make_dqn(make_network, discrete, settings)
    network, tensors = make_network("dqn", discrete, "relu")

    result = dqn.update(batch)

    t = transitions_of(batch, network, 0.9, 1.0, CPU)
    following = evaluate(network, tensors, t.successors.numpy())["q"]
    expected = losses.double_q_targets(t.rewards.numpy(), t.discounts.numpy(), following, following)
    values = evaluate(network, tensors, t.observations.numpy())["q"][np.arange(16), t.actions.numpy()]
    np.testing.assert_allclose(result.priorities, np.abs(values - expected) + 1e-3, atol=1e-5)


def test_the_target_network_is_copied_every_so_many_gradient_steps(make_network, make_batch, discrete) -> None:
    dqn = make_dqn(make_network, discrete)
    begin = dqn.state().under("target")

    dqn.update(make_batch(4, discrete, num_steps=3, batch_size=16))  # gradient steps 1 and 2
    after_two = dqn.state()
    dqn.update(make_batch(5, discrete, num_steps=3, batch_size=8))  # gradient step 3
    after_three = dqn.state()

    np.testing.assert_array_equal(after_two.under("target")["q/0/weight"], begin["q/0/weight"])
    np.testing.assert_array_equal(after_three.under("target")["q/0/weight"], after_three.under("weights")["q/0/weight"])


def test_updates_decrease_the_loss_of_a_repeated_batch(make_network, make_batch, discrete) -> None:
    dqn = make_dqn(make_network, discrete, SETTINGS.model_copy(update={"discount": 0.0}))
    batch = make_batch(6, discrete, num_steps=3, batch_size=16)

    figures = [dqn.update(batch).metrics["loss"] for _ in range(300)]

    assert figures[-1] < 0.3 * figures[0]


def test_the_importance_exponent_rises_with_the_steps_behind_it(make_network, make_batch, discrete) -> None:
    settings = SETTINGS.model_copy(update={"samples_per_insert": 0.01, "min_replay_size": 1})
    dqn = make_dqn(make_network, discrete, settings)
    batch = make_batch(7, discrete, num_steps=3, batch_size=16)

    exponents = [dqn.update(batch).metrics["importance_exponent"] for _ in range(10)]

    assert exponents[0] == pytest.approx(0.4, abs=1e-3)
    assert exponents == sorted(exponents)
    assert exponents[-1] == pytest.approx(1.0)
