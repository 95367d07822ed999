"""Reading held rows a range of coordinates at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.native import weighted_sum
from heronry.params.core.aggregation.held_rows import HeldRows
from heronry.params.core.aggregation.rows import Row
from heronry.params.core.layout import Vector

SCRATCH_BYTES: Final = 16 << 20
_FEWEST: Final = 64


@dataclass(frozen=True)
class Chunk:
    """The elements `part` of every row, in the order of the rows."""

    part: slice
    sources: Sequence[Vector]


class RowReader:
    """Reads rows of one round in chunks, in at most `SCRATCH_BYTES` of memory whatever N and P.

    When all rows have the same scale and anchor, they are read as they are held: the rules commute with scaling
    and with shifting, and a median of weights thereby is one of the weights. Otherwise each row is read as the
    difference that it stands for.
    """

    def __init__(self, held: HeldRows, rows: Sequence[Row], newest: Vector) -> None:
        first = rows[0]
        self.is_raw = all(row.scale == first.scale and row.is_anchored == first.is_anchored for row in rows)
        self.rows = rows
        self.num_elements = len(newest)
        self._held = held
        self._newest = newest

    @property
    def scale(self) -> float:
        """The factor that what is read still lacks."""
        return self.rows[0].scale if self.is_raw else 1.0

    @property
    def anchor(self) -> float:
        """The factor of the newest values that is still to be subtracted."""
        return self.scale if self.is_raw and self.rows[0].is_anchored else 0.0

    def of(self, rows: Sequence[Row]) -> "RowReader":
        """Return a reader of some of the rows."""
        return RowReader(self._held, rows, self._newest)

    def norm(self, index: int) -> float:
        """Return about how long a row is, as it is read."""
        row = self.rows[index]
        return float(np.sqrt(row.squared_norm)) * (1.0 if self.is_raw else abs(row.scale))

    def chunks(self, num_lanes: int = 0) -> Iterator[Chunk]:
        """Yield all coordinates in chunks that leave room for `num_lanes` more of them; one is valid until the next."""
        length = self._chunk_length(num_lanes)
        lanes = [np.empty(0 if self._stays(row) else length, self._newest.dtype) for row in self.rows]
        for start in range(0, self.num_elements, length):
            part = slice(start, min(start + length, self.num_elements))
            yield Chunk(part, [self._read(row, part, lane) for row, lane in zip(self.rows, lanes, strict=True)])

    def _chunk_length(self, num_lanes: int) -> int:
        num_lanes += sum(not self._stays(row) for row in self.rows)
        if not num_lanes:
            return max(1, self.num_elements)
        fitting = SCRATCH_BYTES // self._newest.itemsize // num_lanes // _FEWEST * _FEWEST
        return max(1, min(self.num_elements, max(_FEWEST, fitting)))

    def _stays(self, row: Row) -> bool:
        """Whether a row can be read where it lies."""
        return self.is_raw and row.values is not None

    def _read(self, row: Row, part: slice, lane: Vector) -> Vector:
        if self.is_raw and row.values is not None:
            return row.values[part]
        out = lane[: part.stop - part.start]
        if row.values is None:
            self._held.read(row, part.start, out)
        else:
            out[:] = row.values[part]
        if not self.is_raw:
            out *= row.scale
            if row.is_anchored:
                weighted_sum((self._newest[part],), np.array([-row.scale]), out, onto=True)
        return out


def combination(reader: RowReader, coefficients: Sequence[float], out: Vector) -> None:
    """Fill `out` with the sum of the reader's rows times their coefficients."""
    factors = np.array(coefficients, np.float64)
    for chunk in reader.chunks():
        weighted_sum(chunk.sources, factors, out[chunk.part])
