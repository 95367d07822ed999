import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from heronry.api.common.v1 import acknowledgement_pb2 as _acknowledgement_pb2
from heronry.api.common.v1 import column_pb2 as _column_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SelectorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELECTOR_KIND_UNSPECIFIED: _ClassVar[SelectorKind]
    SELECTOR_KIND_FIFO: _ClassVar[SelectorKind]
    SELECTOR_KIND_UNIFORM: _ClassVar[SelectorKind]
    SELECTOR_KIND_PRIORITIZED: _ClassVar[SelectorKind]
    SELECTOR_KIND_LIFO: _ClassVar[SelectorKind]
    SELECTOR_KIND_MIN_HEAP: _ClassVar[SelectorKind]
    SELECTOR_KIND_MAX_HEAP: _ClassVar[SelectorKind]

class Delivery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_UNSPECIFIED: _ClassVar[Delivery]
    DELIVERY_AT_MOST_ONCE: _ClassVar[Delivery]
    DELIVERY_AT_LEAST_ONCE: _ClassVar[Delivery]

class EpisodeEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EPISODE_END_UNSPECIFIED: _ClassVar[EpisodeEnd]
    EPISODE_END_CROSS: _ClassVar[EpisodeEnd]
    EPISODE_END_DROP: _ClassVar[EpisodeEnd]
    EPISODE_END_SHORTEN: _ClassVar[EpisodeEnd]

class StackStart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STACK_START_UNSPECIFIED: _ClassVar[StackStart]
    STACK_START_REPEAT: _ClassVar[StackStart]
    STACK_START_ZERO: _ClassVar[StackStart]

class PartialEpisodes(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTIAL_EPISODES_UNSPECIFIED: _ClassVar[PartialEpisodes]
    PARTIAL_EPISODES_KEEP: _ClassVar[PartialEpisodes]
    PARTIAL_EPISODES_DROP: _ClassVar[PartialEpisodes]
SELECTOR_KIND_UNSPECIFIED: SelectorKind
SELECTOR_KIND_FIFO: SelectorKind
SELECTOR_KIND_UNIFORM: SelectorKind
SELECTOR_KIND_PRIORITIZED: SelectorKind
SELECTOR_KIND_LIFO: SelectorKind
SELECTOR_KIND_MIN_HEAP: SelectorKind
SELECTOR_KIND_MAX_HEAP: SelectorKind
DELIVERY_UNSPECIFIED: Delivery
DELIVERY_AT_MOST_ONCE: Delivery
DELIVERY_AT_LEAST_ONCE: Delivery
EPISODE_END_UNSPECIFIED: EpisodeEnd
EPISODE_END_CROSS: EpisodeEnd
EPISODE_END_DROP: EpisodeEnd
EPISODE_END_SHORTEN: EpisodeEnd
STACK_START_UNSPECIFIED: StackStart
STACK_START_REPEAT: StackStart
STACK_START_ZERO: StackStart
PARTIAL_EPISODES_UNSPECIFIED: PartialEpisodes
PARTIAL_EPISODES_KEEP: PartialEpisodes
PARTIAL_EPISODES_DROP: PartialEpisodes

class Selector(_message.Message):
    __slots__ = ("kind", "priority_exponent")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    kind: SelectorKind
    priority_exponent: float
    def __init__(self, kind: _Optional[_Union[SelectorKind, str]] = ..., priority_exponent: _Optional[float] = ...) -> None: ...

class RateLimiter(_message.Message):
    __slots__ = ("samples_per_insert", "min_size", "min_diff", "max_diff")
    SAMPLES_PER_INSERT_FIELD_NUMBER: _ClassVar[int]
    MIN_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_DIFF_FIELD_NUMBER: _ClassVar[int]
    MAX_DIFF_FIELD_NUMBER: _ClassVar[int]
    samples_per_insert: float
    min_size: int
    min_diff: float
    max_diff: float
    def __init__(self, samples_per_insert: _Optional[float] = ..., min_size: _Optional[int] = ..., min_diff: _Optional[float] = ..., max_diff: _Optional[float] = ...) -> None: ...

class PatternColumn(_message.Message):
    __slots__ = ("output", "column", "start", "stop", "squeeze", "stack", "stack_start")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    SQUEEZE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    STACK_START_FIELD_NUMBER: _ClassVar[int]
    output: str
    column: str
    start: int
    stop: int
    squeeze: bool
    stack: int
    stack_start: StackStart
    def __init__(self, output: _Optional[str] = ..., column: _Optional[str] = ..., start: _Optional[int] = ..., stop: _Optional[int] = ..., squeeze: bool = ..., stack: _Optional[int] = ..., stack_start: _Optional[_Union[StackStart, str]] = ...) -> None: ...

class Pattern(_message.Message):
    __slots__ = ("num_steps", "period", "columns", "episode_end", "end_columns", "min_steps")
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    EPISODE_END_FIELD_NUMBER: _ClassVar[int]
    END_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MIN_STEPS_FIELD_NUMBER: _ClassVar[int]
    num_steps: int
    period: int
    columns: _containers.RepeatedCompositeFieldContainer[PatternColumn]
    episode_end: EpisodeEnd
    end_columns: _containers.RepeatedScalarFieldContainer[str]
    min_steps: int
    def __init__(self, num_steps: _Optional[int] = ..., period: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[PatternColumn, _Mapping]]] = ..., episode_end: _Optional[_Union[EpisodeEnd, str]] = ..., end_columns: _Optional[_Iterable[str]] = ..., min_steps: _Optional[int] = ...) -> None: ...

