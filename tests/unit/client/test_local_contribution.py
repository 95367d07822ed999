"""A contribution of local values holds each tensor as its role asks for it."""

from collections.abc import Mapping

import numpy as np
import pytest

from heronry.client.local_contribution import check_tensors, contribution_of
from heronry.client.parameters import Parameters
from heronry.types.contribution import ContributionKind
from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import Array, MergeRule, ModelSchema, TensorRole
from heronry.types.version import ParameterVersion

OLD = {
    "weight": np.array([1, 2], np.float32),
    "var": np.array([1, 1], np.float32),
    "count": np.array(7),
    "seen": np.array(False),
}
NEW = {
    "weight": np.array([4, 0], np.float32),
    "var": np.array([0.5, 2], np.float32),
    "count": np.array(10),
    "seen": np.array(True),
}
ROLES = {
    "var": (TensorRole.STATISTIC, MergeRule.MEAN),
    "count": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS),
    "seen": (TensorRole.BUFFER, MergeRule.MERGE_COUNTS),
}
SCHEMA = ModelSchema.of(OLD, ROLES)
PULLED = Parameters(ParameterVersion(1, 1), SCHEMA, np.frombuffer(SCHEMA.pack(OLD), np.uint8))
GRADIENT = {"weight": np.array([9, 9], np.float32)}


@pytest.mark.parametrize(
    ("kind", "gradients", "weight"),
    [
        (ContributionKind.GRADIENT, GRADIENT, [9, 9]),
        (ContributionKind.DELTA, None, [3, -2]),
        (ContributionKind.WEIGHTS, None, [4, 0]),
    ],
)
def test_statistics_are_values_and_counts_are_increments_whatever_the_kind(
    kind: ContributionKind, gradients: Mapping[str, Array] | None, weight: list[int]
) -> None:
    made = contribution_of(kind, NEW, gradients, PULLED)

    assert set(made) == set(OLD)
    assert made["weight"].tolist() == weight
    assert made["var"].tolist() == [0.5, 2]
    assert (int(made["count"]), bool(made["seen"])) == (3, True)


@pytest.mark.parametrize(
    ("gradients", "odd"),
    [({}, "missing: weight"), ({"wait": NEW["weight"]}, "missing: weight; unknown: wait")],
)
def test_gradients_are_those_of_the_model(gradients: Mapping[str, Array], odd: str) -> None:
    with pytest.raises(SchemaMismatchError, match=f"gradients: got '{odd}', allowed: those of weight"):
        contribution_of(ContributionKind.GRADIENT, NEW, gradients, PULLED)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"v": np.zeros(1)}, "parameters: got 'unknown: v'"),
        ({"weight": np.zeros(1, np.float32)}, r"parameters\.weight\.shape: got \(1,\), allowed: \(2,\)"),
        ({"weight": np.zeros(2, np.int32)}, r"parameters\.weight\.element_type: got 'int32', allowed: float32"),
    ],
)
def test_local_values_have_the_tensors_of_the_model(changes: Mapping[str, Array], message: str) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        check_tensors(NEW | changes, SCHEMA)


def test_a_tensor_of_the_model_that_is_not_here_is_named() -> None:
    with pytest.raises(SchemaMismatchError, match="parameters: got 'missing: count, seen, var'"):
        check_tensors(GRADIENT, SCHEMA)
