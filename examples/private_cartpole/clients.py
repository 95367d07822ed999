"""Simulated clients: each has an identity and a CartPole of its own build, and learns from its own episodes alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from private_cartpole.cart_poles import Variants, start_state
from private_cartpole.episodes import Episodes, play, play_greedily
from private_cartpole.policy import Array, hidden_and_logit, logit_gradient, probability

DISCOUNT, NUM_EPISODES, LOCAL_RATE = 0.99, 8, 20.0
# What a client's random numbers are for; rounds of learning count upwards from the last.
_BUILD, _EVALUATION, _FIRST_ROUND = 0, 1, 2


def identities(num_clients: int) -> list[str]:
    """Return the names of all clients of a run."""
    return [f"cart-pole-{number:03}" for number in range(num_clients)]


class Clients:
    """Some of a run's clients, in one process; what each computes does not depend on which others are here."""

    def __init__(self, client_ids: Sequence[str], *, seed: int) -> None:
        self._seed = seed
        self._row = {client_id: row for row, client_id in enumerate(client_ids)}
        self._variants = Variants.drawn([self._generator(client_id, _BUILD) for client_id in client_ids])
        self.num_steps = 0

    def updates(self, weights: Array, client_ids: Sequence[str], round_number: int) -> dict[str, Array]:
        """Let these clients play with these weights; return the change each of them wishes for, by identity."""
        if not client_ids:
            return {}
        rngs = [self._generator(client_id, _FIRST_ROUND + round_number) for client_id in client_ids]
        episodes = play(weights, self._variants_of(client_ids, NUM_EPISODES), rngs, NUM_EPISODES)
        self.num_steps += int(episodes.length.sum())
        parts = (episodes.columns(NUM_EPISODES * row, NUM_EPISODES) for row in range(len(client_ids)))
        return {client_id: _improvement(weights, part) for client_id, part in zip(client_ids, parts, strict=True)}

    def returns(self, weights: Array, num_episodes: int) -> dict[str, float]:
        """Return every client's mean return of the greedy policy, over episodes used for nothing else."""
        rngs = [self._generator(client_id, _EVALUATION) for client_id in self._row]
        state = np.concatenate([start_state(rng, num_episodes) for rng in rngs], axis=1)
        length = play_greedily(weights, self._variants_of(list(self._row), num_episodes), state)
        means = length.reshape(len(rngs), num_episodes).mean(axis=1)
        return dict(zip(self._row, means.tolist(), strict=True))

    def _variants_of(self, client_ids: Sequence[str], num_episodes: int) -> Variants:
        rows = np.array([self._row[client_id] for client_id in client_ids], np.intp)
        return self._variants.rows(np.repeat(rows, num_episodes))

    def _generator(self, client_id: str, stream: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, stream, *client_id.encode()])


def _improvement(weights: Array, episodes: Episodes) -> Array:
    """Return one step along the policy gradient of one client's episodes (Williams 1992), [P].

    The baseline of a step is the mean over the client's episodes that are still running: it needs no network, and
    where all of them last to the end nothing is left to learn and the step is zero.
    """
    is_running, to_go = episodes.is_running(), episodes.returns_to_go(DISCOUNT)
    baseline = to_go.sum(axis=1) / np.maximum(is_running.sum(axis=1), 1)
    advantage = _scaled((to_go - baseline[:, None])[is_running])
    inputs, pushes_right = episodes.inputs[:, is_running], episodes.pushes_right[is_running]
    hidden, logit = hidden_and_logit(weights, inputs)
    surprise = pushes_right.astype(np.float32) - probability(logit)
    outer = np.float32(LOCAL_RATE / len(advantage)) * advantage * surprise
    return logit_gradient(weights, inputs, hidden, outer)


def _scaled(advantage: npt.NDArray[np.float64]) -> Array:
    # One step more or less is no news: the added one keeps small differences from being blown up.
    scaled: Array = np.divide(advantage, advantage.std() + 1).astype(np.float32)
    return scaled