class TableDefinition(_message.Message):
    __slots__ = ("table", "sampler", "remover", "rate_limiter", "max_size", "max_times_sampled", "max_lag", "pattern", "acknowledgement", "delivery", "columns", "seed", "max_bytes", "partial_episodes", "compressed_columns", "spill")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_FIELD_NUMBER: _ClassVar[int]
    REMOVER_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMITER_FIELD_NUMBER: _ClassVar[int]
    MAX_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_TIMES_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    MAX_LAG_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_EPISODES_FIELD_NUMBER: _ClassVar[int]
    COMPRESSED_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SPILL_FIELD_NUMBER: _ClassVar[int]
    table: str
    sampler: Selector
    remover: Selector
    rate_limiter: RateLimiter
    max_size: int
    max_times_sampled: int
    max_lag: int
    pattern: Pattern
    acknowledgement: _acknowledgement_pb2.AcknowledgementLevel
    delivery: Delivery
    columns: _containers.RepeatedCompositeFieldContainer[_column_pb2.ColumnSpec]
    seed: int
    max_bytes: int
    partial_episodes: PartialEpisodes
    compressed_columns: _containers.RepeatedScalarFieldContainer[str]
    spill: bool
    def __init__(self, table: _Optional[str] = ..., sampler: _Optional[_Union[Selector, _Mapping]] = ..., remover: _Optional[_Union[Selector, _Mapping]] = ..., rate_limiter: _Optional[_Union[RateLimiter, _Mapping]] = ..., max_size: _Optional[int] = ..., max_times_sampled: _Optional[int] = ..., max_lag: _Optional[int] = ..., pattern: _Optional[_Union[Pattern, _Mapping]] = ..., acknowledgement: _Optional[_Union[_acknowledgement_pb2.AcknowledgementLevel, str]] = ..., delivery: _Optional[_Union[Delivery, str]] = ..., columns: _Optional[_Iterable[_Union[_column_pb2.ColumnSpec, _Mapping]]] = ..., seed: _Optional[int] = ..., max_bytes: _Optional[int] = ..., partial_episodes: _Optional[_Union[PartialEpisodes, str]] = ..., compressed_columns: _Optional[_Iterable[str]] = ..., spill: bool = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: TableDefinition
    def __init__(self, definition: _Optional[_Union[TableDefinition, _Mapping]] = ...) -> None: ...

class CreateTableResponse(_message.Message):
    __slots__ = ("created",)
    CREATED_FIELD_NUMBER: _ClassVar[int]
    created: bool
    def __init__(self, created: bool = ...) -> None: ...

class Waiting(_message.Message):
    __slots__ = ("side", "term", "value", "bound", "waited")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    WAITED_FIELD_NUMBER: _ClassVar[int]
    side: str
    term: str
    value: float
    bound: float
    waited: _duration_pb2.Duration
    def __init__(self, side: _Optional[str] = ..., term: _Optional[str] = ..., value: _Optional[float] = ..., bound: _Optional[float] = ..., waited: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TableInfo(_message.Message):
    __slots__ = ("definition", "num_items", "num_bytes", "num_inserts", "num_samples", "num_deletes", "num_lagging", "num_writers", "waiting", "num_step_bytes", "num_ignored", "num_recovered", "mass", "shard", "durable_position")
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    NUM_ITEMS_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_INSERTS_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    NUM_DELETES_FIELD_NUMBER: _ClassVar[int]
    NUM_LAGGING_FIELD_NUMBER: _ClassVar[int]
    NUM_WRITERS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    NUM_STEP_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_IGNORED_FIELD_NUMBER: _ClassVar[int]
    NUM_RECOVERED_FIELD_NUMBER: _ClassVar[int]
    MASS_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    DURABLE_POSITION_FIELD_NUMBER: _ClassVar[int]
    definition: TableDefinition
    num_items: int
    num_bytes: int
    num_inserts: int
    num_samples: int
    num_deletes: int
    num_lagging: int
    num_writers: int
    waiting: _containers.RepeatedCompositeFieldContainer[Waiting]
    num_step_bytes: int
    num_ignored: int
    num_recovered: int
    mass: float
    shard: int
    durable_position: int
    def __init__(self, definition: _Optional[_Union[TableDefinition, _Mapping]] = ..., num_items: _Optional[int] = ..., num_bytes: _Optional[int] = ..., num_inserts: _Optional[int] = ..., num_samples: _Optional[int] = ..., num_deletes: _Optional[int] = ..., num_lagging: _Optional[int] = ..., num_writers: _Optional[int] = ..., waiting: _Optional[_Iterable[_Union[Waiting, _Mapping]]] = ..., num_step_bytes: _Optional[int] = ..., num_ignored: _Optional[int] = ..., num_recovered: _Optional[int] = ..., mass: _Optional[float] = ..., shard: _Optional[int] = ..., durable_position: _Optional[int] = ...) -> None: ...

class ListTablesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTablesResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableInfo]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableInfo, _Mapping]]] = ...) -> None: ...

class GetTableRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class GetTableResponse(_message.Message):
    __slots__ = ("info",)
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: TableInfo
    def __init__(self, info: _Optional[_Union[TableInfo, _Mapping]] = ...) -> None: ...

class SetRateLimiterRequest(_message.Message):
    __slots__ = ("table", "rate_limiter")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMITER_FIELD_NUMBER: _ClassVar[int]
    table: str
    rate_limiter: RateLimiter
    def __init__(self, table: _Optional[str] = ..., rate_limiter: _Optional[_Union[RateLimiter, _Mapping]] = ...) -> None: ...

class SetRateLimiterResponse(_message.Message):
    __slots__ = ("info",)
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: TableInfo
    def __init__(self, info: _Optional[_Union[TableInfo, _Mapping]] = ...) -> None: ...

class SetPriorityExponentRequest(_message.Message):
    __slots__ = ("table", "priority_exponent")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    table: str
    priority_exponent: float
    def __init__(self, table: _Optional[str] = ..., priority_exponent: _Optional[float] = ...) -> None: ...

class SetPriorityExponentResponse(_message.Message):
    __slots__ = ("info",)
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: TableInfo
    def __init__(self, info: _Optional[_Union[TableInfo, _Mapping]] = ...) -> None: ...

class DeleteTableRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class DeleteTableResponse(_message.Message):
    __slots__ = ("num_dropped",)
    NUM_DROPPED_FIELD_NUMBER: _ClassVar[int]
    num_dropped: int
    def __init__(self, num_dropped: _Optional[int] = ...) -> None: ...

class SaveSnapshotRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class SaveSnapshotResponse(_message.Message):
    __slots__ = ("path", "num_items", "num_bytes", "stall")
    PATH_FIELD_NUMBER: _ClassVar[int]
    NUM_ITEMS_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    path: str
    num_items: int
    num_bytes: int
    stall: _duration_pb2.Duration
    def __init__(self, path: _Optional[str] = ..., num_items: _Optional[int] = ..., num_bytes: _Optional[int] = ..., stall: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ResetTableRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class ResetTableResponse(_message.Message):
    __slots__ = ("num_dropped",)
    NUM_DROPPED_FIELD_NUMBER: _ClassVar[int]
    num_dropped: int
    def __init__(self, num_dropped: _Optional[int] = ...) -> None: ...

class AppendHeader(_message.Message):
    __slots__ = ("table", "writer_id", "writer_epoch", "columns", "num_lanes")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WRITER_ID_FIELD_NUMBER: _ClassVar[int]
    WRITER_EPOCH_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NUM_LANES_FIELD_NUMBER: _ClassVar[int]
    table: str
    writer_id: str
    writer_epoch: int
    columns: _containers.RepeatedCompositeFieldContainer[_column_pb2.ColumnSpec]
    num_lanes: int
    def __init__(self, table: _Optional[str] = ..., writer_id: _Optional[str] = ..., writer_epoch: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[_column_pb2.ColumnSpec, _Mapping]]] = ..., num_lanes: _Optional[int] = ...) -> None: ...

class AppendBlock(_message.Message):
    __slots__ = ("sequence", "num_steps", "behaviour_version", "columns", "data", "priority", "priorities", "lane_ends", "successors")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    BEHAVIOUR_VERSION_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    LANE_ENDS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSORS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    num_steps: int
    behaviour_version: _version_pb2.ParameterVersion
    columns: _containers.RepeatedCompositeFieldContainer[_column_pb2.ColumnHeader]
    data: _containers.RepeatedScalarFieldContainer[bytes]
    priority: float
    priorities: bytes
    lane_ends: bytes
    successors: _containers.RepeatedCompositeFieldContainer[AppendSuccessor]
    def __init__(self, sequence: _Optional[int] = ..., num_steps: _Optional[int] = ..., behaviour_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[_column_pb2.ColumnHeader, _Mapping]]] = ..., data: _Optional[_Iterable[bytes]] = ..., priority: _Optional[float] = ..., priorities: _Optional[bytes] = ..., lane_ends: _Optional[bytes] = ..., successors: _Optional[_Iterable[_Union[AppendSuccessor, _Mapping]]] = ...) -> None: ...

class AppendSuccessor(_message.Message):
    __slots__ = ("path", "of")
    PATH_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    path: str
    of: str
    def __init__(self, path: _Optional[str] = ..., of: _Optional[str] = ...) -> None: ...

