"""PPO's loss, samples and updates."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from heronry.algorithms import AlgorithmContext
from heronry.algorithms.ppo import Ppo
from heronry.algorithms.ppo.loss import Coefficients, Outputs, approximate_kl, normalized, ppo_loss
from heronry.algorithms.ppo.samples import Samples, samples_of, unrolls_of
from heronry.maths import losses
from heronry.maths.returns import Steps, generalized_advantages
from heronry.maths.spaces import ActionSpace
from heronry.spec.algorithms import PpoSettings
from heronry.types.errors import SchemaMismatchError

CPU = torch.device("cpu")
SETTINGS = PpoSettings(batch_size=4, minibatch_size=16, epochs=3, learning_rate=1e-3)


def make_ppo(make_network, action_space, settings=SETTINGS, seed=0, max_env_steps=1_000):
    network, tensors = make_network("ppo", action_space)
    return Ppo(settings, AlgorithmContext(network, tensors, "cpu", seed, max_env_steps))


def torch_of(*arrays):
    return [torch.from_numpy(a) for a in arrays]


def test_categorical_loss_equals_the_numpy_oracle() -> None:
    rng = np.random.default_rng(0)
    logits, values = rng.normal(size=(12, 3)), rng.normal(size=12)
    actions, old = rng.integers(0, 3, 12), rng.normal(-1.1, 0.3, 12)
    advantages, returns = rng.normal(size=12), rng.normal(size=12)
    outputs = Outputs(*torch_of(logits, values), log_std=None)
    samples = Samples(*torch_of(np.zeros((12, 4)), actions, old, advantages, returns))

    loss = ppo_loss(outputs, samples, samples.advantages, Coefficients(0.2, 0.5, 0.01))

    log_ratios = losses.log_softmax(logits)[np.arange(12), actions] - old
    entropy = losses.categorical_entropy(logits)
    expected = losses.ppo_loss(log_ratios, advantages, values, returns, entropy, losses.PpoCoefficients(0.2, 0.5, 0.01))
    assert loss.total.item() == pytest.approx(expected, abs=1e-9)
    assert loss.entropy.item() == pytest.approx(entropy.mean(), abs=1e-9)
    assert approximate_kl(loss.log_ratios).item() == pytest.approx(losses.approximate_kl(log_ratios), abs=1e-9)


def test_gaussian_loss_sums_log_probabilities_over_components() -> None:
    rng = np.random.default_rng(1)
    means, log_std, values = rng.normal(size=(10, 2)), np.array([0.1, -0.4]), rng.normal(size=10)
    actions, old = rng.normal(size=(10, 2)), rng.normal(-2, 0.3, 10)
    advantages, returns = rng.normal(size=10), rng.normal(size=10)
    outputs = Outputs(*torch_of(means, values), log_std=torch.from_numpy(log_std))
    samples = Samples(*torch_of(np.zeros((10, 4)), actions, old, advantages, returns))

    loss = ppo_loss(outputs, samples, samples.advantages, Coefficients(0.2, 0.5, 0.01))

    log_ratios = losses.gaussian_log_probability(means, log_std, actions) - old
    entropy = np.array([losses.gaussian_entropy(log_std)])
    expected = losses.ppo_loss(log_ratios, advantages, values, returns, entropy, losses.PpoCoefficients(0.2, 0.5, 0.01))
    assert loss.total.item() == pytest.approx(expected, abs=1e-9)


def loss_of_choices(num_choices, mask):
    """Return torch's loss and the oracle's terms for random logits of several choices."""
    rng = np.random.default_rng(6)
    size = sum(num_choices)
    logits, values, old = rng.normal(size=(12, size)), rng.normal(size=12), rng.normal(-1.1, 0.3, 12)
    # Choice 0 of each component is always allowed.
    actions = (
        np.zeros((12, len(num_choices)), np.int64)
        if mask is not None
        else rng.integers(0, num_choices, (12, len(num_choices)))
    )
    advantages, returns = rng.normal(size=12), rng.normal(size=12)
    torch_logits = torch.from_numpy(logits).requires_grad_()
    outputs = Outputs(torch_logits, torch.from_numpy(values), None, num_choices)
    masks = None if mask is None else torch.from_numpy(mask)
    samples = Samples(*torch_of(np.zeros((12, 4)), actions, old, advantages, returns), masks)
    loss = ppo_loss(outputs, samples, samples.advantages, Coefficients(0.2, 0.5, 0.01))
    seen = logits if mask is None else losses.masked_logits(logits, mask)
    log_ratios = losses.choices_log_probability(seen, actions, num_choices) - old
    entropy = losses.choices_entropy(seen, num_choices)
    expected = losses.ppo_loss(log_ratios, advantages, values, returns, entropy, losses.PpoCoefficients(0.2, 0.5, 0.01))
    (gradient,) = torch.autograd.grad(loss.total, torch_logits)
    return loss, expected, entropy, gradient


def test_several_choices_add_their_log_probabilities_and_entropies() -> None:
    loss, expected, entropy, _ = loss_of_choices((2, 3), None)

    assert loss.total.item() == pytest.approx(expected, abs=1e-9)
    assert loss.entropy.item() == pytest.approx(entropy.mean(), abs=1e-9)


def test_what_was_not_allowed_has_no_part_in_ratio_entropy_and_gradient() -> None:
    mask = np.random.default_rng(7).random((12, 5)) < 0.5
    mask[:, [0, 2]] = True

    loss, expected, entropy, gradient = loss_of_choices((2, 3), mask)

    assert loss.total.item() == pytest.approx(expected, abs=1e-9)
    assert loss.entropy.item() == pytest.approx(entropy.mean(), abs=1e-9)
    assert np.all(gradient.numpy()[~mask] == 0.0)
    assert np.all(np.isfinite(gradient.numpy()))


def test_entropy_of_several_choices_is_the_sum_over_all_pairs() -> None:
    logits = np.array([[0.3, -0.2, 1.0, 0.0, 2.0]])
    first, second = (np.exp(part) / np.exp(part).sum() for part in (logits[0, :2], logits[0, 2:]))
    pairs = np.outer(first, second)

    assert losses.choices_entropy(logits, (2, 3))[0] == pytest.approx(-(pairs * np.log(pairs)).sum())
    chosen = losses.choices_log_probability(logits, np.array([[1, 2]]), (2, 3))
    assert chosen[0] == pytest.approx(np.log(pairs[1, 2]))


def with_choices(batch, num_choices, seed=0):
    """Return the batch with actions of several choices, and masks that allow them."""
    rng = np.random.default_rng(seed)
    shape = batch.columns["reward"].shape
    actions = rng.integers(0, num_choices, (*shape, len(num_choices)))
    mask = rng.random((*shape, sum(num_choices))) < 0.5
    firsts = np.cumsum([0, *num_choices[:-1]])
    np.put_along_axis(mask, actions + firsts, True, axis=-1)
    return replace(batch, columns={**batch.columns, "action": actions, "action_mask": mask})


def test_an_update_learns_from_masked_choices(make_network, make_batch, discrete) -> None:
    space = ActionSpace.of_choices((2, 3), is_masked=True)
    batch = with_choices(make_batch(8, discrete), (2, 3))
    ppo = make_ppo(make_network, space)
    before = ppo.weights()

    result = ppo.update(batch)

    after = ppo.weights()
    assert np.isfinite(result.metrics["loss"])
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert all(np.isfinite(array).all() for array in after.values())


def test_advantages_are_normalised_but_not_a_single_one() -> None:
    values = np.array([1.0, 5.0, -2.0])

    np.testing.assert_allclose(normalized(torch.from_numpy(values)).numpy(), losses.normalize(values), atol=1e-9)
    assert normalized(torch.tensor([7.0])).tolist() == [7.0]


def test_values_are_asked_for_at_truncations_and_the_last_row_alone(make_batch, make_network, discrete) -> None:
    batch = make_batch(3, discrete)
    network, _ = make_network("ppo", discrete)

    unrolls = unrolls_of(batch, network, 0.9)

    columns = batch.columns
    for row in range(16):
        for lane in range(4):
            is_asked = row * 4 + lane in unrolls.boundary
            ends_here = columns["truncated"][row, lane] or row == 15
            assert is_asked == (ends_here and not columns["terminated"][row, lane] and columns["mask"][row, lane])
    flat = columns["next_observation"].reshape(-1, 4)
    np.testing.assert_array_equal(unrolls.boundary_observations, flat[unrolls.boundary])


def test_samples_carry_the_advantages_of_the_true_successors_and_leave_masked_rows_out(
    make_batch, make_network, discrete
) -> None:
    batch = make_batch(4, discrete)
    network, _ = make_network("ppo", discrete)
    columns = batch.columns
    value_of = lambda observations: observations.sum(axis=-1)  # noqa: E731
    unrolls = unrolls_of(batch, network, 0.9)
    rows = np.concatenate([columns["observation"].reshape(-1, 4), unrolls.boundary_observations])

    samples = samples_of(batch, unrolls, value_of(rows), 0.7, CPU)

    values = value_of(columns["observation"])
    ended = columns["terminated"] | columns["truncated"]
    successors = value_of(columns["next_observation"])
    next_values = np.where(ended, successors, np.concatenate([values[1:], successors[-1:]]))
    steps = Steps(columns["reward"], columns["terminated"], columns["truncated"], 0.9, columns["mask"])
    advantages = generalized_advantages(steps, values, next_values.astype(np.float32), 0.7)
    mask = columns["mask"]
    assert not mask.all()
    np.testing.assert_allclose(samples.advantages.numpy(), advantages[mask], atol=1e-5)
    np.testing.assert_allclose(samples.returns.numpy(), (advantages + values)[mask], atol=1e-5)
    np.testing.assert_array_equal(samples.actions.numpy(), columns["action"][mask])


def test_masked_rows_do_not_change_the_update(make_network, make_batch, discrete) -> None:
    batch = make_batch(5, discrete)
    mask = batch.columns["mask"]
    garbage = {**batch.columns, "reward": np.where(mask, batch.columns["reward"], 1e6).astype(np.float32)}
    first, second = make_ppo(make_network, discrete), make_ppo(make_network, discrete)

    first.update(batch)
    second.update(replace(batch, columns=garbage))

    for name, array in first.weights().items():
        np.testing.assert_array_equal(array, second.weights()[name])


def test_the_first_step_follows_the_gradient_of_a_float64_reference(make_network, make_batch, discrete) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "minibatch_size": 64, "max_gradient_norm": 1e9})
    batch = make_batch(6, discrete)
    ppo = make_ppo(make_network, discrete, settings)
    before = ppo.weights()

    ppo.update(batch)

    gradient = reference_gradient(before, batch, settings)
    # Adam's first step is lr * g / (|g| + epsilon), whatever the gradient's size.
    for name, array in ppo.weights().items():
        step = settings.learning_rate * gradient[name] / (np.abs(gradient[name]) + settings.adam_epsilon)
        np.testing.assert_allclose(before[name] - array, step, atol=2e-5)


def reference_gradient(tensors, batch, settings):
    weights = {n: torch.from_numpy(a.astype(np.float64)).requires_grad_() for n, a in tensors.items()}

    def forward(head, x):
        for i in range(2):
            x = torch.tanh(x @ weights[f"{head}/{i}/weight"].T + weights[f"{head}/{i}/bias"])
        return x @ weights[f"{head}/head/weight"].T + weights[f"{head}/head/bias"]

    columns = batch.columns
    observations = torch.from_numpy(columns["observation"].astype(np.float64))
    values = forward("value", observations)[..., 0]
    successors = forward("value", torch.from_numpy(columns["next_observation"].astype(np.float64)))[..., 0]
    terminated, truncated, mask = (columns[n] for n in ("terminated", "truncated", "mask"))
    advantages, running = np.zeros(mask.shape), np.zeros(mask.shape[1])
    v, s = values.detach().numpy(), successors.detach().numpy()
    for t in reversed(range(len(mask))):
        cut = terminated[t] | truncated[t] | (t == len(mask) - 1)
        following = np.where(cut, s[t], v[min(t + 1, len(mask) - 1)]) * ~terminated[t]
        delta = columns["reward"][t] + settings.discount * following - v[t]
        running = mask[t] * (delta + settings.discount * settings.gae_lambda * ~cut * running)
        advantages[t] = running
    returns = torch.from_numpy((advantages + v)[mask])
    scaled = torch.from_numpy(losses.normalize(advantages[mask]))
    actions, rows = torch.tensor(columns["action"][mask]), torch.tensor(mask)
    log_probabilities = torch.log_softmax(forward("policy", observations), -1)[rows]
    chosen = log_probabilities.gather(1, actions[:, None])[:, 0]
    ratios = (chosen - torch.from_numpy(columns["log_probability"][mask].astype(np.float64))).exp()
    surrogate = torch.min(ratios * scaled, ratios.clamp(1 - settings.clip, 1 + settings.clip) * scaled)
    loss = settings.value_coefficient * (values[rows] - returns).square().mean() - surrogate.mean()
    gradients = torch.autograd.grad(loss, list(weights.values()))
    return {name: gradient.numpy() for name, gradient in zip(weights, gradients, strict=True)}


@pytest.mark.parametrize("space", ["discrete", "box"])
def test_updates_decrease_the_value_loss_of_a_repeated_batch(make_network, make_batch, request, space: str) -> None:
    action_space = request.getfixturevalue(space)
    batch = make_batch(7, action_space)
    ppo = make_ppo(make_network, action_space, SETTINGS.model_copy(update={"discount": 0.0, "learning_rate": 5e-3}))

    figures = [ppo.update(batch).metrics["value_loss"] for _ in range(40)]

    assert figures[-1] < 0.8 * figures[0]


def test_the_target_kl_ends_an_update_early(make_network, make_batch, discrete) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 50, "learning_rate": 0.05, "target_kl": 1e-3})

    result = make_ppo(make_network, discrete, settings).update(make_batch(8, discrete))

    assert result.num_gradient_steps < 50 * 4


def test_the_learning_rate_falls_to_nothing_when_it_is_annealed(make_network, make_batch, discrete) -> None:
    settings = SETTINGS.model_copy(update={"anneal_learning_rate": True})
    ppo = make_ppo(make_network, discrete, settings, max_env_steps=32)
    ppo.update(make_batch(9, discrete))
    before = ppo.weights()

    ppo.update(make_batch(10, discrete))

    for name, array in ppo.weights().items():
        np.testing.assert_array_equal(array, before[name])


def test_rows_on_which_an_environment_resets_itself_are_no_steps_of_the_run(make_network, make_batch, discrete) -> None:
    batch = make_batch(9, discrete)
    ppo = make_ppo(make_network, discrete)

    result = ppo.update(batch)

    num_rows_that_count = int(np.count_nonzero(batch.columns["mask"]))
    assert num_rows_that_count < batch.columns["mask"].size
    assert result.num_steps == ppo.state().count("num_steps") == num_rows_that_count


def test_a_missing_column_is_named(make_network, make_batch, discrete) -> None:
    batch = make_batch(11, discrete)
    columns = {name: column for name, column in batch.columns.items() if name != "log_probability"}

    with pytest.raises(SchemaMismatchError, match="log_probability"):
        make_ppo(make_network, discrete).update(replace(batch, columns=columns))


def test_a_batch_of_masked_rows_alone_changes_nothing(make_network, make_batch, discrete) -> None:
    batch = make_batch(12, discrete)
    columns = {**batch.columns, "mask": np.zeros_like(batch.columns["mask"])}
    ppo = make_ppo(make_network, discrete)
    before = ppo.weights()

    result = ppo.update(replace(batch, columns=columns))

    assert result.num_gradient_steps == 0
    for name, array in ppo.weights().items():
        np.testing.assert_array_equal(array, before[name])
