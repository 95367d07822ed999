"""One suite over both twins of the normals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import add_box_muller, box_muller, num_normal_words
from heronry.native.arrays import Keys, Reals
from heronry.native.backend import Loops

seeds = st.integers(0, 2**32 - 1)
lengths = st.sampled_from((0, 1, 255, 256, 257, 511, 512, 513, 2000))


def random_words(seed: int, num_words: int) -> Keys:
    return np.random.default_rng(seed).integers(0, 2**64, num_words, dtype=np.uint64)


def normals(words: Keys, loops: Loops, length: int | None = None) -> Reals:
    out = np.empty(len(words) if length is None else length)
    box_muller(words, out, loops=loops)
    return out


def reference(radius_word: int, angle_word: int) -> tuple[float, float]:
    """Return both normals of a pair of words, by the mathematics library's functions."""
    radius = math.sqrt(-2 * math.log(((radius_word >> 11) + 1) / 2**53))
    angle = ((angle_word % 2**52) / 2**52 - 0.5) * math.pi / 2
    both = (math.sin(angle), math.cos(angle)) if angle_word >> 62 & 1 else (math.cos(angle), math.sin(angle))
    return (-radius * both[0], -radius * both[1]) if angle_word >> 63 else (radius * both[0], radius * both[1])


@given(seed=seeds, edge=st.sampled_from((0, 2**64 - 1, 2**63, 2**62, 2**11, (1 << 64) - (1 << 11))))
def test_normals_are_those_of_the_formula_to_five_parts_in_2_to_the_53(loops: Loops, seed: int, edge: int) -> None:
    words = random_words(seed, 1024)
    words[[0, 256]] = edge
    blocks = words.reshape(2, 2, 256).tolist()
    expected = [np.array([reference(*pair) for pair in zip(*block, strict=True)]).T.reshape(-1) for block in blocks]

    # The reference itself is off by up to three such parts.
    np.testing.assert_allclose(normals(words, loops), np.concatenate(expected), rtol=8 * 2.0**-53, atol=0)


def test_the_tail_ends_at_the_root_of_106_log_2(loops: Loops) -> None:
    words = np.zeros(512, np.uint64)
    words[256:] = np.uint64(1 << 51)

    out = normals(words, loops)

    assert out[0] == pytest.approx(math.sqrt(2 * 53 * math.log(2)), rel=1e-15)
    assert out[256] == 0.0


def test_all_four_quarters_of_the_circle_are_reached(loops: Loops) -> None:
    words = np.zeros(512, np.uint64)
    words[256:260] = np.array([0, 1, 2, 3], np.uint64) << np.uint64(62) | np.uint64(1 << 51)

    out = normals(words, loops)

    directions = np.sign(np.stack((out[:4], out[256:260]), axis=1)).astype(int).tolist()
    assert directions == [[1, 0], [0, 1], [-1, 0], [0, -1]]


@given(seed=seeds, length=lengths)
def test_a_vector_begins_any_longer_one(loops: Loops, seed: int, length: int) -> None:
    words = random_words(seed, 2048)

    short = normals(words[: num_normal_words(length)], loops, length)

    np.testing.assert_array_equal(short, normals(words, loops)[:length])


@given(seed=seeds, length=lengths, exponent=st.integers(-3, 47))
def test_scaled_normals_are_added_rounded_half_to_even(loops: Loops, seed: int, length: int, exponent: int) -> None:
    words, scale = random_words(seed, num_normal_words(length)), 2.0**exponent
    total = np.arange(length, dtype=np.int64)

    add_box_muller(words, scale, total, loops=loops)

    expected = np.arange(length) + np.rint(normals(words, loops, length) * scale).astype(np.int64)
    np.testing.assert_array_equal(total, expected)


@given(seed=seeds, length=lengths, scale=st.floats(0, 2.0**47))
def test_both_twins_give_the_same_bits(twins: list[Loops], seed: int, length: int, scale: float) -> None:
    words = random_words(seed, num_normal_words(length))
    totals = [np.zeros(length, np.int64) for _ in twins]

    for loops, total in zip(twins, totals, strict=True):
        add_box_muller(words, scale, total, loops=loops)

    assert normals(words, twins[0], length).tobytes() == normals(words, twins[1], length).tobytes()
    np.testing.assert_array_equal(totals[0], totals[1])


def test_wrong_lengths_types_and_scales_are_refused(loops: Loops) -> None:
    words, total = random_words(0, 512), np.zeros(512, np.int64)

    with pytest.raises(ValueError):
        box_muller(words[:511], np.empty(511), loops=loops)
    with pytest.raises(ValueError):
        add_box_muller(words, 1.0, np.zeros(513, np.int64), loops=loops)
    with pytest.raises(TypeError):
        box_muller(words, total, loops=loops)  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError):
        add_box_muller(words.view(np.int64), 1.0, total, loops=loops)  # type: ignore[arg-type]  # refused
    for scale in (-1.0, 2.0**48, math.nan, math.inf):
        with pytest.raises(ValueError):
            add_box_muller(words, scale, total, loops=loops)
    assert not total.any()
