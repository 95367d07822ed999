"""Rates of things that are done again and again, side by side."""

import time
from collections.abc import Callable, Sequence

Turn = Callable[[], int]
"""Does something once; returns how many steps that was."""

_WARM_UP_S = 0.1


def rate(turn: Turn, seconds: float) -> float:
    """Return steps a second of turns that fill `seconds`."""
    steps, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        steps += turn()
    return steps / passed


def rates_in_turn(turns: Sequence[Turn], seconds: float, num_repeats: int) -> list[list[float]]:
    """Return the rates of each, measured by turns, so that all see the same machine; after a warm-up."""
    for turn in turns:
        rate(turn, _WARM_UP_S)
    rounds = [[rate(turn, seconds) for turn in turns] for _ in range(num_repeats)]
    return [list(found) for found in zip(*rounds, strict=True)]
