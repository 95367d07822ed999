import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from heronry.api.common.v1 import acknowledgement_pb2 as _acknowledgement_pb2
from heronry.api.common.v1 import chunk_pb2 as _chunk_pb2
from heronry.api.common.v1 import lease_pb2 as _lease_pb2
from heronry.api.common.v1 import tensor_pb2 as _tensor_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from heronry.api.params.v1 import privacy_pb2 as _privacy_pb2
from heronry.api.params.v1 import secure_pb2 as _secure_pb2
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

class LatePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LATE_POLICY_UNSPECIFIED: _ClassVar[LatePolicy]
    LATE_POLICY_REFUSE: _ClassVar[LatePolicy]
    LATE_POLICY_KEEP: _ClassVar[LatePolicy]
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
LATE_POLICY_UNSPECIFIED: LatePolicy
LATE_POLICY_REFUSE: LatePolicy
LATE_POLICY_KEEP: LatePolicy

class MeanRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SumRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WeightedMeanRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FederatedMeanRule(_message.Message):
    __slots__ = ("max_samples",)
    MAX_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    max_samples: int
    def __init__(self, max_samples: _Optional[int] = ...) -> None: ...

class NormBoundedMeanRule(_message.Message):
    __slots__ = ("max_norm",)
    MAX_NORM_FIELD_NUMBER: _ClassVar[int]
    max_norm: float
    def __init__(self, max_norm: _Optional[float] = ...) -> None: ...

class MedianRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TrimmedMeanRule(_message.Message):
    __slots__ = ("num_trimmed",)
    NUM_TRIMMED_FIELD_NUMBER: _ClassVar[int]
    num_trimmed: int
    def __init__(self, num_trimmed: _Optional[int] = ...) -> None: ...

class KrumRule(_message.Message):
    __slots__ = ("num_byzantine", "num_selected")
    NUM_BYZANTINE_FIELD_NUMBER: _ClassVar[int]
    NUM_SELECTED_FIELD_NUMBER: _ClassVar[int]
    num_byzantine: int
    num_selected: int
    def __init__(self, num_byzantine: _Optional[int] = ..., num_selected: _Optional[int] = ...) -> None: ...

class GeometricMedianRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Aggregation(_message.Message):
    __slots__ = ("mean", "sum", "weighted_mean", "federated_mean", "norm_bounded_mean", "median", "trimmed_mean", "krum", "geometric_median", "grid_step", "max_held_bytes")
    MEAN_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    WEIGHTED_MEAN_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_MEAN_FIELD_NUMBER: _ClassVar[int]
    NORM_BOUNDED_MEAN_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    TRIMMED_MEAN_FIELD_NUMBER: _ClassVar[int]
    KRUM_FIELD_NUMBER: _ClassVar[int]
    GEOMETRIC_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    GRID_STEP_FIELD_NUMBER: _ClassVar[int]
    MAX_HELD_BYTES_FIELD_NUMBER: _ClassVar[int]
    mean: MeanRule
    sum: SumRule
    weighted_mean: WeightedMeanRule
    federated_mean: FederatedMeanRule
    norm_bounded_mean: NormBoundedMeanRule
    median: MedianRule
    trimmed_mean: TrimmedMeanRule
    krum: KrumRule
    geometric_median: GeometricMedianRule
    grid_step: float
    max_held_bytes: int
    def __init__(self, mean: _Optional[_Union[MeanRule, _Mapping]] = ..., sum: _Optional[_Union[SumRule, _Mapping]] = ..., weighted_mean: _Optional[_Union[WeightedMeanRule, _Mapping]] = ..., federated_mean: _Optional[_Union[FederatedMeanRule, _Mapping]] = ..., norm_bounded_mean: _Optional[_Union[NormBoundedMeanRule, _Mapping]] = ..., median: _Optional[_Union[MedianRule, _Mapping]] = ..., trimmed_mean: _Optional[_Union[TrimmedMeanRule, _Mapping]] = ..., krum: _Optional[_Union[KrumRule, _Mapping]] = ..., geometric_median: _Optional[_Union[GeometricMedianRule, _Mapping]] = ..., grid_step: _Optional[float] = ..., max_held_bytes: _Optional[int] = ...) -> None: ...

