"""The learnt vector in a flat buffer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.params.core.layout import ParameterLayout
from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import ElementType, MergeRule, ModelSchema, TensorRole

MIXED = {
    "torso/weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "seen": np.array([7, 8, 9], np.uint8),
    "head/weight": np.array([1.5, -2.0], np.float16),
    "scale": np.array(3.0, np.float32),
}
ROLES = {"seen": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS)}


def packed(schema: ModelSchema, tensors) -> np.ndarray:
    return np.frombuffer(schema.pack(tensors), np.uint8)


def test_a_vector_holds_the_learnt_tensors_in_order() -> None:
    layout = ParameterLayout(schema := ModelSchema.of(MIXED, ROLES))

    vector = layout.vector(packed(schema, MIXED))

    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, [0, 1, 2, 3, 4, 5, 1.5, -2.0, 3.0])
    np.testing.assert_array_equal(layout.other_values(packed(schema, MIXED))["seen"], [7, 8, 9])


def test_a_model_of_one_type_is_never_copied() -> None:
    tensors = {"a": np.ones((2, 2), np.float32), "b": np.zeros(3, np.float32)}
    layout = ParameterLayout(schema := ModelSchema.of(tensors))
    flat = packed(schema, tensors)

    vector = layout.vector(flat)

    assert np.shares_memory(vector, flat)
    assert layout.is_contiguous


def test_one_float64_tensor_makes_the_vector_float64() -> None:
    tensors = {"a": np.array([1 / 3]), "b": np.zeros(3, np.float32)}

    assert ParameterLayout(ModelSchema.of(tensors)).dtype == np.float64


@pytest.mark.parametrize(
    ("index", "place"), [(4, ("torso/weight", (1, 1))), (7, ("head/weight", (1,))), (8, ("scale", ()))]
)
def test_an_index_of_the_vector_is_a_place_in_a_tensor(index: int, place) -> None:
    tensor, position = ParameterLayout(ModelSchema.of(MIXED, ROLES)).tensor_at(index)

    assert (tensor.name, position) == place


element_types = st.sampled_from([ElementType.FLOAT16, ElementType.FLOAT32, ElementType.INT64, ElementType.BOOL])


@given(
    st.lists(st.tuples(element_types, st.lists(st.integers(0, 3), max_size=3)), min_size=1, max_size=6), st.integers(0)
)
def test_writing_what_was_taken_apart_gives_the_same_bytes(tensors, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = {str(i): rng.integers(0, 2, shape).astype(t.dtype) for i, (t, shape) in enumerate(tensors)}
    is_learnt = {n: np.issubdtype(a.dtype, np.floating) for n, a in arrays.items()}
    roles = {n: (TensorRole.BUFFER, MergeRule.LAST) for n in arrays if not is_learnt[n]}
    layout = ParameterLayout(schema := ModelSchema.of(arrays, roles))
    flat = packed(schema, arrays)

    again = np.empty_like(flat)
    out = np.empty(layout.num_parameters, layout.dtype)
    layout.write(layout.vector(flat, out), layout.other_values(flat), again)

    assert again.tobytes() == flat.tobytes()


@pytest.mark.parametrize(
    ("tensors", "roles", "message"),
    [
        ({}, {}, "at least one tensor"),
        ({"n": np.zeros(2, np.int32)}, {}, "n.element_type: got 'int32'"),
        ({"n": np.zeros(2, np.float32)}, {"n": (TensorRole.BUFFER, None)}, "n.merge_rule: got 'none'"),
        ({"n": np.zeros(2, np.float32)}, {"n": (TensorRole.PARAMETER, MergeRule.LAST)}, "n.merge_rule: got 'LAST'"),
    ],
)
def test_schemas_whose_roles_do_not_fit_are_refused(tensors, roles, message: str) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        ParameterLayout(ModelSchema.of(tensors, roles))
