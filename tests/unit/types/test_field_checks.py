"""Declarations name the field that has a wrong type or is out of range, and keep plain numbers."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import duration
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType

FIFO = Selector.fifo()
TABLE = TableDefinition("t", FIFO, FIFO, RateLimiter.of_min_size(1), 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RateLimiter.of_min_size("a"), "rate_limiter.min_size: got 'a', allowed: a whole number, at least 1"),
        (lambda: RateLimiter.of_min_size(1.5), "rate_limiter.min_size: got 1.5"),
        (lambda: Selector.prioritized("x"), "selector.priority_exponent: got 'x', allowed: a finite number"),
        (lambda: Pattern.sequences("a", 1, columns=["x"]), "pattern.num_steps: got 'a'"),
        (lambda: Pattern(num_steps=2.5), "pattern.num_steps: got 2.5, allowed: a whole number, 1 to 65535"),
        (lambda: Pattern.sequences(4, 1, columns="observation"), "pattern.columns: got 'observation'"),
        (lambda: replace(TABLE, max_size="10"), "definition.max_size: got '10'"),
        (lambda: replace(TABLE, max_size=1e6), "definition.max_size: got 1000000.0"),
        (lambda: replace(TABLE, max_size=2**70), f"definition.max_size: got {2**70}"),
        (lambda: replace(TABLE, seed=-1), "definition.seed: got -1, allowed: a whole number, at least 0"),
        (lambda: replace(TABLE, acknowledgement="process"), "definition.acknowledgement: got 'process'"),
        (lambda: ColumnSpec("x", ElementType.INT8, 4), "column.x.shape: got 4"),
        (lambda: ColumnSpec("x", ElementType.INT8, (-1,)), "column.x.shape: got -1"),
        (lambda: ColumnSpec("x", ElementType.INT8, (2.5,)), "column.x.shape: got 2.5"),
        (lambda: ColumnSpec("x", object, ()), "column.x.element_type: got"),
    ],
)
def test_what_cannot_be_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    assert message in caught.value.message


@pytest.mark.parametrize("seconds", [-1, 1.1e9, float("nan"), "1", True])
def test_a_wait_lies_within_what_calls_can_wait(seconds: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^wait_s: got .*, allowed: 0 to 1000000000 s$"):
        duration("wait_s", seconds, 0.0)

    assert duration("wait_s", 1e9, 0.0) == 1e9


def test_numpy_numbers_and_types_are_taken() -> None:
    assert type(replace(TABLE, max_size=np.int32(5)).max_size) is int
    assert ColumnSpec("x", np.dtype("f4"), [np.int64(2)]) == ColumnSpec("x", ElementType.FLOAT32, (2,))


def test_differences_are_told_field_by_field() -> None:
    other = replace(TABLE, max_size=20, rate_limiter=RateLimiter.of_min_size(3))

    assert TABLE.differences(other) == ("rate_limiter.min_size is 1, not 3", "max_size is 10, not 20")