class SynchronousRounds(_message.Message):
    __slots__ = ("cohort_size", "quorum", "deadline", "num_extra", "late", "min_workers")
    COHORT_SIZE_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    NUM_EXTRA_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    MIN_WORKERS_FIELD_NUMBER: _ClassVar[int]
    cohort_size: int
    quorum: int
    deadline: _duration_pb2.Duration
    num_extra: int
    late: LatePolicy
    min_workers: int
    def __init__(self, cohort_size: _Optional[int] = ..., quorum: _Optional[int] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., num_extra: _Optional[int] = ..., late: _Optional[_Union[LatePolicy, str]] = ..., min_workers: _Optional[int] = ...) -> None: ...

class StaleSynchronous(_message.Message):
    __slots__ = ("max_lead", "max_staleness")
    MAX_LEAD_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    max_lead: int
    max_staleness: int
    def __init__(self, max_lead: _Optional[int] = ..., max_staleness: _Optional[int] = ...) -> None: ...

class Asynchronous(_message.Message):
    __slots__ = ("max_staleness", "staleness_exponent")
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    STALENESS_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    max_staleness: int
    staleness_exponent: float
    def __init__(self, max_staleness: _Optional[int] = ..., staleness_exponent: _Optional[float] = ...) -> None: ...

class BufferedAsynchronous(_message.Message):
    __slots__ = ("num_contributions", "max_staleness", "staleness_exponent")
    NUM_CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    STALENESS_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    num_contributions: int
    max_staleness: int
    staleness_exponent: float
    def __init__(self, num_contributions: _Optional[int] = ..., max_staleness: _Optional[int] = ..., staleness_exponent: _Optional[float] = ...) -> None: ...

class SampledRounds(_message.Message):
    __slots__ = ("num_clients", "deadline", "sampling_rate", "cohort_size", "max_cohort", "min_clients", "closes_early")
    NUM_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_RATE_FIELD_NUMBER: _ClassVar[int]
    COHORT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_COHORT_FIELD_NUMBER: _ClassVar[int]
    MIN_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    CLOSES_EARLY_FIELD_NUMBER: _ClassVar[int]
    num_clients: int
    deadline: _duration_pb2.Duration
    sampling_rate: float
    cohort_size: int
    max_cohort: int
    min_clients: int
    closes_early: bool
    def __init__(self, num_clients: _Optional[int] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., sampling_rate: _Optional[float] = ..., cohort_size: _Optional[int] = ..., max_cohort: _Optional[int] = ..., min_clients: _Optional[int] = ..., closes_early: bool = ...) -> None: ...

class Consistency(_message.Message):
    __slots__ = ("synchronous", "stale_synchronous", "asynchronous", "buffered", "sampled")
    SYNCHRONOUS_FIELD_NUMBER: _ClassVar[int]
    STALE_SYNCHRONOUS_FIELD_NUMBER: _ClassVar[int]
    ASYNCHRONOUS_FIELD_NUMBER: _ClassVar[int]
    BUFFERED_FIELD_NUMBER: _ClassVar[int]
    SAMPLED_FIELD_NUMBER: _ClassVar[int]
    synchronous: SynchronousRounds
    stale_synchronous: StaleSynchronous
    asynchronous: Asynchronous
    buffered: BufferedAsynchronous
    sampled: SampledRounds
    def __init__(self, synchronous: _Optional[_Union[SynchronousRounds, _Mapping]] = ..., stale_synchronous: _Optional[_Union[StaleSynchronous, _Mapping]] = ..., asynchronous: _Optional[_Union[Asynchronous, _Mapping]] = ..., buffered: _Optional[_Union[BufferedAsynchronous, _Mapping]] = ..., sampled: _Optional[_Union[SampledRounds, _Mapping]] = ...) -> None: ...

