import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_pool import StorageSettings
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.windows import Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError, SchemaMismatchError
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn, StackStart
from heronry.types.tensors import ElementType

WIDE = ColumnSpec("wide", ElementType.FLOAT32, (150, 2))
STEP = ColumnSpec("step", ElementType.INT64, ())
DONE = ColumnSpec("done", ElementType.BOOL, ())
SPECS = (WIDE, STEP, DONE)


class ReferenceWriter:
    """Keeps each lane as lists of (step number, whether it ended an episode) and cuts it one window at a time."""

    def __init__(self, lanes: int, pattern: Pattern) -> None:
        self.pattern = pattern
        self.lanes: list[list[int]] = [[] for _ in range(lanes)]
        self.episode_starts: list[list[int]] = [[] for _ in range(lanes)]
        self.next_starts = [0] * lanes
        self.episode_start = [0] * lanes
        self.num_steps = 0

    def append(self, values: np.ndarray, done: np.ndarray, lane_ends: np.ndarray) -> list[tuple]:
        """Return (last step, lane, first step, length) of the windows completed, in the store's order."""
        pattern, windows = self.pattern, []
        for row, (steps, flags) in enumerate(zip(values, done, strict=True)):
            for lane, (step, flag) in enumerate(zip(steps, flags, strict=True)):
                told = bool(lane_ends[lane]) and row == len(values) - 1
                self.lanes[lane].append(int(step))
                self.episode_starts[lane].append(self.episode_start[lane])
                end = len(self.lanes[lane])
                begins_anew = told or (flag and pattern.episode_end is not EpisodeEnd.CROSS)
                while (start := self.next_starts[lane]) + pattern.num_steps <= end:
                    windows.append((row, lane, start, pattern.num_steps))
                    self.next_starts[lane] += pattern.period
                if begins_anew and pattern.episode_end is EpisodeEnd.SHORTEN:
                    for start in range(self.next_starts[lane], end - pattern.min_steps + 1, pattern.period):
                        windows.append((row, lane, start, end - start))
                if begins_anew:
                    self.next_starts[lane] = end
                if flag or told:
                    self.episode_start[lane] = end
        return windows

    def item(self, lane: int, start: int, length: int) -> dict[str, np.ndarray]:
        """Return every output of an item by the pattern, a step at a time; zeros are step number -1."""
        outputs = {}
        for column in self.pattern.columns:
            stop = self.pattern.num_steps if column.stop is None else column.stop
            rows = [self._values(column, lane, start, offset, length) for offset in range(column.start, stop)]
            outputs[column.name] = np.array(rows[0] if column.squeeze else rows)
        return outputs

    def cut(self) -> None:
        self.__init__(len(self.lanes), self.pattern)

    def _values(self, column: PatternColumn, lane: int, start: int, offset: int, length: int) -> list[int] | int:
        if offset >= length and not column.squeeze:
            return [-1] * column.stack if column.stack > 1 else -1
        step = start + min(offset, length - 1)
        first = self.episode_starts[lane][step]
        stack = []
        for wanted in range(step - column.stack + 1, step + 1):
            is_before = wanted < first
            value = self.lanes[lane][max(wanted, first)]
            stack.append(-1 if is_before and column.stack_start is StackStart.ZERO else value)
        return stack if column.stack > 1 else stack[0]


def columns_of(values: np.ndarray, done: np.ndarray) -> dict[str, np.ndarray]:
    return {"done": done, "step": values, "wide": wide_of(values)}


def wide_of(values: np.ndarray) -> np.ndarray:
    wide = (values[..., None, None] * 0.5 + np.arange(300).reshape(150, 2)).astype(np.float32)
    return np.where(values[..., None, None] < 0, np.float32(0), wide)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    num_steps = draw(st.integers(1, 40))
    columns = []
    for index in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, num_steps - 1))
        squeeze = draw(st.booleans())
        stop = start + 1 if squeeze else draw(st.integers(start + 1, num_steps))
        stack = draw(st.integers(1, 6))
        stack_start = draw(st.sampled_from(StackStart))
        for name in ("step", "wide"):
            columns.append(PatternColumn(name, f"{name}{index}", start, stop, squeeze, stack, stack_start))
    return Pattern(
        num_steps,
        draw(st.integers(1, 45)),
        tuple(columns),
        draw(st.sampled_from(EpisodeEnd)),
        ("done",),
        draw(st.integers(1, num_steps)),
    )


