"""Numbers, texts and arrays as little-endian bytes, one behind the other."""

import struct
from collections.abc import Mapping
from typing import Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

from heronry.types.errors import DataLossError

S = TypeVar("S", bound=np.generic)
AnyArray = npt.NDArray[S]

_COUNT: Final = struct.Struct("<IB")
_TEXT: Final = struct.Struct("<I")
_SHORT: Final = struct.Struct("<IBq")
_RAW, _RISING, _FALLING, _SAME = 0, 1, 2, 3
_LEAST_SHORTENED: Final = 4
_ORDER: Final = "little"
_WORD_BYTES: Final = 16
_PCG64: Final = "PCG64"
_GENERATOR: Final = struct.Struct("<BI")


class Packer:
    """Collects values; `bytes` returns them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def bytes(self) -> bytes:
        """Return all that was put in."""
        return b"".join(self._parts)

    def values(self, layout: struct.Struct, *values: object) -> None:
        """Put numbers in."""
        self._parts.append(layout.pack(*values))

    def text(self, text: str) -> None:
        """Put a text in."""
        content = text.encode()
        self._parts += (_TEXT.pack(len(content)), content)

    def integers(self, array: npt.NDArray[np.integer], dtype: str) -> None:
        """Put a flat array of integers in, as this type.

        Runs that rise or fall by one, and values that are all the same, take one value.
        """
        count = len(array)
        if count >= _LEAST_SHORTENED:
            form = _form_of(array, count)
            if form != _RAW:
                self._parts.append(_SHORT.pack(count, form, array.item(0)))
                return
        self._parts += (_COUNT.pack(count, _RAW), array.astype(dtype, copy=False).tobytes())

    def reals(self, array: npt.NDArray[np.float32]) -> None:
        """Put a flat float32 array in; values that are all the same take one."""
        bits = np.ascontiguousarray(array).view(np.int32)
        # By bits: zeros of both signs are equal, and no two that are not a number.
        self.integers(bits, "<i4")

    def generator(self, state: Mapping[str, object]) -> None:
        """Put the state of a PCG64 generator in."""
        if state["bit_generator"] != _PCG64:
            raise TypeError(f"generators are {_PCG64}, not {state['bit_generator']}")
        inner = cast("Mapping[str, int]", state["state"])
        words = inner["state"].to_bytes(_WORD_BYTES, _ORDER) + inner["inc"].to_bytes(_WORD_BYTES, _ORDER)
        self._parts += (words, _GENERATOR.pack(state["has_uint32"], state["uinteger"]))


class Unpacker:
    """Reads values back in their order.

    Raises:
      DataLossError: from every method, where the bytes end too early.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all was read."""
        return self._offset == len(self._content)

    def values(self, layout: struct.Struct) -> tuple[int, ...]:
        """Return numbers."""
        return layout.unpack(self.take(layout.size))

    def floats(self, layout: struct.Struct) -> tuple[float, ...]:
        """Return numbers that need not be whole."""
        return layout.unpack(self.take(layout.size))

    def text(self) -> str:
        """Return a text."""
        return self.take(self.values(_TEXT)[0]).decode()

    def integers(self, dtype: str, kind: type[S]) -> npt.NDArray[S]:
        """Return a flat array, converted to `kind`."""
        count, form = self.values(_COUNT)
        if form == _RAW:
            return np.asarray(np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype), kind)
        (first,) = struct.unpack("<q", self.take(8))
        if form == _SAME:
            return np.full(count, first).astype(kind)
        return (np.arange(first, first + count) if form == _RISING else np.arange(first, first - count, -1)).astype(
            kind
        )

    def reals(self) -> npt.NDArray[np.float32]:
        """Return a flat float32 array."""
        return self.integers("<i4", np.int32).view(np.float32)

    def generator(self) -> Mapping[str, object]:
        """Return the state of a PCG64 generator."""
        state = int.from_bytes(self.take(_WORD_BYTES), _ORDER)
        inc = int.from_bytes(self.take(_WORD_BYTES), _ORDER)
        has_uint32, uinteger = self.values(_GENERATOR)
        inner = {"state": state, "inc": inc}
        return {"bit_generator": _PCG64, "state": inner, "has_uint32": has_uint32, "uinteger": uinteger}

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        taken = self._content[self._offset : self._offset + count]
        if len(taken) != count:
            raise DataLossError(f"{count} bytes are wanted at byte {self._offset}, {len(taken)} are there")
        self._offset += count
        return taken


def _form_of(array: npt.NDArray[np.integer], count: int) -> int:
    """Return how an array can be told by its first value, or that it cannot."""
    first, last = array.item(0), array.item(-1)
    if first == last:
        return _SAME if array.tobytes() == array[:1].tobytes() * count else _RAW
    if last - first == count - 1:
        form, run = _RISING, np.arange(first, last + 1, dtype=array.dtype)
    elif first - last == count - 1:
        # Not down to -1: unsigned types have none.
        form, run = _FALLING, np.arange(last, first + 1, dtype=array.dtype)[::-1]
    else:
        return _RAW
    return form if run.tobytes() == array.tobytes() else _RAW
