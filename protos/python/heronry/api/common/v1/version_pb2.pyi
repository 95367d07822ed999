from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ParameterVersion(_message.Message):
    __slots__ = ("epoch", "number", "content_hash", "parent_hash")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    PARENT_HASH_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    number: int
    content_hash: bytes
    parent_hash: bytes
    def __init__(self, epoch: _Optional[int] = ..., number: _Optional[int] = ..., content_hash: _Optional[bytes] = ..., parent_hash: _Optional[bytes] = ...) -> None: ...
