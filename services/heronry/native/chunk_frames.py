"""Chunks cut into the frames that carry them, and put from frames where they belong: a checksum and a copy in one pass.

A frame is a serialised message with one field, a chunk: `{uint64 offset = 1; fixed32 crc32c = 2; bytes data = 3}`, its
data last. The interpreter's lock is free while the bytes of a large one are gone over.
"""

from collections.abc import Sequence

from heronry.native import twins
from heronry.native.arrays import Bytes, Vector
from heronry.native.backend import LOOPS, Loops

# Without instructions that multiply 512 bits at a time the library's checksum is the faster one.
_QUICKER: Loops = LOOPS if LOOPS.has_wide_crc32c() else twins


def cut_chunk(before: bytes, after: bytes, parts: Sequence[Bytes], *, loops: Loops = _QUICKER) -> bytes:
    """Return `before`, the CRC-32C of the parts in four bytes, the least first, `after`, and the parts.

    Raises:
      TypeError: a part is no contiguous vector of bytes.
    """
    return loops.cut_chunk(before, after, parts)


def place_chunk(frame: bytes, tag: bytes, out: Bytes, begin: int, max_bytes: int, *, loops: Loops = _QUICKER) -> int:
    """Put the chunk of a frame into `out` at `begin`; return where it ends.

    Returns:
      -1 when the frame is not a chunk under this tag with its fields in the usual order, when its offset is not
      `begin`, when it has more than `max_bytes` or reaches beyond `out`, or when its checksum differs: what `out`
      holds from `begin` on has no meaning then.

    Raises:
      TypeError: `out` is no contiguous vector of bytes that may be written to.
    """
    return loops.place_chunk(frame, tag, out, begin, max_bytes)


def place_measured(
    frame: bytes, tag: bytes, out: Vector, begin: int, max_bytes: int, squares: float, *, loops: Loops = _QUICKER
) -> tuple[int, float, float]:
    """Do what `place_chunk` does with the bytes of a vector, and measure them as `copy_measured` does.

    Args:
      frame: carries whole values.
      tag: of the chunk.
      out: the vector, float32 or float64.
      begin: where the chunk belongs, in bytes.
      max_bytes: of a chunk.
      squares: what the sum begins with.
      loops: the twin to use; the quicker one by default.

    Returns:
      Where the chunk ends, in bytes, or -1; the largest magnitude in it; `squares` plus its sum of squares.

    Raises:
      TypeError: `out` is no contiguous float32 or float64 vector.
    """
    return loops.place_measured(frame, tag, out, begin, max_bytes, squares)
