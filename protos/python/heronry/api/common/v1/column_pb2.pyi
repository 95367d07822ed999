from heronry.api.common.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ColumnCodec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_CODEC_UNSPECIFIED: _ClassVar[ColumnCodec]
    COLUMN_CODEC_NONE: _ClassVar[ColumnCodec]
    COLUMN_CODEC_LZ4: _ClassVar[ColumnCodec]
COLUMN_CODEC_UNSPECIFIED: ColumnCodec
COLUMN_CODEC_NONE: ColumnCodec
COLUMN_CODEC_LZ4: ColumnCodec

class ColumnHeader(_message.Message):
    __slots__ = ("path", "element_type", "shape", "codec", "byte_length")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    BYTE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    path: str
    element_type: _tensor_pb2.ElementType
    shape: _containers.RepeatedScalarFieldContainer[int]
    codec: ColumnCodec
    byte_length: int
    def __init__(self, path: _Optional[str] = ..., element_type: _Optional[_Union[_tensor_pb2.ElementType, str]] = ..., shape: _Optional[_Iterable[int]] = ..., codec: _Optional[_Union[ColumnCodec, str]] = ..., byte_length: _Optional[int] = ...) -> None: ...

class ColumnSpec(_message.Message):
    __slots__ = ("path", "element_type", "shape")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    path: str
    element_type: _tensor_pb2.ElementType
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, path: _Optional[str] = ..., element_type: _Optional[_Union[_tensor_pb2.ElementType, str]] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...
