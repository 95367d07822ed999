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
_ABSENT: Final = 0xFFFFFFFF
_RAW, _RUN, _SAME = 0, 1, 2
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
        self._parts += (_COUNT.pack(len(content), _RAW), content)

    def array(self, array: npt.NDArray[np.generic] | None, dtype: str) -> None:
        """Put a flat array in, as this type, or that there is none.

        Runs that rise by one and values that are all the same, both common, take one value.
        """
        if array is None:
            self._parts.append(_COUNT.pack(_ABSENT, _RAW))
            return
        form = _form(array)
        kept = array if form == _RAW else array[:1]
        self._parts += (_COUNT.pack(len(array), form), kept.astype(dtype, copy=False).tobytes())

    def raw(self, array: npt.NDArray[np.generic], dtype: str) -> None:
        """Put an array's values in, as this type; whoever reads them knows how many."""
        self._parts.append(array.astype(dtype, copy=False).tobytes())

    def generator(self, state: Mapping[str, object] | None) -> None:
        """Put the state of a PCG64 generator in, or that there is none."""
        if state is None:
            self._parts.append(b"\0")
            return
        if state["bit_generator"] != _PCG64:
            raise TypeError(f"generators are {_PCG64}, not {state['bit_generator']}")
        inner = cast("Mapping[str, int]", state["state"])
        words = inner["state"].to_bytes(_WORD_BYTES, _ORDER) + inner["inc"].to_bytes(_WORD_BYTES, _ORDER)
        self._parts += (b"\1", words, _GENERATOR.pack(state["has_uint32"], state["uinteger"]))


class Unpacker:
    """Reads values back in their order.

    Raises:
      DataLossError: from every method, where the bytes end too early.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0

    def values(self, layout: struct.Struct) -> tuple[int, ...]:
        """Return numbers."""
        return layout.unpack(self.take(layout.size))

    def floats(self, layout: struct.Struct) -> tuple[float, ...]:
        """Return numbers that need not be whole."""
        return layout.unpack(self.take(layout.size))

    def text(self) -> str:
        """Return a text."""
        return self.take(self.values(_COUNT)[0]).decode()

    def array(self, dtype: str, kind: type[S]) -> npt.NDArray[S]:
        """Return a flat array, converted to `kind`."""
        array = self.array_or_none(dtype, kind)
        if array is None:
            raise DataLossError(f"no array at byte {self._offset}")
        return array

    def array_or_none(self, dtype: str, kind: type[S]) -> npt.NDArray[S] | None:
        """Return a flat array, or None where there was none."""
        count, form = self.values(_COUNT)
        if count == _ABSENT:
            return None
        stored = np.frombuffer(self.take((count if form == _RAW else 1) * np.dtype(dtype).itemsize), dtype)
        if form == _RUN:
            return np.asarray(int(stored[0]) + np.arange(count), kind)
        if form == _SAME:
            stored = np.repeat(stored, count)
        return np.asarray(stored, kind)

    def generator(self) -> Mapping[str, object] | None:
        """Return the state of a PCG64 generator, or None."""
        if self.take(1) == b"\0":
            return None
        state = int.from_bytes(self.take(_WORD_BYTES), _ORDER)
        inc = int.from_bytes(self.take(_WORD_BYTES), _ORDER)
        has_uint32, uinteger = self.values(_GENERATOR)
        inner = {"state": state, "inc": inc}
        return {"bit_generator": _PCG64, "state": inner, "has_uint32": has_uint32, "uinteger": uinteger}

    def end(self) -> None:
        """Check that all was read."""
        if self._offset != len(self._content):
            raise DataLossError(f"{len(self._content) - self._offset} bytes are left over")

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        taken = self._content[self._offset : self._offset + count]
        if len(taken) != count:
            raise DataLossError(f"{count} bytes are wanted at byte {self._offset}, {len(taken)} are there")
        self._offset += count
        return taken


def _form(array: npt.NDArray[np.generic]) -> int:
    count = len(array)
    if count < _LEAST_SHORTENED:
        return _RAW
    first, last = array.item(0), array.item(-1)
    if first == last:
        # By bytes: zeros of both signs are equal.
        return _SAME if array.tobytes() == array[:1].tobytes() * count else _RAW
    if array.dtype.kind == "f" or last - first != count - 1:
        return _RAW
    return _RUN if np.arange(first, last + 1, dtype=array.dtype).tobytes() == array.tobytes() else _RAW
