"""Plain mappings there and back."""

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.errors import InvalidArgumentError
from heronry.wire.struct import struct_from_proto, struct_to_proto

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    # A float without a fraction comes back as an integer, which equals it.
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3))


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_a_mapping_comes_back_as_it_was(values) -> None:
    wire = struct_to_proto(values).SerializeToString()

    assert struct_from_proto(struct_pb2.Struct.FromString(wire)) == values


def test_integers_come_back_as_integers_and_tuples_as_lists() -> None:
    back = struct_from_proto(struct_to_proto({"n": 3, "x": 0.5, "flag": True, "hidden": (64, 64)}))

    assert back == {"n": 3, "x": 0.5, "flag": True, "hidden": [64, 64]}
    assert isinstance(back["n"], int)
    assert back["flag"] is True


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"a": {"b": float("nan")}}, "a.b"),
        ({"a": [1, float("inf")]}, "a[1]"),
        ({"a": 2**53 + 1}, "a"),
        ({"a": b"bytes"}, "a"),
        ({"a": {1: 2}}, "a"),
    ],
)
def test_what_json_cannot_hold_is_named_by_its_path(values, field) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        struct_to_proto(values)

    assert caught.value.details["field"] == field
