from heronry.api.common.v1 import acknowledgement_pb2 as _acknowledgement_pb2
from heronry.api.common.v1 import chunk_pb2 as _chunk_pb2
from heronry.api.common.v1 import version_pb2 as _version_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SumSecurelyHeader(_message.Message):
    __slots__ = ("model", "client_id", "fencing_token", "base_version")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    FENCING_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    model: str
    client_id: str
    fencing_token: int
    base_version: _version_pb2.ParameterVersion
    def __init__(self, model: _Optional[str] = ..., client_id: _Optional[str] = ..., fencing_token: _Optional[int] = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ...) -> None: ...

class SecureRound(_message.Message):
    __slots__ = ("round_id", "base_version", "nonce", "members", "num_parameters", "grid_step", "clipping_norm", "noise_multiplier", "min_survivors", "modulus_bits")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    GRID_STEP_FIELD_NUMBER: _ClassVar[int]
    CLIPPING_NORM_FIELD_NUMBER: _ClassVar[int]
    NOISE_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    MIN_SURVIVORS_FIELD_NUMBER: _ClassVar[int]
    MODULUS_BITS_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    base_version: _version_pb2.ParameterVersion
    nonce: bytes
    members: _containers.RepeatedScalarFieldContainer[str]
    num_parameters: int
    grid_step: float
    clipping_norm: float
    noise_multiplier: float
    min_survivors: int
    modulus_bits: int
    def __init__(self, round_id: _Optional[int] = ..., base_version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., nonce: _Optional[bytes] = ..., members: _Optional[_Iterable[str]] = ..., num_parameters: _Optional[int] = ..., grid_step: _Optional[float] = ..., clipping_norm: _Optional[float] = ..., noise_multiplier: _Optional[float] = ..., min_survivors: _Optional[int] = ..., modulus_bits: _Optional[int] = ...) -> None: ...

class SecureKeys(_message.Message):
    __slots__ = ("sealing_key", "mask_key")
    SEALING_KEY_FIELD_NUMBER: _ClassVar[int]
    MASK_KEY_FIELD_NUMBER: _ClassVar[int]
    sealing_key: bytes
    mask_key: bytes
    def __init__(self, sealing_key: _Optional[bytes] = ..., mask_key: _Optional[bytes] = ...) -> None: ...

class SecureRoster(_message.Message):
    __slots__ = ("keys",)
    class KeysEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: SecureKeys
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[SecureKeys, _Mapping]] = ...) -> None: ...
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.MessageMap[str, SecureKeys]
    def __init__(self, keys: _Optional[_Mapping[str, SecureKeys]] = ...) -> None: ...

class SealedShares(_message.Message):
    __slots__ = ("seed_digest", "sealed")
    class SealedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    SEED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    seed_digest: bytes
    sealed: _containers.ScalarMap[str, bytes]
    def __init__(self, seed_digest: _Optional[bytes] = ..., sealed: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class RelayedShares(_message.Message):
    __slots__ = ("sharers", "sealed")
    class SealedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    SHARERS_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    sharers: _containers.RepeatedScalarFieldContainer[str]
    sealed: _containers.ScalarMap[str, bytes]
    def __init__(self, sharers: _Optional[_Iterable[str]] = ..., sealed: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class UnmaskRequest(_message.Message):
    __slots__ = ("survivors", "dropped")
    SURVIVORS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    survivors: _containers.RepeatedScalarFieldContainer[str]
    dropped: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, survivors: _Optional[_Iterable[str]] = ..., dropped: _Optional[_Iterable[str]] = ...) -> None: ...

class RevealedShares(_message.Message):
    __slots__ = ("seed_shares", "key_shares")
    class SeedSharesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    class KeySharesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    SEED_SHARES_FIELD_NUMBER: _ClassVar[int]
    KEY_SHARES_FIELD_NUMBER: _ClassVar[int]
    seed_shares: _containers.ScalarMap[str, bytes]
    key_shares: _containers.ScalarMap[str, bytes]
    def __init__(self, seed_shares: _Optional[_Mapping[str, bytes]] = ..., key_shares: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class SecureResult(_message.Message):
    __slots__ = ("round_id", "version", "level", "num_survivors")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    NUM_SURVIVORS_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    version: _version_pb2.ParameterVersion
    level: _acknowledgement_pb2.AcknowledgementLevel
    num_survivors: int
    def __init__(self, round_id: _Optional[int] = ..., version: _Optional[_Union[_version_pb2.ParameterVersion, _Mapping]] = ..., level: _Optional[_Union[_acknowledgement_pb2.AcknowledgementLevel, str]] = ..., num_survivors: _Optional[int] = ...) -> None: ...

class SumSecurelyRequest(_message.Message):
    __slots__ = ("header", "chunk", "end", "keys", "shares", "revealed")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    REVEALED_FIELD_NUMBER: _ClassVar[int]
    header: SumSecurelyHeader
    chunk: _chunk_pb2.Chunk
    end: _chunk_pb2.UploadEnd
    keys: SecureKeys
    shares: SealedShares
    revealed: RevealedShares
    def __init__(self, header: _Optional[_Union[SumSecurelyHeader, _Mapping]] = ..., chunk: _Optional[_Union[_chunk_pb2.Chunk, _Mapping]] = ..., end: _Optional[_Union[_chunk_pb2.UploadEnd, _Mapping]] = ..., keys: _Optional[_Union[SecureKeys, _Mapping]] = ..., shares: _Optional[_Union[SealedShares, _Mapping]] = ..., revealed: _Optional[_Union[RevealedShares, _Mapping]] = ...) -> None: ...

class SumSecurelyResponse(_message.Message):
    __slots__ = ("opened", "roster", "relayed", "unmask", "result")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    ROSTER_FIELD_NUMBER: _ClassVar[int]
    RELAYED_FIELD_NUMBER: _ClassVar[int]
    UNMASK_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    opened: SecureRound
    roster: SecureRoster
    relayed: RelayedShares
    unmask: UnmaskRequest
    result: SecureResult
    def __init__(self, opened: _Optional[_Union[SecureRound, _Mapping]] = ..., roster: _Optional[_Union[SecureRoster, _Mapping]] = ..., relayed: _Optional[_Union[RelayedShares, _Mapping]] = ..., unmask: _Optional[_Union[UnmaskRequest, _Mapping]] = ..., result: _Optional[_Union[SecureResult, _Mapping]] = ...) -> None: ...
