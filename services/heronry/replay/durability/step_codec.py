"""Where steps lie, and what items cover of them, as bytes."""

import struct
from typing import Final

import numpy as np

from heronry.replay.core.windows import Pieces, Windows
from heronry.replay.durability.packing import Packer, Unpacker

_U32, _U16, _U8 = "<u4", "<u2", "<u1"
_EXTENT: Final = struct.Struct("<II")
# Pages are numbers below 2**31, and -1 for none.
_PIECE: Final = struct.Struct("<iiIIQII")
_ROW: Final = np.dtype("<i4,<i4,<u4,<u4,<u8,<u4,<u4")
_FIELDS: Final = {
    "pages": np.int64,
    "previous": np.int64,
    "lanes": np.uint32,
    "strands": np.uint32,
    "first_steps": np.uint64,
    "begins": np.uint32,
    "filled": np.uint32,
}
_ROW.names = tuple(_FIELDS)


def put_pieces(to: Packer, pieces: Pieces) -> None:
    """Put in where steps were written."""
    to.values(_EXTENT, len(pieces), pieces.checksums.shape[1])
    rows = zip(*(getattr(pieces, name).tolist() for name in _FIELDS), strict=True)
    for row in rows:
        to.values(_PIECE, *row)
    to.raw(pieces.checksums, _U32)


def get_pieces(of: Unpacker) -> Pieces:
    """Return where steps were written."""
    count, num_columns = of.values(_EXTENT)
    rows = np.frombuffer(of.take(count * _ROW.itemsize), _ROW)
    fields = {name: rows[name].astype(kind) for name, kind in _FIELDS.items()}
    checksums = np.frombuffer(of.take(4 * count * num_columns), _U32).reshape(count, num_columns)
    return Pieces(**fields, checksums=checksums.astype(np.uint32))


def put_windows(to: Packer, windows: Windows | None) -> None:
    """Put in what items cover, or that nothing is said of it."""
    to.array(None if windows is None else windows.rows, _U32)
    if windows is not None:
        to.array(windows.lengths, _U16)
        to.array(windows.leads, _U8)


def get_windows(of: Unpacker) -> Windows | None:
    """Return what items cover, or None where nothing is said."""
    rows = of.array_or_none(_U32, np.int64)
    if rows is None:
        return None
    return Windows(rows, of.array_or_none(_U16, np.uint16), of.array_or_none(_U8, np.uint8))
