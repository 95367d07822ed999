"""The pieces of protobuf's wire format, for messages that are written and read by hand.

Source: protobuf.dev, "Encoding".
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5

_MAX_BYTES: Final = 10


class Field(NamedTuple):
    """One field of a serialised message.

    Attributes:
      start, end: of its value's bytes.
      value: of a varint; 0 for other types.
    """

    number: int
    start: int
    end: int
    value: int


def tag(number: int, wire_type: int) -> bytes:
    """Return the tag of a field."""
    return to_varint(number << 3 | wire_type)


def delimited(number: int, payload: bytes) -> bytes:
    """Return a length-delimited field: bytes, a string or a message."""
    return tag(number, LENGTH_DELIMITED) + to_varint(len(payload)) + payload


def to_varint(value: int) -> bytes:
    """Return a number in as few bytes as it takes."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint(frame: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position` and the position behind it.

    Raises:
      IndexError: the frame ends in it, or it is longer than a number can be.
    """
    byte = frame[position]
    if byte < 0x80:
        return byte, position + 1
    value = byte & 0x7F
    for index in range(1, _MAX_BYTES):
        byte = frame[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise IndexError


def padding(number: int, num_bytes: int) -> bytes:
    """Return fields of exactly `num_bytes` bytes that say that a varint field is 0; not of a single byte.

    Any parser reads them: of a field that comes repeatedly the last one counts, and a varint may be longer
    than it need be.
    """
    out = b""
    while num_bytes:
        # Never leave a single byte over.
        size = num_bytes if num_bytes <= _MAX_BYTES else min(_MAX_BYTES, num_bytes - 2)
        out += bytes([number << 3, *[0x80] * (size - 2), 0])
        num_bytes -= size
    return out


def to_long_varint(value: int, num_bytes: int) -> bytes:
    """Return a number in exactly `num_bytes` bytes, more than it may take."""
    groups = [value >> 7 * index & 0x7F | 0x80 for index in range(num_bytes)]
    groups[-1] &= 0x7F
    return bytes(groups)


def fields_of(message: bytes, position: int, end: int) -> Iterator[Field]:
    """Yield the fields that stand between two positions, nested messages unread.

    Raises:
      IndexError: there is no message.
    """
    while position < end:
        key, start = varint(message, position)
        wire_type = key & 7
        value = 0
        if wire_type == VARINT:
            value, position = varint(message, start)
        elif wire_type == LENGTH_DELIMITED:
            length, start = varint(message, start)
            position = start + length
        elif wire_type in (FIXED64, FIXED32):
            position = start + (8 if wire_type == FIXED64 else 4)
        else:
            raise IndexError
        if position > end:
            raise IndexError
        yield Field(key >> 3, start, position, value)
