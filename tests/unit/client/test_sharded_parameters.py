"""Values cut for shards and put together again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.client.parameters import Parameters
from heronry.client.sharded_parameters import ShardedModel
from heronry.types.errors import DataLossError, InvalidArgumentError, SchemaMismatchError
from heronry.types.models import ModelInfo, ModelSettings, Shard
from heronry.types.tensors import ModelSchema, content_hash
from heronry.types.version import ParameterVersion

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "none": np.empty((0, 2), np.float64),
    "b": np.arange(7, dtype=np.int64),
    "c": np.float32(9.0).reshape(()),
}
SCHEMA = ModelSchema.of(TENSORS)


def pulled(model: ShardedModel, tensors, number: int = 4) -> list[Parameters]:
    """Return what each shard's service would send."""
    parts: list[Parameters] = []
    for epoch, (shard_range, part) in enumerate(zip(model.ranges, model.cut(tensors), strict=True), start=1):
        flat = np.frombuffer(shard_range.schema.pack(part), np.uint8)
        parts.append(Parameters(ParameterVersion(epoch, number, content_hash(flat)), shard_range.schema, flat))
    return parts


def infos(model: ShardedModel, *indices: int) -> list[ModelInfo]:
    return [
        ModelInfo("m", ParameterVersion(1, 1), model.ranges[i].schema, settings(i, len(model.ranges))) for i in indices
    ]


def settings(index: int, num_shards: int) -> ModelSettings:
    return ModelSettings(shard=Shard(index, num_shards, "host:1" if index else ""))


@given(st.integers(1, 14), st.booleans())
def test_what_was_cut_comes_together_as_it_was(num_shards: int, is_flat: bool) -> None:
    model = ShardedModel(SCHEMA, num_shards)

    whole = model.joined(pulled(model, SCHEMA.pack(TENSORS) if is_flat else TENSORS))

    assert whole.flat.tobytes() == SCHEMA.pack(TENSORS)
    assert {name: array.shape for name, array in whole.items()} == {n: a.shape for n, a in TENSORS.items()}
    assert (whole.version.epoch, whole.version.number) == (1, 4)
    whole.verify()


def test_cutting_copies_nothing() -> None:
    values = np.zeros(10, np.float32)
    model = ShardedModel(ModelSchema.of({"w": values}), 3)

    parts = model.cut({"w": values})

    assert all(np.shares_memory(array, values) for part in parts for array in part.values())


def test_a_version_whose_bytes_changed_is_told() -> None:
    model = ShardedModel(SCHEMA, 3)
    parts = pulled(model, TENSORS)
    damaged = parts[1].flat.copy()
    damaged[0] ^= 1

    whole = model.joined([parts[0], Parameters(parts[1].version, parts[1].schema, damaged), parts[2]])

    with pytest.raises(DataLossError, match="content_hash"):
        whole.verify()


def test_parts_of_different_numbers_are_no_version() -> None:
    model = ShardedModel(SCHEMA, 2)

    with pytest.raises(SchemaMismatchError, match=r"version\.number: got \[4, 5\]"):
        model.joined([pulled(model, TENSORS)[0], pulled(model, TENSORS, number=5)[1]])


def test_a_model_is_known_from_its_shards() -> None:
    model = ShardedModel(SCHEMA, 3)

    assert ShardedModel.of(infos(model, 0, 1, 2)).schema == SCHEMA


def test_addresses_in_another_order_than_the_shards_are_refused_by_name() -> None:
    model = ShardedModel(SCHEMA, 2)

    with pytest.raises(InvalidArgumentError, match=r"addresses\[0\]: got 'shard 1 of 2', allowed: shard 0 of 2"):
        ShardedModel.of(infos(model, 1, 0))


def test_addresses_that_leave_a_shard_out_are_refused_by_name() -> None:
    model = ShardedModel(SCHEMA, 3)

    with pytest.raises(InvalidArgumentError, match=r"addresses\[0\]: got 'shard 0 of 3', allowed: shard 0 of 2"):
        ShardedModel.of(infos(model, 0, 1))