@settings(max_examples=80)
@given(
    lanes=st.integers(1, 70),
    pattern=patterns(),
    blocks=st.lists(st.one_of(st.integers(1, 90), st.just(0)), min_size=1, max_size=8),
    end_rate=st.sampled_from([0.0, 0.02, 0.3]),
    compressed=st.sampled_from([(), ("wide",)]),
    drop=st.randoms(use_true_random=False),
)
def test_items_gathered_are_the_windows_of_their_lanes(
    lanes: int, pattern: Pattern, blocks: list[int], end_rate: float, compressed: tuple[str, ...], drop: object
) -> None:
    budget = ByteBudget(256 << 20)
    store = StepStore("t", SPECS, pattern, budget, settings=StorageSettings(compressed_columns=compressed))
    writers = [(store.open_strands(n), ReferenceWriter(n, pattern)) for n in (lanes, 3)]
    held: list[tuple[Windows, dict[str, np.ndarray]]] = []
    counter = 0
    rng = np.random.default_rng(drop.randrange(1 << 30))
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
        done, lane_ends = rng.random(values.shape) < end_rate, rng.random(width) < end_rate

        appended = store.append(strands, columns_of(values, done), steps, lane_ends)

        expected = reference.append(values, done, lane_ends)
        assert appended.ends.tolist() == [[row, lane] for row, lane, _, _ in expected]
        for at in rng.permutation(len(expected))[:20]:
            _, lane, start, length = expected[at]
            held.append((appended.windows[at : at + 1], reference.item(lane, start, length)))
        _release_others(store, appended.windows, held)
        for _ in range(len(held) // 3):
            store.release(held.pop(drop.randrange(len(held)))[0])

        if held:
            _check_batch(store, pattern, held)
    for windows, _ in held:
        store.release(windows)
    for strands, _ in writers:
        for strand in strands:
            strand.cut()
    assert store.num_bytes == 0
    assert store.num_step_bytes == 0


def _release_others(store: StepStore, windows: Windows, held: list) -> None:
    """Hold what is kept once more and release all: only the kept ones stay."""
    for kept, _ in held[-min(20, len(windows)) :] if len(windows) else []:
        store.hold(kept)
    store.release(windows)


def _check_batch(store: StepStore, pattern: Pattern, held: list) -> None:
    batch = store.gather(Windows.concatenate([w for w, _ in held]))
    for column in pattern.columns:
        axis = 0 if column.squeeze else 1
        steps = np.stack([item[column.name] for _, item in held], axis=axis)
        if column.column == "wide":
            np.testing.assert_array_equal(batch[column.name], wide_of(steps))
        else:
            np.testing.assert_array_equal(batch[column.name], np.where(steps < 0, 0, steps))


def test_a_batch_is_filled_in_parts_and_other_rows_stay() -> None:
    pattern = Pattern(3, 1, (PatternColumn("step", stack=2), PatternColumn("step", "last", 2, 3, squeeze=True)))
    store = StepStore("t", (STEP,), pattern, ByteBudget(1 << 24))
    appended = store.append(store.open_strands(1), {"step": np.arange(100, 110)[:, None]}, 10)
    outputs = {"step": np.full((3, 4, 2), -7), "last": np.full(4, -7)}

    store.gather_into(appended.windows[2:4], outputs, 1)

    assert outputs["last"].tolist() == [-7, 104, 105, -7]
    assert outputs["step"][:, 1].tolist() == [[101, 102], [102, 103], [103, 104]]
    assert (outputs["step"][:, [0, 3]] == -7).all()
    shapes = [(s.path, s.shape) for s in store.layout((), 4)]
    assert shapes == [("step", (3, 4, 2)), ("last", (4,))]


def test_pages_return_when_neither_item_nor_window_to_come_needs_them() -> None:
    budget = ByteBudget(64 << 20)
    store = StepStore("t", (STEP,), Pattern(4, 4), budget)
    strands = store.open_strands(2)
    for start in range(0, 200_000, 1000):
        windows = store.append(strands, {"step": np.arange(start, start + 1000).reshape(500, 2)}, 500).windows
        store.release(windows)

    # One page may still be open; nothing grew with what passed through.
    assert store.num_bytes <= 2048 * 8
    assert budget.used <= 1 << 20


def test_the_byte_budget_refuses_with_figures_and_stores_nothing() -> None:
    budget = ByteBudget(1 << 20)
    store = StepStore("t", (WIDE,), Pattern(1, 1), budget)
    strands = store.open_strands(1)
    block = {"wide": np.ones((400, 1, 150, 2), np.float32)}
    held = [store.append(strands, block, 400).windows, store.append(strands, block, 400).windows]
    in_use = store.num_bytes
    assert store.pages_short(strands, 400) > 0

    with pytest.raises(ResourceExhaustedError, match="1048576") as refused:
        store.append(strands, block, 400)

    assert refused.value.details["max_bytes"] == "1048576"
    assert store.num_bytes == in_use
    assert budget.used <= budget.max_bytes

    store.release(held[0])
    assert store.pages_short(strands, 300) == 0
    assert len(store.append(strands, block, 300).windows) == 300


def test_a_table_of_its_own_bound_refuses_below_the_services() -> None:
    budget = ByteBudget(64 << 20)
    settings_ = StorageSettings(max_bytes=200_000)
    store = StepStore("t", (WIDE,), Pattern(1, 1), budget, settings=settings_)
    strands = store.open_strands(1)
    store.append(strands, {"wide": np.ones((128, 1, 150, 2), np.float32)}, 128)

    with pytest.raises(ResourceExhaustedError, match="153600 of 200000 are in use"):
        store.append(strands, {"wide": np.ones((1, 1, 150, 2), np.float32)}, 1)

    assert store.pages_short(strands, 1) == 1
    assert budget.used <= 200_000


def test_a_budget_smaller_than_one_block_is_refused_at_once() -> None:
    with pytest.raises(ResourceExhaustedError, match=r"max_bytes: got 5000, .* at least 76800"):
        StepStore("t", (WIDE,), Pattern(1, 1), ByteBudget(5000))


def test_closing_gives_the_bytes_back() -> None:
    budget = ByteBudget(1 << 20)
    store = StepStore("t", (WIDE,), Pattern(1, 1), budget)
    store.append(store.open_strands(1), {"wide": np.ones((10, 1, 150, 2), np.float32)}, 10)

    store.close()

    assert budget.used == 0


def test_slices_name_steps_of_the_last_block_and_of_a_window_before_it() -> None:
    store = StepStore("t", (STEP,), Pattern(5, 0), ByteBudget(1 << 24))
    strands = store.open_strands(2)
    for start in (0, 1000, 3000):
        values = np.arange(start, start + 2000).reshape(1000, 2)
        assert len(store.append(strands, {"step": values}, 1000).windows) == 0

    windows = store.slices(strands, np.array([1, 0]), np.array([1996, 2998]), np.array([5, 2]))

    batch = store.gather(windows)["step"]
    assert batch[:, 0].tolist() == [2993, 2995, 2997, 2999, 3001]
    assert batch[:, 1].tolist() == [4996, 4998, 0, 0, 0]
    assert windows.lengths.tolist() == [5, 2]


@pytest.mark.parametrize(
    ("lanes", "starts", "lengths", "message"),
    [
        ([0, 2], [10, 10], [1, 1], r"items.lanes\[1\]: got 2, allowed: 0 to 1"),
        ([0, 1], [10, 10], [1, 6], r"items.lengths\[1\]: got 6, allowed: 1 to 5"),
        ([0, 0], [10, 10], [0, 5], r"items.lengths\[0\]: got 0, allowed: 1 to 5"),
        ([0, 1], [5, 4], [1, 2], r"items.starts\[1\]: got 4, allowed: 5 to 18, with a length of 2 in lane 1: "),
        ([0, 1], [5, 19], [1, 2], r"items.starts\[1\]: got 19, allowed: 5 to 18, with a length of 2 in lane 1: "),
    ],
)
def test_a_slice_of_steps_that_are_not_kept_is_refused(
    lanes: list[int], starts: list[int], lengths: list[int], message: str
) -> None:
    store = StepStore("t", (STEP,), Pattern(5, 0), ByteBudget(1 << 24))
    strands = store.open_strands(2)
    for _ in range(2):
        store.append(strands, {"step": np.zeros((10, 2), np.int64)}, 10)

    with pytest.raises(InvalidArgumentError, match=message):
        store.slices(strands, np.array(lanes), np.array(starts), np.array(lengths))


@pytest.mark.parametrize(
    ("pattern", "compressed", "message"),
    [
        (Pattern(1, 1, (PatternColumn("image"),)), (), "pattern.columns.image.column: got 'image'"),
        (Pattern(2, 1, (), EpisodeEnd.DROP, ("step",)), (), r"pattern.end_columns: got 'step: int64\[\]'"),
        (Pattern(2, 1, (), EpisodeEnd.DROP, ("over",)), (), "pattern.end_columns: got 'over'"),
        (Pattern(), ("image",), "definition.compressed_columns: got 'image'"),
    ],
)
def test_names_of_columns_that_are_not_there_are_refused(
    pattern: Pattern, compressed: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        StepStore("t", SPECS, pattern, ByteBudget(1 << 24), settings=StorageSettings(compressed_columns=compressed))


def test_an_output_that_the_pattern_has_not_is_refused() -> None:
    store = StepStore("t", SPECS, Pattern(), ByteBudget(1 << 24))

    with pytest.raises(SchemaMismatchError, match=r"header\.columns: got 'image', allowed: some of wide, step, done"):
        store.layout(("step", "image"), 4)


@pytest.mark.parametrize(("num_bytes", "page_rows"), [(300_000, 8), (4 << 20, 4), (64 << 10, 64), (1, 2048)])
def test_pages_of_huge_steps_have_fewer_rows(num_bytes: int, page_rows: int) -> None:
    specs = (ColumnSpec("pixels", ElementType.UINT8, (num_bytes,)),)
    assert StepStore("frames", specs, Pattern(1, 1), ByteBudget(64 << 20))._pool.page_rows == page_rows


def test_a_bound_below_a_page_is_refused_by_its_name() -> None:
    specs = (ColumnSpec("pixels", ElementType.UINT8, (300_000,)),)
    with pytest.raises(ResourceExhaustedError, match=r"max_bytes: got 1048576,.* at least 2400000, a page of 8 steps"):
        StepStore("frames", specs, Pattern(1, 1), ByteBudget(1 << 20))
