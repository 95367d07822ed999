"""Runs sequences against dm-reverb, in its own environment: JSON sequences on standard input, JSON traces out."""

import json
import sys
from typing import Any

import numpy as np
import reverb
from decision_sequences import EXPONENT, Call, Recorder, Sequence

_TABLES_A_SERVER = 200


def selector(kind: str) -> Any:
    names = {"fifo": "Fifo", "lifo": "Lifo", "min_heap": "MinHeap", "max_heap": "MaxHeap", "uniform": "Uniform"}
    if kind == "prioritized":
        return reverb.selectors.Prioritized(EXPONENT)
    return getattr(reverb.selectors, names[kind])()


def table_of(name: str, settings: dict[str, Any]) -> Any:
    bound = sys.float_info.max
    limiter = reverb.rate_limiters.RateLimiter(
        samples_per_insert=settings["samples_per_insert"],
        min_size_to_sample=settings["min_size"],
        min_diff=max(-bound, settings["min_diff"]),
        max_diff=min(bound, settings["max_diff"]),
    )
    return reverb.Table(
        name=name,
        sampler=selector(settings["sampler"]),
        remover=selector(settings["remover"]),
        max_size=settings["max_size"],
        max_times_sampled=settings["max_times_sampled"],
        rate_limiter=limiter,
    )


class Runner:
    """One sequence on one table."""

    def __init__(self, client: Any, table: Any) -> None:
        self._client, self._table, self._recorder = client, table, Recorder()

    def run(self, calls: list[Call]) -> list[Call]:
        for call in calls:
            getattr(self, f"_{call['call']}")(call)
        return self._recorder.trace

    def _insert(self, call: Call) -> None:
        number = self._recorder.next_number()
        # A call that would block is not made: the table's own answer stands for it.
        accepted = self._table.can_insert(1)
        if accepted:
            self._client.insert(np.int64(number), {self._table.name: call["priority"]})
        self._recorder.note(call, priority=call["priority"], accepted=accepted)

    def _sample(self, call: Call) -> None:
        picked = []
        while len(picked) < call["count"] and self._table.can_sample(1):
            (sample,) = next(iter(self._client.sample(self._table.name, num_samples=1)))
            picked.append(int(sample.data[0]))
            self._recorder.note_sampled(picked[-1], int(sample.info.key))
        self._recorder.note(call, count=call["count"], picked=picked)

    def _update(self, call: Call) -> None:
        chosen = self._recorder.chosen(call)
        updates = {self._recorder.sampled[number]: priority for number, priority in chosen.items()}
        for key, priority in updates.items():
            # One a call: within one the order, which is what breaks ties in a heap, is that of a hash map.
            self._client.mutate_priorities(self._table.name, updates={key: priority})
        self._recorder.note(call, items=list(chosen.items()))

    def _delete(self, call: Call) -> None:
        chosen = self._recorder.chosen(call)
        if chosen:
            keys = [self._recorder.sampled[number] for number in chosen]
            self._client.mutate_priorities(self._table.name, deletes=keys)
        self._recorder.note(call, items=list(chosen.items()))

    def _reset(self, call: Call) -> None:
        self._client.reset(self._table.name)
        self._recorder.note(call)


def traces(sequences: list[Sequence]) -> list[list[Call]]:
    """Run the sequences, many tables to a server."""
    found = []
    for begin in range(0, len(sequences), _TABLES_A_SERVER):
        some = sequences[begin : begin + _TABLES_A_SERVER]
        tables = [table_of(f"t{i}", sequence["settings"]) for i, sequence in enumerate(some)]
        server = reverb.Server(tables)
        client = reverb.Client(f"localhost:{server.port}")
        found += [Runner(client, t).run(s["calls"]) for t, s in zip(tables, some, strict=True)]
        server.stop()
    return found


if __name__ == "__main__":
    json.dump(traces(json.load(sys.stdin)), sys.stdout)
