"""Records steps of the MinAtar package into `golden/`: `PYTHONPATH=. python tests/contract/native/record_minatar.py`.

Run it with the package importable. The files hold our own recordings of what the games did, as numbers.
"""

from pathlib import Path

import numpy as np

from tests.contract.native.minatar_reference import NAMES, Played, Reference
from tests.contract.native.minatar_scrambles import Scrambler

GOLDEN = Path(__file__).parent / "golden"
NUM_PLAYED, NUM_SCRAMBLED, MOST_DRAWS = 120, 200, 16


def played_steps(reference: Reference, scrambler: Scrambler, count: int) -> list[Played]:
    """Play by chance from an episode's beginning, again and again."""
    reference.begin()
    steps = []
    for _ in range(count):
        steps.append(reference.step(scrambler.action()))
        if steps[-1].terminated:
            reference.begin()
    return steps


def scrambled_steps(name: str, reference: Reference, scrambler: Scrambler, count: int) -> list[Played]:
    """Play a few steps each from states of any kind."""
    reference.begin()
    steps: list[Played] = []
    for i in range(count):
        if i % 3 == 0 or steps[-1].terminated:
            scrambler.scramble(name, reference.game)
        steps.append(reference.step(scrambler.action()))
    return steps


def record(name: str) -> None:
    """Write one game's file."""
    steps: list[Played] = []
    is_ramping = []
    for flag in (True, False):
        reference, scrambler = Reference(name, flag, seed=7 + flag), Scrambler(seed=11 + flag)
        steps += played_steps(reference, scrambler, NUM_PLAYED // 2)
        steps += scrambled_steps(name, reference, scrambler, NUM_SCRAMBLED // 2)
        is_ramping += [flag] * (len(steps) - len(is_ramping))
    draws = np.full((len(steps), MOST_DRAWS), -1, np.int8)
    for row, step in zip(draws, steps, strict=True):
        row[: len(step.draws)] = step.draws
    first, first_draws = Reference(name, True, seed=3).begin()
    np.savez_compressed(
        GOLDEN / f"minatar_{NAMES[name]}.npz",
        names=np.array(list(first)),
        first=np.array(list(first.values()), np.int16),
        first_draws=np.array(first_draws, np.int8),
        is_ramping=np.array(is_ramping),
        before=np.array([list(step.before.values()) for step in steps], np.int16),
        actions=np.array([step.action for step in steps], np.int8),
        draws=draws,
        after=np.array([list(step.after.values()) for step in steps], np.int16),
        rewards=np.array([step.reward for step in steps], np.int8),
        terminated=np.array([step.terminated for step in steps]),
        observations=np.packbits(np.array([step.observation for step in steps]).reshape(len(steps), -1), axis=1),
    )


if __name__ == "__main__":
    for game in NAMES:
        record(game)
