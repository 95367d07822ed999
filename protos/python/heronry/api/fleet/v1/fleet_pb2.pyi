import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PictureFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PICTURE_FORMAT_UNSPECIFIED: _ClassVar[PictureFormat]
    PICTURE_FORMAT_GIF: _ClassVar[PictureFormat]
    PICTURE_FORMAT_APNG: _ClassVar[PictureFormat]
PICTURE_FORMAT_UNSPECIFIED: PictureFormat
PICTURE_FORMAT_GIF: PictureFormat
PICTURE_FORMAT_APNG: PictureFormat

class GetStatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LagCount(_message.Message):
    __slots__ = ("lag", "num_unrolls")
    LAG_FIELD_NUMBER: _ClassVar[int]
    NUM_UNROLLS_FIELD_NUMBER: _ClassVar[int]
    lag: int
    num_unrolls: int
    def __init__(self, lag: _Optional[int] = ..., num_unrolls: _Optional[int] = ...) -> None: ...

class GetStatisticsResponse(_message.Message):
    __slots__ = ("run_id", "environment", "num_environments", "num_steps", "steps_per_second", "num_episodes", "mean_return", "mean_length", "behaviour_version", "policy_lag", "environment_time", "inference_time", "waiting_time", "engine", "policy", "num_restarts", "failures", "num_unrolls_too_old", "num_unrolls")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    NUM_ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    STEPS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    NUM_EPISODES_FIELD_NUMBER: _ClassVar[int]
    MEAN_RETURN_FIELD_NUMBER: _ClassVar[int]
    MEAN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    BEHAVIOUR_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_LAG_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_TIME_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_TIME_FIELD_NUMBER: _ClassVar[int]
    WAITING_TIME_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    NUM_RESTARTS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    NUM_UNROLLS_TOO_OLD_FIELD_NUMBER: _ClassVar[int]
    NUM_UNROLLS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    environment: str
    num_environments: int
    num_steps: int
    steps_per_second: float
    num_episodes: int
    mean_return: float
    mean_length: float
    behaviour_version: _version_pb2.ParameterVersion
    policy_lag: _containers.RepeatedCompositeFieldContainer[LagCount]
    environment_time: _duration_pb2.Duration
    inference_time: _duration_pb2.Duration
    waiting_time: _duration_pb2.Duration
    engine: str
    policy: str
    num_restarts: int
    failures: _containers.RepeatedCompositeFieldContainer[EnvironmentFailure]
    num_unrolls_too_old: int
    num_unrolls: int
    def __init__(self, run_id: _Optional[str] = ..., environment: _Optional[str] = ..., num_environments: _Optional[int] = ..., num_steps: _Optional[int] = ..., steps_per_second: _Optional[float] = ..., num_episodes: _Optional[int] = ..., mean_return: _Optional[float] = ..., mean_length: _Optional[float] = ..., behaviour_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., policy_lag: _Optional[_Iterable[_Union[LagCount, _Mapping]]] = ..., environment_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., inference_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., waiting_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., engine: _Optional[str] = ..., policy: _Optional[str] = ..., num_restarts: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[EnvironmentFailure, _Mapping]]] = ..., num_unrolls_too_old: _Optional[int] = ..., num_unrolls: _Optional[int] = ...) -> None: ...

class EnvironmentFailure(_message.Message):
    __slots__ = ("environment_index", "seed", "step", "reason")
    ENVIRONMENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    environment_index: int
    seed: int
    step: int
    reason: str
    def __init__(self, environment_index: _Optional[int] = ..., seed: _Optional[int] = ..., step: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class EvaluateRequest(_message.Message):
    __slots__ = ("model", "number", "tag", "num_episodes", "seed", "greedy")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    NUM_EPISODES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    GREEDY_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    num_episodes: int
    seed: int
    greedy: bool
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ..., num_episodes: _Optional[int] = ..., seed: _Optional[int] = ..., greedy: bool = ...) -> None: ...

class EvaluateResponse(_message.Message):
    __slots__ = ("version", "returns", "lengths")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    returns: _containers.RepeatedScalarFieldContainer[float]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., returns: _Optional[_Iterable[float]] = ..., lengths: _Optional[_Iterable[int]] = ...) -> None: ...

class RecordEpisodeRequest(_message.Message):
    __slots__ = ("model", "number", "tag", "seed", "greedy", "max_steps", "frames_per_second", "format")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    GREEDY_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    model: str
    number: int
    tag: str
    seed: int
    greedy: bool
    max_steps: int
    frames_per_second: int
    format: PictureFormat
    def __init__(self, model: _Optional[str] = ..., number: _Optional[int] = ..., tag: _Optional[str] = ..., seed: _Optional[int] = ..., greedy: bool = ..., max_steps: _Optional[int] = ..., frames_per_second: _Optional[int] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class RecordEpisodeResponse(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: RecordingHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[RecordingHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class RecordingHeader(_message.Message):
    __slots__ = ("version", "episode_return", "length", "ended", "num_bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EPISODE_RETURN_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: _version_pb2.ParameterVersion
    episode_return: float
    length: int
    ended: bool
    num_bytes: int
    def __init__(self, version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., episode_return: _Optional[float] = ..., length: _Optional[int] = ..., ended: bool = ..., num_bytes: _Optional[int] = ...) -> None: ...
