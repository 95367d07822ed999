"""One suite over both twins of the row loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import gather_columns, take_rows, window_rows
from heronry.native.backend import Loops


@pytest.mark.parametrize("dtype", ["u1", "<i2", "<f4", "<f8", "?"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (4,), (8,), (2, 5), (0,), (300,)])
def test_rows_are_copied_and_negative_ones_are_zero(loops: Loops, dtype: str, shape: tuple[int, ...]) -> None:
    source = np.random.default_rng(1).integers(0, 100, (50, *shape)).astype(dtype)
    rows = np.array([3, 49, -1, 0, 3, -7])
    out = np.full((6, *shape), 77, dtype)

    take_rows(source, rows, out, loops=loops)

    expected = [source[r] if r >= 0 else np.zeros(shape, dtype) for r in rows]
    np.testing.assert_array_equal(out, np.stack(expected))


@given(st.integers(0, 4), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_a_slice_of_a_batch_is_filled_and_nothing_beside_it(loops: Loops, steps: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sources = [rng.standard_normal((100, 3)).astype(np.float32), rng.integers(0, 255, 100).astype(np.uint8)]
    rows = rng.integers(-1, 100, (steps, count))
    batches = [np.full((steps, count + 5, 3), 7, np.float32), np.full((steps, count + 5), 7, np.uint8)]

    gather_columns(sources, rows, [batch[:, 2 : 2 + count] for batch in batches], loops=loops)

    for source, batch in zip(sources, batches, strict=True):
        expected = np.full_like(batch, 7)
        for t in range(steps):
            for b in range(count):
                expected[t, 2 + b] = source[rows[t, b]] if rows[t, b] >= 0 else 0
        np.testing.assert_array_equal(batch, expected)


def test_outputs_need_no_alignment(loops: Loops) -> None:
    source = np.arange(10, dtype=np.float64)
    out = np.frombuffer(bytearray(8 * 3 + 1), np.float64, 3, offset=1)

    take_rows(source, np.array([9, 0, 5]), out, loops=loops)

    assert out.tolist() == [9, 0, 5]


def test_a_row_past_the_end_is_refused(loops: Loops) -> None:
    with pytest.raises(IndexError):
        take_rows(np.zeros((5, 2)), np.array([0, 5]), np.zeros((2, 2)), loops=loops)


@pytest.mark.parametrize("out", [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((2, 2), np.float32), np.zeros(4)])
def test_an_output_that_does_not_fit_is_refused(loops: Loops, out: np.ndarray) -> None:
    with pytest.raises(ValueError):
        take_rows(np.zeros((5, 2)), np.array([0, 1]), out, loops=loops)


def test_as_many_outputs_as_sources_are_needed(loops: Loops) -> None:
    with pytest.raises(ValueError):
        gather_columns([np.zeros(3)], np.array([0]), [], loops=loops)


def test_a_read_only_output_is_refused(loops: Loops) -> None:
    out = np.zeros(1)
    out.flags.writeable = False

    with pytest.raises((ValueError, BufferError)):
        take_rows(np.zeros(3), np.array([0]), out, loops=loops)


class Chains:
    """Pages in random order, chained by lanes; a step's row by the definition."""

    def __init__(self, seed: int, page_rows: int = 12, num_pages: int = 12) -> None:
        rng = np.random.default_rng(seed)
        self.page_rows = page_rows
        self.next_page = np.full(num_pages, -1)
        self.lanes = np.ones(num_pages, np.int64)
        self.chains = [c for c in np.array_split(rng.permutation(num_pages), rng.integers(1, 5)) if len(c)]
        for chain in self.chains:
            self.lanes[chain] = rng.choice([1, 2, 3, 5, 12])
            self.next_page[chain[:-1]] = chain[1:]

    def row(self, chain: np.ndarray, lane: int, step: int) -> int:
        lanes = int(self.lanes[chain[0]])
        page, within = divmod(step, self.page_rows // lanes)
        return int(chain[page]) * self.page_rows + within * lanes + lane if page < len(chain) else -1

    def window(self, rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
        chain = self.chains[rng.integers(len(self.chains))]
        lanes = int(self.lanes[chain[0]])
        return chain, int(rng.integers(lanes)), int(rng.integers(self.page_rows // lanes * len(chain)))


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(0, 30), st.booleans())
def test_windows_follow_the_page_chain(loops: Loops, seed: int, count: int, num_steps: int, own: bool) -> None:
    rng = np.random.default_rng(seed)
    chains = Chains(seed)
    windows = [chains.window(rng) for _ in range(count)]
    rows = np.array([chains.row(*window) for window in windows], np.int64)
    steps = rng.integers(-2, 30, (num_steps, count) if own else num_steps)

    found = window_rows(rows, steps, chains.next_page, chains.lanes, chains.page_rows, loops=loops)

    expected = np.zeros((num_steps, count), np.int64)
    for t in range(num_steps):
        for b, (chain, lane, first) in enumerate(windows):
            step = steps[t, b] if own else steps[t]
            expected[t, b] = chains.row(chain, lane, first + step) if step >= 0 else -1
    np.testing.assert_array_equal(found, expected)


def test_a_row_outside_the_pages_is_refused(loops: Loops) -> None:
    pages = np.full(2, -1), np.ones(2, np.int64)

    for row in (-1, 20):
        with pytest.raises(IndexError):
            window_rows(np.array([row]), np.arange(2), *pages, 10, loops=loops)
