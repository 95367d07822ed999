"""Pages of step rows, in memory that is reserved once and touched as it is needed."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heronry.native import add_references
from heronry.replay.core.byte_budget import ByteBudget, TableBudget
from heronry.replay.core.extents import extent_of
from heronry.replay.core.freed_pages import FreedPages
from heronry.replay.core.page_table import PageOrigin, PageTable
from heronry.replay.core.step_columns import StepColumns
from heronry.replay.core.step_memory import AnonymousMemory, StepMemory, StoredPart
from heronry.replay.core.value_arena import References
from heronry.replay.core.windows import Pages, Pieces
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FailedPreconditionError, ResourceExhaustedError
from heronry.types.tensors import Array

_PAGE_BYTES = 64 << 10
_MIN_ROWS, _MAX_ROWS = 64, 2048
_LARGE_PAGE_BYTES, _LEAST_ROWS = 4 << 20, 4
_PAGE_OUT_BYTES = 4 << 20
_PART_BYTES = 4 << 20
_NUM_ROWS = 1 << 32  # as many as an item can name


@dataclass(frozen=True)
class StorageSettings:
    """How a table's steps are kept.

    Attributes:
      max_bytes: of the table, beside the service's budget; 0: the budget alone.
      max_resident_bytes: beyond which full pages leave memory, oldest first; 0: never.
      compressed_columns: stored value by value with LZ4.
      is_checked: whether pages have checksums, and wait before they are used again until the caller says
        that its log knows they were freed.
    """

    max_bytes: int = 0
    max_resident_bytes: int = 0
    compressed_columns: tuple[str, ...] = ()
    is_checked: bool = False


class StepPool:
    """Rows of steps in pages of `page_rows`; row r lies in page `r // page_rows`.

    Pages have a reference count and return to the pool at 0. Address space for the whole bound is taken
    once; memory is charged to the budget, and touched, in extents of about 1 MiB when the pages in use
    no longer suffice, and stays with the pool until `close`.

    Attributes:
      store: the rows' bytes.
      table: fields of the pages.
    """

    def __init__(
        self,
        name: str,
        specs: Sequence[ColumnSpec],
        budget: ByteBudget,
        memory: StepMemory | None = None,
        settings: StorageSettings | None = None,
    ) -> None:
        settings = settings or StorageSettings()
        self._name = name
        self._budget = TableBudget(budget, name, settings.max_bytes)
        self._is_checked = settings.is_checked
        self._step_bytes = sum(s.num_bytes for s in specs)
        self.page_rows = _page_rows(max(1, self._step_bytes))
        self.store = StepColumns(specs, settings.compressed_columns, memory or AnonymousMemory())
        self.page_bytes = max(1, self.store.bytes_per_row) * self.page_rows
        self._max_pages = min(self._budget.max_bytes // self.page_bytes, _NUM_ROWS // self.page_rows)
        self._check_fits()
        self.store.reserve(name, self._max_pages * self.page_rows, self._budget)
        self.table = PageTable(self._max_pages, len(specs) if self._is_checked else 0)
        self._free: list[int] = []
        self._freed = FreedPages()
        self._num_touched = 0
        self._num_filled = 0
        self._next_strand = 0
        self._is_recovering = False
        self._resident: deque[int] | None = deque() if settings.max_resident_bytes else None
        self._max_resident_pages = settings.max_resident_bytes // self.page_bytes

    @property
    def num_pages(self) -> int:
        """Pages in use."""
        return self._num_touched - len(self._free) - len(self._freed)

    @property
    def num_bytes(self) -> int:
        """Bytes of the pages in use, as they are stored."""
        return self.num_pages * self.page_bytes + sum(a.num_bytes for a in self.store.arenas.values())

    @property
    def num_step_bytes(self) -> int:
        """Bytes of the steps in these pages as writers sent them."""
        return self._num_filled * self._step_bytes

    @property
    def num_quarantined(self) -> int:
        """Pages that nobody needs and that may not be used yet."""
        return len(self._freed)

    @property
    def is_checked(self) -> bool:
        """Whether pages have checksums."""
        return self._is_checked

    def missing(self, count: int, num_values: int, num_strands: int) -> int:
        """Return how many pages lack for an append; see `ensure`."""
        new = max(0, count - len(self._free))
        asked = new * self.page_bytes
        asked += sum(a.bytes_short(num_values, count + num_strands) for a in self.store.arenas.values())
        return max(0, self._num_touched + new - self._max_pages, -(-(asked - self._budget.left) // self.page_bytes))

    def ensure(self, count: int, num_values: int, num_strands: int) -> None:
        """Make sure that `count` pages are free, and room for `num_values` values of each compressed column.

        Values are of new pages and of one open page of each strand.

        Raises:
          ResourceExhaustedError: the byte budget, the table's own or the disk is used up.
        """
        for arena in self.store.arenas.values():
            arena.ensure(num_values, count + num_strands)
        needed = count - len(self._free)
        if needed > 0:
            first = self._num_touched
            self._touch(extent_of(needed, self.page_bytes, self._budget, self._max_pages - first))
            # The lowest page first: pages that follow each other in time lie together.
            self._free[:0] = range(self._num_touched - 1, first - 1, -1)

    def new_strand(self) -> int:
        """Return a number that no strand of the table had."""
        self._next_strand += 1
        return self._next_strand - 1

    def allocate(self, origin: PageOrigin, previous: int | None) -> int:
        """Return a free page, with one reference, continuing the page `previous`."""
        page = self._free.pop()
        self.table.references[page] = 1
        self.table.begin(page, origin, previous)
        return page

    def write(self, page: int, columns: Mapping[str, Array], start: int, stop: int) -> int:
        """Write steps `start` to `stop` of `[T, N, ...]` columns behind a page's rows; return the rows before."""
        lanes, begin = int(self.table.lanes[page]), int(self.table.filled[page])
        count = (stop - start) * lanes
        checksums = self.table.checksums[page] if self._is_checked else None
        first = page * self.page_rows + begin
        self.store.write(page, first, count, columns, slice(start, stop), checksums)
        self.table.filled[page] = begin + count
        self._num_filled += count
        if self._resident is not None and begin + count + lanes > self.page_rows:
            self._resident.append(page)
            self._bound_resident(self._resident)
        return begin

    def acquire(self, pages: Pages) -> None:
        """Add a reference to each page named."""
        add_references(self.table.references, pages, 1)

    def release(self, pages: Pages) -> None:
        """Drop references; a page without any returns to the pool, at once or when the log knows."""
        self.release_fallen(add_references(self.table.references, pages, -1))

    def release_fallen(self, fallen: Pages) -> None:
        """Take pages that lost their last reference."""
        if len(fallen) == 0 or self._is_recovering:
            return
        self._num_filled -= int(self.table.filled[fallen].sum())
        if self._is_checked:
            self._freed.add(fallen.tolist())
        else:
            self._reuse(fallen.tolist())

    def stamp_freed(self, position: int) -> None:
        """Say that the log tells, up to `position`, what freed the pages that were freed so far."""
        self._freed.stamp(position)

    def reuse_freed(self, position: int) -> None:
        """Let pages be used again that were freed up to a position of the log that cannot be lost."""
        if len(self._freed):
            self._reuse(self._freed.take(position))

    def apply(self, pieces: Pieces) -> None:
        """Take over pages as an append left them; whoever needs them acquires them next.

        Raises:
          FailedPreconditionError: the byte bounds have become too small for what is stored.
        """
        self._is_recovering = True
        self._adopt(max((piece.page for piece in pieces), default=-1) + 1)
        self.table.apply(pieces)
        self._next_strand = max([self._next_strand, *(piece.strand + 1 for piece in pieces)])

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take over the pages of a snapshot, as `apply` does."""
        self._is_recovering = True
        self._adopt(int(state["pages"].astype(np.int64).max(initial=-1)) + 1)
        self.table.restore(state)
        self._next_strand = int(state["next_strand"][0])

    def state(self) -> dict[str, Array]:
        """Return the fields of the pages in use; their bytes lie in the memory."""
        own: dict[str, Array] = {
            "page_rows": np.array([self.page_rows], np.uint32),
            "next_strand": np.array([self._next_strand], np.uint32),
        }
        return own | self.table.state(self.used_pages())

    def finish_recovery(self) -> None:
        """Part used from free pages by their references; from now on the pool lives."""
        used = self.used_pages()
        for path, arena in self.store.arenas.items():
            arena.adopt({page: self._references(path, page) for page in used.tolist()})
        free = np.setdiff1d(np.arange(self._num_touched), used)
        self._free = free[::-1].tolist()
        self._num_filled = int(self.table.filled[used].sum())
        self._is_recovering = False

    def failing(self, pages: Pages) -> Pages:
        """Return those pages whose bytes do not match their checksums; none where there are no checksums."""
        if not self._is_checked:
            return pages[:0]
        return np.array([page for page in pages.tolist() if not self._matches(page)], np.int64)

    def parts(self, pages: Pages) -> Iterator[StoredPart]:
        """Yield the bytes of pages in ascending order, the rows that are filled; pages that adjoin come together.

        Nothing behind a page's filled rows is among them: it may be written at any time.
        """
        full = self.table.filled[pages] == self.page_rows
        adjoins = np.diff(pages) == 1
        most = max(1, _PART_BYTES // self.page_bytes)
        first = 0
        for index in range(len(pages)):
            is_last = index + 1 == len(pages) or not (full[index] and adjoins[index])
            if is_last or index + 1 - first == most:
                yield from self._parts(pages[first : index + 1].tolist())
                first = index + 1

    def used_pages(self) -> Pages:
        """Return the pages that somebody needs."""
        return np.flatnonzero(self.table.references[: self._num_touched])

    def close(self, *, remove: bool) -> None:
        """Give the bytes back to the budget; the pool is of no use afterwards."""
        self._budget.release_all()
        self._num_touched = 0
        self._free.clear()
        self.store.close(remove=remove)

    def _matches(self, page: int) -> bool:
        first = page * self.page_rows
        return self.store.match(first, first + int(self.table.filled[page]), self.table.checksums[page])

    def _parts(self, pages: list[int]) -> Iterator[StoredPart]:
        last = pages[-1]
        yield from self.store.parts(
            pages, pages[0] * self.page_rows, last * self.page_rows + int(self.table.filled[last])
        )

    def _references(self, path: str, page: int) -> References:
        first = page * self.page_rows
        return self.store.references(path, first, first + int(self.table.filled[page]))

    def _reuse(self, pages: list[int]) -> None:
        # The page freed first is used first of them: pages that follow each other in time go on lying together.
        self._free.extend(reversed(pages))
        for arena in self.store.arenas.values():
            for page in pages:
                arena.free(page)

    def _bound_resident(self, resident: deque[int]) -> None:
        """Push the oldest full pages out, an extent at a time."""
        if len(resident) <= self._max_resident_pages:
            return
        count = min(len(resident), max(1, _PAGE_OUT_BYTES // self.page_bytes))
        cold = np.sort([resident.popleft() for _ in range(count)])
        for run in np.split(cold, np.flatnonzero(np.diff(cold) != 1) + 1):
            self.store.page_out(int(run[0]) * self.page_rows, (int(run[-1]) + 1) * self.page_rows)
        for arena in self.store.arenas.values():
            for page in cold.tolist():
                arena.page_out(page)

    def _touch(self, count: int, *, prefault: bool = True) -> None:
        self._budget.reserve(count * self.page_bytes)
        first, last = self._num_touched * self.page_rows, (self._num_touched + count) * self.page_rows
        try:
            self._check_rows(last)
            self.store.ensure(first, last, prefault=prefault)
        except ResourceExhaustedError:
            self._budget.release(count * self.page_bytes)
            raise
        self._num_touched += count

    def _adopt(self, num_pages: int) -> None:
        if num_pages > self._max_pages:
            message = (
                f"table {self._name!r} holds pages up to byte {num_pages * self.page_bytes} of its steps, "
                f"but the bounds of the table and the service allow {self._budget.max_bytes}: raise max_bytes"
            )
            raise FailedPreconditionError(
                message, details={"table": self._name, "max_bytes": str(self._budget.max_bytes)}
            )
        if num_pages > self._num_touched:
            # What lies in files is not brought into memory, nor marked to be written, before somebody wants it.
            self._touch(num_pages - self._num_touched, prefault=False)

    def _check_rows(self, num_rows: int) -> None:
        if num_rows > _NUM_ROWS:
            message = f"table {self._name!r} asks for {num_rows} rows of steps: items can name {_NUM_ROWS}"
            raise ResourceExhaustedError(message, details={"table": self._name, "asked": str(num_rows)})

    def _check_fits(self) -> None:
        if self._max_pages < 1:
            message = (
                f"table {self._name!r}: max_bytes: got {self._budget.max_bytes}, the table's or the service's, "
                f"allowed: at least {self.page_bytes}, a page of {self.page_rows} steps; a writer keeps two or more"
            )
            details = {"table": self._name, "asked": str(self.page_bytes), "max_bytes": str(self._budget.max_bytes)}
            raise ResourceExhaustedError(message, details=details)


def _page_rows(row_bytes: int) -> int:
    rows = _MIN_ROWS
    while rows < _MAX_ROWS and 2 * rows * row_bytes <= _PAGE_BYTES:
        rows *= 2
    # Steps of hundreds of kilobytes: few of them a page, or a small table would be a page or two.
    while rows > _LEAST_ROWS and rows * row_bytes > _LARGE_PAGE_BYTES:
        rows //= 2
    return rows
