"""Wrong types are named errors with field, value and what is allowed."""

from collections.abc import Callable

import numpy as np
import pytest

from heronry.client.arguments import (
    check_arrays,
    check_codec,
    check_count,
    check_kind,
    check_name,
    check_optional_name,
    check_seconds,
    check_selection,
    check_share,
    check_timeout,
    check_version,
    check_weight,
)
from heronry.client.error_feedback import ErrorFeedback, check_feedback
from heronry.client.fleet import FleetClient
from heronry.client.outbox import check_columns
from heronry.client.replay import ReplayClient
from heronry.client.tensor_arrays import named_arrays
from heronry.types.columns import ColumnSpec
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.recordings import RecordingOrder
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

Check = Callable[[str, object], None]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_name, None),
        (check_name, 1),
        (check_count, 0),
        (check_count, -3),
        (check_count, 2.5),
        (check_count, "8"),
        (check_count, None),
        (check_count, True),
        (check_version, None),
        (check_version, "1.0"),
        (check_kind, "weights"),
        (check_kind, None),
        (check_codec, "f32"),
        (check_share, 0.0),
        (check_share, 1.5),
        (check_share, "all"),
        (check_share, True),
        (check_version, ParameterVersion(1, -1)),
        (check_optional_name, 5),
        (check_seconds, -1),
        (check_seconds, 2e9),
        (check_timeout, "soon"),
        (check_timeout, 2e9),
        (check_feedback, True),
        (check_weight, True),
        (check_weight, 0.0),
        (check_weight, float("nan")),
        (check_weight, float("inf")),
        (check_weight, "heavy"),
    ],
)
def test_a_wrong_argument_is_named(check: Check, value: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check("the_field", value)

    assert caught.value.details["field"].split(".")[0] == "the_field"
    assert caught.value.details["value"] in {repr(value), "-1"}
    assert caught.value.details["allowed"]


@pytest.mark.parametrize("value", ["abc", ["a", "b"], None, {"w": "x"}, {"w": ["a"]}, {"w": None}, {1: np.zeros(1)}])
@pytest.mark.parametrize("check", [check_arrays, named_arrays])
def test_tensors_that_are_no_arrays_are_named(check: Check, value: object) -> None:
    with pytest.raises(SchemaMismatchError) as caught:
        check("tensors", value)

    assert caught.value.details["field"] == ("tensors.w" if value and "w" in value else "tensors")  # type: ignore[operator]  # all that are true are containers


def test_right_arguments_pass() -> None:
    check_name("model", "policy")
    check_count("batch_size", np.int64(1))
    check_count("number", 0, 0)
    check_version("base_version", ParameterVersion(1, 0))
    check_kind("kind", ContributionKind.WEIGHTS)
    check_arrays("tensors", {"w": np.zeros(2), "scalar": np.float32(1)})
    check_codec("codec", ParameterCodec.INT8)
    check_share("top_k_share", 1)
    check_weight("weight", np.float32(2.5))
    check_seconds("wait_s", 0)
    check_timeout("timeout_s", -1.0)
    check_feedback("feedback", ErrorFeedback())
    check_selection(None, "best")


@pytest.mark.parametrize(("number", "tag", "field"), [(3, "best", "tag"), (-1, None, "number"), (None, 7, "tag")])
def test_a_version_is_chosen_by_its_number_or_by_a_tag(number: object, tag: object, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_selection(number, tag)

    assert caught.value.details["field"] == field


def test_a_long_value_is_shown_by_its_type() -> None:
    with pytest.raises(SchemaMismatchError, match=r"tensors\.w: got <class 'list'>"):
        check_arrays("tensors", {"w": [0.0] * 1000})


@pytest.mark.parametrize("column", [None, "abc", np.float32(1)])
def test_a_column_that_is_no_block_is_named(column: object) -> None:
    spec = ColumnSpec("reward", ElementType.FLOAT32, ())

    with pytest.raises(SchemaMismatchError, match=r"columns\.reward"):
        check_columns({"reward": column}, [spec], 2)  # type: ignore[dict-item]  # on purpose


@pytest.mark.parametrize("num_credits", [2**40, 0])
def test_credits_are_those_that_the_wire_can_count(num_credits: int) -> None:
    with pytest.raises(
        InvalidArgumentError, match=rf"credits: got {num_credits}, allowed: a whole number, 1 to 4294967295"
    ):
        ReplayClient("localhost:1").reader("t", batch_size=1, credits=num_credits)


def test_an_epoch_of_a_writer_is_no_negative_number() -> None:
    client, columns = ReplayClient("localhost:1"), (ColumnSpec("x", ElementType.INT8, ()),)
    with pytest.raises(InvalidArgumentError, match=r"writer_epoch: got -1, allowed: a whole number, at least 0"):
        client.writer("t", columns=columns, num_lanes=1, writer_epoch=-1)


async def test_a_fleet_is_asked_with_numbers_that_the_wire_can_carry() -> None:
    async with FleetClient("unix:/nobody") as fleet:
        with pytest.raises(InvalidArgumentError, match="seed: got -3"):
            await fleet.evaluate(num_episodes=1, seed=-3)
        with pytest.raises(InvalidArgumentError, match="num_episodes: got 4294967296"):
            await fleet.evaluate(num_episodes=2**32, seed=0)
        with pytest.raises(InvalidArgumentError, match="seed: got -3"):
            await fleet.record_episode(RecordingOrder(seed=-3))
