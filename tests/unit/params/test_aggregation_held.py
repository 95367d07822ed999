"""Holding the contributions of a round: in memory up to a bound, beyond it in a file."""

import resource
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from heronry.native import measure
from heronry.params.core.aggregation import Accumulator, Contribution, Difference, accumulator_of
from heronry.params.core.aggregation.row_reader import SCRATCH_BYTES
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.types.aggregation import Aggregation, AggregationRule, GeometricMedian, Krum, Median, TrimmedMean
from heronry.types.errors import ResourceExhaustedError
from heronry.types.tensors import ModelSchema

RULES = [Median(), TrimmedMean(1), Krum(1), Krum(1, 2), GeometricMedian()]
SIZE = 1000


def accumulator(rule: AggregationRule, folder: Path, num_in_memory: int, size: int = SIZE) -> Accumulator:
    layout = ParameterLayout(ModelSchema.of({"w": np.zeros(size, np.float32)}))
    aggregation = Aggregation(rule, max_held_bytes=max(1, num_in_memory * size * 4))
    return accumulator_of(aggregation, layout, 200, BufferPool(0), folder)


def contribution(seed: int, factor: float = 1.0, is_anchored: bool = False, size: int = SIZE) -> Contribution:
    values = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return Contribution(Difference(values, is_anchored=is_anchored), factor, 1.0, *measure(values))


def add_all(target: Accumulator, parts: list[Contribution], newest: np.ndarray) -> None:
    for part in parts:
        target.add(target.prepare(part, newest))


def num_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def small_files() -> Iterator[None]:
    """Lets no file of this process grow beyond two rows, as a quota or a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * SIZE * 4, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("num_in_memory", [0, 3])
@pytest.mark.parametrize("is_mixed", [False, True])
def test_held_in_a_file_the_result_is_the_same_bit_for_bit(rule, num_in_memory, is_mixed, tmp_path: Path) -> None:
    newest = np.random.default_rng(9).normal(size=SIZE).astype(np.float32)
    parts = [contribution(i, 0.5 if is_mixed and i % 2 else 1.0, is_mixed and i % 3 == 0) for i in range(7)]
    in_memory, spilled = accumulator(rule, tmp_path, 100), accumulator(rule, tmp_path, num_in_memory)
    add_all(in_memory, parts, newest)
    add_all(spilled, parts, newest)

    one, other = in_memory.mean(newest), spilled.mean(newest)

    assert (one.values.tobytes(), one.anchor, one.scale) == (other.values.tobytes(), other.anchor, other.scale)
    spilled.close()


def test_the_file_has_no_name_and_is_closed_with_the_round(tmp_path: Path) -> None:
    folder, newest = tmp_path / "spill", np.zeros(SIZE, np.float32)
    target = accumulator(Median(), folder, 0)
    before = num_open_files()

    add_all(target, [contribution(1), contribution(2)], newest)

    assert list(folder.iterdir()) == []
    assert num_open_files() == before + 1
    target.clear()
    assert num_open_files() == before


def test_equal_contributions_in_file_and_memory_have_one_order(tmp_path: Path) -> None:
    newest = np.zeros(SIZE, np.float32)
    values = contribution(1).difference.values
    flipped = values[::-1].copy()
    # Equal norms: only the values tell the two apart.
    parts = [Contribution(Difference(v), 1.0, 1.0, 5.0, 1.0) for v in (values, flipped, values, flipped, values)]
    results = []
    for order in (parts, parts[::-1]):
        target = accumulator(Krum(1, 2), tmp_path, 2)
        add_all(target, order, newest)
        results.append(target.mean(newest).values.tobytes())
        target.close()

    assert results[0] == results[1]


def test_a_full_disk_refuses_the_contribution_and_holds_nothing_of_it(tmp_path: Path, small_files) -> None:
    newest = np.zeros(SIZE, np.float32)
    target = accumulator(Median(), tmp_path, 1)
    add_all(target, [contribution(i) for i in range(3)], newest)
    before = target.mean(newest).values.tobytes()

    with pytest.raises(ResourceExhaustedError, match="no room for 4000 bytes"):
        target.prepare(contribution(3), newest)

    assert target.num_contributions == 3
    assert target.mean(newest).values.tobytes() == before
    target.close()


def test_a_discarded_contribution_makes_room_for_the_next(tmp_path: Path, small_files) -> None:
    newest = np.zeros(SIZE, np.float32)
    target = accumulator(Median(), tmp_path, 0)
    add_all(target, [contribution(0)], newest)
    for i in range(1, 5):
        target.discard(target.prepare(contribution(i), newest))

    target.add(target.prepare(contribution(9), newest))

    both = np.stack([contribution(0).difference.values, contribution(9).difference.values])
    np.testing.assert_allclose(target.mean(newest).values, np.median(both, axis=0), rtol=1e-6)
    target.close()


def test_a_folder_that_cannot_be_made_refuses_the_contribution(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = accumulator(Median(), tmp_path / "file", 0)

    with pytest.raises(ResourceExhaustedError, match="no file to hold contributions in"):
        target.prepare(contribution(0), np.zeros(SIZE, np.float32))


@pytest.mark.parametrize("rule", [Median(), Krum(1)])
def test_reading_takes_a_bounded_memory_whatever_is_held(rule: AggregationRule, tmp_path: Path) -> None:
    size, num_rows = 1 << 17, 60
    newest = np.zeros(size, np.float32)
    target = accumulator(rule, tmp_path, 0, size)
    # Rows of one value each: 30 MiB in all.
    for i in range(num_rows):
        values = np.full(size, i, np.float32)
        target.add(target.prepare(Contribution(Difference(values), 1.0, 1.0, float(i), float(size * i * i)), newest))
    del values

    tracemalloc.start()
    target.mean(newest)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    target.close()

    # The result, the scratch, and small change.
    assert peak <= 4 * size + SCRATCH_BYTES + (1 << 20)


@pytest.mark.parametrize("rule", RULES)
def test_a_model_without_learnt_tensors_has_an_empty_mean(rule: AggregationRule, tmp_path: Path) -> None:
    newest = np.zeros(0, np.float32)
    target = accumulator(rule, tmp_path, 0, size=0)
    add_all(target, [contribution(i, size=0) for i in range(5)], newest)

    assert target.mean(newest).values.shape == (0,)


@pytest.mark.parametrize("rule", RULES)
def test_float64_models_keep_their_precision(rule: AggregationRule, tmp_path: Path) -> None:
    # Differences that float32 cannot tell from 1.
    rows = 1.0 + 1e-12 * np.random.default_rng(4).normal(size=(7, 30))
    layout = ParameterLayout(ModelSchema.of({"w": np.zeros(30)}))
    target = accumulator_of(Aggregation(rule, max_held_bytes=1), layout, 7, BufferPool(0), tmp_path)
    newest = np.zeros(30)
    add_all(target, [Contribution(Difference(row), 1.0, 1.0, *measure(row)) for row in rows], newest)

    result = target.mean(newest)

    error = result.values * result.scale - np.median(rows, axis=0)
    assert np.abs(error).max() < 5e-12
    target.close()
