import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.parameters import ParametersAssembler
from heronry.types.errors import DataLossError
from heronry.types.tensors import ModelSchema, content_hash
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import cut_frames
from heronry.wire.schema import schema_to_proto
from heronry.wire.versions import version_to_proto

TENSORS = {"weight": np.arange(12, dtype=np.float32).reshape(3, 4), "count": np.array(5, np.int64)}


def frames_of(tensors: dict[str, np.ndarray], number: int = 1, chunk_bytes: int = 16) -> list[bytes]:
    schema = ModelSchema.of(tensors)
    flat = schema.pack(tensors)
    version = ParameterVersion(1, number, content_hash(flat))
    chunks = cut_frames(flat, pb.PullResponse, chunk_bytes=chunk_bytes)
    manifest = pb.Manifest(
        version=version_to_proto(version),
        schema=schema_to_proto(schema),
        num_bytes=len(flat),
        num_chunks=len(chunks),
    )
    return [pb.PullResponse(manifest=manifest).SerializeToString(), *chunks]


def test_a_version_is_complete_with_its_last_chunk() -> None:
    assembler = ParametersAssembler()

    outcomes = [assembler.add(frame) for frame in frames_of(TENSORS)]

    assert outcomes[:-1] == [None] * (len(outcomes) - 1)
    parameters = outcomes[-1]
    assert parameters is not None
    assert list(parameters) == ["weight", "count"]
    np.testing.assert_array_equal(parameters["weight"], TENSORS["weight"])
    assert parameters["count"] == 5
    assert parameters.version.number == 1


def test_tensors_are_read_only_views_of_one_buffer() -> None:
    assembler = ParametersAssembler()

    for frame in frames_of(TENSORS):
        parameters = assembler.add(frame)

    assert parameters is not None
    assert np.shares_memory(parameters["weight"], parameters.flat)
    with pytest.raises(ValueError, match="read-only"):
        parameters["weight"][0, 0] = 1.0  # type: ignore[index]  # writing is what must fail


def test_versions_follow_each_other_on_one_stream() -> None:
    assembler = ParametersAssembler()
    numbers = []

    for number in (1, 2, 7):
        for frame in frames_of(TENSORS, number):
            parameters = assembler.add(frame)
            if parameters is not None:
                numbers.append(parameters.version.number)

    assert numbers == [1, 2, 7]


def test_without_values_a_manifest_is_a_version() -> None:
    manifest = frames_of(TENSORS)[0]

    parameters = ParametersAssembler(with_values=False).add(manifest)

    assert parameters is not None
    assert len(parameters) == 0
    assert [t.name for t in parameters.schema.tensors] == ["weight", "count"]


def test_nothing_newer_is_told_apart_from_an_empty_stream() -> None:
    assembler = ParametersAssembler()

    assert assembler.add(pb.PullResponse(manifest=pb.Manifest(unchanged=True)).SerializeToString()) is None
    assert assembler.is_unchanged


def test_a_chunk_with_a_wrong_checksum_is_refused() -> None:
    assembler = ParametersAssembler()
    manifest, chunk, *_ = frames_of(TENSORS)
    assembler.add(manifest)

    with pytest.raises(DataLossError, match="crc32c"):
        assembler.add(chunk[:-1] + bytes([chunk[-1] ^ 1]))


def test_a_chunk_before_any_manifest_is_refused() -> None:
    with pytest.raises(DataLossError, match="manifest first"):
        ParametersAssembler().add(frames_of(TENSORS)[1])


def test_a_version_cut_short_by_the_next_is_refused() -> None:
    assembler = ParametersAssembler()
    manifest, chunk, *_ = frames_of(TENSORS)
    assembler.add(manifest)
    assembler.add(chunk)

    with pytest.raises(DataLossError, match="16 of 56 bytes"):
        assembler.add(manifest)
