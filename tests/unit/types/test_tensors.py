"""Roles are those of tensors that the model has."""

import numpy as np
import pytest

from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import MergeRule, ModelSchema, Roles, TensorRole

TENSORS = {"weight": np.zeros(2, np.float32), "mean": np.zeros(2, np.float32)}


@pytest.mark.parametrize(
    ("roles", "field"),
    [
        ({"men": (TensorRole.BUFFER, MergeRule.LAST)}, "roles"),
        ({"mean": TensorRole.BUFFER}, "roles.mean"),
        ({"mean": (TensorRole.BUFFER,)}, "roles.mean"),
        ({"mean": ("buffer", MergeRule.LAST)}, "roles.mean"),
        ({"mean": (TensorRole.BUFFER, "last")}, "roles.mean"),
        ({"mean": None}, "roles.mean"),
        ("mean", "roles"),
    ],
)
def test_a_role_that_cannot_be_is_named(roles: Roles, field: str) -> None:
    with pytest.raises(SchemaMismatchError) as caught:
        ModelSchema.of(TENSORS, roles)

    assert caught.value.details["field"] == field


def test_tensors_without_a_role_are_learnt() -> None:
    schema = ModelSchema.of(TENSORS, {"mean": (TensorRole.STATISTIC, MergeRule.MEAN)})

    assert [tensor.role for tensor in schema.tensors] == [TensorRole.PARAMETER, TensorRole.STATISTIC]
