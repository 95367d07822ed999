"""ChaCha20 as a source of words, and how chunks are shared out."""

import threading

import numpy as np
import pytest

from heronry.native.arrays import Keys
from heronry.privacy.noise import CHUNK_VALUES, NoiseKey
from heronry.privacy.noise.keystream import Keystream, over_chunks
from heronry.types.errors import InvalidArgumentError

RFC_8439_SECTION_2_3_2 = """
    10 f1 e7 e4 d1 3b 59 15 50 0f dd 1f a3 20 71 c4 c7 d1 f4 c7 33 c0 68 03 04 22 aa 9a c3 d4 6c 4e
    d2 82 64 46 07 9f aa 09 14 c2 d7 05 d9 8b 02 a2 b5 12 9c d1 de 16 4e b9 cb d0 83 e8 a2 50 3c 4e
"""


def words(key: NoiseKey, index: int, chunk: int, count: int) -> Keys:
    out = np.empty(count, np.uint64)
    Keystream(key, index, chunk).fill(out)
    return out


def test_the_second_block_of_the_published_key_and_nonce_is_the_published_one() -> None:
    key = NoiseKey(bytes(range(32)))
    index = int.from_bytes(bytes.fromhex("000000090000004a"), "little")

    blocks = words(key, index, 0, 16).astype("<u8").tobytes()

    assert blocks[64:] == bytes.fromhex(RFC_8439_SECTION_2_3_2)


def test_words_come_in_order_however_many_are_taken_at_a_time() -> None:
    key, stream = NoiseKey.deterministic(1), Keystream(NoiseKey.deterministic(1), 5, 6)
    parts = [np.empty(count, np.uint64) for count in (1, 7, 0, 92)]

    for part in parts:
        stream.fill(part)

    np.testing.assert_array_equal(np.concatenate(parts), words(key, 5, 6, 100))


def test_no_two_streams_chunks_or_keys_share_a_word() -> None:
    keys = [NoiseKey.deterministic(seed) for seed in (1, 2)]
    places = [(0, 0), (1, 0), (0, 1), (1, 1), (2**64 - 1, 0), (0, 2**32 - 1), (2**32, 0)]

    together = np.concatenate([words(key, index, chunk, 1000) for key in keys for index, chunk in places])

    assert len(np.unique(together)) == len(together)


@pytest.mark.parametrize("num_threads", [1, 2, 3])
@pytest.mark.parametrize("num_values", [0, 1, CHUNK_VALUES, 20 * CHUNK_VALUES - 1, 33 * CHUNK_VALUES])
def test_every_chunk_is_worked_on_once(num_threads: int, num_values: int) -> None:
    seen: list[int] = []
    threads: set[int] = set()

    def work(chunks: range) -> None:
        seen.extend(chunks)
        threads.add(threading.get_ident())

    over_chunks(num_values, 5, num_threads, work)

    assert sorted(seen) == list(range(5, 5 - (-num_values // CHUNK_VALUES)))
    assert len(threads) <= num_threads


def test_what_fails_in_another_thread_is_raised() -> None:
    def work(chunks: range) -> None:
        if chunks.start > 0:
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        over_chunks(20 * CHUNK_VALUES, 0, 2, work)


def test_chunks_past_the_nonce_and_no_threads_are_refused() -> None:
    over_chunks(1, 2**32 - 1, 1, lambda chunks: None)

    with pytest.raises(InvalidArgumentError):
        over_chunks(1, 2**32, 1, lambda chunks: None)
    with pytest.raises(InvalidArgumentError):
        over_chunks(CHUNK_VALUES + 1, 2**32 - 1, 1, lambda chunks: None)
    with pytest.raises(InvalidArgumentError):
        over_chunks(1, 0, 0, lambda chunks: None)
