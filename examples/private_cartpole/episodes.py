"""Episodes of many CartPoles at once, and the returns that lie in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from private_cartpole.cart_poles import MAX_STEPS, Bools, Floats, Variants, has_fallen, start_state, step
from private_cartpole.policy import NUM_OBSERVED, Array, features, hidden_and_logit, probability


@dataclass(frozen=True)
class Episodes:
    """Steps in columns: T steps at most, B episodes."""

    inputs: Array  # [4, T, B]
    pushes_right: Bools  # [T, B]
    length: npt.NDArray[np.int64]  # [B]

    def columns(self, first: int, num: int) -> "Episodes":
        """Return `num` episodes from `first` on, as long as the longest of them."""
        part = slice(first, first + num)
        last = int(self.length[part].max())
        return Episodes(self.inputs[:, :last, part], self.pushes_right[:last, part], self.length[part])

    def is_running(self) -> Bools:
        """Tell of each step whether its episode had not ended before, [T, B]."""
        is_running: Bools = np.arange(len(self.pushes_right))[:, None] < self.length
        return is_running

    def returns_to_go(self, discount: float) -> Floats:
        """Return the discounted sum of the rewards from each step on, one a step; 0 past the end, [T, B]."""
        num_left = np.maximum(self.length - np.arange(len(self.pushes_right))[:, None], 0)
        to_go: Floats = (1 - np.power(discount, num_left)) / (1 - discount)
        return to_go


def play(weights: Array, variants: Variants, rngs: Sequence[np.random.Generator], num_each: int) -> Episodes:
    """Play `num_each` episodes for each generator, one for each row of `variants`, with actions drawn."""
    state = np.concatenate([start_state(rng, num_each) for rng in rngs], axis=1)
    luck = np.concatenate([rng.random((MAX_STEPS, num_each), np.float32) for rng in rngs], axis=1)
    inputs = np.zeros((NUM_OBSERVED, MAX_STEPS, len(variants)), np.float32)
    pushes = np.zeros((MAX_STEPS, len(variants)), np.bool_)

    def draw(time: int, rows: npt.NDArray[np.intp], observed: Array) -> Bools:
        is_right: Bools = luck[time, rows] < probability(hidden_and_logit(weights, observed)[1])
        inputs[:, time, rows], pushes[time, rows] = observed, is_right
        return is_right

    return Episodes(inputs, pushes, _lengths(variants, state, draw))


def play_greedily(weights: Array, variants: Variants, state: Floats) -> npt.NDArray[np.int64]:
    """Return how long an episode lasts from each of these states, with the likelier action always taken."""
    return _lengths(variants, state, lambda _time, _rows, observed: hidden_and_logit(weights, observed)[1] > 0)


class _Chooser(Protocol):
    def __call__(self, time: int, rows: npt.NDArray[np.intp], observed: Array, /) -> Bools: ...


def _lengths(variants: Variants, state: Floats, choose: _Chooser) -> npt.NDArray[np.int64]:
    length = np.full(len(variants), MAX_STEPS, np.int64)
    rows = np.arange(len(variants))
    for time in range(MAX_STEPS):
        state = step(variants, state, choose(time, rows, features(state)))
        fallen = has_fallen(state)
        if fallen.any():
            length[rows[fallen]] = time + 1
            # Only those still up are stepped on: early policies fall within a few dozen steps.
            up = np.flatnonzero(~fallen)
            rows, state, variants = rows[up], state[:, up], variants.rows(up)
        if not rows.size:
            break
    return length
