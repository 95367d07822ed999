"""The contributions of a round, held until it closes: in memory up to a bound, beyond it in a file."""

from pathlib import Path

from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.rows import Row
from heronry.params.core.aggregation.spill_file import SpillFile
from heronry.params.core.layout import Vector
from heronry.types.errors import ResourceExhaustedError


class HeldRows:
    """Holds contributions as they came: those in memory are not copied, those in the file are read in parts.

    Memory: at most `max_held_bytes` of values, and what `RowReader` takes to read the rest.
    """

    def __init__(self, row_bytes: int, max_held_bytes: int, spill_dir: Path) -> None:
        self._row_bytes = row_bytes
        self._max_held_bytes = max_held_bytes
        self._spill_dir = spill_dir
        self._num_in_memory = 0
        self._file: SpillFile | None = None

    @property
    def num_bytes_in_memory(self) -> int:
        """Bytes of values that are held in memory."""
        return self._num_in_memory * self._row_bytes

    def hold(self, contribution: Contribution) -> Row:
        """Hold a contribution's values.

        Raises:
          ResourceExhaustedError: there is no room for them; nothing of them is held.
        """
        difference = contribution.difference
        scale, squared_norm = contribution.scale, contribution.squared_norm
        if self.num_bytes_in_memory + self._row_bytes <= self._max_held_bytes:
            self._num_in_memory += 1
            return Row(scale, difference.is_anchored, squared_norm, values=difference.values)
        return Row(scale, difference.is_anchored, squared_norm, slot=self._opened().write(difference.values))

    def release(self, row: Row) -> None:
        """Let go of one row."""
        if row.values is not None:
            self._num_in_memory -= 1
        elif self._file is not None:
            self._file.free(row.slot)

    def read(self, row: Row, start: int, out: Vector) -> None:
        """Fill `out` with a spilled row's elements from `start` on."""
        if self._file is None:
            raise ValueError("a row of a round that is over")
        self._file.read(row.slot, start, out)

    def clear(self) -> None:
        """Let go of all rows and of the file."""
        self._num_in_memory = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> SpillFile:
        if self._file is None:
            try:
                self._file = SpillFile(self._spill_dir, self._row_bytes)
            except OSError as error:
                message = f"no file to hold contributions in: {error.strerror}"
                raise ResourceExhaustedError(message, details={"num_bytes": str(self._row_bytes)}) from error
        return self._file
