"""A learner's state as two files: arrays in safetensors, everything else in JSON."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from heronry.algorithms import AlgorithmState
from heronry.learner.core.counters import Counters
from heronry.types.errors import DataLossError, SchemaMismatchError
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion

FORMAT = 1
KIND = "heronry.learner"
ARRAYS_FILE = "learner.safetensors"
VALUES_FILE = "learner.json"


@dataclass(frozen=True)
class Checkpoint:
    """What the next update depends on.

    Attributes:
      state: of the algorithm: weights, moments, counters, random state.
      counters: of the learner.
      version: the newest one published when it was taken; its weights are the state's.
      fingerprint: of what the state belongs to, see `fingerprint_of`.
    """

    state: AlgorithmState
    counters: Counters
    version: ParameterVersion | None
    fingerprint: str

    def weights(self) -> dict[str, Array]:
        """Return the published tensors."""
        return self.state.under("weights")


def fingerprint_of(parts: Mapping[str, object]) -> str:
    """Return a hash of what decides whether a state fits: algorithm, network, environment."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def encode(checkpoint: Checkpoint) -> dict[str, bytes]:
    """Return the files by name."""
    arrays = {name: np.asarray(array, order="C") for name, array in checkpoint.state.arrays.items()}
    data = safetensors.numpy.save(arrays, metadata={"format": str(FORMAT), "kind": KIND})
    version = checkpoint.version
    values = {
        "format": FORMAT,
        "kind": KIND,
        "fingerprint": checkpoint.fingerprint,
        "arrays_sha256": hashlib.sha256(data).hexdigest(),
        "schema": {name: [str(array.dtype), list(array.shape)] for name, array in arrays.items()},
        "version": None if version is None else _version_to_dict(version),
        "counters": checkpoint.counters.to_dict(),
        "algorithm": dict(checkpoint.state.values),
    }
    return {ARRAYS_FILE: data, VALUES_FILE: json.dumps(values, indent=1).encode()}


def decode(files: Mapping[str, bytes], where: str) -> Checkpoint:
    """Return the checkpoint of files by name.

    Raises:
      DataLossError: a file is truncated or damaged.
      SchemaMismatchError: it is another program's, or of a format that is not understood.
    """
    values = _values(files[VALUES_FILE], where)
    if hashlib.sha256(files[ARRAYS_FILE]).hexdigest() != values.get("arrays_sha256"):
        got = f"{len(files[ARRAYS_FILE])} bytes of another hash"
        raise DataLossError(f"{where}/{ARRAYS_FILE}: {got} than {VALUES_FILE} says", details={"path": where})
    try:
        arrays: dict[str, Array] = safetensors.numpy.load(files[ARRAYS_FILE])
        version = None if values["version"] is None else _version_from_dict(values["version"])
        state = AlgorithmState(arrays, values["algorithm"])
        return Checkpoint(state, Counters.from_dict(values["counters"]), version, values["fingerprint"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataLossError(f"{where}: {error!r}", details={"path": where}) from error


def check_fits(checkpoint: Checkpoint, fingerprint: str, where: str) -> None:
    """Refuse a checkpoint of another algorithm, network or environment.

    Raises:
      SchemaMismatchError: it is.
    """
    if checkpoint.fingerprint != fingerprint:
        allowed = f"{fingerprint[:12]}, of this run's algorithm, network and environment"
        raise SchemaMismatchError.of(f"{where}.fingerprint", checkpoint.fingerprint[:12], allowed)


def _values(data: bytes, where: str) -> dict[str, Any]:  # JSON of our own
    try:
        values = json.loads(data)
    except ValueError as error:
        raise DataLossError(f"{where}/{VALUES_FILE}: {error}", details={"path": where}) from error
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise SchemaMismatchError.of(f"{where}/{VALUES_FILE}.kind", values, KIND)
    if values.get("format") != FORMAT:
        raise SchemaMismatchError.of(f"{where}/{VALUES_FILE}.format", values.get("format"), str(FORMAT))
    return cast("dict[str, Any]", values)


def _version_to_dict(version: ParameterVersion) -> dict[str, object]:
    return {"epoch": version.epoch, "number": version.number, "content_hash": version.content_hash.hex()}


def _version_from_dict(values: Mapping[str, Any]) -> ParameterVersion:
    return ParameterVersion(values["epoch"], values["number"], bytes.fromhex(values["content_hash"]))
