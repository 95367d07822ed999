"""What is to be run and where its files go: decided before anything is started."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heronry.spec import RunSpec, resolve
from heronry.spec.documents import load_document
from heronry.types.errors import ConfigurationError, RunNotFoundError

DEFAULT_DATA_DIR = Path("runs")


@dataclass(frozen=True)
class RunPlan:
    """A resolved spec and the run's folder `data_dir/run_id`."""

    spec: RunSpec
    data_dir: Path
    run_id: str
    is_restored: bool

    @property
    def run_dir(self) -> Path:
        """The run's folder."""
        return self.data_dir / self.run_id

    @property
    def title(self) -> str:
        """What is being done, in a few words."""
        spec = self.spec
        verb = "going on with" if self.is_restored else "training"
        return f"{verb} {spec.environment.id} with {spec.algorithm.name} (seed {spec.seed})"


def plan_new_run(
    name: str,
    *,
    algorithm: str | None,
    assignments: tuple[str, ...],
    seed: int | None,
    run_dir: Path | None,
) -> RunPlan:
    """Resolve the spec and choose a folder for the run.

    Raises:
      ConfigurationError: the spec or the folder cannot be used.
    """
    if not name:
        raise ConfigurationError.of("SPEC", name, "a bundled name or a YAML file (or --resume RUN_DIR)")
    spec = resolve(name, algorithm, assignments, seed)
    folder = run_dir or DEFAULT_DATA_DIR / _fresh_run_id(Path(name).stem, spec)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError.of("--run-dir", str(folder), "a new or empty folder (--resume goes on with a run)")
    return _plan(spec, folder, is_restored=False)


def plan_resumed_run(run_dir: Path, *, assignments: tuple[str, ...]) -> RunPlan:
    """Read the spec of a run that was begun before; assignments may change it.

    Raises:
      RunNotFoundError: the folder holds no run.
    """
    document = run_dir / "spec.yaml"
    if not document.is_file():
        raise RunNotFoundError(f"--resume: got {str(run_dir)!r}, allowed: the folder of a run (it holds no spec.yaml)")
    spec = resolve(document, _algorithm_of(load_document(document)), assignments)
    return _plan(spec, run_dir, is_restored=True)


def _plan(spec: RunSpec, folder: Path, *, is_restored: bool) -> RunPlan:
    whole = folder.resolve()
    return RunPlan(spec=spec, data_dir=whole.parent, run_id=whole.name, is_restored=is_restored)


def _algorithm_of(document: Mapping[str, Any]) -> str | None:
    algorithm = document.get("algorithm")
    return str(algorithm.get("name")) if isinstance(algorithm, Mapping) and "name" in algorithm else None


def _fresh_run_id(stem: str, spec: RunSpec) -> str:
    moment = time.strftime("%Y%m%d-%H%M%S")
    return f"{stem}-{spec.algorithm.name}-s{spec.seed}-{moment}-{secrets.token_hex(2)}"
