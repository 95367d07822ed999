"""A file of equal rows, for what a round holds beyond its memory."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from heronry.params.core.layout import Vector
from heronry.types.errors import DataLossError, ResourceExhaustedError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PIECE: Final = 8 << 20


class SpillFile:
    """Rows of `row_bytes` in a file without a name: it is gone with the process, however that ends.

    Room for a row is reserved before it is written, so that a full disk is found with nothing half written.
    """

    def __init__(self, folder: Path, row_bytes: int) -> None:
        self._row_bytes = row_bytes
        self._num_rows = 0
        self._free: list[int] = []
        self._descriptor = _nameless(folder)

    def write(self, values: Vector) -> int:
        """Write a row and return its slot.

        Raises:
          ResourceExhaustedError: the disk, or a quota, is full.
        """
        slot = self._free[-1] if self._free else self._num_rows
        try:
            self._reserve(slot)
            self._fill(slot, values)
        except OSError as error:
            if slot == self._num_rows:
                os.ftruncate(self._descriptor, slot * self._row_bytes)
            if error.errno not in _FULL:
                raise
            message = f"no room for {self._row_bytes} bytes of a held contribution: {error.strerror}"
            raise ResourceExhaustedError(message, details={"num_bytes": str(self._row_bytes)}) from error
        if self._free:
            self._free.pop()
        else:
            self._num_rows += 1
        return slot

    def read(self, slot: int, start: int, out: Vector) -> None:
        """Fill `out` with the elements of a row from `start` on.

        Raises:
          DataLossError: the device fails.
        """
        view = out.view(np.uint8).data
        offset = slot * self._row_bytes + start * out.itemsize
        while len(view):
            num_read = self._read_some(view, offset)
            view, offset = view[num_read:], offset + num_read

    def free(self, slot: int) -> None:
        """Let a row's slot be written again."""
        self._free.append(slot)

    def close(self) -> None:
        """Give the disk space back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read_some(self, view: memoryview, offset: int) -> int:
        try:
            num_read = os.preadv(self._descriptor, [view], offset)
        except OSError as error:
            raise DataLossError(f"held contributions cannot be read: {error.strerror}") from error
        if not num_read:
            raise DataLossError("held contributions cannot be read: the file is shorter than what was written to it")
        return num_read

    def _reserve(self, slot: int) -> None:
        if slot == self._num_rows:
            os.posix_fallocate(self._descriptor, slot * self._row_bytes, self._row_bytes)

    def _fill(self, slot: int, values: Vector) -> None:
        view, offset = values.view(np.uint8).data, slot * self._row_bytes
        while len(view):
            num_written = os.pwrite(self._descriptor, view[:_PIECE], offset)
            view, offset = view[num_written:], offset + num_written


def _nameless(folder: Path) -> int:
    """Return the descriptor of a file in `folder` that has no name, or loses it at once."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL}:
            raise
    descriptor, path = tempfile.mkstemp(dir=folder, prefix="held-")
    Path(path).unlink()
    return descriptor
