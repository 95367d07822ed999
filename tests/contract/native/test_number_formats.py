"""One suite over both twins of the sixteen-bit forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import bf16_pack, bf16_unpack, f16_pack, f16_unpack
from heronry.native.arrays import Floats, HalfBits
from heronry.native.backend import Loops

ALL_BITS = np.arange(1 << 16, dtype=np.uint16)
floats = st.lists(st.floats(width=32, allow_nan=False), max_size=40)


def packed(pack: object, values: Floats, loops: Loops) -> HalfBits:
    out = np.empty(len(values), np.uint16)
    pack(values, out, loops=loops)  # type: ignore[operator]  # one of the two faces
    return out


def unpacked(unpack: object, bits: HalfBits, loops: Loops) -> Floats:
    out = np.empty(len(bits), np.float32)
    unpack(bits, out, loops=loops)  # type: ignore[operator]  # one of the two faces
    return out


@pytest.mark.parametrize("pack,unpack", [(bf16_pack, bf16_unpack), (f16_pack, f16_unpack)])
def test_every_number_of_the_form_comes_back_as_it_was(loops: Loops, pack: object, unpack: object) -> None:
    values = unpacked(unpack, ALL_BITS, loops)
    is_number = ~np.isnan(values)

    np.testing.assert_array_equal(packed(pack, values, loops)[is_number], ALL_BITS[is_number])
    assert np.isnan(unpacked(unpack, packed(pack, values, loops), loops)[~is_number]).all()


def test_known_numbers_have_their_bits(loops: Loops) -> None:
    values = np.array([0.0, -0.0, 1.0, -2.0, np.inf, 0.333333343], np.float32)

    assert packed(bf16_pack, values, loops).tolist() == [0, 0x8000, 0x3F80, 0xC000, 0x7F80, 0x3EAB]
    assert packed(f16_pack, values, loops).tolist() == [0, 0x8000, 0x3C00, 0xC000, 0x7C00, 0x3555]


def test_ties_go_to_even_and_past_the_largest_to_infinity(loops: Loops) -> None:
    halves = np.array([1 + 2**-11, 1 + 3 * 2**-11, 65519.996, 65520.0, 2**-25, 3 * 2**-26, 2**-14 - 2**-25], np.float32)
    uppers = np.array([1 + 2**-8, 1 + 3 * 2**-8, np.finfo(np.float32).max], np.float32)

    assert packed(f16_pack, halves, loops).tolist() == [0x3C00, 0x3C02, 0x7BFF, 0x7C00, 0, 1, 0x400]
    assert packed(bf16_pack, uppers, loops).tolist() == [0x3F80, 0x3F82, 0x7F80]


def test_binary16_is_that_of_numpy_at_every_boundary(loops: Loops) -> None:
    """All float32 values at, and next to, a half or whole step of binary16."""
    steps = np.arange(0x33000000 - 0x2000, 0x47800000, 0x1000, np.uint32)
    values = np.concatenate([steps, steps + np.uint32(1), steps - np.uint32(1)]).view(np.float32)

    with np.errstate(over="ignore", under="ignore"):
        expected = values.astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(packed(f16_pack, values, loops), expected)


@given(floats)
def test_bf16_is_off_by_at_most_half_a_step(loops: Loops, values: list[float]) -> None:
    array = np.array(values, np.float32)
    inside = array[np.abs(array) < 3e38]

    back = unpacked(bf16_unpack, packed(bf16_pack, inside, loops), loops)

    # Subnormal numbers have the step 2^-133.
    assert (np.abs(back.astype(np.float64) - inside) <= np.abs(inside, dtype=np.float64) * 2.0**-8 + 2.0**-134).all()


@given(floats)
def test_f16_is_off_by_at_most_half_a_step(loops: Loops, values: list[float]) -> None:
    array = np.array(values, np.float32)
    inside = array[np.abs(array) <= 65504]

    back = unpacked(f16_unpack, packed(f16_pack, inside, loops), loops)

    assert (np.abs(back.astype(np.float64) - inside) <= np.abs(inside, dtype=np.float64) * 2.0**-11 + 2.0**-25).all()


@pytest.mark.parametrize("pack", [bf16_pack, f16_pack])
def test_both_twins_pack_the_same_bits(twins: list[Loops], pack: object) -> None:
    bits = np.random.default_rng(3).integers(0, 1 << 32, 200_000, np.uint32)
    values = bits.view(np.float32)
    numbers = values[~np.isnan(values)]

    np.testing.assert_array_equal(packed(pack, numbers, twins[0]), packed(pack, numbers, twins[1]))


@pytest.mark.parametrize("payload", [0x7F800001, 0x7FFFFFFF, 0xFF800001, 0x7FC00000])
def test_a_nan_never_becomes_a_number(loops: Loops, payload: int) -> None:
    values = np.full(40, payload, np.uint32).view(np.float32)

    assert np.isnan(unpacked(bf16_unpack, packed(bf16_pack, values, loops), loops)).all()
    assert np.isnan(unpacked(f16_unpack, packed(f16_pack, values, loops), loops)).all()


def test_another_type_or_length_is_refused(loops: Loops) -> None:
    values, bits = np.ones(4, np.float32), np.ones(4, np.uint16)

    for pack, unpack in ((bf16_pack, bf16_unpack), (f16_pack, f16_unpack)):
        with pytest.raises(TypeError):
            pack(np.ones(4), bits, loops=loops)  # type: ignore[arg-type]  # that it is refused is the point
        with pytest.raises(ValueError):
            pack(values, bits[:3], loops=loops)
        with pytest.raises(ValueError):
            unpack(bits, values[:3], loops=loops)
