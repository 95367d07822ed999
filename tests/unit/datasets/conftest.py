"""A table of small steps, and runs of it."""

from collections.abc import Callable

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.experience import Run, RunItems
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType

SPECS = (
    ColumnSpec("observation", ElementType.FLOAT32, (3,)),
    ColumnSpec("frame", ElementType.UINT8, (2, 4)),
    ColumnSpec("action", ElementType.INT64, ()),
    ColumnSpec("reward", ElementType.FLOAT32, ()),
    ColumnSpec("terminated", ElementType.BOOL, ()),
    ColumnSpec("truncated", ElementType.BOOL, ()),
    ColumnSpec("state", ElementType.FLOAT16, (2, 2)),
    ColumnSpec("stamp", ElementType.UINT64, ()),
)


@pytest.fixture
def definition() -> TableDefinition:
    return TableDefinition(
        "my table", Selector.prioritized(0.6), Selector.fifo(), RateLimiter.of_min_size(2), 1000, columns=SPECS
    )


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Makes a run of random steps; `ends` are its episodes' last steps, an item of two steps begins at each step."""

    def make(num_steps: int, *, lane: int = 0, first_step: int = 0, ends: tuple[int, ...] = (), seed: int = 0) -> Run:
        rng = np.random.default_rng(seed)
        columns = {s.path: rng.integers(0, 200, (num_steps, *s.shape)).astype(s.element_type.dtype) for s in SPECS}
        columns["terminated"] = np.isin(np.arange(num_steps), ends)
        columns["truncated"] = np.zeros(num_steps, np.bool_)
        return Run(lane, first_step, columns, make_items(max(0, num_steps - 1), rng))

    return make


def make_items(num_items: int, rng: np.random.Generator) -> RunItems:
    return RunItems(
        starts=np.arange(num_items, dtype=np.uint32),
        lengths=np.full(num_items, 2, np.uint32),
        keys=rng.integers(0, 1 << 63, num_items).astype(np.uint64) << np.uint64(1),
        priorities=rng.random(num_items),
        times_sampled=rng.integers(0, 9, num_items).astype(np.uint32),
        behaviour_epochs=np.ones(num_items, np.uint64),
        behaviour_numbers=rng.integers(0, 99, num_items).astype(np.uint64),
    )
