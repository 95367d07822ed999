"""Memory for versions that processes on this machine can map."""

import threading
import weakref
from typing import Final

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import Bytes
from heronry.runtime.sealed_memory import IS_OFFERED, SealedMemory

# Below it a copy through the socket costs no more than fetching a descriptor.
FEWEST_SHARED: Final = 256 << 10
# Memory that nobody uses here: some may still be mapped by readers, of which the server knows nothing else.
_MAX_RETIRED: Final = 4


class SharedBuffers:
    """Gives out buffers in sealed memory, once a length was asked for by a reader on this machine.

    A buffer comes back when no array here refers to it, and is given out again once no reader maps it either:
    fresh pages cost ten times the arithmetic on them. Any thread may take.
    """

    def __init__(self, pool: BufferPool, *, is_enabled: bool = True) -> None:
        """Take the `pool` that gives what nobody wants to share."""
        self._pool = pool
        self._is_enabled = is_enabled and IS_OFFERED
        self._lengths: set[int] = set()
        self._lent: dict[int, tuple[weakref.ref[Bytes], SealedMemory]] = {}
        self._retired: list[SealedMemory] = []
        # Reentrant: the collector may retire a buffer while this thread takes one.
        self._gate = threading.RLock()

    @property
    def num_bytes(self) -> int:
        """Bytes of memory made and not closed."""
        with self._gate:
            memories = [*(memory for _, memory in tuple(self._lent.values())), *self._retired]
        return sum(memory.num_bytes for memory in memories)

    def take(self, num_bytes: int) -> Bytes:
        """Return `num_bytes` writable bytes of any content, shared if readers asked for that length."""
        if num_bytes not in self._lengths:
            return self._pool.take(num_bytes)
        try:
            return self.take_shared(num_bytes)
        except OSError:
            return self._pool.take(num_bytes)

    def take_shared(self, num_bytes: int) -> Bytes:
        """Return writable bytes in sealed memory.

        Raises:
          OSError: the system gives none.
        """
        with self._gate:
            memory = self._unused(num_bytes)
        memory = memory or SealedMemory(num_bytes)
        array = memory.bytes()
        key = id(array)
        with self._gate:
            self._lent[key] = weakref.ref(array), memory
        weakref.finalize(array, self._retire, key).atexit = False
        return array

    def wants(self, num_bytes: int) -> bool:
        """Take note that readers want versions of this length by shared memory; tell whether they can have it."""
        if not self._is_enabled or num_bytes < FEWEST_SHARED:
            return False
        self._lengths.add(num_bytes)
        return True

    def memory_of(self, flat: Bytes) -> SealedMemory | None:
        """Return the memory that a buffer, or a view of one from its beginning, lies in; None if in no such."""
        root = root_of(flat)
        with self._gate:
            found = self._lent.get(id(root))
        if found is None or found[0]() is not root or found[1].num_bytes != flat.nbytes:
            return None
        return found[1]

    def close(self) -> None:
        """Close what nobody uses; what is in use goes with its arrays."""
        with self._gate:
            self._is_enabled = False
            self._lengths.clear()
            retired, self._retired = self._retired, []
        for memory in retired:
            memory.close()

    def _unused(self, num_bytes: int) -> SealedMemory | None:
        for position, memory in enumerate(self._retired):
            if memory.num_bytes == num_bytes and not memory.is_shared():
                return self._retired.pop(position)
        return None

    def _retire(self, key: int) -> None:
        with self._gate:
            _, memory = self._lent.pop(key)
            self._retired.append(memory)
            num_surplus = len(self._retired) - (_MAX_RETIRED if self._is_enabled else 0)
            surplus = [self._retired.pop(0) for _ in range(num_surplus)]
        for memory in surplus:
            memory.close()


def root_of(array: Bytes) -> Bytes:
    """Return the array that owns, or first looked at, the memory of a view."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array
