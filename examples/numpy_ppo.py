"""PPO on CartPole in NumPy alone: what each learner of the examples beside this file computes."""

from collections.abc import Iterator

import gymnasium
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]

TARGET_RETURN = 475.0
_SELECTION_SEED, _JUDGING_SEED = 1_000_000, 2_000_000
_HIDDEN, _NUM_ACTIONS, _NUM_OBSERVED = 64, 2, 4
_DISCOUNT, _GAE_LAMBDA, _CLIP, _EPOCHS = 0.98, 0.8, 0.2, 20
# Returns of a few units suit a network whose first outputs are small.
_REWARD_SCALE = 0.05
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


def initial_weights(seed: int = 0) -> Weights:
    """Return a policy and a value network of one hidden layer each."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for net, outputs, gain in (("policy", _NUM_ACTIONS, 0.01), ("value", 1, 1.0)):
        weights[f"{net}/hidden/weight"] = _scaled(rng, _NUM_OBSERVED, _HIDDEN, 1.0)
        weights[f"{net}/hidden/bias"] = np.zeros(_HIDDEN, np.float32)
        weights[f"{net}/head/weight"] = _scaled(rng, _HIDDEN, outputs, gain)
        weights[f"{net}/head/bias"] = np.zeros(outputs, np.float32)
    return weights


def mean_return(weights: Weights, *, num_episodes: int, seed: int) -> float:
    """Return the mean return of the greedy policy over episodes of these seeds."""
    envs = gymnasium.make_vec("CartPole-v1", num_envs=num_episodes, vectorization_mode="vector_entry_point")
    observation, _ = envs.reset(seed=seed)
    returns, is_running = np.zeros(num_episodes), np.ones(num_episodes, np.bool_)
    while is_running.any():
        scores = _forward(weights, "policy", observation)[1]
        observation, reward, terminated, truncated, _ = envs.step(scores.argmax(axis=1))
        returns += reward * is_running
        is_running &= ~(terminated | truncated)
    envs.close()
    return float(returns.mean())


class Selection:
    """Tells when a policy meets the target in a row of evaluations; a lucky jump does so once.

    One evaluation every few rounds, each on 20 episodes of its own; the judging episodes are used nowhere else.
    """

    def __init__(self, *, every: int = 5, in_a_row: int = 3, margin: float = 0.0) -> None:
        self._every = every
        self._in_a_row = in_a_row
        self._least_return = TARGET_RETURN + margin
        self._num_met = 0

    def is_met(self, weights: Weights, num_rounds: int) -> bool:
        """Evaluate the policy after this round, when its turn has come; tell whether the row is full."""
        if num_rounds % self._every == 0:
            reached = mean_return(weights, num_episodes=20, seed=_SELECTION_SEED + num_rounds)
            self._num_met = self._num_met + 1 if reached >= self._least_return else 0
        return self._num_met >= self._in_a_row


def judged_return(weights: Weights) -> float:
    """Return the mean return over the 100 judging episodes."""
    return mean_return(weights, num_episodes=100, seed=_JUDGING_SEED)


class Learner:
    """Environments and an Adam state of its own; everything else comes with the weights."""

    def __init__(self, seed: int, *, num_envs: int = 8, unroll_length: int = 32, learning_rate: float = 3e-3) -> None:
        self._rng = np.random.default_rng(seed)
        self._envs = gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")
        self._observation, _ = self._envs.reset(seed=seed)
        self._was_done = np.zeros(num_envs, np.bool_)
        self._length = unroll_length
        self._rate = learning_rate
        self._moments: dict[str, tuple[Array, Array]] = {}
        self._num_steps = 0

    def improve(self, weights: Weights) -> Weights:
        """Play with these weights, learn from it, and return better ones; the argument stays as it is."""
        steps = self._collect(weights)
        better = {name: value.copy() for name, value in weights.items()}
        for _ in range(_EPOCHS):
            self._descend(better, dict(_gradient(better, steps)))
        return better

    def close(self) -> None:
        """Close the environments."""
        self._envs.close()

    def _collect(self, weights: Weights) -> dict[str, Array]:
        columns: dict[str, list[npt.NDArray[np.generic]]] = {}
        for _ in range(self._length):
            observation = self._observation
            log_policy = _log_softmax(_forward(weights, "policy", observation)[1])
            action = (self._rng.random(len(log_policy)) > np.exp(log_policy[:, 0])).astype(np.int64)
            self._observation, reward, terminated, truncated, _ = self._envs.step(action)
            step = {
                "observation": observation,
                "action": action,
                "log_probability": np.take_along_axis(log_policy, action[:, None], 1)[:, 0],
                "reward": reward * _REWARD_SCALE,
                "terminated": terminated,
                "ended": terminated | truncated,
                # After an episode's end an environment is only reset: its action did nothing.
                "mask": ~self._was_done,
            }
            self._was_done = step["ended"]
            for name, value in step.items():
                columns.setdefault(name, []).append(value)
        steps = {name: np.stack(values) for name, values in columns.items()}
        observations = np.concatenate([steps["observation"], [self._observation]])
        return _with_advantages(steps, _forward(weights, "value", observations)[1][..., 0])

    def _descend(self, weights: Weights, gradient: Weights) -> None:
        self._num_steps += 1
        scale = self._rate * np.sqrt(1 - _BETA2**self._num_steps) / (1 - _BETA1**self._num_steps)
        for name, g in gradient.items():
            first, second = self._moments.get(name, (np.zeros_like(g), np.zeros_like(g)))
            first, second = _BETA1 * first + (1 - _BETA1) * g, _BETA2 * second + (1 - _BETA2) * g * g
            self._moments[name] = first, second
            weights[name] -= (scale * first / (np.sqrt(second) + _EPSILON)).astype(np.float32)


def _with_advantages(steps: dict[str, Array], value: Array) -> dict[str, Array]:
    """Return the valid steps, flat, with value targets and generalised advantages (Schulman et al. 2016)."""
    gain = steps["reward"] + _DISCOUNT * ~steps["terminated"] * value[1:] - value[:-1]
    for t in reversed(range(len(gain) - 1)):
        gain[t] += _DISCOUNT * _GAE_LAMBDA * ~steps["ended"][t] * gain[t + 1]
    steps |= {"target": gain + value[:-1], "advantage": gain}
    mask = steps.pop("mask")
    flat = {name: column[mask] for name, column in steps.items()}
    flat["advantage"] = (flat["advantage"] - flat["advantage"].mean()) / (flat["advantage"].std() + 1e-8)
    return flat


def _gradient(weights: Weights, steps: dict[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield the gradient of PPO's clipped surrogate and of half the squared value error, by tensor."""
    num = len(steps["action"])
    hidden, scores = _forward(weights, "policy", steps["observation"])
    log_policy, taken = _log_softmax(scores), np.eye(_NUM_ACTIONS, dtype=np.float32)[steps["action"]]
    # Weights that an attack has driven far away make logarithms that `exp` cannot take.
    ratio = np.exp(np.clip((log_policy * taken).sum(axis=1) - steps["log_probability"], -20, 20))
    advantage = steps["advantage"]
    # Where the ratio has left its bounds in the direction of the advantage, the clipped side is the smaller: no slope.
    is_free = np.where(advantage > 0, ratio < 1 + _CLIP, ratio > 1 - _CLIP)
    slope = -(is_free * ratio * advantage / num)[:, None] * (taken - np.exp(log_policy))
    yield from _backward(weights, "policy", steps["observation"], hidden, slope)
    hidden, value = _forward(weights, "value", steps["observation"])
    yield from _backward(weights, "value", steps["observation"], hidden, (value - steps["target"][:, None]) / num)


def _forward(weights: Weights, net: str, observation: Array) -> tuple[Array, Array]:
    hidden = np.tanh(observation @ weights[f"{net}/hidden/weight"] + weights[f"{net}/hidden/bias"])
    return hidden, hidden @ weights[f"{net}/head/weight"] + weights[f"{net}/head/bias"]


def _backward(
    weights: Weights, net: str, observation: Array, hidden: Array, slope: Array
) -> Iterator[tuple[str, Array]]:
    inner = slope @ weights[f"{net}/head/weight"].T * (1 - hidden * hidden)
    for layer, below, above in (("hidden", observation, inner), ("head", hidden, slope)):
        yield f"{net}/{layer}/weight", (below.T @ above).astype(np.float32)
        yield f"{net}/{layer}/bias", above.sum(axis=0).astype(np.float32)


def _log_softmax(scores: Array) -> Array:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _scaled(rng: np.random.Generator, inputs: int, outputs: int, gain: float) -> Array:
    return (rng.standard_normal((inputs, outputs)) * gain / np.sqrt(inputs)).astype(np.float32)
