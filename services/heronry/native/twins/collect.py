"""A network that acts in a game, step by step."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Array, Flags, Floats, Indices
from heronry.native.game_engine import GameEngine
from heronry.native.policy_network import PolicyNetwork

# Each has the type that its name says in the face.
_Arrays = Mapping[str, npt.NDArray[Any]]


def collect(
    game: GameEngine,
    network: PolicyNetwork,
    columns: _Arrays,
    randoms: _Arrays,
    num_steps: int,
) -> tuple[int, float, float]:
    """Fill the columns; return the lane that had nothing to choose or -1, and the seconds spent."""
    shown, masks = columns["shown"], columns.get("action_mask")
    environment_s = inference_s = 0.0
    for step in range(num_steps):
        begun = perf_counter()
        columns["observation"][step] = shown
        outputs: Floats = columns["outputs"][step]
        network.evaluate(np.ascontiguousarray(shown), outputs)
        if masks is not None:
            game.action_masks(masks[step])
        lane, executed = _act(columns, {name: array[step] for name, array in randoms.items()}, step)
        if lane >= 0:
            return lane, environment_s, inference_s
        acted = perf_counter()
        flags: tuple[Flags, Flags] = columns["terminated"][step], columns["truncated"][step]
        game.step(executed, shown, columns["reward"][step], *flags, columns["next_observation"][step])
        inference_s += acted - begun
        environment_s += perf_counter() - acted
    return -1, environment_s, inference_s


def _act(columns: _Arrays, randoms: _Arrays, step: int) -> tuple[int, Array]:
    """Write a step's actions; return the lane without one or -1, and what is executed."""
    outputs, actions = columns["outputs"][step], columns["action"][step]
    if actions.dtype == np.float32:
        reals: Floats = outputs + randoms["deviation"]
        actions[...] = reals.reshape(actions.shape)
        wrong = np.isnan(reals).any(axis=1)
        executed = np.ascontiguousarray(np.clip(reals, columns["low"], columns["high"]))
        return (int(wrong.argmax()) if wrong.any() else -1), executed
    mask = columns["action_mask"][step] if "action_mask" in columns else None
    if mask is not None:
        has_choice = mask.any(axis=1)
        if not has_choice.all():
            return int(has_choice.argmin()), actions
        np.copyto(outputs, np.float32(-np.inf), where=~mask)
    noisy = randoms["gumbel"] + outputs if "gumbel" in randoms else outputs
    actions[...] = noisy.argmax(axis=1)
    if "explores" in randoms:
        np.copyto(actions, _random(randoms["action"], mask), where=randoms["explores"])
    return -1, actions


def _random(numbers: Indices, mask: Flags | None) -> Indices:
    """Return random choices: the numbers themselves, or the allowed choice of each number."""
    if mask is None:
        return numbers
    counted = np.cumsum(mask, axis=1)
    choices: Indices = np.argmax(counted == (numbers % counted[:, -1] + 1)[:, None], axis=1)
    return choices
