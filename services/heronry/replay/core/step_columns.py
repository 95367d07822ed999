"""The bytes of step rows, column by column."""

from collections.abc import Iterator, Mapping, Sequence

import google_crc32c
import numpy as np
import numpy.typing as npt

from heronry.replay.core.byte_budget import TableBudget
from heronry.replay.core.step_memory import Bytes, StepMemory, StoredPart
from heronry.replay.core.value_arena import REFERENCE_BYTES, References, ValueArena
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.tensors import Array, ElementType

HISTORY = ColumnSpec("", ElementType.UINT8, ())
"""Column of the store's own: steps before a row's in its episode, at most 255."""

Checksums = npt.NDArray[np.uint32]


class StepColumns:
    """Every column as one array over all rows, so that a gather is one indexing a column.

    Attributes:
      columns: `[rows, *shape]` by path, those that are stored as they are.
      row_bytes: `[rows, bytes]` by path; of compressed columns the references.
      arenas: of compressed columns, by path.
    """

    def __init__(self, specs: Sequence[ColumnSpec], compressed: Sequence[str], memory: StepMemory) -> None:
        self.memory = memory
        self._specs = tuple(specs)
        self._compressed = frozenset(compressed)
        self._widths = {str(index): self._width(spec) for index, spec in enumerate(specs)}
        self.columns: dict[str, Array] = {}
        self.row_bytes: dict[str, Bytes] = {}
        self.arenas: dict[str, ValueArena] = {}
        self._regions: dict[str, Bytes] = {}

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a row as it is stored, without what arenas hold."""
        return sum(self._widths.values())

    def reserve(self, table: str, num_rows: int, budget: TableBudget) -> None:
        """Take the address space of all rows, and of as many compressed values as the budget allows."""
        for (name, width), spec in zip(self._widths.items(), self._specs, strict=True):
            region = self.memory.reserve(name, num_rows * width)[: num_rows * width]
            self._regions[name] = region
            self.row_bytes[spec.path] = region.reshape(num_rows, width)
            if spec.path in self._compressed:
                arena = ValueArena(table, spec, f"{name}.values", self.memory, budget)
                self.arenas[spec.path] = arena
                self._regions[f"{name}.values"] = arena.region
            elif width:
                self.columns[spec.path] = region.view(spec.element_type.dtype).reshape(num_rows, *spec.shape)
            else:
                self.columns[spec.path] = np.zeros((num_rows, *spec.shape), spec.element_type.dtype)

    def ensure(self, first: int, last: int, *, prefault: bool) -> None:
        """Make rows usable; see `StepMemory.ensure`.

        Raises:
          ResourceExhaustedError: the disk is full.
        """
        for name, width in self._widths.items():
            self.memory.ensure(name, first * width, last * width, prefault=prefault)

    def page_out(self, first: int, last: int) -> None:
        """Push rows out of memory, where they have a file to go to."""
        for name, width in self._widths.items():
            self.memory.page_out(name, first * width, last * width)

    def parts(self, pages: Sequence[int], first: int, last: int) -> Iterator[StoredPart]:
        """Yield the bytes of some rows, which are those of `pages`, and of their compressed values."""
        for (name, width), stored in zip(self._widths.items(), self.row_bytes.values(), strict=True):
            if width:
                yield StoredPart(name, first * width, stored[first:last].reshape(-1))
        for arena in self.arenas.values():
            for page in pages:
                yield from arena.parts(page)

    def fill(self, part: StoredPart) -> None:
        """Write bytes that `parts` yielded of another memory.

        Raises:
          DataLossError: they do not fit into this one.
        """
        region = self._regions.get(part.name)
        if region is None or part.offset + len(part.content) > len(region):
            raise DataLossError(f"{len(part.content)} bytes at {part.offset} of {part.name!r}: no place for them")
        region[part.offset : part.offset + len(part.content)] = part.content

    def write(
        self, page: int, first: int, count: int, columns: Mapping[str, Array], steps: slice, checksums: Checksums | None
    ) -> None:
        """Write steps of `[T, N, ...]` columns to `count` rows of a page; `checksums` of its columns run on."""
        for index, path in enumerate(self.row_bytes):
            piece = columns[path][steps]
            if path in self.arenas:
                values = np.ascontiguousarray(piece).reshape(count, -1).view(np.uint8)
                self._write_values(page, first, path, values, checksums, index)
                continue
            stored = self.columns[path][first : first + count]
            stored[:] = piece.reshape(stored.shape)
            if checksums is not None:
                checksums[index] = google_crc32c.extend(int(checksums[index]), stored)

    def match(self, first: int, last: int, checksums: Checksums) -> bool:
        """Whether rows have these checksums."""
        for index, (path, stored) in enumerate(self.row_bytes.items()):
            if path in self.arenas:
                checksum = self.arenas[path].checksum(self.references(path, first, last))
            else:
                checksum = google_crc32c.value(stored[first:last])
            if checksum != int(checksums[index]):
                return False
        return True

    def references(self, path: str, first: int, last: int) -> References:
        """Return the references to a compressed column's values in some rows."""
        return self.row_bytes[path][first:last].reshape(-1).view(np.uint64)

    def close(self, *, remove: bool) -> None:
        """Let go of the memory, and remove what lies on disk where that is asked for."""
        self.columns, self.row_bytes, self.arenas, self._regions = {}, {}, {}, {}
        self.memory.close(remove=remove)

    def _write_values(
        self, page: int, first: int, path: str, values: Bytes, checksums: Checksums | None, index: int
    ) -> None:
        running = None if checksums is None else int(checksums[index])
        references, running = self.arenas[path].append(page, values, running)
        self.row_bytes[path][first : first + len(values)] = references.view(np.uint8).reshape(-1, REFERENCE_BYTES)
        if checksums is not None:
            checksums[index] = running

    def _width(self, spec: ColumnSpec) -> int:
        return REFERENCE_BYTES if spec.path in self._compressed else spec.num_bytes
