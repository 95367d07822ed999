"""Packed uploads and downloads: their bytes, what comes back, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import measure
from heronry.native.arrays import Bytes, Vector
from heronry.native.parameter_packing import pack_parameters, packed_num_bytes, unpack_parameters
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import InvalidArgumentError, InvalidContributionError, SchemaMismatchError

PACKING = [codec for codec in ParameterCodec if codec is not ParameterCodec.F32]
OTHERS = [np.arange(3, dtype=np.uint8), np.empty(0, np.uint8), np.arange(7, dtype=np.uint8)]
NUM_OTHERS = 10
TYPES = (np.float32, np.float64)


def vector(seed: int, length: int, dtype: type = np.float32) -> Vector:
    return np.random.default_rng(seed).standard_normal(length).astype(dtype)


def of_bytes(text: str) -> Bytes:
    return np.frombuffer(bytes.fromhex(text), np.uint8).copy()


def unpacked(codec: ParameterCodec, packed: Bytes, num_parameters: int, dtype: type = np.float32) -> Vector:
    out: Vector = np.empty(num_parameters, dtype)
    unpack_parameters(codec, packed, NUM_OTHERS, out)
    return out


@pytest.mark.parametrize(
    "codec,expected",
    [
        (ParameterCodec.BF16, "803f 0040 7fc2"),
        (ParameterCodec.F16, "003c 0040 f0d3"),
        # The scale is 63.5 / 127 = 0.5: whole multiples of it, so the rounding draws nothing.
        (ParameterCodec.INT8, "0000003f 02 04 81"),
        (ParameterCodec.TOP_K, "01000000 02000000 00000040 00007ec2"),
    ],
)
def test_the_bytes_are_those_of_the_contract(codec: ParameterCodec, expected: str) -> None:
    values = np.array([1.0, 2.0, -63.5], np.float32)
    if codec is ParameterCodec.BF16:
        values[2] = -63.75

    packed = pack_parameters(codec, values, [np.array([0xAB], np.uint8)], seed=1, k=2)

    np.testing.assert_array_equal(packed, of_bytes(expected + "ab"))


@given(
    codec=st.sampled_from(PACKING), dtype=st.sampled_from(TYPES), length=st.integers(0, 600), seed=st.integers(0, 99)
)
def test_what_is_packed_comes_back_within_the_codecs_error(
    codec: ParameterCodec, dtype: type, length: int, seed: int
) -> None:
    values = vector(seed, length, dtype)
    largest, _ = measure(values)
    allowed = {
        ParameterCodec.BF16: np.abs(values) * 2.0**-8 * 1.001,
        ParameterCodec.F16: np.abs(values) * 2.0**-11 * 1.001 + 2.0**-25,
        ParameterCodec.INT8: np.full(length, largest / 127 * 1.001),
        ParameterCodec.TOP_K: np.abs(values) * 2.0**-24 * 1.001,
    }[codec]

    packed = pack_parameters(codec, values, OTHERS, seed=seed, k=length)
    out = np.empty_like(values)
    offset = unpack_parameters(codec, packed, NUM_OTHERS, out)

    assert len(packed) == packed_num_bytes(codec, length, NUM_OTHERS, k=length)
    assert (np.abs(out - values) <= allowed).all()
    np.testing.assert_array_equal(packed[offset:], np.concatenate(OTHERS))


@pytest.mark.parametrize("codec", PACKING)
def test_it_packs_into_memory_that_is_given(codec: ParameterCodec) -> None:
    values = vector(1, 300)
    lent = np.zeros(packed_num_bytes(codec, 300, NUM_OTHERS, k=30), np.uint8)

    packed = pack_parameters(codec, values, OTHERS, seed=4, k=30, out=lent)

    assert packed is lent
    np.testing.assert_array_equal(packed, pack_parameters(codec, values, OTHERS, seed=4, k=30))
    with pytest.raises(SchemaMismatchError, match="num_bytes"):
        pack_parameters(codec, values, OTHERS, k=30, out=lent[1:])


@pytest.mark.parametrize("codec", PACKING)
def test_bytes_at_an_odd_address_and_read_only_ones_are_read(codec: ParameterCodec) -> None:
    values = vector(2, 300)
    packed = pack_parameters(codec, values, OTHERS, k=30)
    shifted = np.empty(len(packed) + 1, np.uint8)[1:]
    shifted[:] = packed
    frozen = np.frombuffer(packed.tobytes(), np.uint8)

    expected = unpacked(codec, packed, 300)

    np.testing.assert_array_equal(unpacked(codec, shifted, 300), expected)
    np.testing.assert_array_equal(unpacked(codec, frozen, 300), expected)


@pytest.mark.parametrize("codec", PACKING)
@pytest.mark.parametrize("change", [-1, 1, -300])
def test_another_length_is_refused(codec: ParameterCodec, change: int) -> None:
    packed = pack_parameters(codec, vector(3, 20), OTHERS, k=10)
    wrong = np.zeros(max(0, len(packed) + change), np.uint8)

    with pytest.raises(SchemaMismatchError, match="num_bytes"):
        unpacked(codec, wrong, 20)


def test_more_kept_values_than_there_are_is_refused() -> None:
    packed = pack_parameters(ParameterCodec.TOP_K, vector(3, 20), OTHERS, k=20)

    with pytest.raises(SchemaMismatchError, match="num_bytes"):
        unpacked(ParameterCodec.TOP_K, packed, 19)


@pytest.mark.parametrize("indices", [[3, 3], [4, 3], [1, 20], [2**32 - 1, 0]])
def test_indices_that_do_not_ascend_or_lie_outside_are_refused(indices: list[int]) -> None:
    packed = pack_parameters(ParameterCodec.TOP_K, vector(4, 20), OTHERS, k=2)
    packed[:8].view(np.uint32)[:] = indices

    with pytest.raises(InvalidContributionError, match=r"indices\[1\]"):
        unpacked(ParameterCodec.TOP_K, packed, 20)


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0])
def test_a_scale_that_is_no_scale_is_refused(scale: float) -> None:
    packed = pack_parameters(ParameterCodec.INT8, vector(5, 600), OTHERS)
    packed[4:8].view(np.float32)[:] = scale

    with pytest.raises(InvalidContributionError, match=r"scales\[1\]"):
        unpacked(ParameterCodec.INT8, packed, 600)


def test_the_unused_code_is_refused() -> None:
    packed = pack_parameters(ParameterCodec.INT8, vector(6, 20), OTHERS)
    packed[4 + 7] = 0x80

    with pytest.raises(InvalidContributionError, match=r"codes\[7\]"):
        unpacked(ParameterCodec.INT8, packed, 20)


@pytest.mark.parametrize("codec", PACKING)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_not_packed(codec: ParameterCodec, dtype: type, wrong: float) -> None:
    values = vector(7, 20, dtype)
    values[3] = wrong

    with pytest.raises(InvalidContributionError, match="values"):
        pack_parameters(codec, values, k=2)


@pytest.mark.parametrize(
    "codec,largest",
    [
        (ParameterCodec.F16, 65519.99),
        (ParameterCodec.BF16, 3.39e38),
        (ParameterCodec.INT8, 3.402822e38),
        (ParameterCodec.TOP_K, float(np.finfo(np.float32).max)),
    ],
)
def test_the_largest_values_are_packed_as_finite_ones_and_larger_ones_refused(
    codec: ParameterCodec, largest: float
) -> None:
    packed = pack_parameters(codec, np.array([largest]), OTHERS, k=1)

    assert np.isfinite(unpacked(codec, packed, 1)).all()
    with pytest.raises(InvalidContributionError, match="values"):
        pack_parameters(codec, np.array([largest * 1.01]), k=1)


def test_a_float64_that_rounds_to_what_the_codec_cannot_hold_is_refused() -> None:
    """Rounded twice, to float32 first, it would become infinity."""
    with pytest.raises(InvalidContributionError, match="values"):
        pack_parameters(ParameterCodec.F16, np.array([np.nextafter(65520.0, 0.0)]))


def test_flat_buffers_and_too_large_a_k_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="codec"):
        pack_parameters(ParameterCodec.F32, vector(8, 20))
    with pytest.raises(InvalidArgumentError, match="k"):
        pack_parameters(ParameterCodec.TOP_K, vector(8, 20), k=21)
