"""One version as files that need nothing of heronry to be read."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from heronry.params.core.durability.documents import schema_to_document, version_to_document
from heronry.params.core.durability.files import replace_synced
from heronry.params.core.versions import Published
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError
from heronry.types.tensors import ModelSchema


def export_version(
    root: Path, directory: str, model: str, schema: ModelSchema, published: Published, metadata: Mapping[str, object]
) -> Path:
    """Write `<root>/<directory>/<model>.safetensors` and the JSON file beside it; return the former's path.

    The JSON holds model, schema, version, time of publication and the caller's metadata. Both files
    replace older ones of the name, each as a whole.

    Raises:
      InvalidArgumentError: the directory leads out of `root`.
      ResourceExhaustedError: the disk is full.
    """
    folder = _inside(root, directory)
    tensors = {name: np.asarray(values, order="C") for name, values in schema.views(published.flat).items()}
    document = {
        "model": model,
        "schema": schema_to_document(schema),
        "version": version_to_document(published.version),
        "publish_time_s": published.publish_time_s,
        "metadata": dict(metadata),
    }
    path = folder / f"{model}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_synced(path, safetensors.numpy.save(tensors))
        replace_synced(folder / f"{model}.json", json.dumps(document, indent=1).encode())
    except OSError as error:
        raise ResourceExhaustedError(f"directory: {directory!r} cannot be written: {error.strerror}") from error
    return path


def _inside(root: Path, directory: str) -> Path:
    """Return the folder, links resolved, or refuse: a caller must not write where it likes."""
    base = root.resolve()
    folder = (base / directory).resolve()
    if not folder.is_relative_to(base):
        raise InvalidArgumentError.of("directory", directory, "a relative path inside the service's data directory")
    return folder
