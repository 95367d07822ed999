"""Values of one column, compressed one by one, in chunks that belong to the pages of their rows."""

from collections import Counter
from collections.abc import Iterator

import cramjam
import google_crc32c
import numpy as np
import numpy.typing as npt

from heronry.replay.core.byte_budget import TableBudget
from heronry.replay.core.extents import extent_of
from heronry.replay.core.step_memory import Bytes, StepMemory, StoredPart
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, InvalidArgumentError, ResourceExhaustedError

References = npt.NDArray[np.uint64]

REFERENCE_BYTES = 8
_SIZE_BITS = 24
_MAX_VALUE_BYTES = (1 << _SIZE_BITS) - 1
_SIZE_MASK = _MAX_VALUE_BYTES
_CHUNK_BYTES = 16 << 10
_OS_PAGE = 4096


class ValueArena:
    """Compressed values of a column; the column itself stores a reference a row.

    A reference is `offset << 24 | size`; one of the value's own size says that LZ4 gained nothing and the
    value lies there as it is. A page's values fill chunks of its own, which go back with the page, so
    that space is never moved and never looked for. Chunks are charged to the byte budget as they are
    first used, in extents.
    """

    def __init__(self, table: str, spec: ColumnSpec, name: str, memory: StepMemory, budget: TableBudget) -> None:
        if not 0 < spec.num_bytes <= _MAX_VALUE_BYTES:
            field = f"compressed_columns.{spec.path}"
            raise InvalidArgumentError.of(field, f"{spec.num_bytes} bytes a value", f"1 to {_MAX_VALUE_BYTES}")
        self._table = table
        self._name = name
        self._memory = memory
        self._budget = budget
        self.value_bytes = spec.num_bytes
        self._chunk_bytes = max(_CHUNK_BYTES, -(-spec.num_bytes // _OS_PAGE) * _OS_PAGE)
        self._max_chunks = max(1, budget.max_bytes // self._chunk_bytes)
        self._region = memory.reserve(name, self._max_chunks * self._chunk_bytes)
        self._view = self._region.data
        self._scratch = np.empty(cramjam.lz4.compress_block_bound(bytes(spec.num_bytes)), np.uint8)
        self._chunks: dict[int, list[int]] = {}
        self._ends: dict[int, int] = {}
        self._free: list[int] = []
        self._num_touched = 0

    @property
    def region(self) -> Bytes:
        """All bytes of the arena."""
        return self._region

    @property
    def num_bytes(self) -> int:
        """Bytes of the chunks in use."""
        return (self._num_touched - len(self._free)) * self._chunk_bytes

    def bytes_short(self, num_values: int, num_pages: int) -> int:
        """Return how many bytes lack for values of `num_pages` pages, were none of them to shrink."""
        return max(0, self._chunks_for(num_values, num_pages) - len(self._free)) * self._chunk_bytes

    def ensure(self, num_values: int, num_pages: int) -> None:
        """Make sure that values fit, were none of them to shrink.

        Raises:
          ResourceExhaustedError: the byte budget or the disk is used up.
        """
        needed = self._chunks_for(num_values, num_pages) - len(self._free)
        if needed > 0:
            self._touch(extent_of(needed, self._chunk_bytes, self._budget, self._max_chunks - self._num_touched))

    def append(self, page: int, values: Bytes, checksum: int | None) -> tuple[References, int]:
        """Store `[K, value_bytes]` values of a page; return their references and the page's running checksum."""
        references = np.empty(len(values), np.uint64)
        for index, value in enumerate(values):
            offset, size = self._store(page, value)
            references[index] = offset << _SIZE_BITS | size
            if checksum is not None:
                checksum = google_crc32c.extend(checksum, self._region[offset : offset + size])
        return references, checksum or 0

    def read(self, reference: int, out: memoryview) -> None:
        """Fill `out` with the value of a reference.

        Raises:
          DataLossError: what lies there is no such value.
        """
        offset, size = reference >> _SIZE_BITS, reference & _SIZE_MASK
        stored = self._view[offset : offset + size]
        if size == self.value_bytes:
            out[:] = stored
            return
        try:
            count = cramjam.lz4.decompress_block_into(stored, out, output_len=self.value_bytes)
        except cramjam.DecompressionError as error:
            raise DataLossError(f"table {self._table!r}: a compressed value cannot be read: {error}") from error
        if count != self.value_bytes:
            raise DataLossError(f"table {self._table!r}: a compressed value has {count} of {self.value_bytes} bytes")

    def checksum(self, references: References) -> int | None:
        """Return the checksum of stored values; None when a reference leads out of the arena."""
        checksum = 0
        for reference in references.tolist():
            offset, size = reference >> _SIZE_BITS, reference & _SIZE_MASK
            if not 0 < size <= self.value_bytes or offset + size > len(self._region):
                return None
            checksum = google_crc32c.extend(checksum, self._region[offset : offset + size])
        return checksum

    def free(self, page: int) -> None:
        """Take a page's chunks back."""
        self._free.extend(self._chunks.pop(page, ()))
        self._ends.pop(page, None)

    def page_out(self, page: int) -> None:
        """Push a page's values out of memory."""
        for chunk in self._chunks.get(page, ()):
            self._memory.page_out(self._name, chunk * self._chunk_bytes, (chunk + 1) * self._chunk_bytes)

    def parts(self, page: int) -> Iterator[StoredPart]:
        """Yield the bytes of a page's values."""
        for chunk in self._chunks.get(page, ()):
            first = chunk * self._chunk_bytes
            yield StoredPart(self._name, first, self._region[first : first + self._chunk_bytes], is_growing=True)

    def adopt(self, pages: dict[int, References]) -> None:
        """Take over the chunks that the references of live pages lead to; all others are free.

        Where bytes were damaged references may stray: a chunk that several pages lead to stays where it is
        and goes back with none of them.
        """
        led_to = {page: self._chunks_of(references) for page, references in pages.items()}
        times = Counter(chunk for chunks in led_to.values() for chunk in chunks)
        self._chunks = {page: [c for c in chunks if times[c] == 1] for page, chunks in led_to.items()}
        used = times.keys()
        self._ends.clear()
        last = max(used, default=-1) + 1
        if last > self._num_touched:
            self._touch(last - self._num_touched, prefault=False)
        self._free = [chunk for chunk in range(self._num_touched - 1, -1, -1) if chunk not in used]

    def _store(self, page: int, value: Bytes) -> tuple[int, int]:
        size = cramjam.lz4.compress_block_into(value.data, self._scratch.data, store_size=False)
        stored = value if size >= self.value_bytes else self._scratch[:size]
        size = len(stored)
        end = self._ends.get(page, 0)
        if end % self._chunk_bytes == 0 or end % self._chunk_bytes + size > self._chunk_bytes:
            chunk = self._free.pop()
            self._chunks.setdefault(page, []).append(chunk)
            end = chunk * self._chunk_bytes
        self._region[end : end + size] = stored
        self._ends[page] = end + size
        return end, size

    def _chunks_of(self, references: References) -> list[int]:
        chunks = (references >> np.uint64(_SIZE_BITS)) // np.uint64(self._chunk_bytes)
        return [int(chunk) for chunk in np.unique(chunks[chunks < self._max_chunks])]

    def _chunks_for(self, num_values: int, num_pages: int) -> int:
        return -(-num_values // (self._chunk_bytes // self.value_bytes)) + num_pages

    def _touch(self, count: int, *, prefault: bool = True) -> None:
        first, last = self._num_touched * self._chunk_bytes, (self._num_touched + count) * self._chunk_bytes
        self._budget.reserve(last - first)
        try:
            self._memory.ensure(self._name, first, last, prefault=prefault)
        except ResourceExhaustedError:
            self._budget.release(last - first)
            raise
        self._free.extend(range(self._num_touched + count - 1, self._num_touched - 1, -1))
        self._num_touched += count
