"""Schemas of models: named tensors that share one flat buffer."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import blake3
import numpy as np
import numpy.typing as npt

from heronry.types.errors import SchemaMismatchError

Array = npt.NDArray[np.generic]
FloatArray = npt.NDArray[np.float32]

# Waking other threads costs more than they gain on less.
_PARALLEL_BYTES: Final = 4 << 20


class ElementType(enum.Enum):
    """Type of one element; the value is the NumPy name of its little-endian storage."""

    FLOAT32 = "<f4"
    FLOAT64 = "<f8"
    FLOAT16 = "<f2"
    INT8 = "|i1"
    INT16 = "<i2"
    INT32 = "<i4"
    INT64 = "<i8"
    UINT8 = "|u1"
    UINT16 = "<u2"
    UINT32 = "<u4"
    UINT64 = "<u8"
    BOOL = "|b1"

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The NumPy type of one element."""
        return np.dtype(self.value)

    @classmethod
    def of(cls, dtype: npt.DTypeLike) -> "ElementType":
        """Return the element type of a NumPy type.

        Raises:
          SchemaMismatchError: the type has no element type (objects, strings, complex).
        """
        name = np.dtype(dtype).newbyteorder("<").str
        try:
            return cls(name)
        except ValueError:
            allowed = ", ".join(t.name.lower() for t in cls)
            raise SchemaMismatchError.of("element_type", str(np.dtype(dtype)), allowed) from None


class TensorRole(enum.Enum):
    """How a tensor takes part in learning."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    STATISTIC = "statistic"


class MergeRule(enum.Enum):
    """How contributions to a BUFFER or STATISTIC tensor become one value."""

    LAST = "last"
    MEAN = "mean"
    MERGE_COUNTS = "merge_counts"


Roles = Mapping[str, tuple[TensorRole, MergeRule | None]]
Groups = Mapping[str, str]


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a model; `offset` is its first byte in the model's flat buffer."""

    name: str
    shape: tuple[int, ...]
    element_type: ElementType
    offset: int
    role: TensorRole = TensorRole.PARAMETER
    group: str = ""
    merge_rule: MergeRule | None = None

    @property
    def num_elements(self) -> int:
        """Elements of the tensor; 1 for a scalar."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    @property
    def num_bytes(self) -> int:
        """Bytes of the tensor in the flat buffer."""
        return self.num_elements * self.element_type.dtype.itemsize


@dataclass(frozen=True)
class ModelSchema:
    """A model's tensors in the order of their offsets, without gaps."""

    tensors: tuple[TensorSpec, ...]

    def __post_init__(self) -> None:
        expected = 0
        names: set[str] = set()
        for tensor in self.tensors:
            if tensor.offset != expected:
                raise SchemaMismatchError.of(f"schema.{tensor.name}.offset", tensor.offset, str(expected))
            if not tensor.name or tensor.name in names:
                raise SchemaMismatchError.of("schema.name", tensor.name, "a name used once, not empty")
            names.add(tensor.name)
            expected += tensor.num_bytes

    @classmethod
    def of(
        cls,
        tensors: Mapping[str, Array],
        roles: Mapping[str, tuple[TensorRole, MergeRule | None]] | None = None,
        groups: Mapping[str, str] | None = None,
    ) -> "ModelSchema":
        """Return the schema of named arrays, in their order; every role defaults to PARAMETER, every group to none.

        Raises:
          SchemaMismatchError: an array of another type, or a role or group of no tensor or that is none.
        """
        _check_roles(tensors, {} if roles is None else roles)
        _check_groups(tensors, {} if groups is None else groups)
        specs: list[TensorSpec] = []
        offset = 0
        for name, array in tensors.items():
            role, rule = (roles or {}).get(name, (TensorRole.PARAMETER, None))
            group = (groups or {}).get(name, "")
            spec = TensorSpec(name, tuple(array.shape), ElementType.of(array.dtype), offset, role, group, rule)
            specs.append(spec)
            offset += spec.num_bytes
        return cls(tuple(specs))

    @property
    def num_bytes(self) -> int:
        """Bytes of the flat buffer."""
        return sum(t.num_bytes for t in self.tensors)

    def with_role(self, role: TensorRole) -> Iterator[TensorSpec]:
        """Yield the tensors of one role."""
        return (t for t in self.tensors if t.role is role)

    def pack(self, tensors: Mapping[str, Array]) -> bytes:
        """Return the flat buffer of named arrays.

        Raises:
          SchemaMismatchError: a name, shape or element type differs from the schema.
        """
        if set(tensors) != {t.name for t in self.tensors}:
            raise SchemaMismatchError.of("tensors", sorted(tensors), str(sorted(t.name for t in self.tensors)))
        return b"".join(_checked(spec, tensors[spec.name]).tobytes() for spec in self.tensors)

    def views(self, buffer: bytes | bytearray | memoryview | Array) -> dict[str, Array]:
        """Return the named tensors as views into a flat buffer, read-only where it is."""
        if memoryview(buffer).nbytes != self.num_bytes:  # type: ignore[arg-type]  # NumPy arrays are buffers
            raise SchemaMismatchError.of("num_bytes", memoryview(buffer).nbytes, str(self.num_bytes))  # type: ignore[arg-type]  # as above
        return {
            t.name: np.frombuffer(buffer, t.element_type.dtype, t.num_elements, t.offset).reshape(t.shape)
            for t in self.tensors
        }


def _check_roles(tensors: Mapping[str, Array], roles: object) -> None:
    if not isinstance(roles, Mapping):
        raise SchemaMismatchError.of("roles", roles, "a mapping of names to pairs (TensorRole, MergeRule or None)")
    for name, pair in roles.items():
        if name not in tensors:
            raise SchemaMismatchError.of("roles", name, f"names of tensors: {', '.join(tensors)}")
        is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not (is_pair and isinstance(pair[0], TensorRole) and isinstance(pair[1], MergeRule | None)):
            raise SchemaMismatchError.of(f"roles.{name}", pair, "a pair (TensorRole, MergeRule or None)")


def _check_groups(tensors: Mapping[str, Array], groups: object) -> None:
    if not isinstance(groups, Mapping):
        raise SchemaMismatchError.of("groups", groups, "a mapping of names of tensors to names of groups")
    for name, group in groups.items():
        if name not in tensors:
            raise SchemaMismatchError.of("groups", name, f"names of tensors: {', '.join(tensors)}")
        if not isinstance(group, str):
            raise SchemaMismatchError.of(f"groups.{name}", group, "a name; empty for the default group")


def content_hash(buffer: bytes | bytearray | memoryview | Array) -> bytes:
    """Return BLAKE3 of a flat buffer, 32 bytes."""
    view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # NumPy arrays are buffers
    num_threads = blake3.blake3.AUTO if view.nbytes >= _PARALLEL_BYTES else 1
    return blake3.blake3(view, max_threads=num_threads).digest()


def _checked(spec: TensorSpec, array: Array) -> Array:
    if tuple(array.shape) != spec.shape:
        raise SchemaMismatchError.of(f"{spec.name}.shape", tuple(array.shape), str(spec.shape))
    if ElementType.of(array.dtype) is not spec.element_type:
        raise SchemaMismatchError.of(f"{spec.name}.element_type", str(array.dtype), spec.element_type.name.lower())
    return np.ascontiguousarray(array, dtype=spec.element_type.dtype)
