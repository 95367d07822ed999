"""Collects with two groups of lanes at the same time: while one waits for its policy, the other steps."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar

import numpy as np

from heronry.environments.vector import Bools
from heronry.fleet.core.rollout import LaneGroup
from heronry.fleet.core.unroll import Collected, Columns, columns_of_lanes
from heronry.maths.networks import Tensors
from heronry.maths.policies import Randoms, lanes_of

_T = TypeVar("_T")
_P = ParamSpec("_P")


class SideBySide:
    """Two `LaneGroup`s as one: each works in a thread of its own on its lanes of the same columns.

    Whether this gains anything depends on what the groups wait for: processes, C++ or another
    machine; groups that compute in Python only take turns.
    """

    def __init__(self, first: LaneGroup, second: LaneGroup, num_lanes: tuple[int, int]) -> None:
        self._first = first
        self._second = second
        self._num_lanes = num_lanes
        self._lanes = slice(0, num_lanes[0]), slice(num_lanes[0], sum(num_lanes))
        self._thread = _OtherThread()

    @property
    def shares_successors(self) -> bool:
        """Whether both do."""
        return self._first.shares_successors and self._second.shares_successors

    def reset(self, seeds: Sequence[int]) -> None:
        """Begin the first episodes of both."""
        other = self._thread.submit(self._second.reset, seeds[self._lanes[1]])
        try:
            self._first.reset(seeds[self._lanes[0]])
        finally:
            other.result()

    def load(self, tensors: Tensors) -> None:
        """Give both the same weights."""
        self._first.load(tensors)
        self._second.load(tensors)

    def collect(self, columns: Columns, randoms: Randoms) -> Collected | None:
        """Fill each group's lanes; an error of either ends both, at the end of the other's unroll."""
        mine, others = self._lanes
        work = self._second.collect
        other = self._thread.submit(work, columns_of_lanes(columns, others), lanes_of(randoms, others))
        try:
            first = self._first.collect(columns_of_lanes(columns, mine), lanes_of(randoms, mine))
        finally:
            second = other.result()
        return None if first is None or second is None else self._together(first, second)

    def close(self) -> None:
        """Release the environments of both, and the thread."""
        try:
            self._first.close()
        finally:
            self._second.close()
            self._thread.close()

    def _together(self, first: Collected, second: Collected) -> Collected:
        return Collected(
            0.5 * (first.environment_time_s + second.environment_time_s),
            0.5 * (first.inference_time_s + second.inference_time_s),
            self._of_all_lanes(first.cut, second.cut),
            self._of_all_lanes(first.given_up, second.given_up),
        )

    def _of_all_lanes(self, first: Bools | None, second: Bools | None) -> Bools | None:
        """Return `[..., N]` of flags of either group's lanes."""
        known = first if first is not None else second
        if known is None:
            return None
        parts = zip((first, second), self._num_lanes, strict=True)
        leading = known.shape[:-1]
        return np.concatenate([np.zeros((*leading, n), np.bool_) if f is None else f for f, n in parts], axis=-1)


class _OtherThread:
    """Makes calls one after another. Unlike an executor's thread it may hang and the process end all the same."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        Thread(target=self._run, name="heronry-fleet-half", daemon=True).start()

    def submit(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Make a call; return what will hold its result."""
        future: Future[_T] = Future()

        def call() -> None:
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  # it belongs to who waits for the result
                future.set_exception(error)

        self._calls.put(call)
        return future

    def close(self) -> None:
        """End the thread after the calls that were made."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            # While it waits for the next it must not keep alive what this one was about.
            del call
