"""Measuring a vector while it comes in."""

import math

import numpy as np
import pytest

from heronry.native import MEASURED_BLOCK, measure
from heronry.params.core.measured_copy import MeasuredCopy

VALUES = np.random.default_rng(0).normal(size=3 * MEASURED_BLOCK + 5).astype(np.float32)


def copied(values: np.ndarray, ends: list[int]) -> tuple[MeasuredCopy, np.ndarray]:
    out = np.zeros_like(values)
    target, source = MeasuredCopy(out), values.view(np.uint8)
    begin = 0
    for end in [*ends, source.size]:
        target.place(begin, source[begin:end])
        begin = end
    return target, out


@pytest.mark.parametrize("blocks", [[], [1], [1, 2, 3], [2], [1, 1]])
def test_parts_of_whole_blocks_are_measured_as_the_vector_is(blocks: list[int]) -> None:
    target, out = copied(VALUES, [4 * MEASURED_BLOCK * block for block in blocks])

    assert target.sizes == measure(VALUES)
    assert out.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("ends", [[1], [4 * MEASURED_BLOCK, 4 * MEASURED_BLOCK + 4], [7, 4 * MEASURED_BLOCK]])
def test_parts_that_end_elsewhere_are_copied_but_not_measured(ends: list[int]) -> None:
    target, out = copied(VALUES, ends)

    assert target.sizes is None
    assert out.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, MEASURED_BLOCK, len(VALUES) - 1])
def test_a_value_that_is_not_finite_stays_seen(wrong: float, at: int) -> None:
    values = VALUES.copy()
    values[at] = wrong

    target, _ = copied(values, [4 * MEASURED_BLOCK, 8 * MEASURED_BLOCK])

    assert target.sizes is not None
    assert not math.isfinite(target.sizes[0])


def test_a_vector_that_is_not_complete_has_no_sizes() -> None:
    target = MeasuredCopy(np.zeros_like(VALUES))

    target.place(0, VALUES.view(np.uint8)[: 4 * MEASURED_BLOCK])

    assert target.sizes is None
    assert MeasuredCopy(np.zeros(0, np.float32)).sizes == (0.0, 0.0)
