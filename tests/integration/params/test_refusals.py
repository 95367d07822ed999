"""What bad input gets: a named refusal, counted, with nothing half-applied."""

import asyncio
import errno
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params import ParamsSettings, build
from heronry.params.core.durability import state_folder
from heronry.runtime.node import ServiceNode
from heronry.types.aggregation import Aggregation, WeightedMean
from heronry.types.consistency import Asynchronous
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidContributionError,
    ModelNotFoundError,
    ResourceExhaustedError,
    SchemaMismatchError,
    StaleContributionError,
)
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.wire.chunks import CHUNK_BYTES, cut_frames, upload_end

LARGE = (1 << 19) + 3


def weights(value: float, num: int = 4) -> dict[str, np.ndarray]:
    return {"weight": np.full(num, value, np.float32)}


def packed(*values: float) -> np.ndarray:
    return np.array(values, np.float32).view(np.uint8)


async def state_of(mesh) -> tuple[int, int, int]:
    info = await mesh.client.get_model("policy")
    return info.version.number, info.num_pending, info.num_accepted


def header(field: str, value: object):
    return lambda m: setattr(m[0].header, field, value)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param(lambda m: setattr(m[1].chunk, "crc32c", 1), "DataLossError", id="checksum"),
        pytest.param(lambda m: setattr(m[1].chunk, "offset", 4), "MessageTooLargeError", id="offset"),
        pytest.param(lambda m: setattr(m[1].chunk, "data", b"123"), "DataLossError", id="bytes"),
        pytest.param(lambda m: setattr(m[-1].end, "content_hash", b"x" * 32), "DataLossError", id="hash"),
        pytest.param(lambda m: setattr(m[-1].end, "num_bytes", 12), "DataLossError", id="end-bytes"),
        pytest.param(lambda m: setattr(m[-1].end, "num_chunks", 2), "DataLossError", id="end-chunks"),
        pytest.param(header("num_bytes", 12), "SchemaMismatchError", id="too-short"),
        pytest.param(header("num_bytes", 20), "SchemaMismatchError", id="too-long"),
        pytest.param(header("num_bytes", 1 << 60), "SchemaMismatchError", id="absurd-bytes"),
        pytest.param(header("client_id", "somebody"), "PermissionDeniedError", id="client"),
        pytest.param(header("model", "polisy"), "ModelNotFoundError", id="model"),
        pytest.param(header("codec", pb.PARAMETER_CODEC_INT8), "SchemaMismatchError", id="int8"),
        pytest.param(header("codec", pb.PARAMETER_CODEC_TOP_K), "InvalidArgumentError", id="top-k-weights"),
        pytest.param(header("codec", 77), "InvalidArgumentError", id="codec"),
        pytest.param(header("kind", 0), "InvalidArgumentError", id="kind"),
        pytest.param(header("weight", 0.0), "InvalidArgumentError", id="no-weight"),
        pytest.param(header("weight", float("nan")), "InvalidArgumentError", id="nan-weight"),
        pytest.param(header("weight", 2.0), "InvalidArgumentError", id="weight-of-a-mean"),
        pytest.param(header("round_id", 9), "FailedPreconditionError", id="round"),
        pytest.param(header("fencing_token", 9), "FencedError", id="token"),
        pytest.param(lambda m: m[0].header.ClearField("base_version"), "InvalidArgumentError", id="no-base"),
        pytest.param(lambda m: setattr(m[0].header.base_version, "epoch", 9), "ForeignEpochError", id="epoch"),
        pytest.param(lambda m: setattr(m[0].header.base_version, "number", 9), "VersionNotFoundError", id="base"),
        pytest.param(
            lambda m: setattr(m[0].header.base_version, "content_hash", b"x" * 32), "VersionNotFoundError", id="content"
        ),
        pytest.param(lambda m: m.pop(), "DataLossError", id="no-end"),
        pytest.param(lambda m: m.pop(1), "DataLossError", id="missing-chunk"),
        pytest.param(lambda m: m.pop(0), "InvalidArgumentError", id="no-header"),
        pytest.param(lambda m: m.clear(), "InvalidArgumentError", id="nothing"),
        pytest.param(lambda m: m.insert(2, m[1]), "DataLossError", id="chunk-twice"),
        pytest.param(lambda m: m.insert(1, m[0]), "InvalidArgumentError", id="header-twice"),
        pytest.param(lambda m: m.reverse(), "InvalidArgumentError", id="order"),
    ],
)
async def test_a_wrong_upload_is_refused_by_name_and_changes_nothing(mesh, change, name: str) -> None:
    version = await mesh.register(weights(1.0))
    messages = mesh.upload(2.0, version)
    change(messages)

    error = await mesh.refusal(mesh.push_raw(messages))

    assert type(error).__name__ == name
    assert await state_of(mesh) == (1, 0, 0)
    assert (await mesh.push_raw(mesh.upload(2.0, version))).counted


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param(lambda m: m.insert(2, m.pop(1)), "DataLossError", id="order"),
        pytest.param(lambda m: m.insert(1, m[1]), "DataLossError", id="overlap"),
        pytest.param(lambda m: m.pop(2), "DataLossError", id="gap"),
        pytest.param(lambda m: setattr(m[2].chunk, "crc32c", 1), "DataLossError", id="checksum"),
        pytest.param(lambda m: setattr(m[2].chunk, "offset", 1 << 63), "MessageTooLargeError", id="offset"),
        pytest.param(lambda m: m.pop(), "DataLossError", id="no-end"),
        pytest.param(lambda m: setattr(m[-1].end, "content_hash", b"x" * 32), "DataLossError", id="hash"),
        pytest.param(header("num_bytes", 1 << 60), "SchemaMismatchError", id="absurd-bytes"),
    ],
)
async def test_a_wrong_large_upload_gives_its_buffer_back(mesh, change, name: str) -> None:
    version = await mesh.register(weights(1.0, LARGE))
    messages = mesh.upload_of(weights(2.0, LARGE)["weight"].view(np.uint8), version)
    change(messages)

    error = await mesh.refusal(mesh.push_raw(messages))

    staging = mesh.service._transfers.staging
    assert type(error).__name__ == name
    assert await state_of(mesh) == (1, 0, 0)
    assert (staging.num_open, staging.num_bytes) == (0, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
async def test_values_that_are_not_finite_are_named(mesh, value: float) -> None:
    version = await mesh.register(weights(1.0))

    error = await mesh.refusal(mesh.push_raw(mesh.upload_of(packed(0.0, 0.0, value, 0.0), version)))

    assert isinstance(error, InvalidContributionError)
    assert (error.details["tensor"], error.details["index"]) == ("weight", "[2]")
    assert await state_of(mesh) == (1, 0, 0)


@pytest.mark.parametrize("chunk_bytes", [CHUNK_BYTES, 1000])
async def test_a_value_that_is_not_finite_is_named_in_a_large_upload_however_it_is_cut(mesh, chunk_bytes: int) -> None:
    version = await mesh.register(weights(1.0, LARGE))
    values = weights(2.0, LARGE)["weight"]
    values[LARGE - 2] = np.nan
    frames = cut_frames(values, pb.PushRequest, chunk_bytes=chunk_bytes)
    end = pb.PushRequest(end=upload_end(values, chunk_bytes=chunk_bytes))
    messages = [mesh.opening(values.nbytes, version), *map(pb.PushRequest.FromString, frames), end]

    error = await mesh.refusal(mesh.push_raw(messages))

    assert isinstance(error, InvalidContributionError)
    assert (error.details["tensor"], error.details["index"]) == ("weight", f"[{LARGE - 2}]")
    assert await state_of(mesh) == (1, 0, 0)


async def test_an_absurd_norm_or_weight_is_refused(mesh) -> None:
    limits = ContributionLimits(max_norm=2.0, max_weight=10.0)
    version = await mesh.register(weights(1.0), ModelSettings(aggregation=Aggregation(WeightedMean()), limits=limits))
    fields = {"kind": ContributionKind.DELTA}

    norm = await mesh.refusal(mesh.push_raw(mesh.upload_of(packed(2.0, 1.0, 0.0, 0.0), version, **fields)))
    weight = await mesh.refusal(mesh.push_raw(mesh.upload_of(packed(1, 0, 0, 0), version, weight=11.0, **fields)))

    assert isinstance(norm, InvalidContributionError)
    assert "norm" in str(norm)
    assert "weight: got 11" in str(weight)
    assert (await mesh.push_raw(mesh.upload_of(packed(2.0, 0.0, 0.0, 0.0), version, **fields))).counted


async def test_a_schema_of_another_order_type_or_shape_is_refused(mesh) -> None:
    first, second = np.zeros(2, np.float32), np.zeros(3, np.float32)
    await mesh.register({"a": first, "b": second})

    for wrong in (
        {"b": second, "a": first},
        {"a": first.astype(np.float64), "b": second},
        {"a": first.reshape(1, 2), "b": second},
        {"a": first},
    ):
        error = await mesh.refusal(mesh.register(wrong))
        assert isinstance(error, AlreadyExistsError)
        assert "schema" in str(error)


async def test_a_schema_whose_offsets_leave_gaps_is_refused(mesh) -> None:
    header = pb.RegisterModelHeader(model="policy", request_id="r")
    header.schema.tensors.add(name="a", shape=[2], element_type=1, role=1, offset=4)

    error = await mesh.refusal(mesh.stub.RegisterModel(iter([pb.RegisterModelRequest(header=header)])))

    assert isinstance(error, SchemaMismatchError)
    assert isinstance(await mesh.refusal(mesh.pull_raw()), ModelNotFoundError)


async def test_a_request_that_is_sent_again_is_answered_and_not_counted(mesh) -> None:
    version = await mesh.register(weights(1.0, LARGE))
    delta = weights(2.0, LARGE)["weight"].view(np.uint8)
    messages = mesh.upload_of(delta, version, kind=ContributionKind.DELTA)
    first = await mesh.push_raw(messages)

    again = await mesh.push_raw(messages)

    assert (first.counted, again.counted, again.version.number) == (True, False, 2)
    assert await state_of(mesh) == (2, 0, 1)


async def test_a_trial_is_checked_like_any_other_and_counts_nothing(mesh) -> None:
    version = await mesh.register(weights(1.0))
    fields = {"kind": ContributionKind.DELTA, "validate_only": True}

    answer = await mesh.push_raw(mesh.upload_of(packed(1, 1, 1, 1), version, **fields))
    error = await mesh.refusal(mesh.push_raw(mesh.upload_of(packed(1, 1, 1, np.nan), version, **fields)))

    assert (answer.counted, answer.version.number) == (False, 1)
    assert isinstance(error, InvalidContributionError)
    assert (await mesh.client.get_model("policy")).num_refused == 0
    assert await state_of(mesh) == (1, 0, 0)


async def test_an_upload_whose_client_goes_away_counts_nothing_and_gives_its_buffer_back(mesh) -> None:
    version = await mesh.register(weights(1.0, LARGE))
    call = mesh.stub.Push(metadata=(("heronry-client-id", "raw"),))
    for message in mesh.upload_of(weights(2.0, LARGE)["weight"].view(np.uint8), version)[:-1]:
        await call.write(message)

    call.cancel()
    staging = mesh.service._transfers.staging
    async with asyncio.timeout(10):
        while staging.num_open:
            await mesh.client.list_models()

    assert await state_of(mesh) == (1, 0, 0)
    assert staging.num_bytes == 0


async def test_a_writer_that_falls_silent_is_ended(mesh) -> None:
    version = await mesh.register(weights(1.0))
    call = mesh.stub.Push(metadata=(("heronry-client-id", "raw"),))
    await call.write(mesh.upload(2.0, version)[0])

    assert type(await mesh.refusal(call)).__name__ == "AbortedError"


async def test_refusals_are_counted_by_name_for_model_worker_and_metrics(mesh) -> None:
    version = await mesh.register(weights(1.0), ModelSettings(consistency=Asynchronous(max_staleness=0)))
    await mesh.refusal(mesh.push_raw(mesh.upload(float("nan"), version)))
    await mesh.push_raw(mesh.upload(2.0, version, request_id="good"))

    stale = await mesh.refusal(mesh.push_raw(mesh.upload(3.0, version, request_id="late")))

    info = await mesh.client.get_model("policy")
    (worker,) = await mesh.client.list_workers("policy")
    registry = CollectorRegistry()
    registry.register(mesh.service.collector())
    text = generate_latest(registry).decode()
    assert isinstance(stale, StaleContributionError)
    assert (stale.details["staleness"], stale.details["max_staleness"]) == ("1", "0")
    assert info.refusals == {"InvalidContributionError": 1, "StaleContributionError": 1}
    assert (info.num_accepted, info.num_refused, info.num_bytes_received) == (1, 2, 16)
    assert (worker.num_accepted, worker.num_refused) == (1, 2)
    assert mesh.service.progress().figures == {"versions": 2.0, "accepted": 1.0, "refused": 2.0}
    assert 'heronry_params_refused_total{error="InvalidContributionError",model="policy"} 1.0' in text
    assert 'heronry_params_accepted_total{model="policy"} 1.0' in text
    assert 'heronry_params_staleness_bucket{le="0.0",model="policy"} 1.0' in text
    assert 'heronry_params_version{model="policy"} 2.0' in text
    assert "heronry_params_open_uploads 0.0" in text


async def test_two_servers_do_not_share_a_folder(mesh) -> None:
    await mesh.register(weights(1.0))
    settings = ParamsSettings(data_dir=mesh.data_dir)
    second = ServiceNode(build(settings), settings)

    with pytest.raises(FailedPreconditionError, match="another parameter service"):
        await second.start()

    await second.stop()
    assert await state_of(mesh) == (1, 0, 0)


async def test_a_full_disk_at_a_checkpoint_costs_the_checkpoint_alone(mesh, monkeypatch) -> None:
    version = await mesh.register(weights(1.0))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(state_folder, "write_checkpoint", full)
        error = await mesh.refusal(mesh.stub.SaveCheckpoint(pb.SaveCheckpointRequest(request_id="full")))
    answer = await mesh.push_raw(mesh.upload(2.0, version))
    saved = await mesh.stub.SaveCheckpoint(pb.SaveCheckpointRequest(request_id="again"))

    assert isinstance(error, ResourceExhaustedError)
    assert "No space left" in str(error)
    assert answer.counted
    assert Path(saved.path).is_dir()
    assert [(m.model, m.version.number) for m in saved.models] == [("policy", 2)]


async def test_a_hundred_pushes_go_through_three_buffers(served) -> None:
    mesh = await served(max_open_uploads=3)
    num = 300_000
    version = await mesh.register(weights(0.0, num), ModelSettings(consistency=Asynchronous(max_staleness=100)))
    one = weights(1.0, num)["weight"].view(np.uint8)
    staging, most = mesh.service._transfers.staging, 0

    async def push(number: int) -> None:
        nonlocal most
        fields = {"kind": ContributionKind.DELTA, "request_id": str(number), "client_id": f"c{number}"}
        answer = await mesh.push_raw(mesh.upload_of(one, version, **fields), f"c{number}")
        assert answer.counted
        most = max(most, staging.num_open)

    await asyncio.gather(*(push(number) for number in range(100)))

    assert 1 <= most <= 3
    assert set((await mesh.pull_raw()).values) == {100.0}
    assert (staging.num_open, staging.num_bytes) == (0, 0)


@pytest.mark.parametrize("codec", [ParameterCodec.BF16, ParameterCodec.F16, ParameterCodec.INT8])
async def test_a_packed_contribution_with_bytes_of_another_codec_is_refused(mesh, codec: ParameterCodec) -> None:
    version = await mesh.register(weights(1.0, 1000))

    messages = mesh.upload_of(np.zeros(3999, np.uint8), version, codec=codec)
    error = await mesh.refusal(mesh.push_raw(messages))

    assert isinstance(error, SchemaMismatchError)
    assert codec.value in str(error)
