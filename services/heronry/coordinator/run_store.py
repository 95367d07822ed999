"""The runs in the data directory, one folder each."""

import re
from pathlib import Path

from heronry.coordinator.core import records
from heronry.coordinator.core.run import Run
from heronry.coordinator.journal import JOURNAL, Journal
from heronry.types.errors import HeronryError, InvalidArgumentError, RunNotFoundError

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class RunStore:
    """Finds runs by id: those of this process in memory, others by their journals."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._runs: dict[str, Run] = {}

    def folder(self, run_id: str) -> Path:
        """Return the run's folder.

        Raises:
          InvalidArgumentError: the id cannot be the name of a folder.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise InvalidArgumentError.of("run_id", run_id, "1 to 128 letters, digits, '.', '_', '-', no '.' first")
        return self.data_dir / run_id

    def has(self, run_id: str) -> bool:
        """Tell whether the run has begun before."""
        return run_id in self._runs or (self.folder(run_id) / JOURNAL).exists()

    def get(self, run_id: str) -> Run:
        """Return a run.

        Raises:
          RunNotFoundError: there is none of that name.
        """
        run = self._runs.get(run_id) or self._load(run_id)
        if run is None:
            raise RunNotFoundError.of("run", run_id, self.ids())
        return run

    def reload(self, run_id: str) -> Run:
        """Return a run as its journal has it: another mesh may have gone on with it. Raises as `get` does."""
        self._runs.pop(run_id, None)
        return self.get(run_id)

    def newest(self) -> Run:
        """Return the run that was submitted last. Raises as `get` does."""
        runs = self.all()
        if not runs:
            raise RunNotFoundError.of("run", "", ())
        return runs[-1]

    def all(self) -> list[Run]:
        """Return all runs, oldest first; a folder that cannot be read is left out."""
        for run_id in self.ids():
            if run_id not in self._runs:
                try:
                    self._load(run_id)
                except HeronryError:
                    continue
        return sorted(self._runs.values(), key=lambda run: run.began_s)

    def ids(self) -> list[str]:
        """Return the names of all runs."""
        found = {path.parent.parent.name for path in self.data_dir.glob(f"*/{JOURNAL}")}
        return sorted(found | set(self._runs))

    def open(self, run: Run) -> Journal:
        """Keep the run and open its journal for writing."""
        self._runs[run.run_id] = run
        return Journal(self.folder(run.run_id) / JOURNAL)

    def _load(self, run_id: str) -> Run | None:
        path = self.folder(run_id) / JOURNAL
        if not path.exists():
            return None
        run = records.run_from(records.decode(path.read_bytes())[0])
        if run is not None:
            # The folder is the run: a copy's journal still has the name of the original.
            run.run_id = run_id
        # Listing reads in a thread; a run that began meanwhile is not to be replaced by what was read.
        return None if run is None else self._runs.setdefault(run_id, run)
