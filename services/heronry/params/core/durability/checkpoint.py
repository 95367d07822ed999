"""Checkpoints: one directory each, a JSON document and a safetensors file a model."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np
import safetensors
import safetensors.numpy

from heronry.params.core.durability.carried import Needs
from heronry.params.core.durability.documents import (
    Document,
    as_float,
    as_int,
    as_list,
    as_mapping,
    as_text,
    schema_from_document,
    schema_to_document,
    version_from_document,
    version_to_document,
)
from heronry.params.core.durability.files import sync_folder, write_synced
from heronry.params.core.durability.private_documents import (
    head_from_document,
    head_to_document,
    private_state_from_document,
    private_state_to_document,
)
from heronry.params.core.durability.round_documents import (
    closed_rounds_from_document,
    closed_rounds_to_document,
    request_from_document,
    request_to_document,
    round_from_document,
    round_to_document,
)
from heronry.params.core.durability.settings_documents import settings_from_document, settings_to_document
from heronry.params.core.durability.snapshot import ModelSnapshot
from heronry.params.core.layout import ParameterLayout, Vector
from heronry.params.core.optimizers.state import OptimizerState
from heronry.params.core.rounds import Place
from heronry.params.core.versions import Published
from heronry.privacy.ledger import Head
from heronry.types.errors import DataLossError, SchemaMismatchError
from heronry.types.tensors import Array, ModelSchema, content_hash

_FORMAT = 3
_STATE = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """The models of a service at one moment; `sequence` orders checkpoints and their journals.

    `ledger` is the head of the privacy ledger, which outlives the models: an older one is refused.
    """

    sequence: int
    epoch: int
    models: tuple[ModelSnapshot, ...]
    ledger: Head | None = None

    @property
    def began(self) -> dict[str, Place]:
        """Where the records of each model's open round begin."""
        return {m.name: m.round.began for m in self.models if m.round.began is not None}

    @property
    def num_open_bytes(self) -> int:
        """Bytes of the contributions to open rounds, about."""
        return sum(m.round.num_bytes for m in self.models)


def write_checkpoint(path: Path, checkpoint: Checkpoint, needs: Needs | None = None) -> None:
    """Write a checkpoint as the directory `path`: whole and durable, or not there at all.

    Args:
      path: the directory.
      checkpoint: what it holds.
      needs: what it needs beside itself; None: the journals that follow it.

    Raises:
      OSError: the disk is full, or the directory cannot be made; nothing stays behind.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        files: Document = {}
        for snapshot in checkpoint.models:
            content = safetensors.numpy.save(dict(_tensors_of(snapshot)))
            write_synced(partial / f"{snapshot.name}.safetensors", content)
            files[snapshot.name] = {"num_bytes": len(content), "crc32c": google_crc32c.value(content)}
        write_synced(partial / _STATE, _state_of(checkpoint, needs or Needs(checkpoint.sequence), files))
        sync_folder(partial)
        partial.rename(path)
        sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, comparing every byte with its checksums.

    Raises:
      DataLossError: a file is missing, truncated or altered.
      SchemaMismatchError: the values are of another schema than the document says.
    """
    try:
        state = _verified_state(path / _STATE)
        files = as_mapping(state["files"])
        models = tuple(_model_in(path, as_mapping(m), files) for m in as_list(state["models"]))
        ledger = head_from_document(state.get("ledger"))
        return Checkpoint(as_int(state["sequence"]), as_int(state["epoch"]), models, ledger)
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise DataLossError(f"{path.name}: cannot be read: {type(error).__name__}: {error}") from error


def read_needs(path: Path) -> Needs:
    """Return what a checkpoint needs beside itself.

    Raises:
      DataLossError: it cannot be read.
    """
    try:
        state = _verified_state(path / _STATE)
        carried = state["carried"]
        return Needs(as_int(state["first_journal"]), None if carried is None else as_int(carried))
    except (OSError, KeyError, ValueError) as error:
        raise DataLossError(f"{path.name}: cannot be read: {type(error).__name__}: {error}") from error


def _state_of(checkpoint: Checkpoint, needs: Needs, files: Document) -> bytes:
    state: Document = {
        "format": _FORMAT,
        "sequence": checkpoint.sequence,
        "epoch": checkpoint.epoch,
        "first_journal": needs.first_journal,
        "carried": needs.carried,
        "ledger": head_to_document(checkpoint.ledger),
        "models": [_model_to_document(snapshot) for snapshot in checkpoint.models],
        "files": files,
    }
    return json.dumps({**state, "crc32c": _checksum(state)}, indent=1).encode()


