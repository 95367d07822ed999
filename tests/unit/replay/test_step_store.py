import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_store import StepStore
from heronry.types.columns import ColumnSpec
from heronry.types.errors import ResourceExhaustedError
from heronry.types.patterns import Pattern
from heronry.types.tensors import ElementType

WIDE = ColumnSpec("wide", ElementType.FLOAT32, (150, 2))
STEP = ColumnSpec("step", ElementType.INT64, ())
FLAG = ColumnSpec("flag", ElementType.BOOL, ())
SPECS = (WIDE, STEP, FLAG)


class ReferenceWriter:
    """Keeps each lane as a list of step numbers and cuts windows of it one at a time."""

    def __init__(self, lanes: int, num_steps: int, period: int) -> None:
        self.lanes: list[list[int]] = [[] for _ in range(lanes)]
        self.num_steps, self.period, self.next_start = num_steps, period, 0

    def append(self, values: np.ndarray) -> list[list[int]]:
        for lane, steps in zip(self.lanes, values.T, strict=True):
            lane.extend(steps.tolist())
        windows = []
        while self.next_start + self.num_steps <= len(self.lanes[0]):
            stop = self.next_start + self.num_steps
            windows += [lane[self.next_start : stop] for lane in self.lanes]
            self.next_start += self.period
        return windows

    def cut(self) -> None:
        self.lanes = [[] for _ in self.lanes]
        self.next_start = 0


def columns_of(values: np.ndarray) -> dict[str, np.ndarray]:
    wide = (values[..., None, None] * 0.5 + np.arange(300).reshape(150, 2)).astype(np.float32)
    return {"flag": values % 2 == 0, "step": values, "wide": wide}


@settings(max_examples=60, deadline=None)
@given(
    lanes=st.integers(1, 70),
    num_steps=st.integers(1, 40),
    period=st.integers(1, 45),
    blocks=st.lists(st.one_of(st.integers(1, 90), st.just(0)), min_size=1, max_size=8),
    drop=st.randoms(use_true_random=False),
)
def test_items_gathered_are_the_windows_of_their_lanes(
    lanes: int, num_steps: int, period: int, blocks: list[int], drop: object
) -> None:
    budget = ByteBudget(64 << 20)
    store = StepStore("t", SPECS, Pattern(num_steps, period), budget)
    writers = [(store.open_strands(n), ReferenceWriter(n, num_steps, period)) for n in (lanes, 3)]
    held: list[tuple[int, list[int]]] = []
    counter = 0
    for index, steps in enumerate(blocks):
        strands, reference = writers[index % 2]
        width = len(reference.lanes)
        if steps == 0:
            for strand in strands:
                strand.cut()
            reference.cut()
            continue
        values = np.arange(counter, counter + steps * width).reshape(steps, width)
        counter += steps * width
        rows = store.append(strands, columns_of(values), steps)
        expected = reference.append(values)
        assert len(rows) == len(expected)
        held += _in_strand_order(rows, expected, strands)
        gone = [held.pop(drop.randrange(len(held))) for _ in range(len(held) // 3)]
        store.release(np.array([row for row, _ in gone], np.int64))

        if held:
            batch = store.gather(np.array([row for row, _ in held]), ("step", "wide", "flag"))
            windows = np.array([window for _, window in held]).T
            assert batch["step"].flags.c_contiguous
            np.testing.assert_array_equal(batch["step"], windows)
            for path, array in columns_of(windows).items():
                np.testing.assert_array_equal(batch[path], array)
    store.release(np.array([row for row, _ in held], np.int64))
    for strands, _ in writers:
        for strand in strands:
            strand.cut()
    assert store.num_bytes == 0


def _in_strand_order(rows: np.ndarray, windows: list[list[int]], strands: list) -> list[tuple[int, list[int]]]:
    """Pair rows with windows: the store orders by strand, then start, then lane."""
    total = sum(s.num_lanes for s in strands)
    order, lane = [], 0
    for strand in strands:
        for start in range(len(windows) // total):
            order += [start * total + lane + n for n in range(strand.num_lanes)]
        lane += strand.num_lanes
    return [(int(row), windows[i]) for row, i in zip(rows, order, strict=True)]


def test_pages_return_when_neither_item_nor_window_to_come_needs_them() -> None:
    budget = ByteBudget(64 << 20)
    store = StepStore("t", (STEP,), Pattern(4, 4), budget)
    strands = store.open_strands(2)
    for start in range(0, 200_000, 1000):
        rows = store.append(strands, {"step": np.arange(start, start + 1000).reshape(500, 2)}, 500)
        store.release(rows)

    # One page may still be open; nothing grew with what passed through.
    assert store.num_bytes <= 2048 * 8
    assert budget.used <= 1 << 20


def test_the_byte_budget_refuses_with_figures_and_stores_nothing() -> None:
    budget = ByteBudget(1 << 20)
    store = StepStore("t", (WIDE,), Pattern(1, 1), budget)
    strands = store.open_strands(1)
    block = {"wide": np.ones((400, 1, 150, 2), np.float32)}
    held = [store.append(strands, block, 400), store.append(strands, block, 400)]
    in_use = store.num_bytes

    with pytest.raises(ResourceExhaustedError, match="1048576") as refused:
        store.append(strands, block, 400)

    assert refused.value.details["max_bytes"] == "1048576"
    assert store.num_bytes == in_use
    assert budget.used <= budget.max_bytes

    store.release(held[0])
    assert len(store.append(strands, block, 300)) == 300


def test_a_budget_smaller_than_one_block_is_refused_at_once() -> None:
    with pytest.raises(ResourceExhaustedError, match="a block of 76800 bytes exceeds max_bytes, 5000"):
        StepStore("t", (WIDE,), Pattern(1, 1), ByteBudget(5000))


def test_closing_gives_the_bytes_back() -> None:
    budget = ByteBudget(1 << 20)
    store = StepStore("t", (WIDE,), Pattern(1, 1), budget)
    store.append(store.open_strands(1), {"wide": np.ones((10, 1, 150, 2), np.float32)}, 10)

    store.close()

    assert budget.used == 0
