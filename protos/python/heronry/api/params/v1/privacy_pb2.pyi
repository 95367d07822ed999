from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PrivacyUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIVACY_UNIT_UNSPECIFIED: _ClassVar[PrivacyUnit]
    PRIVACY_UNIT_CLIENT: _ClassVar[PrivacyUnit]
    PRIVACY_UNIT_EPISODE: _ClassVar[PrivacyUnit]

class NeighbourRelation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NEIGHBOUR_RELATION_UNSPECIFIED: _ClassVar[NeighbourRelation]
    NEIGHBOUR_RELATION_ADD_OR_REMOVE_ONE: _ClassVar[NeighbourRelation]
    NEIGHBOUR_RELATION_REPLACE_ONE: _ClassVar[NeighbourRelation]
    NEIGHBOUR_RELATION_ZERO_OUT_ONE: _ClassVar[NeighbourRelation]

class NoiseSampler(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOISE_SAMPLER_UNSPECIFIED: _ClassVar[NoiseSampler]
    NOISE_SAMPLER_ROUNDED_GAUSSIAN: _ClassVar[NoiseSampler]
    NOISE_SAMPLER_DISCRETE_GAUSSIAN: _ClassVar[NoiseSampler]
PRIVACY_UNIT_UNSPECIFIED: PrivacyUnit
PRIVACY_UNIT_CLIENT: PrivacyUnit
PRIVACY_UNIT_EPISODE: PrivacyUnit
NEIGHBOUR_RELATION_UNSPECIFIED: NeighbourRelation
NEIGHBOUR_RELATION_ADD_OR_REMOVE_ONE: NeighbourRelation
NEIGHBOUR_RELATION_REPLACE_ONE: NeighbourRelation
NEIGHBOUR_RELATION_ZERO_OUT_ONE: NeighbourRelation
NOISE_SAMPLER_UNSPECIFIED: NoiseSampler
NOISE_SAMPLER_ROUNDED_GAUSSIAN: NoiseSampler
NOISE_SAMPLER_DISCRETE_GAUSSIAN: NoiseSampler

class FixedClip(_message.Message):
    __slots__ = ("norm",)
    NORM_FIELD_NUMBER: _ClassVar[int]
    norm: float
    def __init__(self, norm: _Optional[float] = ...) -> None: ...

class QuantileClipping(_message.Message):
    __slots__ = ("initial_norm", "quantile", "learning_rate", "count_noise")
    INITIAL_NORM_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_NOISE_FIELD_NUMBER: _ClassVar[int]
    initial_norm: float
    quantile: float
    learning_rate: float
    count_noise: float
    def __init__(self, initial_norm: _Optional[float] = ..., quantile: _Optional[float] = ..., learning_rate: _Optional[float] = ..., count_noise: _Optional[float] = ...) -> None: ...

class IndependentNoise(_message.Message):
    __slots__ = ("noise_multiplier", "sampler", "is_amplified")
    NOISE_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_FIELD_NUMBER: _ClassVar[int]
    IS_AMPLIFIED_FIELD_NUMBER: _ClassVar[int]
    noise_multiplier: float
    sampler: NoiseSampler
    is_amplified: bool
    def __init__(self, noise_multiplier: _Optional[float] = ..., sampler: _Optional[_Union[NoiseSampler, str]] = ..., is_amplified: bool = ...) -> None: ...

class BandedFactorisation(_message.Message):
    __slots__ = ("band",)
    BAND_FIELD_NUMBER: _ClassVar[int]
    band: int
    def __init__(self, band: _Optional[int] = ...) -> None: ...

class BufferedFactorisation(_message.Message):
    __slots__ = ("num_buffers",)
    NUM_BUFFERS_FIELD_NUMBER: _ClassVar[int]
    num_buffers: int
    def __init__(self, num_buffers: _Optional[int] = ...) -> None: ...

class TreeFactorisation(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CorrelatedNoise(_message.Message):
    __slots__ = ("noise_multiplier", "horizon", "max_participations", "min_separation", "banded", "buffered", "tree")
    NOISE_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    MAX_PARTICIPATIONS_FIELD_NUMBER: _ClassVar[int]
    MIN_SEPARATION_FIELD_NUMBER: _ClassVar[int]
    BANDED_FIELD_NUMBER: _ClassVar[int]
    BUFFERED_FIELD_NUMBER: _ClassVar[int]
    TREE_FIELD_NUMBER: _ClassVar[int]
    noise_multiplier: float
    horizon: int
    max_participations: int
    min_separation: int
    banded: BandedFactorisation
    buffered: BufferedFactorisation
    tree: TreeFactorisation
    def __init__(self, noise_multiplier: _Optional[float] = ..., horizon: _Optional[int] = ..., max_participations: _Optional[int] = ..., min_separation: _Optional[int] = ..., banded: _Optional[_Union[BandedFactorisation, _Mapping]] = ..., buffered: _Optional[_Union[BufferedFactorisation, _Mapping]] = ..., tree: _Optional[_Union[TreeFactorisation, _Mapping]] = ...) -> None: ...

class DistributedNoise(_message.Message):
    __slots__ = ("noise_multiplier", "min_survivors")
    NOISE_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    MIN_SURVIVORS_FIELD_NUMBER: _ClassVar[int]
    noise_multiplier: float
    min_survivors: int
    def __init__(self, noise_multiplier: _Optional[float] = ..., min_survivors: _Optional[int] = ...) -> None: ...

class PrivacySettings(_message.Message):
    __slots__ = ("unit", "relation", "population", "delta", "epsilon_limit", "fixed_clip", "quantile_clip", "independent", "correlated", "distributed")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    POPULATION_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    EPSILON_LIMIT_FIELD_NUMBER: _ClassVar[int]
    FIXED_CLIP_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_CLIP_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATED_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTED_FIELD_NUMBER: _ClassVar[int]
    unit: PrivacyUnit
    relation: NeighbourRelation
    population: int
    delta: float
    epsilon_limit: float
    fixed_clip: FixedClip
    quantile_clip: QuantileClipping
    independent: IndependentNoise
    correlated: CorrelatedNoise
    distributed: DistributedNoise
    def __init__(self, unit: _Optional[_Union[PrivacyUnit, str]] = ..., relation: _Optional[_Union[NeighbourRelation, str]] = ..., population: _Optional[int] = ..., delta: _Optional[float] = ..., epsilon_limit: _Optional[float] = ..., fixed_clip: _Optional[_Union[FixedClip, _Mapping]] = ..., quantile_clip: _Optional[_Union[QuantileClipping, _Mapping]] = ..., independent: _Optional[_Union[IndependentNoise, _Mapping]] = ..., correlated: _Optional[_Union[CorrelatedNoise, _Mapping]] = ..., distributed: _Optional[_Union[DistributedNoise, _Mapping]] = ...) -> None: ...

class GetPrivacyStatusRequest(_message.Message):
    __slots__ = ("model", "with_clients")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WITH_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    model: str
    with_clients: bool
    def __init__(self, model: _Optional[str] = ..., with_clients: bool = ...) -> None: ...

class ClientSpending(_message.Message):
    __slots__ = ("client_id", "num_participations", "last_release", "epsilon_spent")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_PARTICIPATIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_RELEASE_FIELD_NUMBER: _ClassVar[int]
    EPSILON_SPENT_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    num_participations: int
    last_release: int
    epsilon_spent: float
    def __init__(self, client_id: _Optional[str] = ..., num_participations: _Optional[int] = ..., last_release: _Optional[int] = ..., epsilon_spent: _Optional[float] = ...) -> None: ...

class GetPrivacyStatusResponse(_message.Message):
    __slots__ = ("has_claim", "statement", "epsilon_spent", "delta", "is_void", "mechanism", "unit", "relation", "epsilon_limit", "epsilon_after", "accountant", "num_releases", "clipping_norm", "noise_multiplier", "ledger_sequence", "ledger_digest", "clients")
    HAS_CLAIM_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    EPSILON_SPENT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    IS_VOID_FIELD_NUMBER: _ClassVar[int]
    MECHANISM_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    EPSILON_LIMIT_FIELD_NUMBER: _ClassVar[int]
    EPSILON_AFTER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTANT_FIELD_NUMBER: _ClassVar[int]
    NUM_RELEASES_FIELD_NUMBER: _ClassVar[int]
    CLIPPING_NORM_FIELD_NUMBER: _ClassVar[int]
    NOISE_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    LEDGER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LEDGER_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    has_claim: bool
    statement: str
    epsilon_spent: float
    delta: float
    is_void: bool
    mechanism: str
    unit: PrivacyUnit
    relation: NeighbourRelation
    epsilon_limit: float
    epsilon_after: float
    accountant: str
    num_releases: int
    clipping_norm: float
    noise_multiplier: float
    ledger_sequence: int
    ledger_digest: bytes
    clients: _containers.RepeatedCompositeFieldContainer[ClientSpending]
    def __init__(self, has_claim: bool = ..., statement: _Optional[str] = ..., epsilon_spent: _Optional[float] = ..., delta: _Optional[float] = ..., is_void: bool = ..., mechanism: _Optional[str] = ..., unit: _Optional[_Union[PrivacyUnit, str]] = ..., relation: _Optional[_Union[NeighbourRelation, str]] = ..., epsilon_limit: _Optional[float] = ..., epsilon_after: _Optional[float] = ..., accountant: _Optional[str] = ..., num_releases: _Optional[int] = ..., clipping_norm: _Optional[float] = ..., noise_multiplier: _Optional[float] = ..., ledger_sequence: _Optional[int] = ..., ledger_digest: _Optional[bytes] = ..., clients: _Optional[_Iterable[_Union[ClientSpending, _Mapping]]] = ...) -> None: ...
