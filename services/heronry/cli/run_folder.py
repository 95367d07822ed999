"""The folder of a run that may be refused before it begins."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from heronry.cli.failures import USER_ERRORS
from heronry.launch.layout import make_writable


@contextlib.contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Make the run's folder; what was made goes again when the run is refused before it has begun.

    Once the coordinator has taken a run there is more than logs in the folder, and it stays; so
    it does after errors of ours, which the logs explain.

    Raises:
      ConfigurationError: the folder cannot be made or written to.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    make_writable(folder, "--run-dir")
    try:
        yield
    except (*USER_ERRORS, KeyboardInterrupt):
        if all(entry.name == "logs" for entry in folder.iterdir()):
            _remove(made)
        raise


def _remove(made: list[Path]) -> None:
    for index, place in enumerate(made):
        if index == 0:
            shutil.rmtree(place, ignore_errors=True)
        elif not any(place.iterdir()):
            place.rmdir()