class ContributionLimits(_message.Message):
    __slots__ = ("max_norm", "max_weight", "requires_lease")
    MAX_NORM_FIELD_NUMBER: _ClassVar[int]
    MAX_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_LEASE_FIELD_NUMBER: _ClassVar[int]
    max_norm: float
    max_weight: float
    requires_lease: bool
    def __init__(self, max_norm: _Optional[float] = ..., max_weight: _Optional[float] = ..., requires_lease: bool = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("index", "num_shards", "first_address")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NUM_SHARDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    index: int
    num_shards: int
    first_address: str
    def __init__(self, index: _Optional[int] = ..., num_shards: _Optional[int] = ..., first_address: _Optional[str] = ...) -> None: ...

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

class YogiOptimizer(_message.Message):
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

class AdagradOptimizer(_message.Message):
    __slots__ = ("learning_rate", "initial_accumulator", "epsilon")
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    INITIAL_ACCUMULATOR_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    learning_rate: float
    initial_accumulator: float
    epsilon: float
    def __init__(self, learning_rate: _Optional[float] = ..., initial_accumulator: _Optional[float] = ..., epsilon: _Optional[float] = ...) -> None: ...

class MixingOptimizer(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: float
    def __init__(self, rate: _Optional[float] = ...) -> None: ...

class ServerOptimizer(_message.Message):
    __slots__ = ("sgd", "adam", "yogi", "adagrad", "mixing")
    SGD_FIELD_NUMBER: _ClassVar[int]
    ADAM_FIELD_NUMBER: _ClassVar[int]
    YOGI_FIELD_NUMBER: _ClassVar[int]
    ADAGRAD_FIELD_NUMBER: _ClassVar[int]
    MIXING_FIELD_NUMBER: _ClassVar[int]
    sgd: SgdOptimizer
    adam: AdamOptimizer
    yogi: YogiOptimizer
    adagrad: AdagradOptimizer
    mixing: MixingOptimizer
    def __init__(self, sgd: _Optional[_Union[SgdOptimizer, _Mapping]] = ..., adam: _Optional[_Union[AdamOptimizer, _Mapping]] = ..., yogi: _Optional[_Union[YogiOptimizer, _Mapping]] = ..., adagrad: _Optional[_Union[AdagradOptimizer, _Mapping]] = ..., mixing: _Optional[_Union[MixingOptimizer, _Mapping]] = ...) -> None: ...

class ModelSettings(_message.Message):
    __slots__ = ("aggregation", "optimizer", "acknowledgement", "num_versions_kept", "privacy", "consistency", "limits", "shard", "group_optimizers")
    class GroupOptimizersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ServerOptimizer
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ServerOptimizer, _Mapping]] = ...) -> None: ...
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    NUM_VERSIONS_KEPT_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    GROUP_OPTIMIZERS_FIELD_NUMBER: _ClassVar[int]
    aggregation: Aggregation
    optimizer: ServerOptimizer
    acknowledgement: _acknowledgement_pb2.AcknowledgementLevel
    num_versions_kept: int
    privacy: _privacy_pb2.PrivacySettings
    consistency: Consistency
    limits: ContributionLimits
    shard: Shard
    group_optimizers: _containers.MessageMap[str, ServerOptimizer]
    def __init__(self, aggregation: _Optional[_Union[Aggregation, _Mapping]] = ..., optimizer: _Optional[_Union[ServerOptimizer, _Mapping]] = ..., acknowledgement: _Optional[_Union[_acknowledgement_pb2.AcknowledgementLevel, str]] = ..., num_versions_kept: _Optional[int] = ..., privacy: _Optional[_Union[_privacy_pb2.PrivacySettings, _Mapping]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., limits: _Optional[_Union[ContributionLimits, _Mapping]] = ..., shard: _Optional[_Union[Shard, _Mapping]] = ..., group_optimizers: _Optional[_Mapping[str, ServerOptimizer]] = ...) -> None: ...

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
    __slots__ = ("model", "version", "schema", "settings", "num_bytes", "round_id", "num_pending", "num_accepted", "num_refused", "refusals", "num_bytes_received", "num_bytes_sent", "staleness_histogram", "round_remaining", "cohort_size")
    class RefusalsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_PENDING_FIELD_NUMBER: _ClassVar[int]
    NUM_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    NUM_REFUSED_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_SENT_FIELD_NUMBER: _ClassVar[int]
    STALENESS_HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    ROUND_REMAINING_FIELD_NUMBER: _ClassVar[int]
    COHORT_SIZE_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: _version_pb2.ParameterVersion
    schema: _tensor_pb2.ModelSchema
    settings: ModelSettings
    num_bytes: int
    round_id: int
    num_pending: int
    num_accepted: int
    num_refused: int
    refusals: _containers.ScalarMap[str, int]
    num_bytes_received: int
    num_bytes_sent: int
    staleness_histogram: _containers.RepeatedScalarFieldContainer[int]
    round_remaining: _duration_pb2.Duration
    cohort_size: int
    def __init__(self, model: _Optional[str] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., schema: _Optional[_Union[_tensor_pb2.ModelSchema, _Mapping]] = ..., settings: _Optional[_Union[ModelSettings, _Mapping]] = ..., num_bytes: _Optional[int] = ..., round_id: _Optional[int] = ..., num_pending: _Optional[int] = ..., num_accepted: _Optional[int] = ..., num_refused: _Optional[int] = ..., refusals: _Optional[_Mapping[str, int]] = ..., num_bytes_received: _Optional[int] = ..., num_bytes_sent: _Optional[int] = ..., staleness_histogram: _Optional[_Iterable[int]] = ..., round_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cohort_size: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("model", "number", "tag", "newer_than", "codec", "wait", "base", "accepts_shared_memory", "top_k_share")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    NEWER_THAN_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTS_SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    TOP_K_SHARE_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    newer_than: _version_pb2.ParameterVersion
    codec: ParameterCodec
    wait: _duration_pb2.Duration
    base: _version_pb2.ParameterVersion
    accepts_shared_memory: bool
    top_k_share: float
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ..., newer_than: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., base: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., accepts_shared_memory: bool = ..., top_k_share: _Optional[float] = ...) -> None: ...

class SharedMemoryOffer(_message.Message):
    __slots__ = ("socket_path", "token", "num_bytes")
    SOCKET_PATH_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    socket_path: str
    token: bytes
    num_bytes: int
    def __init__(self, socket_path: _Optional[str] = ..., token: _Optional[bytes] = ..., num_bytes: _Optional[int] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("version", "schema", "codec", "num_bytes", "num_chunks", "unchanged", "base_version", "shared_memory")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    schema: _tensor_pb2.ModelSchema
    codec: ParameterCodec
    num_bytes: int
    num_chunks: int
    unchanged: bool
    base_version: _version_pb2.ParameterVersion
    shared_memory: SharedMemoryOffer
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., schema: _Optional[_Union[_tensor_pb2.ModelSchema, _Mapping]] = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., num_bytes: _Optional[int] = ..., num_chunks: _Optional[int] = ..., unchanged: bool = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., shared_memory: _Optional[_Union[SharedMemoryOffer, _Mapping]] = ...) -> None: ...

class PullResponse(_message.Message):
    __slots__ = ("manifest", "chunk")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    manifest: Manifest
    chunk: _chunk_pb2.Chunk
    def __init__(self, manifest: _Optional[_Union[Manifest, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("model", "newer_than", "with_values", "codec", "accepts_shared_memory")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NEWER_THAN_FIELD_NUMBER: _ClassVar[int]
    WITH_VALUES_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    ACCEPTS_SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    model: str
    newer_than: _version_pb2.ParameterVersion
    with_values: bool
    codec: ParameterCodec
    accepts_shared_memory: bool
    def __init__(self, model: _Optional[str] = ..., newer_than: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., with_values: bool = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., accepts_shared_memory: bool = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("manifest", "chunk")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    manifest: Manifest
    chunk: _chunk_pb2.Chunk
    def __init__(self, manifest: _Optional[_Union[Manifest, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ...) -> None: ...

class PushHeader(_message.Message):
    __slots__ = ("model", "client_id", "request_id", "base_version", "kind", "codec", "sample_count", "weight", "round_id", "num_bytes", "fencing_token", "validate_only")
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
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
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
    fencing_token: int
    validate_only: bool
    def __init__(self, model: _Optional[str] = ..., client_id: _Optional[str] = ..., request_id: _Optional[str] = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., kind: _Optional[_Union[ContributionKind, str]] = ..., codec: _Optional[_Union[ParameterCodec, str]] = ..., sample_count: _Optional[int] = ..., weight: _Optional[float] = ..., round_id: _Optional[int] = ..., num_bytes: _Optional[int] = ..., fencing_token: _Optional[int] = ..., validate_only: bool = ...) -> None: ...

class SharedUpload(_message.Message):
    __slots__ = ("loan_id",)
    LOAN_ID_FIELD_NUMBER: _ClassVar[int]
    loan_id: bytes
    def __init__(self, loan_id: _Optional[bytes] = ...) -> None: ...

class PushRequest(_message.Message):
    __slots__ = ("header", "chunk", "end", "shared")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    header: PushHeader
    chunk: _chunk_pb2.Chunk
    end: _chunk_pb2.UploadEnd
    shared: SharedUpload
    def __init__(self, header: _Optional[_Union[PushHeader, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ..., end: _Optional[_Union[_chunk_pb2.UploadEnd, _Mapping]] = ..., shared: _Optional[_Union[SharedUpload, _Mapping]] = ...) -> None: ...

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

class RollbackModelRequest(_message.Message):
    __slots__ = ("model", "number", "tag", "request_id", "asks_all_shards")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ASKS_ALL_SHARDS_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    request_id: str
    asks_all_shards: bool
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ..., request_id: _Optional[str] = ..., asks_all_shards: bool = ...) -> None: ...

class RollbackModelResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class UpdateModelRequest(_message.Message):
    __slots__ = ("model", "consistency", "limits", "optimizer", "num_versions_kept", "group_optimizers")
    class GroupOptimizersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ServerOptimizer
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ServerOptimizer, _Mapping]] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    NUM_VERSIONS_KEPT_FIELD_NUMBER: _ClassVar[int]
    GROUP_OPTIMIZERS_FIELD_NUMBER: _ClassVar[int]
    model: str
    consistency: Consistency
    limits: ContributionLimits
    optimizer: ServerOptimizer
    num_versions_kept: int
    group_optimizers: _containers.MessageMap[str, ServerOptimizer]
    def __init__(self, model: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., limits: _Optional[_Union[ContributionLimits, _Mapping]] = ..., optimizer: _Optional[_Union[ServerOptimizer, _Mapping]] = ..., num_versions_kept: _Optional[int] = ..., group_optimizers: _Optional[_Mapping[str, ServerOptimizer]] = ...) -> None: ...

class UpdateModelResponse(_message.Message):
    __slots__ = ("info",)
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: ModelInfo
    def __init__(self, info: _Optional[_Union[ModelInfo, _Mapping]] = ...) -> None: ...

class DeleteModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class DeleteModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LendMemoryRequest(_message.Message):
    __slots__ = ("num_bytes",)
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    num_bytes: int
    def __init__(self, num_bytes: _Optional[int] = ...) -> None: ...

class LendMemoryResponse(_message.Message):
    __slots__ = ("loan_id", "memory")
    LOAN_ID_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    loan_id: bytes
    memory: SharedMemoryOffer
    def __init__(self, loan_id: _Optional[bytes] = ..., memory: _Optional[_Union[SharedMemoryOffer, _Mapping]] = ...) -> None: ...

class WatchRoundsRequest(_message.Message):
    __slots__ = ("model", "after_round")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    AFTER_ROUND_FIELD_NUMBER: _ClassVar[int]
    model: str
    after_round: int
    def __init__(self, model: _Optional[str] = ..., after_round: _Optional[int] = ...) -> None: ...

class CountedContribution(_message.Message):
    __slots__ = ("client_id", "request_id", "factor", "weight")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    request_id: str
    factor: float
    weight: float
    def __init__(self, client_id: _Optional[str] = ..., request_id: _Optional[str] = ..., factor: _Optional[float] = ..., weight: _Optional[float] = ...) -> None: ...

class WatchRoundsResponse(_message.Message):
    __slots__ = ("round_id", "version", "contributions", "publish_time", "settings", "rollback_request_id")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    version: _version_pb2.ParameterVersion
    contributions: _containers.RepeatedCompositeFieldContainer[CountedContribution]
    publish_time: _timestamp_pb2.Timestamp
    settings: ModelSettings
    rollback_request_id: str
    def __init__(self, round_id: _Optional[int] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., contributions: _Optional[_Iterable[_Union[CountedContribution, _Mapping]]] = ..., publish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settings: _Optional[_Union[ModelSettings, _Mapping]] = ..., rollback_request_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("client_id", "incarnation", "lease_remaining", "num_accepted", "num_refused", "last_staleness", "mean_staleness", "max_staleness", "num_invited", "num_participated", "lead")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    LEASE_REMAINING_FIELD_NUMBER: _ClassVar[int]
    NUM_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    NUM_REFUSED_FIELD_NUMBER: _ClassVar[int]
    LAST_STALENESS_FIELD_NUMBER: _ClassVar[int]
    MEAN_STALENESS_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    NUM_INVITED_FIELD_NUMBER: _ClassVar[int]
    NUM_PARTICIPATED_FIELD_NUMBER: _ClassVar[int]
    LEAD_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    incarnation: int
    lease_remaining: _duration_pb2.Duration
    num_accepted: int
    num_refused: int
    last_staleness: int
    mean_staleness: float
    max_staleness: int
    num_invited: int
    num_participated: int
    lead: int
    def __init__(self, client_id: _Optional[str] = ..., incarnation: _Optional[int] = ..., lease_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., num_accepted: _Optional[int] = ..., num_refused: _Optional[int] = ..., last_staleness: _Optional[int] = ..., mean_staleness: _Optional[float] = ..., max_staleness: _Optional[int] = ..., num_invited: _Optional[int] = ..., num_participated: _Optional[int] = ..., lead: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("round_id", "base_version", "remaining")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    base_version: _version_pb2.ParameterVersion
    remaining: _duration_pb2.Duration
    def __init__(self, round_id: _Optional[int] = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
