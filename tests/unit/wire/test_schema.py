"""Schemas, versions and contributions there and back."""

import pytest

from heronry.api.common.v1 import tensor_pb2
from heronry.api.params.v1 import params_pb2
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tensors import ElementType, MergeRule, ModelSchema, TensorRole, TensorSpec
from heronry.types.version import ParameterVersion
from heronry.wire.contributions import (
    acknowledgement_from_proto,
    acknowledgement_to_proto,
    contribution_header_from_proto,
    contribution_header_to_proto,
)
from heronry.wire.levels import level_from_proto
from heronry.wire.schema import element_type_from_proto, element_type_to_proto, schema_from_proto, schema_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

VERSION = ParameterVersion(2, 7, b"h" * 32, b"p" * 32)


@pytest.mark.parametrize("element_type", list(ElementType))
def test_an_element_type_comes_back_as_it_was(element_type) -> None:
    assert element_type_from_proto(element_type_to_proto(element_type)) is element_type


def test_a_schema_and_a_version_come_back_as_they_were() -> None:
    schema = ModelSchema(
        (
            TensorSpec("w", (2, 3), ElementType.FLOAT32, 0, group="slow"),
            TensorSpec("n", (), ElementType.INT64, 24, TensorRole.STATISTIC, merge_rule=MergeRule.MERGE_COUNTS),
            TensorSpec("b", (4,), ElementType.BOOL, 32, TensorRole.BUFFER, merge_rule=MergeRule.LAST),
        )
    )

    assert schema_from_proto(schema_to_proto(schema)) == schema
    assert version_from_proto(version_to_proto(VERSION)) == VERSION


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": 0}, "schema.w.role"),
        ({"role": 99}, "schema.w.role"),
        ({"merge_rule": 99}, "schema.w.merge_rule"),
        ({"element_type": 0}, "schema.w.element_type"),
        ({"offset": 4}, "schema.w.offset"),
    ],
)
def test_a_tensor_that_cannot_be_read_is_named(changes, field) -> None:
    fields = {"name": "w", "shape": [2], "element_type": 1, "role": 1, **changes}

    with pytest.raises(SchemaMismatchError) as caught:
        schema_from_proto(tensor_pb2.ModelSchema(tensors=[tensor_pb2.TensorSpec(**fields)]))

    assert caught.value.details["field"] == field


@pytest.mark.parametrize("kind", list(ContributionKind))
@pytest.mark.parametrize("codec", list(ParameterCodec))
def test_a_contribution_comes_back_as_it_was(kind, codec) -> None:
    header = ContributionHeader("m", "c", "r", VERSION, kind, codec, sample_count=3, weight=0.0, round_id=9)

    message = contribution_header_to_proto(header, 40)

    assert message.num_bytes == 40
    assert contribution_header_from_proto(message) == header


def test_an_absent_weight_is_one_and_an_absent_codec_is_f32() -> None:
    message = params_pb2.PushHeader(kind=1, base_version=version_to_proto(VERSION))

    header = contribution_header_from_proto(message)

    assert (header.weight, header.codec) == (1.0, ParameterCodec.F32)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (params_pb2.PushHeader(base_version={"number": 1}), "kind"),
        (params_pb2.PushHeader(kind=1), "base_version"),
        (params_pb2.PushHeader(kind=1, base_version={"number": 1}, codec=77), "codec"),
    ],
)
def test_a_contribution_that_cannot_be_read_is_named(message, field) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        contribution_header_from_proto(message)

    assert caught.value.details["field"] == field


def test_an_acknowledgement_comes_back_as_it_was() -> None:
    acknowledgement = Acknowledgement(AcknowledgementLevel.DISK, True, 3, False, VERSION, 2)

    assert acknowledgement_from_proto(acknowledgement_to_proto(acknowledgement)) == acknowledgement
    assert level_from_proto(0, default=AcknowledgementLevel.PROCESS) is AcknowledgementLevel.PROCESS
    with pytest.raises(InvalidArgumentError):
        level_from_proto(9, default=AcknowledgementLevel.PROCESS)
