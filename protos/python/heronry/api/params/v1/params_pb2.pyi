import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from heronry.api.common.v1 import acknowledgement_pb2 as _acknowledgement_pb2
from heronry.api.common.v1 import chunk_pb2 as _chunk_pb2
from heronry.api.common.v1 import lease_pb2 as _lease_pb2
from heronry.api.common.v1 import tensor_pb2 as _tensor_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContributionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTRIBUTION_KIND_UNSPECIFIED: _ClassVar[ContributionKind]
    CONTRIBUTION_KIND_GRADIENT: _ClassVar[ContributionKind]
    CONTRIBUTION_KIND_DELTA: _ClassVar[ContributionKind]
    CONTRIBUTION_KIND_WEIGHTS: _ClassVar[ContributionKind]

class ParameterCodec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_CODEC_UNSPECIFIED: _ClassVar[ParameterCodec]
    PARAMETER_CODEC_F32: _ClassVar[ParameterCodec]
    PARAMETER_CODEC_BF16: _ClassVar[ParameterCodec]
    PARAMETER_CODEC_F16: _ClassVar[ParameterCodec]
    PARAMETER_CODEC_INT8: _ClassVar[ParameterCodec]
    PARAMETER_CODEC_TOP_K: _ClassVar[ParameterCodec]

class AggregationRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGGREGATION_RULE_UNSPECIFIED: _ClassVar[AggregationRule]
    AGGREGATION_RULE_MEAN: _ClassVar[AggregationRule]
CONTRIBUTION_KIND_UNSPECIFIED: ContributionKind
CONTRIBUTION_KIND_GRADIENT: ContributionKind
CONTRIBUTION_KIND_DELTA: ContributionKind
CONTRIBUTION_KIND_WEIGHTS: ContributionKind
PARAMETER_CODEC_UNSPECIFIED: ParameterCodec
PARAMETER_CODEC_F32: ParameterCodec
PARAMETER_CODEC_BF16: ParameterCodec
PARAMETER_CODEC_F16: ParameterCodec
PARAMETER_CODEC_INT8: ParameterCodec
PARAMETER_CODEC_TOP_K: ParameterCodec
AGGREGATION_RULE_UNSPECIFIED: AggregationRule
AGGREGATION_RULE_MEAN: AggregationRule

class Aggregation(_message.Message):
    __slots__ = ("rule", "num_contributions", "max_staleness")
    RULE_FIELD_NUMBER: _ClassVar[int]
    NUM_CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    rule: AggregationRule
    num_contributions: int
    max_staleness: int
    def __init__(self, rule: _Optional[_Union[AggregationRule, str]] = ..., num_contributions: _Optional[int] = ..., max_staleness: _Optional[int] = ...) -> None: ...

class SgdOptimizer(_message.Message):
    __slots__ = ("learning_rate", "momentum", "nesterov")
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    NESTEROV_FIELD_NUMBER: _ClassVar[int]
    learning_rate: float
    momentum: float
    nesterov: bool
    def __init__(self, learning_rate: _Optional[float] = ..., momentum: _Optional[float] = ..., nesterov: bool = ...) -> None: ...

class AdamOptimizer(_message.Message):
    __slots__ = ("learning_rate", "beta1", "beta2", "epsilon")
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    def __init__(self, learning_rate: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ..., epsilon: _Optional[float] = ...) -> None: ...

class ServerOptimizer(_message.Message):
    __slots__ = ("sgd", "adam")
    SGD_FIELD_NUMBER: _ClassVar[int]
    ADAM_FIELD_NUMBER: _ClassVar[int]
    sgd: SgdOptimizer
    adam: AdamOptimizer
    def __init__(self, sgd: _Optional[_Union[SgdOptimizer, _Mapping]] = ..., adam: _Optional[_Union[AdamOptimizer, _Mapping]] = ...) -> None: ...

class PrivacySettings(_message.Message):
    __slots__ = ("unit", "clipping_norm", "noise_multiplier", "delta", "epsilon_limit")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CLIPPING_NORM_FIELD_NUMBER: _ClassVar[int]
    NOISE_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    EPSILON_LIMIT_FIELD_NUMBER: _ClassVar[int]
    unit: str
    clipping_norm: float
    noise_multiplier: float
    delta: float
    epsilon_limit: float
    def __init__(self, unit: _Optional[str] = ..., clipping_norm: _Optional[float] = ..., noise_multiplier: _Optional[float] = ..., delta: _Optional[float] = ..., epsilon_limit: _Optional[float] = ...) -> None: ...

class ModelSettings(_message.Message):
    __slots__ = ("aggregation", "optimizer", "acknowledgement", "num_versions_kept", "privacy")
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    NUM_VERSIONS_KEPT_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_FIELD_NUMBER: _ClassVar[int]
    aggregation: Aggregation
    optimizer: ServerOptimizer
    acknowledgement: _acknowledgement_pb2.AcknowledgementLevel
    num_versions_kept: int
    privacy: PrivacySettings
    def __init__(self, aggregation: _Optional[_Union[Aggregation, _Mapping]] = ..., optimizer: _Optional[_Union[ServerOptimizer, _Mapping]] = ..., acknowledgement: _Optional[_Union[_acknowledgement_pb2.AcknowledgementLevel, str]] = ..., num_versions_kept: _Optional[int] = ..., privacy: _Optional[_Union[PrivacySettings, _Mapping]] = ...) -> None: ...

