"""An exported policy: `policy.safetensors` and the `policy.json` beside it, which says what it is for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from heronry import spec
from heronry.environments.settings import EnvironmentSettings
from heronry.types.errors import ConfigurationError, DataLossError, SchemaMismatchError
from heronry.types.tensors import Array


@dataclass(frozen=True)
class PolicyFile:
    """A policy and all that is needed to act with it."""

    path: Path
    environment: EnvironmentSettings
    algorithm: str
    network: Mapping[str, object]
    """As the run spec has it."""
    version: str
    tensors: Mapping[str, Array]


def load_policy(target: Path) -> PolicyFile:
    """Read the policy of a run's folder, of a policy's folder or of a safetensors file.

    Raises:
      ConfigurationError: there is no policy.
      DataLossError: a file is truncated or no policy of heronry.
      SchemaMismatchError: the tensors are not those that the description names.
    """
    path = _find(target)
    document = _document(path.with_suffix(".json"))
    tensors = _tensors(path)
    _require_schema(path, document, tensors)
    try:
        return _policy(path, document, tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise DataLossError(f"{path.with_suffix('.json')}: not the description of a policy ({error!r})") from error


def _find(target: Path) -> Path:
    candidates = [target / "policy" / "policy.safetensors", target / "policy.safetensors"]
    found = [target] if target.is_file() else [path for path in candidates if path.is_file()]
    if not found:
        allowed = "a run's folder with a judged policy, or a policy.safetensors"
        raise ConfigurationError.of("CHECKPOINT", str(target), allowed)
    path = found[0]
    return path.with_suffix(".safetensors") if path.suffix == ".json" else path


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError.of("CHECKPOINT", str(path), "a policy with its description beside it") from None
    except (OSError, ValueError) as error:
        raise DataLossError(f"{path}: not a readable JSON file ({error})") from error
    if not isinstance(document, dict):
        raise DataLossError(f"{path}: not the description of a policy (no JSON object)")
    return document


def _tensors(path: Path) -> dict[str, Array]:
    from safetensors import SafetensorError  # after the description, whose errors come sooner
    from safetensors.numpy import load_file

    try:
        return cast("dict[str, Array]", load_file(path))
    except (SafetensorError, OSError) as error:
        raise DataLossError(f"{path}: truncated, or no safetensors file ({error})") from error


def _require_schema(path: Path, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
    declared = {str(entry["name"]): tuple(entry["shape"]) for entry in document.get("schema", ())}
    found = {name: np.shape(tensor) for name, tensor in tensors.items()}
    wrong = sorted(name for name in declared.keys() | found.keys() if declared.get(name) != found.get(name))
    if declared and wrong:
        name = wrong[0]
        raise SchemaMismatchError.of(
            f"{path.name}: {name}", found.get(name), f"{declared.get(name)}, as {path.stem}.json says"
        )


def _policy(path: Path, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> PolicyFile:
    metadata = document["metadata"]
    environment, network, algorithm = (metadata[key] for key in ("environment", "network", "algorithm"))
    version = document["version"]
    return PolicyFile(
        path=path,
        environment=EnvironmentSettings.of_spec(spec.EnvironmentSettings.model_validate(environment)),
        algorithm=str(algorithm["name"] if isinstance(algorithm, dict) else algorithm),
        network=spec.NetworkSettings.model_validate(network).model_dump(),
        version=f"{version['epoch']}.{version['number']}",
        tensors=tensors,
    )