def _verified_state(path: Path) -> Mapping[str, object]:
    state = dict(as_mapping(json.loads(path.read_bytes())))
    if state.pop("crc32c", None) != _checksum(state):
        raise DataLossError(f"{path.parent.name}/{path.name}: the checksum differs")
    if state.get("format") != _FORMAT:
        got = f"got {state.get('format')}, allowed: {_FORMAT} (another release of heronry wrote it)"
        raise DataLossError(f"{path.parent.name}/{path.name}: format: {got}")
    return state


def _checksum(state: Mapping[str, object]) -> int:
    return int(google_crc32c.value(json.dumps(state, sort_keys=True, separators=(",", ":")).encode()))


def _model_to_document(snapshot: ModelSnapshot) -> Document:
    return {
        "name": snapshot.name,
        "schema": schema_to_document(snapshot.schema),
        "settings": settings_to_document(snapshot.settings),
        "versions": [{**version_to_document(p.version), "publish_time_s": p.publish_time_s} for p in snapshot.versions],
        "tags": dict(snapshot.tags),
        "optimizer": {"num_steps": snapshot.optimizer_state.num_steps},
        "round": round_to_document(snapshot.round),
        "requests": [request_to_document(request) for request in snapshot.requests],
        "rollbacks": [request_to_document(request) for request in snapshot.rollbacks],
        "closed_rounds": closed_rounds_to_document(snapshot.closed_rounds),
        "oldest_base": snapshot.oldest_base,
        "privacy": None if snapshot.privacy is None else private_state_to_document(snapshot.privacy),
    }


def _tensors_of(snapshot: ModelSnapshot) -> Iterator[tuple[str, Array]]:
    for published in snapshot.versions:
        for name, values in snapshot.schema.views(published.flat).items():
            yield f"version/{published.version.number}/{name}", np.asarray(values, order="C")
    for name, slot in snapshot.optimizer_state.slots.items():
        yield f"optimizer/{name}", slot


def _model_in(path: Path, document: Mapping[str, object], files: Mapping[str, object]) -> ModelSnapshot:
    name = as_text(document["name"])
    content = (path / f"{name}.safetensors").read_bytes()
    wanted = as_mapping(files[name])
    if (len(content), google_crc32c.value(content)) != (wanted["num_bytes"], wanted["crc32c"]):
        raise DataLossError(f"{path.name}/{name}.safetensors: {len(content)} bytes with another checksum than written")
    tensors: dict[str, Array] = safetensors.numpy.load(content)
    schema = schema_from_document(document["schema"])
    layout = ParameterLayout(schema)
    slots = {n: _vector(layout, f"optimizer/{n}", v) for n, v in _below(tensors, "optimizer/").items()}
    return ModelSnapshot(
        name=name,
        schema=schema,
        settings=settings_from_document(document["settings"]),
        versions=tuple(_published(as_mapping(v), schema, tensors) for v in as_list(document["versions"])),
        tags={tag: as_int(number) for tag, number in as_mapping(document["tags"]).items()},
        optimizer_state=OptimizerState(as_int(as_mapping(document["optimizer"])["num_steps"]), slots),
        round=round_from_document(document["round"]),
        requests=tuple(request_from_document(r) for r in as_list(document["requests"])),
        rollbacks=tuple(request_from_document(r) for r in as_list(document["rollbacks"])),
        closed_rounds=closed_rounds_from_document(document["closed_rounds"]),
        oldest_base=as_int(document["oldest_base"]),
        privacy=None if document.get("privacy") is None else private_state_from_document(document["privacy"]),
    )


def _published(document: Mapping[str, object], schema: ModelSchema, tensors: Mapping[str, Array]) -> Published:
    version = version_from_document(document)
    flat = np.frombuffer(schema.pack(_below(tensors, f"version/{version.number}/")), np.uint8)
    if content_hash(flat) != version.content_hash:
        raise DataLossError(f"version {version}: the values are not those of its content hash")
    return Published(version, flat, as_float(document["publish_time_s"]))


def _vector(layout: ParameterLayout, name: str, values: Array) -> Vector:
    # Those of a group of tensors are shorter.
    if values.ndim != 1 or values.size > layout.num_parameters or values.dtype != layout.dtype:
        allowed = f"{layout.dtype}[{layout.num_parameters}]"
        raise SchemaMismatchError.of(name, f"{values.dtype}{list(values.shape)}", allowed)
    return values.astype(layout.dtype, copy=False)


def _below(tensors: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): values for name, values in tensors.items() if name.startswith(prefix)}
