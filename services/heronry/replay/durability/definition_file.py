"""A table's definition as JSON, field by field."""

import dataclasses
import enum
import json
import types
import typing
from pathlib import Path

import google_crc32c

from heronry.replay.durability.files import replace_synced
from heronry.types.errors import DataLossError, HeronryError
from heronry.types.tables import TableDefinition


def write_definition(path: Path, definition: TableDefinition) -> None:
    """Write a definition, all of it or nothing.

    Raises:
      OSError: it could not be written.
    """
    text = json.dumps(_plain(definition), sort_keys=True, indent=1)
    replace_synced(path, [f"{google_crc32c.value(text.encode()):08x}\n{text}\n".encode()])


def read_definition(path: Path) -> TableDefinition:
    """Return what `write_definition` wrote.

    Raises:
      DataLossError: the file is damaged, or of another version.
    """
    checksum, _, text = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    text = text.rstrip("\n")
    if checksum != f"{google_crc32c.value(text.encode()):08x}":
        raise DataLossError(f"{path}: the definition is damaged")
    try:
        return typing.cast("TableDefinition", _typed(TableDefinition, json.loads(text)))
    except (KeyError, TypeError, ValueError, HeronryError) as error:
        raise DataLossError(f"{path}: the definition cannot be used: {error}") from error


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.name
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _typed(kind: object, value: object) -> object:
    """Return a value of an annotated type from its plain form."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        kinds = typing.get_type_hints(kind)
        return kind(**{name: _typed(kinds[name], part) for name, part in value.items()})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind[str(value)]
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_typed(typing.get_args(kind)[0], part) for part in value)
    if isinstance(kind, types.UnionType) and value is not None:
        return _typed(next(k for k in typing.get_args(kind) if k is not types.NoneType), value)
    return float(value) if kind is float and isinstance(value, int) else value
