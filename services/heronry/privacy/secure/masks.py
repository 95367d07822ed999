"""Masks: ChaCha20 keystreams, read as words and added modulo 2^32.

A mask is as long as the vector and comes from a key that is used for nothing else, so that its nonce is 0. Sums of
words wrap around, as NumPy's do: a vector with a uniform mask added is uniform, whatever the vector was.

Source: RFC 8439, section 2.4 (ChaCha20); Bonawitz et al. 2017, section 4 (masks).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from heronry.types.secure_messages import Words

WORD_BYTES: Final = 4
KEY_BYTES: Final = 32
_NONCE: Final = bytes(16)
# Keystream, zeros and the part of the vector that is worked on stay in the second-level cache.
_CHUNK_WORDS: Final = 16_384
_ZEROS: Final = memoryview(bytes(WORD_BYTES * _CHUNK_WORDS))
# Bounds the memory of open streams, whatever the number of clients.
_STREAMS_AT_ONCE: Final = 256


@dataclass(frozen=True, repr=False)
class Mask:
    """A mask to add or to take off.

    Attributes:
      key: 32 bytes, secret.
      is_added: else it is subtracted.
    """

    key: bytes
    is_added: bool

    def undone(self) -> "Mask":
        """Return the mask that takes this one off."""
        return Mask(self.key, not self.is_added)


def apply_masks(words: Words, masks: Iterable[Mask]) -> None:
    """Add every mask to the words, in place, modulo 2^32; no memory but a chunk. O(words * masks)."""
    pending = iter(masks)
    while batch := list(islice(pending, _STREAMS_AT_ONCE)):
        _apply_batch(words, batch)


def _apply_batch(words: Words, masks: list[Mask]) -> None:
    """Add some masks, chunk by chunk of the words: a chunk is in the cache for all of them."""
    stream_bytes = bytearray(WORD_BYTES * _CHUNK_WORDS)
    stream = np.frombuffer(stream_bytes, "<u4")
    additions = [(Cipher(ChaCha20(mask.key, _NONCE), None).encryptor(), mask.is_added) for mask in masks]
    for start in range(0, len(words), _CHUNK_WORDS):
        chunk = words[start : start + _CHUNK_WORDS]
        zeros = _ZEROS[: WORD_BYTES * len(chunk)]
        for keystream, is_added in additions:
            keystream.update_into(zeros, stream_bytes)
            (np.add if is_added else np.subtract)(chunk, stream[: len(chunk)], out=chunk)
