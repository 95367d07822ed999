"""Random sequences of calls on a table, as JSON: for every implementation alike, the standard library alone.

A sequence is a table's settings and its calls. Whoever runs it records a trace: the calls with what became of
them. Items are numbered by the order of the tries to insert them. Deletes and updates name items by their rank
among those sampled so far, since a key is known from then on; the trace has their numbers.
"""

import random
from typing import Any

DETERMINISTIC = ("fifo", "lifo", "min_heap", "max_heap")
RANDOM = ("uniform", "prioritized")
NUM_CALLS = 40
EXPONENT = 0.75

Sequence = dict[str, Any]
Call = dict[str, Any]


def sequences(count: int, seed: int) -> list[Sequence]:
    """Return `count` sequences, the same for the same seed."""
    rng = random.Random(seed)
    return [_sequence(rng) for _ in range(count)]


def _sequence(rng: random.Random) -> Sequence:
    sampler = rng.choice(DETERMINISTIC + RANDOM)
    # Whom a random remover evicts nobody tells: without deletes it does not matter to the counts.
    remover = rng.choice(DETERMINISTIC + DETERMINISTIC + RANDOM)
    limiter = _limiter(rng)
    settings = {
        "sampler": sampler,
        "remover": remover,
        "max_size": rng.randint(limiter["min_size"], limiter["min_size"] + 8),
        "max_times_sampled": rng.choice((0, 0, 1, 2, 3)),
        **limiter,
    }
    return {"settings": settings, "calls": [_call(rng, may_delete=remover in DETERMINISTIC) for _ in range(NUM_CALLS)]}


def _limiter(rng: random.Random) -> dict[str, float]:
    """Return settings that neither side refuses, in numbers that binary fractions hold exactly."""
    ratio = rng.choice((0.25, 0.5, 1.0, 1.5, 2.0, 4.0))
    min_size = rng.randint(1, 5)
    if rng.random() < 0.2:
        return {"samples_per_insert": 1.0, "min_size": min_size, "min_diff": -1e300, "max_diff": 1e300}
    centre = ratio * min_size
    below = rng.randint(0, 8) / 2
    above = rng.randint(0, 12) / 2
    min_diff = centre - below
    return {
        "samples_per_insert": ratio,
        "min_size": min_size,
        "min_diff": min_diff,
        "max_diff": max(centre + above, min_diff + 2 * max(1.0, ratio)),
    }


def _call(rng: random.Random, *, may_delete: bool) -> Call:
    kind = rng.choices(("insert", "sample", "update", "delete", "reset"), (50, 35, 8, 6 if may_delete else 0, 1))[0]
    if kind == "insert":
        return {"call": kind, "priority": _priority(rng)}
    if kind == "sample":
        return {"call": kind, "count": rng.choice((1, 1, 2, 5))}
    if kind == "reset":
        return {"call": kind}
    ranks = [rng.randrange(1 << 20) for _ in range(rng.randint(1, 3))]
    call = {"call": kind, "ranks": ranks}
    return call | {"priorities": [_priority(rng) for _ in ranks]} if kind == "update" else call


def _priority(rng: random.Random) -> float:
    """Return one of few values: equal ones are the interesting case of a heap, and 0 that of a draw."""
    return rng.choice((0.0, 0.5, 1.0, 1.0, 2.0, 3.5))


class Recorder:
    """Turns ranks into items and keeps the trace; `sampled` holds each item once, in the order of its first time."""

    def __init__(self) -> None:
        self.trace: list[Call] = []
        self.sampled: dict[int, int] = {}
        self.num_tried = 0

    def next_number(self) -> int:
        """Return the number of the next item that is tried."""
        self.num_tried += 1
        return self.num_tried - 1

    def note_sampled(self, number: int, key: int) -> None:
        """Remember the key of an item."""
        self.sampled.setdefault(number, key)

    def chosen(self, call: Call) -> dict[int, float]:
        """Return the items that a delete or an update names, each once with its last priority."""
        known = list(self.sampled)
        priorities = call.get("priorities", [0.0] * len(call["ranks"]))
        if not known:
            return {}
        return {known[rank % len(known)]: p for rank, p in zip(call["ranks"], priorities, strict=True)}

    def note(self, call: Call, **outcome: Any) -> None:
        """Keep a call with what became of it."""
        self.trace.append({"call": call["call"], **outcome})
