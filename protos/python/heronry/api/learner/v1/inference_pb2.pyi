import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from heronry.api.common.v1 import tensor_pb2 as _tensor_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InferRequest(_message.Message):
    __slots__ = ("open", "begin_unroll", "step")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    BEGIN_UNROLL_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    open: Open
    begin_unroll: BeginUnroll
    step: InferStep
    def __init__(self, open: _Optional[_Union[Open, _Mapping]] = ..., begin_unroll: _Optional[_Union[BeginUnroll, _Mapping]] = ..., step: _Optional[_Union[InferStep, _Mapping]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("run_id", "group_id", "num_starts", "num_lanes", "element_type", "shape")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_STARTS_FIELD_NUMBER: _ClassVar[int]
    NUM_LANES_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    group_id: str
    num_starts: int
    num_lanes: int
    element_type: _tensor_pb2.ElementType
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, run_id: _Optional[str] = ..., group_id: _Optional[str] = ..., num_starts: _Optional[int] = ..., num_lanes: _Optional[int] = ..., element_type: _Optional[_Union[_tensor_pb2.ElementType, str]] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class BeginUnroll(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class InferStep(_message.Message):
    __slots__ = ("sequence", "observations", "begins")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    BEGINS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    observations: bytes
    begins: bytes
    def __init__(self, sequence: _Optional[int] = ..., observations: _Optional[bytes] = ..., begins: _Optional[bytes] = ...) -> None: ...

class InferResponse(_message.Message):
    __slots__ = ("opened", "unroll_begun", "outputs")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    UNROLL_BEGUN_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    opened: Opened
    unroll_begun: UnrollBegun
    outputs: InferOutputs
    def __init__(self, opened: _Optional[_Union[Opened, _Mapping]] = ..., unroll_begun: _Optional[_Union[UnrollBegun, _Mapping]] = ..., outputs: _Optional[_Union[InferOutputs, _Mapping]] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("num_outputs", "last_sequence")
    NUM_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    num_outputs: int
    last_sequence: int
    def __init__(self, num_outputs: _Optional[int] = ..., last_sequence: _Optional[int] = ...) -> None: ...

class UnrollBegun(_message.Message):
    __slots__ = ("version", "newest", "log_std")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    LOG_STD_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    newest: _version_pb2.ParameterVersion
    log_std: bytes
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., newest: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., log_std: _Optional[bytes] = ...) -> None: ...

class InferOutputs(_message.Message):
    __slots__ = ("sequence", "outputs")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    outputs: bytes
    def __init__(self, sequence: _Optional[int] = ..., outputs: _Optional[bytes] = ...) -> None: ...

class GetInferenceStatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInferenceStatisticsResponse(_message.Message):
    __slots__ = ("run_id", "num_streams", "num_steps", "num_rows", "num_batches", "num_repeated", "evaluation_time", "median_latency", "p99_latency")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_STREAMS_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    NUM_ROWS_FIELD_NUMBER: _ClassVar[int]
    NUM_BATCHES_FIELD_NUMBER: _ClassVar[int]
    NUM_REPEATED_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_TIME_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_LATENCY_FIELD_NUMBER: _ClassVar[int]
    P99_LATENCY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    num_streams: int
    num_steps: int
    num_rows: int
    num_batches: int
    num_repeated: int
    evaluation_time: _duration_pb2.Duration
    median_latency: _duration_pb2.Duration
    p99_latency: _duration_pb2.Duration
    def __init__(self, run_id: _Optional[str] = ..., num_streams: _Optional[int] = ..., num_steps: _Optional[int] = ..., num_rows: _Optional[int] = ..., num_batches: _Optional[int] = ..., num_repeated: _Optional[int] = ..., evaluation_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., median_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p99_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
