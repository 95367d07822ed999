"""Where the step columns lie: memory of the process, or files that outlive it."""

import contextlib
import errno
import mmap
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heronry.replay.core.populating import populate
from heronry.replay.core.reserved import reserved
from heronry.types.errors import FailedPreconditionError, ResourceExhaustedError

Bytes = npt.NDArray[np.uint8]

_OS_PAGE = mmap.PAGESIZE
_MADV_PAGEOUT = 21  # of Linux; without a name in Python's module


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Bytes of a region from `offset` on; a view as long as the memory is not closed.

    `is_growing` where more may be written behind what is in use of it, while its pages are held.
    """

    name: str
    offset: int
    content: Bytes
    is_growing: bool = False


class StepMemory(Protocol):
    """Regions of address space by name, made usable piece by piece; not safe from several threads but for `sync`."""

    def reserve(self, name: str, num_bytes: int) -> Bytes:
        """Return a region: address space that must not be touched before it is ensured."""
        ...

    def ensure(self, name: str, first: int, last: int, *, prefault: bool = True) -> None:
        """Make bytes `first` to `last` usable and, with `prefault`, quick to write; what is in them stays.

        Raises:
          ResourceExhaustedError: the disk is full.
        """
        ...

    def page_out(self, name: str, first: int, last: int) -> None:
        """Push whole pages of the system between two bytes out of memory, where they have a file to go to."""
        ...

    def sync(self) -> None:
        """Return when all that was written before survives a loss of power; may run beside writes."""
        ...

    def close(self, *, remove: bool) -> None:
        """Let go of everything, and remove what lies on disk where that is asked for."""
        ...


class AnonymousMemory:
    """Memory that goes with the process; it goes back to the system with the last array over it."""

    def __init__(self) -> None:
        self._regions: dict[str, Bytes] = {}

    def reserve(self, name: str, num_bytes: int) -> Bytes:
        region = reserved(num_bytes, np.uint8)
        self._regions[name] = region
        return region

    def ensure(self, name: str, first: int, last: int, *, prefault: bool = True) -> None:
        if prefault:
            populate(self._regions[name], first, last)

    def page_out(self, name: str, first: int, last: int) -> None:
        """Do nothing: without a file there is nowhere to go."""

    def sync(self) -> None:
        """Do nothing: this memory survives nothing."""

    def close(self, *, remove: bool) -> None:
        self._regions.clear()


class FileMemory:
    """A sparse file for each region, mapped whole and shared.

    What is written lies in the page cache and so survives the end of the process; every extent has its
    blocks on disk before it is touched, or a full disk would end the process by SIGBUS. Files that are
    there already are opened with what they hold.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._maps: dict[str, tuple[int, mmap.mmap, Bytes]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"steps cannot be kept in {folder}: {error.strerror or error}"
            raise FailedPreconditionError(message, details={"folder": str(folder)}) from error

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    def reserve(self, name: str, num_bytes: int) -> Bytes:
        if num_bytes == 0:
            return np.zeros(0, np.uint8)
        descriptor = self._open(name)
        num_bytes = max(num_bytes, os.fstat(descriptor).st_size)
        os.ftruncate(descriptor, num_bytes)
        mapping = mmap.mmap(descriptor, num_bytes, flags=mmap.MAP_SHARED)
        region = np.frombuffer(mapping, np.uint8)
        self._maps[name] = (descriptor, mapping, region)
        return region

    def ensure(self, name: str, first: int, last: int, *, prefault: bool = True) -> None:
        if name not in self._maps or last <= first:
            return
        descriptor, _, region = self._maps[name]
        try:
            os.posix_fallocate(descriptor, first, last - first)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise _disk_full(self._folder, last - first) from error
        if prefault:
            populate(region, first, last)

    def page_out(self, name: str, first: int, last: int) -> None:
        if name not in self._maps:
            return
        first, last = -(-first // _OS_PAGE) * _OS_PAGE, last // _OS_PAGE * _OS_PAGE
        if last <= first:
            return
        # Clean pages are dropped. Dirty ones, and those that are being written, only leave the process after that:
        # they wait in the page cache, where the system needs no leave of ours to drop them later.
        for advice in (_MADV_PAGEOUT, mmap.MADV_DONTNEED):
            with contextlib.suppress(OSError):
                self._maps[name][1].madvise(advice, first, last - first)

    def sync(self) -> None:
        for descriptor, _, _ in list(self._maps.values()):
            os.fdatasync(descriptor)

    def close(self, *, remove: bool) -> None:
        for name, (descriptor, _, _) in self._maps.items():
            os.close(descriptor)
            if remove:
                self._path(name).unlink(missing_ok=True)
        self._maps.clear()

    def _open(self, name: str) -> int:
        return os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.bin"


class SpillMemory(FileMemory):
    """Files without a name, for tables that nothing need survive: they go with the process however it ends."""

    def _open(self, name: str) -> int:
        descriptor, path = tempfile.mkstemp(prefix="heronry-spill-", dir=self._folder)
        Path(path).unlink()
        return descriptor


class CopyOnWriteMemory(AnonymousMemory):
    """Memory that begins with what lies in files, which it never changes: a page is copied when it is written.

    Nothing is read before it is wanted. The files may be removed or replaced meanwhile, but not written: their
    contents stay as long as they are mapped. Regions without a file begin as zeros.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def reserve(self, name: str, num_bytes: int) -> Bytes:
        path = self._folder / name
        if num_bytes == 0 or not path.exists():
            return super().reserve(name, num_bytes)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            # Made as long as the region, which adds a hole: to touch a page behind a file's end would be the end.
            os.ftruncate(descriptor, max(num_bytes, os.fstat(descriptor).st_size))
            mapping = mmap.mmap(descriptor, num_bytes, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(descriptor)
        region = np.frombuffer(mapping, np.uint8)
        self._regions[name] = region
        return region


def _disk_full(folder: Path, num_bytes: int) -> ResourceExhaustedError:
    message = f"disk full: {num_bytes} bytes for step columns in {folder}"
    return ResourceExhaustedError(message, details={"folder": str(folder), "asked": str(num_bytes), "reason": "disk"})