class RegisterModelHeader(_message.Message):
    __slots__ = ("model", "schema", "settings", "request_id")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    model: str
    schema: _tensor_pb2.ModelSchema
    settings: ModelSettings
    request_id: str
    def __init__(self, model: _Optional[str] = ..., schema: _Optional[_Union[_tensor_pb2.ModelSchema, _Mapping]] = ..., settings: _Optional[_Union[ModelSettings, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RegisterModelRequest(_message.Message):
    __slots__ = ("header", "chunk", "end")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    header: RegisterModelHeader
    chunk: _chunk_pb2.Chunk
    end: _chunk_pb2.UploadEnd
    def __init__(self, header: _Optional[_Union[RegisterModelHeader, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ..., end: _Optional[_Union[_chunk_pb2.UploadEnd, _Mapping]] = ...) -> None: ...

class RegisterModelResponse(_message.Message):
    __slots__ = ("version", "created")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    created: bool
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., created: bool = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("model", "version", "schema", "settings", "num_bytes", "round_id", "num_pending", "num_accepted", "num_refused")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_PENDING_FIELD_NUMBER: _ClassVar[int]
    NUM_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    NUM_REFUSED_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: _version_pb2.ParameterVersion
    schema: _tensor_pb2.ModelSchema
    settings: ModelSettings
    num_bytes: int
    round_id: int
    num_pending: int
    num_accepted: int
    num_refused: int
    def __init__(self, model: _Optional[str] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., schema: _Optional[_Union[_tensor_pb2.ModelSchema, _Mapping]] = ..., settings: _Optional[_Union[ModelSettings, _Mapping]] = ..., num_bytes: _Optional[int] = ..., round_id: _Optional[int] = ..., num_pending: _Optional[int] = ..., num_accepted: _Optional[int] = ..., num_refused: _Optional[int] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("info",)
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: ModelInfo
    def __init__(self, info: _Optional[_Union[ModelInfo, _Mapping]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelInfo]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelInfo, _Mapping]]] = ...) -> None: ...

class PullRequest(_message.Message):
    __slots__ = ("model", "number", "tag", "newer_than", "codec", "wait")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    NEWER_THAN_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    newer_than: _version_pb2.ParameterVersion
    codec: ParameterCodec
    wait: _duration_pb2.Duration
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ..., newer_than: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("version", "schema", "codec", "num_bytes", "num_chunks", "unchanged")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    schema: _tensor_pb2.ModelSchema
    codec: ParameterCodec
    num_bytes: int
    num_chunks: int
    unchanged: bool
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., schema: _Optional[_Union[_tensor_pb2.ModelSchema, _Mapping]] = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., num_bytes: _Optional[int] = ..., num_chunks: _Optional[int] = ..., unchanged: bool = ...) -> None: ...

class PullResponse(_message.Message):
    __slots__ = ("manifest", "chunk")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    manifest: Manifest
    chunk: _chunk_pb2.Chunk
    def __init__(self, manifest: _Optional[_Union[Manifest, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("model", "newer_than", "with_values")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NEWER_THAN_FIELD_NUMBER: _ClassVar[int]
    WITH_VALUES_FIELD_NUMBER: _ClassVar[int]
    model: str
    newer_than: _version_pb2.ParameterVersion
    with_values: bool
    def __init__(self, model: _Optional[str] = ..., newer_than: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., with_values: bool = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("manifest", "chunk")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    manifest: Manifest
    chunk: _chunk_pb2.Chunk
    def __init__(self, manifest: _Optional[_Union[Manifest, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ...) -> None: ...

class PushHeader(_message.Message):
    __slots__ = ("model", "client_id", "request_id", "base_version", "kind", "codec", "sample_count", "weight", "round_id", "num_bytes")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    model: str
    client_id: str
    request_id: str
    base_version: _version_pb2.ParameterVersion
    kind: ContributionKind
    codec: ParameterCodec
    sample_count: int
    weight: float
    round_id: int
    num_bytes: int
    def __init__(self, model: _Optional[str] = ..., client_id: _Optional[str] = ..., request_id: _Optional[str] = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., kind: _Optional[_Union[ContributionKind, str]] = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., sample_count: _Optional[int] = ..., weight: _Optional[float] = ..., round_id: _Optional[int] = ..., num_bytes: _Optional[int] = ...) -> None: ...

class PushRequest(_message.Message):
    __slots__ = ("header", "chunk", "end")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    header: PushHeader
    chunk: _chunk_pb2.Chunk
    end: _chunk_pb2.UploadEnd
    def __init__(self, header: _Optional[_Union[PushHeader, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ..., end: _Optional[_Union[_chunk_pb2.UploadEnd, _Mapping]] = ...) -> None: ...

class PushResponse(_message.Message):
    __slots__ = ("level", "counted", "round_id", "closed_round", "version", "staleness")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSED_ROUND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STALENESS_FIELD_NUMBER: _ClassVar[int]
    level: _acknowledgement_pb2.AcknowledgementLevel
    counted: bool
    round_id: int
    closed_round: bool
    version: _version_pb2.ParameterVersion
    staleness: int
    def __init__(self, level: _Optional[_Union[_acknowledgement_pb2.AcknowledgementLevel, str]] = ..., counted: bool = ..., round_id: _Optional[int] = ..., closed_round: bool = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., staleness: _Optional[int] = ...) -> None: ...

class ListVersionsRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class VersionInfo(_message.Message):
    __slots__ = ("version", "tags", "publish_time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_TIME_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    tags: _containers.RepeatedScalarFieldContainer[str]
    publish_time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., tags: _Optional[_Iterable[str]] = ..., publish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[VersionInfo]
    def __init__(self, versions: _Optional[_Iterable[_Union[VersionInfo, _Mapping]]] = ...) -> None: ...

class TagVersionRequest(_message.Message):
    __slots__ = ("model", "number", "tag")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ...) -> None: ...

class TagVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class ExportVersionRequest(_message.Message):
    __slots__ = ("model", "number", "tag", "directory", "metadata")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    directory: str
    metadata: _struct_pb2.Struct
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ..., directory: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ExportVersionResponse(_message.Message):
    __slots__ = ("path", "version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    version: _version_pb2.ParameterVersion
    def __init__(self, path: _Optional[str] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class SaveCheckpointRequest(_message.Message):
    __slots__ = ("request_id", "run_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    run_id: str
    def __init__(self, request_id: _Optional[str] = ..., run_id: _Optional[str] = ...) -> None: ...

class SaveCheckpointResponse(_message.Message):
    __slots__ = ("path", "models")
    PATH_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    path: str
    models: _containers.RepeatedCompositeFieldContainer[ModelVersion]
    def __init__(self, path: _Optional[str] = ..., models: _Optional[_Iterable[_Union[ModelVersion, _Mapping]]] = ...) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ("model", "version")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: _version_pb2.ParameterVersion
    def __init__(self, model: _Optional[str] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class RegisterWorkerRequest(_message.Message):
    __slots__ = ("model", "incarnation")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    model: str
    incarnation: int
    def __init__(self, model: _Optional[str] = ..., incarnation: _Optional[int] = ...) -> None: ...

class RegisterWorkerResponse(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: _lease_pb2.Lease
    def __init__(self, lease: _Optional[_Union[_lease_pb2.Lease, _Mapping]] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("model", "fencing_token")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    model: str
    fencing_token: int
    def __init__(self, model: _Optional[str] = ..., fencing_token: _Optional[int] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: _lease_pb2.Lease
    def __init__(self, lease: _Optional[_Union[_lease_pb2.Lease, _Mapping]] = ...) -> None: ...

class UnregisterWorkerRequest(_message.Message):
    __slots__ = ("model", "fencing_token")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    model: str
    fencing_token: int
    def __init__(self, model: _Optional[str] = ..., fencing_token: _Optional[int] = ...) -> None: ...

class UnregisterWorkerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class WorkerInfo(_message.Message):
    __slots__ = ("client_id", "incarnation", "lease_remaining", "num_accepted", "num_refused", "last_staleness")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    LEASE_REMAINING_FIELD_NUMBER: _ClassVar[int]
    NUM_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    NUM_REFUSED_FIELD_NUMBER: _ClassVar[int]
    LAST_STALENESS_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    incarnation: int
    lease_remaining: _duration_pb2.Duration
    num_accepted: int
    num_refused: int
    last_staleness: int
    def __init__(self, client_id: _Optional[str] = ..., incarnation: _Optional[int] = ..., lease_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., num_accepted: _Optional[int] = ..., num_refused: _Optional[int] = ..., last_staleness: _Optional[int] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("workers",)
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[WorkerInfo]
    def __init__(self, workers: _Optional[_Iterable[_Union[WorkerInfo, _Mapping]]] = ...) -> None: ...

class JoinRoundsRequest(_message.Message):
    __slots__ = ("model", "fencing_token")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    model: str
    fencing_token: int
    def __init__(self, model: _Optional[str] = ..., fencing_token: _Optional[int] = ...) -> None: ...

class JoinRoundsResponse(_message.Message):
    __slots__ = ("round_id", "base_version")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    base_version: _version_pb2.ParameterVersion
    def __init__(self, round_id: _Optional[int] = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class GetPrivacyStatusRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetPrivacyStatusResponse(_message.Message):
    __slots__ = ("has_claim", "statement", "epsilon_spent", "delta")
    HAS_CLAIM_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    EPSILON_SPENT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    has_claim: bool
    statement: str
    epsilon_spent: float
    delta: float
    def __init__(self, has_claim: bool = ..., statement: _Optional[str] = ..., epsilon_spent: _Optional[float] = ..., delta: _Optional[float] = ...) -> None: ...