class AppendItems(_message.Message):
    __slots__ = ("sequence", "lanes", "starts", "lengths", "priorities", "behaviour_version")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    BEHAVIOUR_VERSION_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    lanes: bytes
    starts: bytes
    lengths: bytes
    priorities: bytes
    behaviour_version: _version_pb2.ParameterVersion
    def __init__(self, sequence: _Optional[int] = ..., lanes: _Optional[bytes] = ..., starts: _Optional[bytes] = ..., lengths: _Optional[bytes] = ..., priorities: _Optional[bytes] = ..., behaviour_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class AppendEnd(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AppendRequest(_message.Message):
    __slots__ = ("header", "block", "end", "items")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    header: AppendHeader
    block: AppendBlock
    end: AppendEnd
    items: AppendItems
    def __init__(self, header: _Optional[_Union[AppendHeader, _Mapping]] = ..., block: _Optional[_Union[AppendBlock, _Mapping]] = ..., end: _Optional[_Union[AppendEnd, _Mapping]] = ..., items: _Optional[_Union[AppendItems, _Mapping]] = ...) -> None: ...

class AppendResponse(_message.Message):
    __slots__ = ("accepted_sequence", "level", "credits", "waiting")
    ACCEPTED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    accepted_sequence: int
    level: _acknowledgement_pb2.AcknowledgementLevel
    credits: int
    waiting: Waiting
    def __init__(self, accepted_sequence: _Optional[int] = ..., level: _Optional[_Union[_acknowledgement_pb2.AcknowledgementLevel, str]] = ..., credits: _Optional[int] = ..., waiting: _Optional[_Union[Waiting, _Mapping]] = ...) -> None: ...

class TableShare(_message.Message):
    __slots__ = ("table", "weight")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    table: str
    weight: float
    def __init__(self, table: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class SampleHeader(_message.Message):
    __slots__ = ("table", "batch_size", "columns", "shares", "independent", "without_replacement", "accept_shared_memory")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    table: str
    batch_size: int
    columns: _containers.RepeatedScalarFieldContainer[str]
    shares: _containers.RepeatedCompositeFieldContainer[TableShare]
    independent: bool
    without_replacement: bool
    accept_shared_memory: bool
    def __init__(self, table: _Optional[str] = ..., batch_size: _Optional[int] = ..., columns: _Optional[_Iterable[str]] = ..., shares: _Optional[_Iterable[_Union[TableShare, _Mapping]]] = ..., independent: bool = ..., without_replacement: bool = ..., accept_shared_memory: bool = ...) -> None: ...

class SampleCredits(_message.Message):
    __slots__ = ("num_batches",)
    NUM_BATCHES_FIELD_NUMBER: _ClassVar[int]
    num_batches: int
    def __init__(self, num_batches: _Optional[int] = ...) -> None: ...

class SampleAcknowledge(_message.Message):
    __slots__ = ("batch_id",)
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    batch_id: int
    def __init__(self, batch_id: _Optional[int] = ...) -> None: ...

class SampleRelease(_message.Message):
    __slots__ = ("slots",)
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    slots: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, slots: _Optional[_Iterable[int]] = ...) -> None: ...

class SampleAttached(_message.Message):
    __slots__ = ("attached",)
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    attached: bool
    def __init__(self, attached: bool = ...) -> None: ...

class SampleRequest(_message.Message):
    __slots__ = ("header", "credits", "acknowledge", "release", "attached")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    header: SampleHeader
    credits: SampleCredits
    acknowledge: SampleAcknowledge
    release: SampleRelease
    attached: SampleAttached
    def __init__(self, header: _Optional[_Union[SampleHeader, _Mapping]] = ..., credits: _Optional[_Union[SampleCredits, _Mapping]] = ..., acknowledge: _Optional[_Union[SampleAcknowledge, _Mapping]] = ..., release: _Optional[_Union[SampleRelease, _Mapping]] = ..., attached: _Optional[_Union[SampleAttached, _Mapping]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("batch_id", "batch_size", "table_size", "columns", "data", "num_parts", "num_bytes", "slot")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    TABLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    NUM_PARTS_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    batch_id: int
    batch_size: int
    table_size: int
    columns: _containers.RepeatedCompositeFieldContainer[_column_pb2.ColumnHeader]
    data: _containers.RepeatedScalarFieldContainer[bytes]
    num_parts: int
    num_bytes: int
    slot: int
    def __init__(self, batch_id: _Optional[int] = ..., batch_size: _Optional[int] = ..., table_size: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[_column_pb2.ColumnHeader, _Mapping]]] = ..., data: _Optional[_Iterable[bytes]] = ..., num_parts: _Optional[int] = ..., num_bytes: _Optional[int] = ..., slot: _Optional[int] = ...) -> None: ...

class BatchPart(_message.Message):
    __slots__ = ("offset", "data")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class SharedMemoryOffer(_message.Message):
    __slots__ = ("socket_path", "token", "num_slots", "slot_bytes")
    SOCKET_PATH_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NUM_SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    socket_path: str
    token: bytes
    num_slots: int
    slot_bytes: int
    def __init__(self, socket_path: _Optional[str] = ..., token: _Optional[bytes] = ..., num_slots: _Optional[int] = ..., slot_bytes: _Optional[int] = ...) -> None: ...

class SampleResponse(_message.Message):
    __slots__ = ("batch", "batch_part", "waiting", "shared_memory")
    BATCH_FIELD_NUMBER: _ClassVar[int]
    BATCH_PART_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    batch: Batch
    batch_part: BatchPart
    waiting: Waiting
    shared_memory: SharedMemoryOffer
    def __init__(self, batch: _Optional[_Union[Batch, _Mapping]] = ..., batch_part: _Optional[_Union[BatchPart, _Mapping]] = ..., waiting: _Optional[_Union[Waiting, _Mapping]] = ..., shared_memory: _Optional[_Union[SharedMemoryOffer, _Mapping]] = ...) -> None: ...

class UpdatePrioritiesRequest(_message.Message):
    __slots__ = ("table", "keys", "priorities")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    table: str
    keys: bytes
    priorities: bytes
    def __init__(self, table: _Optional[str] = ..., keys: _Optional[bytes] = ..., priorities: _Optional[bytes] = ...) -> None: ...

class UpdatePrioritiesResponse(_message.Message):
    __slots__ = ("num_applied", "num_ignored")
    NUM_APPLIED_FIELD_NUMBER: _ClassVar[int]
    NUM_IGNORED_FIELD_NUMBER: _ClassVar[int]
    num_applied: int
    num_ignored: int
    def __init__(self, num_applied: _Optional[int] = ..., num_ignored: _Optional[int] = ...) -> None: ...

class DeleteItemsRequest(_message.Message):
    __slots__ = ("table", "keys")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    table: str
    keys: bytes
    def __init__(self, table: _Optional[str] = ..., keys: _Optional[bytes] = ...) -> None: ...

class DeleteItemsResponse(_message.Message):
    __slots__ = ("num_applied", "num_ignored")
    NUM_APPLIED_FIELD_NUMBER: _ClassVar[int]
    NUM_IGNORED_FIELD_NUMBER: _ClassVar[int]
    num_applied: int
    num_ignored: int
    def __init__(self, num_applied: _Optional[int] = ..., num_ignored: _Optional[int] = ...) -> None: ...

class StreamPrioritiesRequest(_message.Message):
    __slots__ = ("table", "keys", "priorities")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    table: str
    keys: bytes
    priorities: bytes
    def __init__(self, table: _Optional[str] = ..., keys: _Optional[bytes] = ..., priorities: _Optional[bytes] = ...) -> None: ...

class StreamPrioritiesResponse(_message.Message):
    __slots__ = ("num_requests", "num_applied", "num_ignored")
    NUM_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    NUM_APPLIED_FIELD_NUMBER: _ClassVar[int]
    NUM_IGNORED_FIELD_NUMBER: _ClassVar[int]
    num_requests: int
    num_applied: int
    num_ignored: int
    def __init__(self, num_requests: _Optional[int] = ..., num_applied: _Optional[int] = ..., num_ignored: _Optional[int] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("table", "max_items")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    table: str
    max_items: int
    def __init__(self, table: _Optional[str] = ..., max_items: _Optional[int] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("num_steps", "lane", "first_step", "columns", "data", "item_columns", "item_data", "history")
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ITEM_DATA_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    num_steps: int
    lane: int
    first_step: int
    columns: _containers.RepeatedCompositeFieldContainer[_column_pb2.ColumnHeader]
    data: _containers.RepeatedScalarFieldContainer[bytes]
    item_columns: _containers.RepeatedCompositeFieldContainer[_column_pb2.ColumnHeader]
    item_data: _containers.RepeatedScalarFieldContainer[bytes]
    history: bytes
    def __init__(self, num_steps: _Optional[int] = ..., lane: _Optional[int] = ..., first_step: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[_column_pb2.ColumnHeader, _Mapping]]] = ..., data: _Optional[_Iterable[bytes]] = ..., item_columns: _Optional[_Iterable[_Union[_column_pb2.ColumnHeader, _Mapping]]] = ..., item_data: _Optional[_Iterable[bytes]] = ..., history: _Optional[bytes] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("info", "runs")
    INFO_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    info: TableInfo
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    def __init__(self, info: _Optional[_Union[TableInfo, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ...) -> None: ...

class ImportRequest(_message.Message):
    __slots__ = ("table", "runs")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    table: str
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    def __init__(self, table: _Optional[str] = ..., runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ...) -> None: ...

class ImportResponse(_message.Message):
    __slots__ = ("num_items", "num_steps")
    NUM_ITEMS_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    num_items: int
    num_steps: int
    def __init__(self, num_items: _Optional[int] = ..., num_steps: _Optional[int] = ...) -> None: ...
