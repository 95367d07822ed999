"""Blocks of bytes, all blocks at once."""

from typing import Final

import numpy as np

from heronry.native.arrays import Codes, Floats, Keys
from heronry.native.twins.arguments import require, require_lengths

_BLOCK_SIZE: Final = 256
_WORDS_PER_BLOCK: Final = 64
_GAMMA: Final = 0x9E3779B97F4A7C15


def int8_pack(values: Floats, seed: int, scales: Floats, codes: Codes) -> None:
    """Fill scales and codes."""
    _check(values, scales, codes)
    if not 0 <= seed < 1 << 64:
        raise TypeError(f"seed: {seed}, needed: 0 to 2^64 - 1")
    blocks = np.zeros((len(scales), _BLOCK_SIZE), np.float32)
    blocks.reshape(-1)[: len(values)] = values
    largest = np.abs(blocks).max(axis=1, initial=0.0)
    least = np.where(largest > 0, np.finfo(np.float32).tiny, np.float32(0))
    scales[:] = np.maximum(largest / np.float32(127), least)
    words = _words(seed, len(scales) * _WORDS_PER_BLOCK).view(np.uint16).reshape(blocks.shape)
    steps = blocks / np.where(scales > 0, scales, np.float32(1))[:, None]
    # Half a step of u's grid, so that it is even about 1/2; with 17 bits the sum with a whole step is exact.
    steps += (words.astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-16)
    codes[:] = np.clip(np.floor(steps), -127, 127).astype(np.int8).reshape(-1)[: len(values)]


def int8_unpack(scales: Floats, codes: Codes, out: Floats) -> None:
    """Multiply each block by its scale."""
    _check(out, scales, codes)
    with np.errstate(over="ignore", invalid="ignore"):
        np.multiply(codes, np.repeat(scales, _BLOCK_SIZE)[: len(codes)], out=out)


def _words(seed: int, count: int) -> Keys:
    """Return outputs 0 to count of SplitMix64 from the state that is its first output from `seed`.

    Seeds that differ by a multiple of gamma would else give the same numbers, shifted.
    """
    start = int(_mixed(np.array([(seed + _GAMMA) % (1 << 64)], np.uint64))[0])
    states = np.arange(1, count + 1, dtype=np.uint64)
    states *= np.uint64(_GAMMA)
    states += np.uint64(start)
    return _mixed(states)


def _mixed(states: Keys) -> Keys:
    mixed = (states ^ (states >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _check(values: Floats, scales: Floats, codes: Codes) -> None:
    require(values=(values, np.float32), scales=(scales, np.float32), codes=(codes, np.int8))
    require_lengths(len(values), values=values, codes=codes)
    require_lengths(-(-len(values) // _BLOCK_SIZE), scales=scales)
