"""Figures of models ⇄ messages."""

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.models import ModelInfo, VersionInfo, WorkerInfo
from heronry.wire.model_settings import settings_from_proto, settings_to_proto
from heronry.wire.schema import schema_from_proto, schema_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto, time_from_proto, time_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto


def model_info_to_proto(info: ModelInfo) -> pb.ModelInfo:
    """Encode a model as its service sees it."""
    message = figures_to_proto(info)
    message.MergeFrom(description_to_proto(info))
    return message


def description_to_proto(info: ModelInfo) -> pb.ModelInfo:
    """Encode the part of a model's message that changes with its settings alone, and grows with its tensors."""
    return pb.ModelInfo(schema=schema_to_proto(info.schema), settings=settings_to_proto(info.settings))


def figures_to_proto(info: ModelInfo) -> pb.ModelInfo:
    """Encode all else of a model."""
    return pb.ModelInfo(
        model=info.model,
        version=version_to_proto(info.version),
        num_bytes=info.num_bytes,
        round_id=info.round_id,
        num_pending=info.num_pending,
        num_accepted=info.num_accepted,
        num_refused=info.num_refused,
        refusals=info.refusals,
        num_bytes_received=info.num_bytes_received,
        num_bytes_sent=info.num_bytes_sent,
        staleness_histogram=info.staleness_histogram,
        round_remaining=None if info.round_remaining_s is None else duration_to_proto(info.round_remaining_s),
        cohort_size=info.cohort_size,
    )


def model_info_from_proto(message: pb.ModelInfo) -> ModelInfo:
    """Decode a model as its service sees it."""
    return ModelInfo(
        model=message.model,
        version=version_from_proto(message.version),
        schema=schema_from_proto(message.schema),
        settings=settings_from_proto(message.settings),
        num_bytes=message.num_bytes,
        round_id=message.round_id,
        num_pending=message.num_pending,
        num_accepted=message.num_accepted,
        num_refused=message.num_refused,
        refusals=dict(message.refusals),
        num_bytes_received=message.num_bytes_received,
        num_bytes_sent=message.num_bytes_sent,
        staleness_histogram=tuple(message.staleness_histogram),
        round_remaining_s=duration_from_proto(message.round_remaining) if message.HasField("round_remaining") else None,
        cohort_size=message.cohort_size,
    )


def version_info_to_proto(info: VersionInfo) -> pb.VersionInfo:
    """Encode a version that can be pulled."""
    return pb.VersionInfo(
        version=version_to_proto(info.version), tags=info.tags, publish_time=time_to_proto(info.publish_time_s)
    )


def version_info_from_proto(message: pb.VersionInfo) -> VersionInfo:
    """Decode a version that can be pulled."""
    return VersionInfo(version_from_proto(message.version), tuple(message.tags), time_from_proto(message.publish_time))


def worker_info_to_proto(info: WorkerInfo) -> pb.WorkerInfo:
    """Encode a worker of a model."""
    return pb.WorkerInfo(
        client_id=info.client_id,
        incarnation=info.incarnation,
        lease_remaining=duration_to_proto(info.lease_remaining_s),
        num_accepted=info.num_accepted,
        num_refused=info.num_refused,
        last_staleness=info.last_staleness,
        mean_staleness=info.mean_staleness,
        max_staleness=info.max_staleness,
        num_invited=info.num_invited,
        num_participated=info.num_participated,
        lead=info.lead,
    )


def worker_info_from_proto(message: pb.WorkerInfo) -> WorkerInfo:
    """Decode a worker of a model."""
    return WorkerInfo(
        client_id=message.client_id,
        incarnation=message.incarnation,
        lease_remaining_s=duration_from_proto(message.lease_remaining),
        num_accepted=message.num_accepted,
        num_refused=message.num_refused,
        last_staleness=message.last_staleness,
        mean_staleness=message.mean_staleness,
        max_staleness=message.max_staleness,
        num_invited=message.num_invited,
        num_participated=message.num_participated,
        lead=message.lead,
    )
