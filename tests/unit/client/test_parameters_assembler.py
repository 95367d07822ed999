import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.parameters import PackedVersion, Parameters, ParametersAssembler
from heronry.client.spare_buffers import SpareBuffers
from heronry.native.parameter_packing import pack_parameters
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import DataLossError, FailedPreconditionError, MessageTooLargeError
from heronry.types.tensors import ModelSchema, content_hash
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import DOWNLOAD_CHUNK_BYTES, cut_frames
from heronry.wire.contributions import codec_to_proto
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
    assert isinstance(parameters, Parameters)
    assert list(parameters) == ["weight", "count"]
    np.testing.assert_array_equal(parameters["weight"], TENSORS["weight"])
    assert parameters["count"] == 5
    assert parameters.version.number == 1


def test_tensors_are_read_only_views_of_one_buffer() -> None:
    assembler = ParametersAssembler()

    for frame in frames_of(TENSORS):
        parameters = assembler.add(frame)

    assert isinstance(parameters, Parameters)
    assert np.shares_memory(parameters["weight"], parameters.flat)
    with pytest.raises(ValueError, match="read-only"):
        parameters["weight"][0, 0] = 1.0  # type: ignore[index]  # writing is what must fail


def test_a_full_chunk_of_a_download_is_taken_and_one_byte_more_is_refused() -> None:
    tensors = {"weight": np.zeros(DOWNLOAD_CHUNK_BYTES + 1, np.uint8)}
    full = frames_of(tensors, chunk_bytes=DOWNLOAD_CHUNK_BYTES)
    larger = frames_of(tensors, chunk_bytes=DOWNLOAD_CHUNK_BYTES + 1)
    assembler, other = ParametersAssembler(), ParametersAssembler()
    other.add(larger[0])

    assert isinstance([assembler.add(frame) for frame in full][-1], Parameters)
    with pytest.raises(MessageTooLargeError, match=r"chunk\.data: got '2097153 bytes'"):
        other.add(larger[1])


def test_versions_follow_each_other_on_one_stream() -> None:
    assembler = ParametersAssembler()
    numbers = []

    for number in (1, 2, 7):
        for frame in frames_of(TENSORS, number):
            parameters = assembler.add(frame)
            if isinstance(parameters, Parameters):
                numbers.append(parameters.version.number)

    assert numbers == [1, 2, 7]


def test_without_values_a_manifest_is_a_version() -> None:
    manifest = frames_of(TENSORS)[0]

    parameters = ParametersAssembler(with_values=False).add(manifest)

    assert isinstance(parameters, Parameters)
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


WEIGHT = np.linspace(-1, 1, 12, dtype=np.float32)
SCHEMA = ModelSchema.of({"weight": WEIGHT})


def packed_frames(codec: ParameterCodec, values: np.ndarray, base: ParameterVersion | None = None) -> list[bytes]:
    packed = pack_parameters(codec, values, k=3 if codec is ParameterCodec.TOP_K else 0)
    chunks = cut_frames(packed, pb.PullResponse)
    manifest = pb.Manifest(
        version=version_to_proto(ParameterVersion(1, 9)),
        schema=schema_to_proto(SCHEMA),
        codec=codec_to_proto(codec),
        num_bytes=packed.size,
        num_chunks=len(chunks),
        base_version=None if base is None else version_to_proto(base),
    )
    return [pb.PullResponse(manifest=manifest).SerializeToString(), *chunks]


def received(frames: list[bytes]) -> PackedVersion:
    assembler = ParametersAssembler()
    (version,) = [outcome for outcome in map(assembler.add, frames) if outcome is not None]
    assert isinstance(version, PackedVersion)
    return version


@pytest.mark.parametrize(
    ("codec", "tolerance"), [(ParameterCodec.BF16, 2**-8), (ParameterCodec.F16, 2**-11), (ParameterCodec.INT8, 1 / 127)]
)
def test_packed_values_come_within_the_codec_s_bounds_and_say_so(codec: ParameterCodec, tolerance: float) -> None:
    parameters = received(packed_frames(codec, WEIGHT)).unpacked(None, SpareBuffers())

    np.testing.assert_allclose(parameters["weight"], WEIGHT, atol=tolerance)
    assert not parameters.is_exact
    assert not parameters["weight"].flags.writeable


def test_a_difference_is_added_to_the_version_it_was_made_with() -> None:
    base = Parameters(ParameterVersion(1, 8), SCHEMA, WEIGHT.view(np.uint8))
    difference = np.zeros(12, np.float32)
    difference[[1, 5, 7]] = [0.5, -0.25, 2.0]

    parameters = received(packed_frames(ParameterCodec.TOP_K, difference, base.version)).unpacked(base, SpareBuffers())

    np.testing.assert_array_equal(parameters["weight"], WEIGHT + difference)
    assert parameters.version == ParameterVersion(1, 9)


def test_a_difference_to_another_version_is_refused() -> None:
    base = Parameters(ParameterVersion(1, 7), SCHEMA, WEIGHT.view(np.uint8))
    version = received(packed_frames(ParameterCodec.BF16, WEIGHT, ParameterVersion(1, 8)))

    with pytest.raises(DataLossError, match=r"got differences to 1\.8, allowed: 1\.7"):
        version.unpacked(base, SpareBuffers())
    with pytest.raises(DataLossError, match="no differences"):
        version.unpacked(None, SpareBuffers())


def test_verifying_compares_the_content_hash() -> None:
    flat = WEIGHT.view(np.uint8)
    version = ParameterVersion(1, 1, content_hash(flat))

    Parameters(version, SCHEMA, flat).verify()
    with pytest.raises(DataLossError, match="content_hash"):
        Parameters(version, SCHEMA, (WEIGHT + 1).view(np.uint8)).verify()
    with pytest.raises(FailedPreconditionError, match="allowed: values pulled with f32"):
        Parameters(version, SCHEMA, flat, is_exact=False).verify()
