"""Ranges of a model's flat buffer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.errors import DataLossError, InvalidArgumentError, SchemaMismatchError
from heronry.types.shards import join_schemas, split_schema, version_of_shards
from heronry.types.tensors import ElementType, MergeRule, ModelSchema, TensorRole, TensorSpec
from heronry.types.version import ParameterVersion

shapes = st.lists(st.integers(0, 7), max_size=3).map(tuple)
kinds = st.sampled_from([ElementType.FLOAT16, ElementType.FLOAT32, ElementType.FLOAT64, ElementType.INT64])


@st.composite
def models(draw: st.DrawFn) -> tuple[ModelSchema, int]:
    """A schema of some elements and a number of shards that it can be cut into."""
    specs: list[TensorSpec] = []
    for index, (shape, kind) in enumerate(draw(st.lists(st.tuples(shapes, kinds), min_size=1, max_size=6))):
        offset = specs[-1].offset + specs[-1].num_bytes if specs else 0
        is_learnt = kind is not ElementType.INT64
        role = TensorRole.PARAMETER if is_learnt else TensorRole.STATISTIC
        rule = None if is_learnt else MergeRule.MERGE_COUNTS
        specs.append(TensorSpec(f"t{index}", shape, kind, offset, role, f"group{index}", rule))
    schema = ModelSchema(tuple(specs))
    num_elements = sum(t.num_elements for t in specs)
    return schema, draw(st.integers(1, max(1, min(9, num_elements))))


@given(models())
def test_ranges_cover_every_byte_once_and_in_order(model: tuple[ModelSchema, int]) -> None:
    schema, num_shards = model

    ranges = split_schema(schema, num_shards)

    assert len(ranges) == num_shards
    assert [r.start_byte for r in ranges] == [0, *(r.stop_byte for r in ranges[:-1])]
    assert ranges[-1].stop_byte == schema.num_bytes
    assert all(r.schema.num_bytes == r.num_bytes for r in ranges)
    assert all(r.num_bytes for r in ranges) or not schema.num_bytes


@given(models(), st.integers(0, 2**32))
def test_the_tensors_of_all_shards_packed_one_after_the_other_are_the_flat_buffer(
    model: tuple[ModelSchema, int], seed: int
) -> None:
    schema, num_shards = model
    flat = np.random.default_rng(seed).bytes(schema.num_bytes)

    ranges = split_schema(schema, num_shards)

    parts = [r.schema.pack(r.schema.views(flat[r.start_byte : r.stop_byte])) for r in ranges]
    assert b"".join(parts) == flat


@given(models())
def test_no_range_is_more_than_an_element_larger_than_its_share(model: tuple[ModelSchema, int]) -> None:
    schema, num_shards = model
    largest = max(t.element_type.dtype.itemsize for t in schema.tensors)

    ranges = split_schema(schema, num_shards)

    assert all(r.num_bytes <= math.ceil(schema.num_bytes / num_shards) + largest for r in ranges)


@given(models())
def test_every_tensor_keeps_role_rule_group_and_number_of_elements(model: tuple[ModelSchema, int]) -> None:
    schema, num_shards = model
    pieces = [t for r in split_schema(schema, num_shards) for t in r.schema.tensors]

    for tensor in schema.tensors:
        own = [p for p in pieces if p.name.partition("(")[0] == tensor.name]
        assert sum(p.num_elements for p in own) == tensor.num_elements
        assert {(p.role, p.merge_rule, p.group, p.element_type) for p in own} == {
            (tensor.role, tensor.merge_rule, tensor.group, tensor.element_type)
        }


def test_whole_tensors_keep_their_shape_and_pieces_name_their_elements() -> None:
    schema = ModelSchema.of({"a": np.zeros((2, 3), np.float32), "b": np.zeros((5, 2), np.float32)})

    first, second = split_schema(schema, 2)

    assert [(t.name, t.shape) for t in first.schema.tensors] == [("a", (2, 3)), ("b(5x2)[0:2]", (2,))]
    assert [(t.name, t.shape) for t in second.schema.tensors] == [("b(5x2)[2:10]", (8,))]


def test_one_shard_is_the_model_itself() -> None:
    schema = ModelSchema.of({"a": np.zeros((2, 3), np.float32)})

    (whole,) = split_schema(schema, 1)

    assert (whole.schema, whole.start_byte, whole.stop_byte) == (schema, 0, 24)


@pytest.mark.parametrize("num_shards", [0, -1, 4])
def test_more_shards_than_elements_are_refused_by_name(num_shards: int) -> None:
    schema = ModelSchema.of({"a": np.zeros(3, np.float32)})

    with pytest.raises(InvalidArgumentError, match=f"num_shards: got {num_shards}, allowed: 1 to 3"):
        split_schema(schema, num_shards)


def test_a_tensor_named_like_a_piece_is_refused() -> None:
    schema = ModelSchema.of({"a(8)[5:8]": np.zeros(2, np.float32)})

    with pytest.raises(SchemaMismatchError, match=r"a\(8\)\[5:8\]"):
        split_schema(schema, 2)


@given(models())
def test_the_schemas_of_all_shards_joined_are_that_of_the_model(model: tuple[ModelSchema, int]) -> None:
    schema, num_shards = model

    assert join_schemas([r.schema for r in split_schema(schema, num_shards)]) == schema


@pytest.mark.parametrize("order", [(0, 1), (0, 2), (1, 2), (0, 2, 1), (0, 1, 1, 2)])
def test_shards_that_are_missing_or_out_of_order_are_not_joined(order: tuple[int, ...]) -> None:
    ranges = split_schema(ModelSchema.of({"a": np.zeros((3, 3), np.float32)}), 3)

    with pytest.raises(SchemaMismatchError, match=r"shards\.schema"):
        join_schemas([ranges[index].schema for index in order])


def test_a_version_of_shards_has_the_number_of_all_and_the_epoch_of_the_first() -> None:
    first = ParameterVersion(3, 7, b"a" * 32, b"b" * 32)
    second, third = (ParameterVersion(1, 7, hash_, first.content_hash) for hash_ in (b"c" * 32, b"d" * 32))

    version = version_of_shards([first, second, third])

    assert (version.epoch, version.number, len(version.content_hash)) == (3, 7, 32)
    assert version.content_hash != version_of_shards([first, third, second]).content_hash


def test_a_shard_that_followed_another_version_than_the_first_one_has_is_told() -> None:
    first, second = ParameterVersion(3, 7, b"a" * 32), ParameterVersion(1, 7, b"c" * 32, b"former" + b"a" * 26)

    with pytest.raises(DataLossError, match="shard 1 has parted from the first shard before version 7"):
        version_of_shards([first, second])


def test_shards_of_different_numbers_are_no_version() -> None:
    with pytest.raises(SchemaMismatchError, match=r"version\.number"):
        version_of_shards([ParameterVersion(1, 7), ParameterVersion(1, 8)])
