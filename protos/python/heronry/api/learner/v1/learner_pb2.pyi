import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatisticsResponse(_message.Message):
    __slots__ = ("run_id", "algorithm", "device", "num_updates", "num_gradient_steps", "num_steps", "version", "metrics", "update_time", "waiting_time", "barrier")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    NUM_UPDATES_FIELD_NUMBER: _ClassVar[int]
    NUM_GRADIENT_STEPS_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    WAITING_TIME_FIELD_NUMBER: _ClassVar[int]
    BARRIER_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    algorithm: str
    device: str
    num_updates: int
    num_gradient_steps: int
    num_steps: int
    version: _version_pb2.ParameterVersion
    metrics: _containers.ScalarMap[str, float]
    update_time: _duration_pb2.Duration
    waiting_time: _duration_pb2.Duration
    barrier: Barrier
    def __init__(self, run_id: _Optional[str] = ..., algorithm: _Optional[str] = ..., device: _Optional[str] = ..., num_updates: _Optional[int] = ..., num_gradient_steps: _Optional[int] = ..., num_steps: _Optional[int] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., update_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., waiting_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., barrier: _Optional[_Union[Barrier, _Mapping]] = ...) -> None: ...

class Barrier(_message.Message):
    __slots__ = ("num_updates", "version", "num_starts")
    NUM_UPDATES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NUM_STARTS_FIELD_NUMBER: _ClassVar[int]
    num_updates: int
    version: _version_pb2.ParameterVersion
    num_starts: int
    def __init__(self, num_updates: _Optional[int] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., num_starts: _Optional[int] = ...) -> None: ...

class SaveCheckpointRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class SaveCheckpointResponse(_message.Message):
    __slots__ = ("path", "num_updates")
    PATH_FIELD_NUMBER: _ClassVar[int]
    NUM_UPDATES_FIELD_NUMBER: _ClassVar[int]
    path: str
    num_updates: int
    def __init__(self, path: _Optional[str] = ..., num_updates: _Optional[int] = ...) -> None: ...
