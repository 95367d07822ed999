"""A table's state as one file.

The file is a magic line, the length and CRC-32C of a JSON header, the header, and sections of raw
little-endian arrays, each at a multiple of 8 and with a CRC-32C of its own. In the header's state an array
is `{"@section": index}`.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import google_crc32c
import numpy as np

from heronry.replay.core.state import State
from heronry.replay.durability.files import Buffer, replace_synced
from heronry.types.errors import DataLossError
from heronry.types.tensors import Array

_MAGIC: Final = b"heronry replay snapshot 1\n"
_HEAD: Final = struct.Struct("<II")
_ALIGNMENT: Final = 8
_SECTION: Final = "@section"
# The checksum's extension holds the interpreter's lock: in pieces others can run between.
_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Snapshot:
    """A state with what is told about it: the position of the log's last effect in it, the definition."""

    position: int
    told: dict[str, object]
    state: State


def write_snapshot(path: Path, snapshot: Snapshot) -> int:
    """Write a snapshot, all of it or nothing, and return its bytes.

    Raises:
      OSError: it could not be written.
    """
    return replace_synced(path, _encoded(snapshot))


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
      DataLossError: it is not whole; names the section that differs.
    """
    content = memoryview(path.read_bytes())
    begin = len(_MAGIC) + _HEAD.size
    if bytes(content[: len(_MAGIC)]) != _MAGIC or len(content) < begin:
        raise DataLossError(f"{path.name}: not a snapshot of this format")
    length, checksum = _HEAD.unpack_from(content, len(_MAGIC))
    text = bytes(content[begin : begin + length])
    if len(text) != length or google_crc32c.value(text) != checksum:
        raise DataLossError(f"{path.name}: the header is damaged")
    header = json.loads(text)
    sections = [_section(path, content, found) for found in header["sections"]]
    return Snapshot(header["position"], header["told"], cast("State", _joined(header["state"], sections)))


def checksum_of(array: Array) -> int:
    """Return the CRC-32C of an array's bytes."""
    content, value = array.reshape(-1).view(np.uint8), 0
    for first in range(0, len(content), _PIECE_BYTES):
        value = google_crc32c.extend(value, content[first : first + _PIECE_BYTES])
    return value


def _encoded(snapshot: Snapshot) -> list[Buffer]:
    arrays: list[Array] = []
    state, told_about = _parted(snapshot.state, arrays), _parted(snapshot.told, [])
    sections, offset = [], 0
    for array in arrays:
        told = {"dtype": array.dtype.str, "shape": array.shape, "offset": offset, "crc32c": checksum_of(array)}
        sections.append(told)
        offset += array.nbytes + -array.nbytes % _ALIGNMENT
    header = {"position": snapshot.position, "told": told_about, "state": state, "sections": sections}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(_MAGIC) + _HEAD.size + len(text)) % _ALIGNMENT)
    parts: list[Buffer] = [_MAGIC, _HEAD.pack(len(text), google_crc32c.value(text)), text]
    for array in arrays:
        parts += (array.reshape(-1).data.cast("B") if array.size else b"", bytes(-array.nbytes % _ALIGNMENT))
    return parts


def _parted(value: object, arrays: list[Array]) -> object:
    """Return a state with its arrays put aside."""
    if isinstance(value, dict):
        return {name: _parted(part, arrays) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_parted(part, arrays) for part in value]
    if isinstance(value, np.ndarray):
        arrays.append(np.asarray(value, value.dtype.newbyteorder("<"), order="C"))
        return {_SECTION: len(arrays) - 1}
    return value.item() if isinstance(value, np.generic) else value


def _joined(value: object, sections: list[Array]) -> object:
    if isinstance(value, dict):
        if set(value) == {_SECTION}:
            return sections[value[_SECTION]]
        return {name: _joined(part, sections) for name, part in value.items()}
    return [_joined(part, sections) for part in value] if isinstance(value, list) else value


# Any: a JSON object.
def _section(path: Path, content: memoryview, told: dict[str, Any]) -> Array:
    dtype, shape = np.dtype(told["dtype"]), tuple(told["shape"])
    begin = len(_MAGIC) + _HEAD.size + _HEAD.unpack_from(content, len(_MAGIC))[0] + told["offset"]
    num_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    # A copy: the array becomes writable, aligned, and lets go of the file's bytes.
    array: Array = np.frombuffer(content[begin : begin + num_bytes], np.uint8).copy()
    if len(array) != num_bytes or checksum_of(array) != told["crc32c"]:
        raise DataLossError(f"{path.name}: the section at byte {begin} is damaged")
    return np.asarray(array.view(dtype).reshape(shape))
