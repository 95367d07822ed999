"""What the coordinator itself must remember: who was registered, and which run is active."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from heronry.coordinator.core.registry import InstanceRecord
from heronry.coordinator.journal import read_json, replace_json
from heronry.types.errors import ConfigurationError

FOLDER = ".coordinators"


def check_data_dir(data_dir: Path) -> None:
    """Refuse a data directory in which nothing can be kept; makes nothing.

    Raises:
      ConfigurationError: it, or what it would be made in, is no folder, or nobody may write there.
    """
    there = next(path for path in (data_dir.absolute(), *data_dir.absolute().parents) if _is_there(path))
    problem = f"{there} is no folder" if not there.is_dir() else ""
    if not problem and not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        problem = f"{there} cannot be written to"
    if problem:
        raise ConfigurationError.of("data_dir", str(data_dir), f"a folder that can be made and written to ({problem})")


def _is_there(path: Path) -> bool:
    """Whether it can be seen; what lies in a folder that is closed to us cannot."""
    try:
        return path.exists()
    except PermissionError:
        return False


class StateFile:
    """One small document per mesh, named after where its coordinator listens.

    Several meshes may share a data directory: a restarted coordinator finds its own state because
    it listens where it did, and another mesh's never.
    """

    def __init__(self, data_dir: Path, instance: str, addresses: Sequence[str]) -> None:
        key = hashlib.blake2b("\n".join([instance, *sorted(addresses)]).encode(), digest_size=8).hexdigest()
        self._path = data_dir / FOLDER / f"{key}.json"
        document = read_json(self._path)
        self.active_run_id = str(document.get("active_run_id", ""))
        self.instances = tuple(InstanceRecord.from_dict(values) for values in document.get("instances", ()))

    def save(self, active_run_id: str, instances: Iterable[InstanceRecord]) -> None:
        """Replace the document."""
        self.active_run_id, self.instances = active_run_id, tuple(instances)
        replace_json(
            self._path,
            {"active_run_id": active_run_id, "instances": [record.to_dict() for record in self.instances]},
        )

    def remove(self) -> None:
        """Forget everything: the mesh has ended in order, with no run under way."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            # Other meshes may keep their state beside it.
            self._path.parent.rmdir()
