"""Batches out of windows: which rows each output takes, and taking them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heronry.native import gather_columns, window_rows
from heronry.replay.core.step_columns import HISTORY
from heronry.replay.core.step_pool import StepPool
from heronry.replay.core.windows import Rows, Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import SchemaMismatchError
from heronry.types.patterns import Pattern, PatternColumn, StackStart
from heronry.types.tensors import Array, ElementType

_NO_ROW = -1


@dataclass(frozen=True)
class Selection:
    """Which steps of a window an output takes; outputs of equal selections take the same rows."""

    start: int
    stop: int
    is_squeezed: bool
    stack: int
    stack_start: StackStart


@dataclass(frozen=True)
class Output:
    """A column of a batch."""

    name: str
    spec: ColumnSpec
    selection: Selection

    def whole_shape(self, batch_size: int) -> tuple[int, ...]:
        """Return `[T, B, (K,) ...]`, or without the time axis where it is squeezed."""
        selection = self.selection
        time = () if selection.is_squeezed else (selection.stop - selection.start,)
        stack = (selection.stack,) if selection.stack > 1 else ()
        return (*time, batch_size, *stack, *self.spec.shape)


def outputs_of(pattern: Pattern, specs: Sequence[ColumnSpec], names: Sequence[str] = ()) -> tuple[Output, ...]:
    """Return the named outputs of a pattern over a table's columns, in the names' order; without names all.

    Raises:
      SchemaMismatchError: there is no such column or output, or an end column is not one boolean a step.
    """
    by_path = {s.path: s for s in specs}
    for path in pattern.end_columns:
        spec = by_path.get(path)
        if spec is None or spec.element_type is not ElementType.BOOL or spec.shape:
            got = path if spec is None else f"{path}: {spec.element_type.name.lower()}{list(spec.shape)}"
            raise SchemaMismatchError.of("pattern.end_columns", got, "columns of one bool a step")
    columns = pattern.columns or tuple(PatternColumn(s.path) for s in specs)
    made = {}
    for column in columns:
        if column.column not in by_path:
            field = f"pattern.columns.{column.name}.column"
            raise SchemaMismatchError.of(field, column.column, f"one of {', '.join(sorted(by_path))}")
        stop = pattern.num_steps if column.stop is None else column.stop
        selection = Selection(column.start, stop, column.squeeze, column.stack, column.stack_start)
        made[column.name] = Output(column.name, by_path[column.column], selection)
    unknown = sorted(set(names) - set(made))
    if unknown:
        raise SchemaMismatchError.of("header.columns", unknown[0], f"some of {', '.join(made)}")
    return tuple(made[name] for name in names or made)


class Gather:
    """Fills batches with some outputs of a pattern. Outputs that take the same rows are copied in one pass."""

    def __init__(self, pool: StepPool, pattern: Pattern, outputs: Sequence[Output]) -> None:
        self._pool = pool
        self._num_steps = pattern.num_steps
        self._reach = pattern.max_stack - 1
        self._is_plain = pattern.num_steps == 1 and self._reach == 0
        groups: dict[Selection, list[Output]] = {}
        for output in outputs:
            groups.setdefault(output.selection, []).append(output)
        self._groups = [RowGroup(pool, selection, members) for selection, members in groups.items()]
        self._held_steps = np.arange(pattern.num_steps + self._reach)

    def fill(self, windows: Windows, outputs: Mapping[str, Array], at: int) -> None:
        """Write the items to rows `at` and on of `[T, B, ...]` or `[B, ...]` outputs."""
        if self._is_plain:
            for group in self._groups:
                group.copy(windows.rows if group.selection.is_squeezed else windows.rows[None], outputs, at)
            return
        held = self._held_rows(windows.rows)
        frame = _Frame(self._pool, windows, held, self._num_steps)
        for group in self._groups:
            group.copy(frame.rows(group.selection), outputs, at)

    def _held_rows(self, rows: Rows) -> Rows:
        table = self._pool.table
        return window_rows(
            np.ascontiguousarray(rows), self._held_steps, table.next_page, table.lanes, self._pool.page_rows
        )


class _Frame:
    """The rows of some windows: `held` `[H, B]` are those of their held steps, -1 past a lane's end."""

    def __init__(self, pool: StepPool, windows: Windows, held: Rows, num_steps: int) -> None:
        self._pool = pool
        self._held = held
        self._leads = None if windows.leads is None else windows.leads.astype(np.int64)
        self._lengths = None if windows.lengths is None else windows.lengths.astype(np.int64)
        self._shortest = num_steps if self._lengths is None else int(self._lengths.min(initial=num_steps))
        self._items = np.arange(held.shape[1])

    def rows(self, selection: Selection) -> Rows:
        """Return `[T, B * K]` rows, or `[B * K]` where the time axis is squeezed; -1 for zeros."""
        if selection.stack > 1:
            rows = self._stacked(np.arange(selection.start, selection.stop)[:, None], selection)
        elif self._leads is None and self._shortest >= selection.stop:
            rows = self._held[selection.start : selection.stop]
        else:
            rows = self._single(np.arange(selection.start, selection.stop)[:, None], selection)
        return rows[0] if selection.is_squeezed else rows

    def _single(self, steps: Rows, selection: Selection) -> Rows:
        if self._leads is None and not selection.is_squeezed:
            return self._masked(self._held[selection.start : selection.stop], steps, selection)
        return self._masked(self._row(self._clamped(steps)), steps, selection)

    def _clamped(self, steps: Rows) -> Rows:
        """Return the steps `[T, B]` with the last one in place of those past an item's end."""
        if self._lengths is None or self._shortest > int(steps[-1, 0]):
            return np.broadcast_to(steps, (len(steps), len(self._items)))
        return np.minimum(steps, self._lengths - 1)

    def _row(self, steps: Rows) -> Rows:
        """Return the rows of steps counted from the items' first; negative ones are held for stacks."""
        held = steps if self._leads is None else steps + self._leads
        return np.asarray(self._held[held, self._items])

    def _masked(self, rows: Rows, steps: Rows, selection: Selection) -> Rows:
        """Put -1 past an item's end, except where the last step stands in."""
        if self._lengths is None or selection.is_squeezed or self._shortest >= selection.stop:
            return rows
        is_past = steps >= self._lengths
        return np.where(is_past[..., None] if rows.ndim > 2 else is_past, _NO_ROW, rows)

    def _stacked(self, steps: Rows, selection: Selection) -> Rows:
        own = self._clamped(steps)
        history = self._pool.store.row_bytes[HISTORY.path][self._row(own), 0].astype(np.int64)
        back = np.arange(selection.stack - 1, -1, -1)
        reached = np.minimum(back, history[..., None])
        held = own[..., None] - reached
        if self._leads is not None:
            held = held + self._leads[:, None]
        rows = self._held[held, self._items[:, None]]
        if selection.stack_start is StackStart.ZERO:
            rows = np.where(back > history[..., None], _NO_ROW, rows)
        rows = self._masked(rows, steps, selection)
        return rows.reshape(len(steps), -1)


