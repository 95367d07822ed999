import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heronry.client.contribution_packing import pieces_of
from heronry.client.parameter_vector import VectorLayout
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole

LEARNT = (TensorRole.PARAMETER, None)
MERGED = (TensorRole.BUFFER, MergeRule.LAST)
TENSORS = st.lists(
    st.tuples(st.sampled_from([np.float16, np.float32, np.float64, np.int64]), st.integers(0, 5)),
    min_size=1,
    max_size=5,
)


@given(kinds=TENSORS)
def test_a_model_taken_apart_and_put_together_is_the_same(kinds: list[tuple[type, int]]) -> None:
    tensors = {str(i): np.arange(size).astype(dtype) for i, (dtype, size) in enumerate(kinds)}
    roles = {name: MERGED if t.dtype == np.int64 else LEARNT for name, t in tensors.items()}
    layout = VectorLayout(ModelSchema.of(tensors, roles))
    pieces = pieces_of(layout.schema, tensors)

    vector, others = layout.vector(pieces), layout.other_pieces(pieces)
    section = np.concatenate([np.empty(0, np.uint8), *others])
    flat = layout.flat(vector, layout.split_others(section))

    assert flat.tobytes() == layout.schema.pack(tensors)
    assert vector.size == layout.num_parameters


def test_the_vector_is_as_wide_as_its_widest_tensor() -> None:
    narrow = VectorLayout(ModelSchema.of({"a": np.zeros(2, np.float16), "b": np.zeros(2, np.float32)}))
    wide = VectorLayout(ModelSchema.of({"a": np.zeros(2, np.float16), "b": np.zeros(2, np.float64)}))

    assert (narrow.dtype, wide.dtype) == (np.float32, np.float64)


def test_one_learnt_tensor_is_its_own_vector() -> None:
    weight = np.arange(4, dtype=np.float32)
    layout = VectorLayout(ModelSchema.of({"w": weight}))

    assert np.shares_memory(layout.vector(pieces_of(layout.schema, {"w": weight})), weight)


def test_a_flat_buffer_is_split_where_its_tensors_lie() -> None:
    tensors = {"w": np.arange(2, dtype=np.float32), "count": np.array(5, np.int64)}
    schema = ModelSchema.of(tensors, {"w": LEARNT, "count": MERGED})

    weight, count = VectorLayout(schema).split(np.frombuffer(schema.pack(tensors), np.uint8))

    np.testing.assert_array_equal(weight.view(np.float32), tensors["w"])
    np.testing.assert_array_equal(count.view(np.int64), [5])
