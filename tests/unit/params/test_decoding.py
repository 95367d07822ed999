"""Packed contributions become values; what cannot be one is refused by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.decoding import check_packing, decode_packed
from heronry.params.core.encoding import EXACT, Packing, encode_packed, packing_for
from heronry.params.core.layout import ParameterLayout
from heronry.params.core.versions import Published
from heronry.types.contribution import ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, InvalidContributionError, SchemaMismatchError
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole
from heronry.types.version import ParameterVersion

POOL = BufferPool(0)
LOSSY = [ParameterCodec.BF16, ParameterCodec.F16, ParameterCodec.INT8, ParameterCodec.TOP_K]


def mixed(values: np.ndarray) -> tuple[ParameterLayout, np.ndarray]:
    """Return the layout and flat buffer of a model whose learnt tensors have others between them."""
    tensors = {
        "a": values[: values.size // 2].astype(np.float32),
        "seen": np.array(7, np.int64),
        "b": values[values.size // 2 :].astype(np.float32),
        "mean": np.array([0.25, 0.5], np.float64),
    }
    roles = {"seen": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS), "mean": (TensorRole.BUFFER, MergeRule.MEAN)}
    schema = ModelSchema.of(tensors, roles)
    return ParameterLayout(schema), np.frombuffer(schema.pack(tensors), np.uint8)


def header(codec: ParameterCodec, kind: ContributionKind = ContributionKind.DELTA) -> ContributionHeader:
    return ContributionHeader("m", "c", "r", ParameterVersion(1, 1), kind, codec)


def published(flat: np.ndarray, number: int = 1) -> Published:
    return Published.of(flat, ParameterVersion(1, number - 1), 0.0)


def bound_of(codec: ParameterCodec, values: np.ndarray) -> np.ndarray:
    """Return what the proto promises of a codec: half a unit in the last place, or one step of a block."""
    size = np.abs(values)
    if codec is ParameterCodec.BF16:
        return size * 2.0**-8
    if codec is ParameterCodec.F16:
        return size * 2.0**-11 + 2.0**-25
    return np.full(values.shape, size.max() / 127 * (1 + 1e-6))


def test_a_float32_model_is_decoded_without_a_copy() -> None:
    values = np.array([1.0, -3.0, 2.0], np.float32)
    layout = ParameterLayout(ModelSchema.of({"w": values}))
    packed = values.view(np.uint8)

    decoded = decode_packed(layout, ParameterCodec.F32, packed, POOL)

    assert np.shares_memory(decoded.vector, packed)
    assert (decoded.largest, decoded.squared_norm) == (3.0, 14.0)
    assert not decoded.vector.flags.writeable


@given(seed=st.integers(0, 2**32 - 1))
def test_the_norm_is_that_of_the_values_whatever_lies_between_them(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=20).astype(np.float32)
    layout, flat = mixed(values)

    decoded = decode_packed(layout, ParameterCodec.F32, flat, POOL)

    np.testing.assert_array_equal(decoded.vector, values)
    assert decoded.largest == float(np.abs(values).max())
    assert decoded.squared_norm == pytest.approx(float((values.astype(np.float64) ** 2).sum()), rel=1e-12)
    assert decoded.others["seen"] == 7
    assert not np.shares_memory(decoded.others["mean"], flat)


@pytest.mark.parametrize("codec", LOSSY[:3])
@given(seed=st.integers(0, 2**32 - 1))
def test_what_was_packed_is_decoded_within_the_bound_of_its_codec(codec: ParameterCodec, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=600).astype(np.float32)
    layout, flat = mixed(values)

    packed = encode_packed(layout, published(flat), Packing(codec), POOL)
    decoded = decode_packed(layout, codec, packed, POOL)

    check_packing(layout, header(codec), packed.nbytes)
    assert np.all(np.abs(decoded.vector - values) <= bound_of(codec, values))
    assert decoded.others["seen"] == 7
    np.testing.assert_array_equal(decoded.others["mean"], [0.25, 0.5])


def test_a_delta_keeps_the_largest_changes() -> None:
    base, values = np.zeros(100, np.float32), np.arange(100, dtype=np.float32)
    layout, old = mixed(base)
    _, new = mixed(values)
    packing = packing_for(ParameterCodec.TOP_K, published(old), 0.1)

    packed = encode_packed(layout, published(new, 2), packing, POOL)
    decoded = decode_packed(layout, ParameterCodec.TOP_K, packed, POOL)

    expected = np.where(values >= 90, values, 0)
    np.testing.assert_array_equal(decoded.vector, expected)


def test_random_rounding_is_the_same_for_every_reader_of_a_version() -> None:
    layout, flat = mixed(np.random.default_rng(0).normal(size=600))
    one, again = (encode_packed(layout, published(flat), Packing(ParameterCodec.INT8), POOL) for _ in range(2))

    other = encode_packed(layout, published(flat, 2), Packing(ParameterCodec.INT8), POOL)

    assert one.tobytes() == again.tobytes() != other.tobytes()


def test_a_version_that_a_codec_cannot_hold_is_refused_for_it() -> None:
    layout, flat = mixed(np.full(4, 1e6))

    with pytest.raises(InvalidArgumentError, match=r"codec: got 'f16'.*'f32'"):
        encode_packed(layout, published(flat), Packing(ParameterCodec.F16), POOL)


def test_without_a_base_the_whole_version_is_sent_exactly() -> None:
    assert packing_for(ParameterCodec.TOP_K, None, 0.0) is EXACT
    assert packing_for(ParameterCodec.F32, published(np.zeros(8, np.uint8)), 0.0) is EXACT
    with pytest.raises(InvalidArgumentError, match=r"top_k_share: got 1\.5"):
        packing_for(ParameterCodec.TOP_K, published(np.zeros(8, np.uint8)), 1.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("index", "place"), [(3, r"a\[3\]"), (12, r"b\[2\]")])
def test_a_value_that_is_not_finite_is_named_with_its_tensor(value: float, index: int, place: str) -> None:
    values = np.zeros(20, np.float32)
    values[index] = value
    layout, flat = mixed(values)

    with pytest.raises(InvalidContributionError, match=place) as error:
        decode_packed(layout, ParameterCodec.F32, flat, POOL)

    assert error.value.details["allowed"] == "finite"


def test_a_buffer_that_is_not_finite_is_named_too() -> None:
    layout, flat = mixed(np.zeros(4))
    flat = flat.copy()
    flat[-8:] = np.frombuffer(np.float64(np.nan).tobytes(), np.uint8)

    with pytest.raises(InvalidContributionError, match=r"mean\[1\]: got nan"):
        decode_packed(layout, ParameterCodec.F32, flat, POOL)


@pytest.mark.parametrize("codec", list(ParameterCodec))
@pytest.mark.parametrize("num_bytes", [0, 3, 1 << 60])
def test_a_length_that_a_codec_cannot_have_is_refused_before_memory_is_taken(codec, num_bytes: int) -> None:
    layout, _ = mixed(np.zeros(8))

    with pytest.raises(SchemaMismatchError, match="num_bytes"):
        check_packing(layout, header(codec), num_bytes)


def test_kept_values_are_for_differences_alone() -> None:
    layout, _ = mixed(np.zeros(8))

    check_packing(layout, header(ParameterCodec.TOP_K), 24 + 8 * 8)
    with pytest.raises(SchemaMismatchError, match="at most 8 values"):
        check_packing(layout, header(ParameterCodec.TOP_K), 24 + 9 * 8)
    with pytest.raises(InvalidArgumentError, match="codec: got 'top_k'"):
        check_packing(layout, header(ParameterCodec.TOP_K, ContributionKind.WEIGHTS), 24 + 8)


def test_a_decoded_length_that_is_not_the_models_is_refused() -> None:
    layout, flat = mixed(np.zeros(8))

    with pytest.raises(SchemaMismatchError, match="num_bytes"):
        decode_packed(layout, ParameterCodec.F32, flat[:-1], POOL)