class RowGroup:
    """Outputs that take the same rows."""

    def __init__(self, pool: StepPool, selection: Selection, outputs: Sequence[Output]) -> None:
        self.selection = selection
        self._pool = pool
        plain = [o for o in outputs if o.spec.path not in pool.store.arenas and o.spec.num_bytes]
        self._names = [o.name for o in plain]
        self._sources = [pool.store.columns[o.spec.path] for o in plain]
        self._shapes = [o.spec.shape for o in plain]
        self._compressed = [o for o in outputs if o.spec.path in pool.store.arenas]

    def copy(self, rows: Rows, outputs: Mapping[str, Array], at: int) -> None:
        """Copy rows `[T, B * K]` or `[B * K]` to the batch rows `at` and on."""
        rows = np.ascontiguousarray(rows)
        first, last = at * self.selection.stack, at * self.selection.stack + rows.shape[-1]
        axis = 0 if self.selection.is_squeezed else 1
        outs = [
            self._part(outputs[name], shape, axis, first, last)
            for name, shape in zip(self._names, self._shapes, strict=True)
        ]
        gather_columns(self._sources, rows, outs)
        for output in self._compressed:
            part = self._part(outputs[output.name], output.spec.shape, axis, first, last)
            self._decompress(output.spec.path, rows, part)

    def _part(self, out: Array, shape: tuple[int, ...], axis: int, first: int, last: int) -> Array:
        if self.selection.stack > 1:
            # Stacks lie behind one another in a batch row: batch and stack are one axis of rows.
            out = out.reshape(-1, *shape) if axis == 0 else out.reshape(len(out), -1, *shape)
        return out[first:last] if axis == 0 else out[:, first:last]

    def _decompress(self, path: str, rows: Rows, out: Array) -> None:
        """Read values straight into the batch, one that comes again by a copy of the first."""
        if rows.size == 0:
            return
        arena = self._pool.store.arenas[path]
        size = arena.value_bytes
        references = self._pool.store.row_bytes[path][rows].view(np.uint64)[..., 0]
        first: dict[int, memoryview] = {}
        parts = [(out, rows, references)] if rows.ndim == 1 else zip(out, rows, references, strict=True)
        for values, step_rows, step_references in parts:
            content = values.reshape(-1).view(np.uint8).data
            for index, (row, reference) in enumerate(zip(step_rows.tolist(), step_references.tolist(), strict=True)):
                value = content[index * size : (index + 1) * size]
                if row == _NO_ROW:
                    value[:] = bytes(size)
                elif row in first:
                    value[:] = first[row]
                else:
                    arena.read(reference, value)
                    first[row] = value
