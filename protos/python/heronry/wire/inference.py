"""Messages of the inference service ⇄ values."""

import numpy as np

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.field_checks import MAX_SMALL_COUNT, checked_name, whole_number
from heronry.types.inference import InferenceStatistics, InferenceStep, LaneGroup, OpenedGroup, UnrollBegun
from heronry.types.tensors import Array, FloatArray
from heronry.wire.schema import element_type_from_proto, element_type_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

_FLOAT = np.dtype("<f4")


def open_to_proto(lanes: LaneGroup) -> pb.InferRequest:
    """Encode the first message of a stream."""
    message = pb.Open(
        run_id=lanes.run_id,
        group_id=lanes.group_id,
        num_starts=lanes.num_starts,
        num_lanes=lanes.num_lanes,
        element_type=element_type_to_proto(lanes.element_type),
        shape=lanes.shape,
    )
    return pb.InferRequest(open=message)


def open_from_proto(request: pb.InferRequest) -> LaneGroup:
    """Decode the first message of a stream.

    Raises:
      InvalidArgumentError: it is another message, or a field is out of range.
      SchemaMismatchError: an element type that there is not.
    """
    kind = request.WhichOneof("message")
    if kind != "open":
        raise InvalidArgumentError.of("message", kind, "open, as the first message")
    message = request.open
    return LaneGroup(
        run_id=message.run_id,
        group_id=checked_name("open.group_id", message.group_id),
        num_starts=message.num_starts,
        num_lanes=whole_number("open.num_lanes", message.num_lanes, 1, MAX_SMALL_COUNT),
        element_type=element_type_from_proto(message.element_type, "open.element_type"),
        shape=tuple(message.shape),
    )


def opened_to_proto(opened: OpenedGroup) -> pb.InferResponse:
    """Encode what is known of a group."""
    return pb.InferResponse(opened=pb.Opened(num_outputs=opened.num_outputs, last_sequence=opened.last_sequence))


def opened_from_proto(message: pb.Opened) -> OpenedGroup:
    """Decode what is known of a group."""
    return OpenedGroup(message.num_outputs, message.last_sequence)


def begin_unroll_to_proto(number: int | None) -> pb.InferRequest:
    """Encode the choice of a version; None: the newest."""
    return pb.InferRequest(begin_unroll=pb.BeginUnroll(number=number))


def begin_unroll_from_proto(message: pb.BeginUnroll) -> int | None:
    """Decode the choice of a version; None: the newest."""
    return message.number if message.HasField("number") else None


def unroll_begun_to_proto(begun: UnrollBegun) -> pb.InferResponse:
    """Encode the version that acts."""
    message = pb.UnrollBegun(
        version=version_to_proto(begun.version),
        newest=version_to_proto(begun.newest),
        log_std=begun.log_std.astype(_FLOAT, copy=False).tobytes(),
    )
    return pb.InferResponse(unroll_begun=message)


def unroll_begun_from_proto(message: pb.UnrollBegun) -> UnrollBegun:
    """Decode the version that acts."""
    log_std = np.frombuffer(message.log_std, _FLOAT)
    return UnrollBegun(version_from_proto(message.version), version_from_proto(message.newest), log_std)


def step_to_proto(step: InferenceStep) -> pb.InferRequest:
    """Encode one step; the array's element type is the group's."""
    begins = b"" if step.begins is None else step.begins.astype(np.bool_).tobytes()
    message = pb.InferStep(sequence=step.sequence, observations=step.observations.tobytes(), begins=begins)
    return pb.InferRequest(step=message)


def step_from_proto(message: pb.InferStep, lanes: LaneGroup) -> InferenceStep:
    """Decode one step of a group; the arrays are read-only views of the message's bytes.

    Raises:
      SchemaMismatchError: the bytes are not those of the group's lanes.
    """
    if len(message.observations) != lanes.num_bytes:
        allowed = f"{lanes.num_bytes} ({lanes.num_lanes} observations {lanes.shape} of {lanes.element_type.name})"
        raise SchemaMismatchError.of("step.observations.num_bytes", len(message.observations), allowed)
    if message.begins and len(message.begins) != lanes.num_lanes:
        raise SchemaMismatchError.of("step.begins.num_bytes", len(message.begins), f"0 or {lanes.num_lanes}")
    observations: Array = np.frombuffer(message.observations, lanes.element_type.dtype)
    begins = np.frombuffer(message.begins, np.uint8) != 0 if message.begins else None
    return InferenceStep(message.sequence, observations.reshape(lanes.num_lanes, *lanes.shape), begins)


def outputs_to_proto(sequence: int, outputs: FloatArray) -> pb.InferResponse:
    """Encode the answer to one step."""
    data = outputs.astype(_FLOAT, copy=False).tobytes()
    return pb.InferResponse(outputs=pb.InferOutputs(sequence=sequence, outputs=data))


def outputs_from_proto(message: pb.InferOutputs, num_lanes: int, num_outputs: int) -> FloatArray:
    """Decode the answer to one step: `[N, n]`, a read-only view of the message's bytes.

    Raises:
      SchemaMismatchError: it has another size.
    """
    expected = num_lanes * num_outputs * _FLOAT.itemsize
    if len(message.outputs) != expected:
        raise SchemaMismatchError.of("outputs.num_bytes", len(message.outputs), str(expected))
    outputs: FloatArray = np.frombuffer(message.outputs, _FLOAT).reshape(num_lanes, num_outputs)
    return outputs


def inference_statistics_to_proto(statistics: InferenceStatistics) -> pb.GetInferenceStatisticsResponse:
    """Encode how steps were batched."""
    return pb.GetInferenceStatisticsResponse(
        run_id=statistics.run_id,
        num_streams=statistics.num_streams,
        num_steps=statistics.num_steps,
        num_rows=statistics.num_rows,
        num_batches=statistics.num_batches,
        num_repeated=statistics.num_repeated,
        evaluation_time=duration_to_proto(statistics.evaluation_time_s),
        median_latency=duration_to_proto(statistics.median_latency_s),
        p99_latency=duration_to_proto(statistics.p99_latency_s),
    )


def inference_statistics_from_proto(message: pb.GetInferenceStatisticsResponse) -> InferenceStatistics:
    """Decode how steps were batched."""
    return InferenceStatistics(
        run_id=message.run_id,
        num_streams=message.num_streams,
        num_steps=message.num_steps,
        num_rows=message.num_rows,
        num_batches=message.num_batches,
        num_repeated=message.num_repeated,
        evaluation_time_s=duration_from_proto(message.evaluation_time),
        median_latency_s=duration_from_proto(message.median_latency),
        p99_latency_s=duration_from_proto(message.p99_latency),
    )
