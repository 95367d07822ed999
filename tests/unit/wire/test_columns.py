"""Columns: headers and bytes there, views back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from heronry.api.common.v1 import column_pb2, tensor_pb2
from heronry.types.columns import ColumnSpec, column_specs
from heronry.types.errors import DataLossError, SchemaMismatchError, UnimplementedError
from heronry.types.tensors import ElementType
from heronry.wire.columns import (
    column_spec_from_proto,
    column_spec_to_proto,
    columns_from_proto,
    columns_to_proto,
    split_columns,
)


@st.composite
def columns_of_any_kind(draw):
    paths = draw(st.lists(st.text("abc/", min_size=1, max_size=6), min_size=1, max_size=4, unique=True))
    columns = {}
    for path in paths:
        dtype = draw(st.sampled_from(list(ElementType))).dtype
        shape = draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
        columns[path] = draw(npst.arrays(dtype, shape, elements=npst.from_dtype(dtype, allow_nan=False)))
    return columns


def header(**changes) -> column_pb2.ColumnHeader:
    fields = {
        "path": "x",
        "element_type": tensor_pb2.ELEMENT_TYPE_FLOAT32,
        "shape": (2,),
        "codec": column_pb2.COLUMN_CODEC_NONE,
        "byte_length": 8,
        **changes,
    }
    return column_pb2.ColumnHeader(**fields)


@given(columns_of_any_kind())
def test_columns_come_back_as_they_were(columns) -> None:
    headers, data = columns_to_proto(columns)

    back = columns_from_proto(headers, data)

    assert list(back) == list(columns)
    for path, array in columns.items():
        assert back[path].dtype == array.dtype
        np.testing.assert_array_equal(back[path], array)


@given(columns_of_any_kind())
def test_a_buffer_of_all_columns_is_cut_into_them(columns) -> None:
    headers, data = columns_to_proto(columns)

    assert [bytes(piece) for piece in split_columns(headers, b"".join(data))] == data


def test_columns_are_views_into_the_message() -> None:
    data = np.arange(4, dtype=np.float32).tobytes()

    column = columns_from_proto([header(shape=(2, 2), byte_length=16)], [data])["x"]

    assert not column.flags.owndata
    assert not column.flags.writeable


def test_strides_and_foreign_byte_order_do_not_travel() -> None:
    array = np.arange(6, dtype=">f4").reshape(2, 3).T

    headers, data = columns_to_proto({"x": array})

    assert data[0] == np.array([[0, 3], [1, 4], [2, 5]], "<f4").tobytes()
    assert list(headers[0].shape) == [3, 2]


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"element_type": 0}, SchemaMismatchError, "columns.x.element_type"),
        ({"element_type": tensor_pb2.ELEMENT_TYPE_BFLOAT16}, SchemaMismatchError, "columns.x.element_type"),
        ({"shape": (3,)}, SchemaMismatchError, "columns.x.byte_length"),
        ({"shape": (1 << 62, 1 << 62)}, SchemaMismatchError, "columns.x.byte_length"),
        ({"shape": (0, 1 << 63), "byte_length": 0}, DataLossError, "columns.x.data"),
        ({"shape": (1,) * 33, "byte_length": 4}, SchemaMismatchError, "columns.x.shape"),
        ({"shape": (1,), "byte_length": 4}, DataLossError, "columns.x.data"),
        ({"codec": 0}, SchemaMismatchError, None),
        ({"codec": 99}, SchemaMismatchError, None),
        ({"codec": column_pb2.COLUMN_CODEC_LZ4}, UnimplementedError, "columns.x.codec"),
    ],
)
def test_a_header_that_does_not_fit_is_named(changes, error, field) -> None:
    with pytest.raises(error) as caught:
        columns_from_proto([header(**changes)], [bytes(8)])

    assert caught.value.details["field"] == (field or "columns.x.codec")


def test_impossible_extents_without_elements_are_named() -> None:
    with pytest.raises(SchemaMismatchError, match="extents that an array can have"):
        columns_from_proto([header(shape=(0, 1 << 63), byte_length=0)], [b""])


def test_a_path_used_twice_and_missing_bytes_are_named() -> None:
    with pytest.raises(SchemaMismatchError, match="used once"):
        columns_from_proto([header(), header()], [bytes(8), bytes(8)])
    with pytest.raises(SchemaMismatchError, match="one for each"):
        columns_from_proto([header()], [])
    with pytest.raises(DataLossError):
        split_columns([header()], bytes(9))


def test_signatures_come_back_as_they_were() -> None:
    specs = column_specs({"a/b": np.zeros((3, 2, 4), np.uint8), "c": np.zeros((3, 2), np.bool_)})

    assert specs == (ColumnSpec("a/b", ElementType.UINT8, (4,)), ColumnSpec("c", ElementType.BOOL, ()))
    assert tuple(column_spec_from_proto(column_spec_to_proto(s)) for s in specs) == specs
    with pytest.raises(SchemaMismatchError, match="not empty"):
        column_spec_from_proto(column_pb2.ColumnSpec())
