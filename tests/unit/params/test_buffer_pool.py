"""Memory that is used again."""

import gc
import threading

import numpy as np

from heronry.params.core.buffer_pool import BufferPool

SIZE = 1 << 20


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_comes_back_when_nobody_refers_to_it() -> None:
    pool = BufferPool(4 * SIZE)
    buffer = pool.take(SIZE)
    first = address(buffer)

    del buffer

    assert pool.num_idle_bytes == SIZE
    again = pool.take(SIZE)
    assert address(again) == first
    assert pool.num_idle_bytes == 0


def test_a_view_keeps_the_memory() -> None:
    pool = BufferPool(4 * SIZE)
    view = pool.take(SIZE).view(np.float32)[10:20]
    view[:] = 7

    other = pool.take(SIZE)
    other[:] = 0

    assert pool.num_idle_bytes == 0
    np.testing.assert_array_equal(view, np.full(10, 7))
    del view
    assert pool.num_idle_bytes == SIZE


def test_what_nobody_uses_is_bounded() -> None:
    pool = BufferPool(2 * SIZE)
    buffers = [pool.take(SIZE) for _ in range(5)]

    buffers.clear()

    assert pool.num_idle_bytes == 2 * SIZE


def test_sizes_used_long_ago_go_first() -> None:
    pool = BufferPool(2 * SIZE)
    old, new = pool.take(SIZE), pool.take(2 * SIZE)

    del old
    del new

    assert pool.num_idle_bytes == 2 * SIZE
    pool.take(2 * SIZE)
    assert pool.num_idle_bytes == 2 * SIZE


def test_memory_in_a_cycle_comes_back_with_the_collector() -> None:
    pool = BufferPool(4 * SIZE)
    cycle: list[object] = [pool.take(SIZE)]
    cycle.append(cycle)

    del cycle
    gc.collect()

    assert pool.num_idle_bytes == SIZE


def test_two_threads_never_share_memory() -> None:
    pool = BufferPool(8 * SIZE)
    start = threading.Barrier(2)
    is_own: list[bool] = []

    def take_and_check(mark: int) -> None:
        start.wait(10)
        for _ in range(50):
            buffer = pool.take(SIZE)[:64]
            buffer[:] = mark
            is_own.append(bool((buffer == mark).all()))

    threads = [threading.Thread(target=take_and_check, args=(mark,)) for mark in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert is_own == [True] * 100


def test_clearing_lets_go_of_what_nobody_uses() -> None:
    pool = BufferPool(4 * SIZE)
    pool.take(SIZE)

    pool.clear()

    assert pool.num_idle_bytes == 0


def test_small_buffers_are_not_kept() -> None:
    pool = BufferPool(4 * SIZE)

    pool.take(1000)

    assert pool.num_idle_bytes == 0
