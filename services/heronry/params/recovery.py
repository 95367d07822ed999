"""Opening a run's folder: what it holds, or what was copied elsewhere of it, becomes models again."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.models import Models
from heronry.params.core.resources import ModelResources
from heronry.params.remote_checkpoints import EPOCHS_SKIPPED, RemoteCheckpoints

_log = structlog.get_logger(__name__)
_SPILL: Final = "spill"


@dataclass(frozen=True)
class Opened:
    """A folder in use, the models restored from it, and the checkpoint written of them, if any."""

    folder: StateFolder
    models: Models
    checkpoint: Path | None


def recover(path: Path, resources: ModelResources, remote: RemoteCheckpoints | None) -> Opened:
    """Open a folder in an epoch of its own.

    Raises:
      DataLossError: there are checkpoints, but none is valid.
      FailedPreconditionError: another service uses the folder.
      UnavailableError: the folder is empty, and the copies cannot be read.
    """
    folder = StateFolder(path)
    try:
        is_fetched = remote is not None and remote.restore_into(path) is not None
        return _opened(folder, resources, EPOCHS_SKIPPED if is_fetched else 1)
    except BaseException:
        folder.close()
        raise


def _opened(folder: StateFolder, resources: ModelResources, num_epochs: int) -> Opened:
    recovered = folder.recover()
    epoch = recovered.epoch + num_epochs
    folder.enter(epoch)
    models = _models(folder, epoch, resources)
    # Records are read while they are restored: what is damaged is known only then.
    problems = [*models.restore(recovered), *recovered.problems]
    for problem in problems:
        _log.warning("state_damaged", folder=str(folder.path), error=type(problem).__name__, reason=str(problem))
    if recovered.is_empty:
        folder.rotate()
        return Opened(folder, models, None)
    checkpoint = folder.write(models.begin_checkpoint())
    versions: dict[str, Any] = {i.model: str(i.version) for i in models.infos(0.0)}
    _log.info("state_restored", folder=str(folder.path), epoch=epoch, versions=versions)
    return Opened(folder, models, checkpoint)


def _models(folder: StateFolder, epoch: int, resources: ModelResources) -> Models:
    return Models(
        folder,
        epoch,
        resources.lease_s,
        pool=resources.pool,
        spill_dir=_emptied(folder.path / _SPILL),
        chance=resources.chance,
        guards=resources.guards,
        new_flat=resources.new_flat,
    )


def _emptied(path: Path) -> Path:
    """Return a folder without what a process that was killed left in it."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
