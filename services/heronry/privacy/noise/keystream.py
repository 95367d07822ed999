"""ChaCha20 as a source of uniform words, one nonce for each chunk of 65,536 values.

A chunk's words depend on key, stream index and the chunk's number only: any thread, or a server that holds one slice of
a model, makes the same noise. The counter of a nonce lasts for 2^32 blocks of 64 bytes; no sampler comes near that.

Source: RFC 8439, section 2.3 (ChaCha20); the counter is the first four bytes of the nonce that `cryptography` takes.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from heronry.native.arrays import Keys
from heronry.privacy.noise.keys import NoiseKey
from heronry.types.field_checks import whole_number

CHUNK_VALUES: Final = 65_536
_MAX_CHUNK: Final = 2**32 - 1
_WORD: Final = 8
_FEWEST_CHUNKS_A_THREAD: Final = 8
_ZEROS: Final = memoryview(bytes(CHUNK_VALUES * _WORD))


class Keystream:
    """The words of one chunk of one stream, in order. Not safe for use by two threads at a time."""

    def __init__(self, key: NoiseKey, index: int, chunk: int) -> None:
        nonce = bytes(4) + index.to_bytes(8, "little") + chunk.to_bytes(4, "little")
        self._cipher = Cipher(ChaCha20(key.secret, nonce), mode=None).encryptor()

    def fill(self, words: Keys) -> None:
        """Fill with the next words, at most 65,536 of them; little-endian on any machine."""
        self._cipher.update_into(_ZEROS[: words.nbytes], words.view(np.uint8).data)
        if sys.byteorder != "little":
            words.byteswap(inplace=True)


def stream_index(index: int) -> int:
    """Return the index of a stream; raises InvalidArgumentError unless it is of 64 bits."""
    return whole_number("index", index)


def over_chunks(num_values: int, first_chunk: int, num_threads: int, work: Callable[[range], None]) -> None:
    """Call `work` with ranges of chunk numbers that cover the values, each range in a thread.

    The caller's thread takes the first range. A range holds at least eight chunks if it is not the only one.

    Raises:
      InvalidArgumentError: chunks past 2^32 - 1, or no thread.
    """
    num_chunks = -(-num_values // CHUNK_VALUES)
    first = whole_number("first_chunk", first_chunk, 0, _MAX_CHUNK + 1 - num_chunks)
    num_ranges = max(1, min(whole_number("num_threads", num_threads, 1), num_chunks // _FEWEST_CHUNKS_A_THREAD))
    edges = [first + num_chunks * i // num_ranges for i in range(num_ranges + 1)]
    if num_ranges == 1:
        return work(range(*edges))
    with ThreadPoolExecutor(num_ranges - 1) as pool:
        others = [pool.submit(work, range(*edges[i : i + 2])) for i in range(1, num_ranges)]
        work(range(*edges[:2]))
        for other in others:
            other.result()
    return None
