"""Where steps lie, and what items cover of them, as bytes."""

import functools
import struct
from typing import Final

import numpy as np

from heronry.replay.core.windows import Piece, Pieces, Windows
from heronry.replay.durability.packing import Packer, Unpacker

_U32, _U16, _U8 = "<u4", "<u2", "<u1"
_EXTENT: Final = struct.Struct("<II")
_NUM_FIELDS: Final = 7
LENGTHS, LEADS = 1, 2
"""Bits that tell which fields windows have."""


def put_pieces(to: Packer, pieces: Pieces) -> None:
    """Put in where steps were written; at least one piece, all of as many checksums."""
    num_checksums = len(pieces[0].checksums)
    layout = _piece_layout(num_checksums)
    to.values(_EXTENT, len(pieces), num_checksums)
    for *fields, checksums in pieces:
        to.values(layout, *fields, *checksums)


def get_pieces(of: Unpacker) -> Pieces:
    """Return where steps were written."""
    count, num_checksums = of.values(_EXTENT)
    layout = _piece_layout(num_checksums)
    rows = layout.iter_unpack(of.take(count * layout.size))
    return tuple(Piece._make((*row[:_NUM_FIELDS], row[_NUM_FIELDS:])) for row in rows)


def fields_of(windows: Windows) -> int:
    """Return which fields windows have."""
    return (0 if windows.lengths is None else LENGTHS) | (0 if windows.leads is None else LEADS)


def put_windows(to: Packer, windows: Windows) -> None:
    """Put in what items cover; whoever reads it knows `fields_of` it."""
    to.integers(windows.rows, _U32)
    if windows.lengths is not None:
        to.integers(windows.lengths, _U16)
    if windows.leads is not None:
        to.integers(windows.leads, _U8)


def get_windows(of: Unpacker, fields: int) -> Windows:
    """Return what items cover."""
    rows = of.integers(_U32, np.int64)
    lengths = of.integers(_U16, np.uint16) if fields & LENGTHS else None
    return Windows(rows, lengths, of.integers(_U8, np.uint8) if fields & LEADS else None)


@functools.cache
def _piece_layout(num_checksums: int) -> struct.Struct:
    # Pages are numbers below 2**31, and -1 for none.
    return struct.Struct(f"<iiIIQII{num_checksums}I")
