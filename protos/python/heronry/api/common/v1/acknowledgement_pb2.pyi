from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class AcknowledgementLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACKNOWLEDGEMENT_LEVEL_UNSPECIFIED: _ClassVar[AcknowledgementLevel]
    ACKNOWLEDGEMENT_LEVEL_MEMORY: _ClassVar[AcknowledgementLevel]
    ACKNOWLEDGEMENT_LEVEL_PROCESS: _ClassVar[AcknowledgementLevel]
    ACKNOWLEDGEMENT_LEVEL_DISK: _ClassVar[AcknowledgementLevel]
ACKNOWLEDGEMENT_LEVEL_UNSPECIFIED: AcknowledgementLevel
ACKNOWLEDGEMENT_LEVEL_MEMORY: AcknowledgementLevel
ACKNOWLEDGEMENT_LEVEL_PROCESS: AcknowledgementLevel
ACKNOWLEDGEMENT_LEVEL_DISK: AcknowledgementLevel
