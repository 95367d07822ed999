"""Plain dictionaries as `google.protobuf.Struct`."""

import math
from collections.abc import Mapping, Sequence

from google.protobuf import struct_pb2

from heronry.types.errors import InvalidArgumentError

# Doubles hold every integer up to here exactly.
_MAX_EXACT_INTEGER = 2**53


def struct_to_proto(values: Mapping[str, object]) -> struct_pb2.Struct:
    """Return the message of a mapping of numbers, strings, booleans, None, lists and mappings.

    Raises:
      InvalidArgumentError: a value of another type, a key that is no string, a number that is not
        finite or an integer that a double cannot hold.
    """
    message = struct_pb2.Struct()
    _fill_struct(message, values, "")
    return message


def struct_from_proto(message: struct_pb2.Struct) -> dict[str, object]:
    """Return the mapping of a message; a number without a fraction becomes an `int`."""
    return {key: _from_value(value) for key, value in message.fields.items()}


def _fill_struct(message: struct_pb2.Struct, values: Mapping[str, object], path: str) -> None:
    for key, value in values.items():
        if not isinstance(key, str):
            raise InvalidArgumentError.of(path or "struct", key, "string keys")
        _fill_value(message.fields[key], value, f"{path}.{key}" if path else key)


def _fill_value(message: struct_pb2.Value, value: object, path: str) -> None:
    if value is None:
        message.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, (int, float)):
        message.number_value = _number(value, path)
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, Mapping):
        message.struct_value.SetInParent()
        _fill_struct(message.struct_value, value, path)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        message.list_value.SetInParent()
        for index, element in enumerate(value):
            _fill_value(message.list_value.values.add(), element, f"{path}[{index}]")
    else:
        raise InvalidArgumentError.of(path, value, "a number, string, boolean, null, list or mapping")


def _number(value: float, path: str) -> float:
    if isinstance(value, int) and abs(value) > _MAX_EXACT_INTEGER:
        raise InvalidArgumentError.of(path, value, f"integers within +-{_MAX_EXACT_INTEGER}")
    if not math.isfinite(value):
        raise InvalidArgumentError.of(path, value, "a finite number")
    return float(value)


def _from_value(message: struct_pb2.Value) -> object:
    kind = message.WhichOneof("kind")
    if kind == "number_value":
        number = message.number_value
        return int(number) if number.is_integer() and abs(number) <= _MAX_EXACT_INTEGER else number
    if kind == "struct_value":
        return struct_from_proto(message.struct_value)
    if kind == "list_value":
        return [_from_value(value) for value in message.list_value.values]
    if kind == "string_value":
        return message.string_value
    return message.bool_value if kind == "bool_value" else None
