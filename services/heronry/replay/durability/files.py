"""Files and folders whose entries are on disk when a call returns."""

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heronry.types.errors import FailedPreconditionError, HeronryError, ResourceExhaustedError

Buffer = bytes | memoryview | npt.NDArray[np.uint8]

_MOST_BUFFERS = 512
# What a wrong place answers: the same again will fail again.
_WRONG_PLACE = frozenset(
    (
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
    )
)


def sync_folder(path: Path) -> None:
    """Force a directory's entries to the disk."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def replace_synced(path: Path, parts: Sequence[Buffer]) -> int:
    """Write a file under a temporary name, force it to the disk and give it its name; return its bytes.

    Raises:
      OSError: nothing of the file is left.
    """
    partial = path.with_name(f"{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        num_bytes = write_all(descriptor, parts)
        os.fsync(descriptor)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
    return num_bytes


def write_all(descriptor: int, parts: Sequence[Buffer], offset: int | None = None) -> int:
    """Write all parts, one behind the other, at an offset or at the file's end; return how many bytes."""
    done = 0
    for first in range(0, len(parts), _MOST_BUFFERS):
        rest = [_view(p) for p in parts[first : first + _MOST_BUFFERS] if len(p)]
        while rest:
            written = os.writev(descriptor, rest) if offset is None else os.pwritev(descriptor, rest, offset + done)
            done += written
            # A call moves 2 GiB at most, and less when the disk is nearly full.
            while rest and written >= rest[0].nbytes:
                written -= rest.pop(0).nbytes
            if written:
                rest[0] = rest[0][written:]
    return done


def _view(part: Buffer) -> memoryview:
    return part.data.cast("B") if isinstance(part, np.ndarray) else memoryview(part).cast("B")


def is_full(error: OSError) -> bool:
    """Tell whether an error says that the disk, a user's part of it or what a process may write is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def cannot_write(what: str, error: OSError) -> HeronryError:
    """Return the error of something that could not be written, with its path where there is one, and the reason."""
    reason = "no space is left on the disk" if is_full(error) else str(error.strerror or error)
    place = "" if error.filename is None else f", {os.fsdecode(error.filename)}"
    kind = FailedPreconditionError if error.errno in _WRONG_PLACE else ResourceExhaustedError
    return kind(f"{what}{place}: {reason}", details={"resource": "disk", "what": what, "reason": reason})
