"""Steps on their way into a block: column buffers filled in place, one row a step."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.types.columns import Columns, ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion

Step = Mapping[str, object]

DEFAULT_BLOCK_STEPS: Final = 256
_BLOCK_BYTES: Final = 512 << 10
UNKNOWN_VERSION: Final = ParameterVersion(0, 0)


def block_steps_for(columns: Sequence[ColumnSpec], num_lanes: int) -> int:
    """Return how many steps make a block: 256, fewer where these would exceed 512 KiB."""
    step_bytes = max(1, num_lanes * sum(spec.num_bytes for spec in columns))
    return min(DEFAULT_BLOCK_STEPS, max(1, _BLOCK_BYTES // step_bytes))


class StepBuffer:
    """One block of `[T, N, ...]` columns that is filled step by step; knows no stream.

    A block has one behaviour version, and priorities for all of its steps or for none: `adopt` says which, and
    tells whether the steps that are there agree. It is complete, and takes no more, when it is full or when a
    lane ends with its last step.
    The whole of a block's first step is checked; later ones are checked by what NumPy refuses to assign.
    """

    def __init__(self, columns: Sequence[ColumnSpec], num_lanes: int, num_steps: int) -> None:
        self.version = UNKNOWN_VERSION
        self.is_complete = False
        self.num_filled = 0
        self.number = 0
        self._specs = tuple(columns)
        self.num_lanes = num_lanes
        self._num_steps = num_steps
        self._arrays = {s.path: np.zeros((num_steps, num_lanes, *s.shape), s.element_type.dtype) for s in columns}
        self._all_lanes = tuple(self._arrays.items())
        # A step of the only lane is a row of these.
        self._one_lane = tuple((path, array[:, 0]) for path, array in self._arrays.items())
        self._priorities = np.zeros((num_steps, num_lanes), np.float64)
        self.has_priorities = False
        self._ends = np.zeros(num_lanes, np.bool_)
        self._lanes_done: set[int] = set()

    @property
    def num_begun(self) -> int:
        """Steps that are there, one that some lanes lack included."""
        return self.num_filled + bool(self._lanes_done)

    def is_ahead(self, lane: int) -> bool:
        """Tell whether a lane has given a step that others lack."""
        return lane in self._lanes_done

    def adopt(self, version: ParameterVersion | None, has_priority: bool) -> bool:
        """Take the next step's version, None for the one before; False when the steps that are there differ."""
        version = self.version if version is None else version
        if self.num_begun and (version != self.version or has_priority is not self.has_priorities):
            return False
        self.version, self.has_priorities = version, has_priority
        return True

    def put_step(self, step: Step, priority: float | None, is_end: bool) -> bool:
        """Write the next step of the only lane; return whether the block is complete.

        Raises:
          SchemaMismatchError: names the column that does not fit; the step counts as not given.
        """
        row = self.num_filled
        if row == 0 or len(step) != len(self._specs):
            self._check(step, ())
        path = ""
        try:
            for path, column in self._one_lane:
                column[row] = step[path]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self._refused(path, step, (), error) from error
        if priority is not None:
            self._priorities[row, 0] = priority
        if is_end:
            self._ends[0] = True
            self.is_complete = True
        self.num_filled = row = row + 1
        if row == self._num_steps:
            self.is_complete = True
        return self.is_complete

    def put_batch(
        self,
        steps: Step,
        priorities: npt.NDArray[np.float64] | None,
        ends: npt.NDArray[np.bool_] | None,
    ) -> bool:
        """Write the next step of all lanes, `[N, ...]` columns; return whether the block is complete.

        Raises:
          SchemaMismatchError: names the column that does not fit; the step counts as not given.
          InvalidArgumentError: some lanes have given a step of their own that others lack.
        """
        self.check_lanes_level()
        row = self.num_filled
        if row == 0 or len(steps) != len(self._specs):
            self._check(steps, (self.num_lanes,))
        path = ""
        try:
            for path, column in self._all_lanes:
                column[row] = steps[path]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self._refused(path, steps, (self.num_lanes,), error) from error
        if priorities is not None:
            self._priorities[row] = priorities
        if ends is not None:
            self._ends[:] = ends
        return self._finish_row()

    def put_lane_step(self, step: Step, lane: int, priority: float | None, is_end: bool) -> bool:
        """Write the next step of one of several lanes; return whether the block is complete.

        Raises:
          SchemaMismatchError: names the column that does not fit; the step counts as not given.
          InvalidArgumentError: no such lane, or it is a step ahead of others already.
        """
        if not 0 <= lane < self.num_lanes:
            raise InvalidArgumentError.of("lane", lane, f"0 to {self.num_lanes - 1}")
        if lane in self._lanes_done:
            raise InvalidArgumentError.of("lane", lane, f"a lane that is not a step ahead: {self._lanes_behind()}")
        self._check(step, ())
        row = self.num_filled
        path = ""
        try:
            for path, column in self._all_lanes:
                column[row, lane] = step[path]
        except (TypeError, ValueError, OverflowError) as error:
            raise self._refused(path, step, (), error) from error
        if priority is not None:
            self._priorities[row, lane] = priority
        self._ends[lane] = is_end
        self._lanes_done.add(lane)
        return len(self._lanes_done) == self.num_lanes and self._finish_row()

    def columns(self) -> Columns:
        """Return views of the steps that are whole, `[T, N, ...]`."""
        return {path: array[: self.num_filled] for path, array in self._all_lanes}

    def priorities(self) -> npt.NDArray[np.float64] | None:
        """Return the priorities of these steps, `[T, N]`; None when they were given without."""
        return self._priorities[: self.num_filled] if self.has_priorities else None

    def lane_ends(self) -> npt.NDArray[np.bool_] | None:
        """Return which lanes end with the last step, `[N]`; None: none does."""
        return self._ends.copy() if self.is_complete and self._ends.any() else None

    def clear(self) -> None:
        """Begin the next block; a step that some lanes lack goes over into it."""
        if self._lanes_done:
            for _, array in self._all_lanes:
                array[0] = array[self.num_filled]
            self._priorities[0] = self._priorities[self.num_filled]
        else:
            self._ends[:] = False
        self.num_filled = 0
        self.is_complete = False
        self.number += 1

    def check_lanes_level(self) -> None:
        """Raise InvalidArgumentError when some lanes are a step ahead of others."""
        if self._lanes_done:
            raise InvalidArgumentError.of(
                "lane", sorted(self._lanes_done), f"a step of lanes {self._lanes_behind()} first"
            )

    def _finish_row(self) -> bool:
        self._lanes_done.clear()
        self.num_filled += 1
        self.is_complete = self.num_filled == self._num_steps or bool(self._ends.any())
        return self.is_complete

    def _lanes_behind(self) -> list[int]:
        return [lane for lane in range(self.num_lanes) if lane not in self._lanes_done]

    def _check(self, step: Step, leading: tuple[int, ...]) -> None:
        if not isinstance(step, Mapping):
            raise SchemaMismatchError.of("step", type(step), "a mapping of names to values")
        if step.keys() != self._arrays.keys():
            raise SchemaMismatchError.of("step", sorted(map(str, step)), str(sorted(self._arrays)))
        for spec in self._specs:
            _check_value(spec, step[spec.path], leading)

    def _refused(
        self, path: str, step: Step, leading: tuple[int, ...], error: Exception
    ) -> SchemaMismatchError | InvalidArgumentError:
        """Return the error of a column that could not be assigned."""
        self._check(step, leading)
        spec = next(s for s in self._specs if s.path == path)
        return SchemaMismatchError.of(f"step.{path}", _shown(step[path]), f"{_described(spec, leading)} ({error})")


def _check_value(spec: ColumnSpec, value: object, leading: tuple[int, ...]) -> None:
    """Raise SchemaMismatchError unless a value has the column's shape and converts to its type without loss of kind."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise SchemaMismatchError.of(f"step.{spec.path}", _shown(value), _described(spec, leading)) from None
    if array.shape != (*leading, *spec.shape):
        raise SchemaMismatchError.of(f"step.{spec.path}.shape", array.shape, str((*leading, *spec.shape)))
    if not _converts(array, value, spec.element_type.dtype):
        raise SchemaMismatchError.of(f"step.{spec.path}.element_type", str(array.dtype), _described(spec, leading))


def _converts(array: Array, value: object, dtype: np.dtype[np.generic]) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        # Of any width: NumPy itself refuses a number that does not fit.
        return dtype.kind in "iuf"
    return np.can_cast(array.dtype, dtype, "same_kind")


def _described(spec: ColumnSpec, leading: tuple[int, ...]) -> str:
    return f"{spec.element_type.name.lower()}{[*leading, *spec.shape]}"


def _shown(value: object) -> object:
    text = repr(value)
    return value if len(text) <= 80 else type(value)
