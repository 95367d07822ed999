"""Which files there are, and what must be installed for them."""

import enum
import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast

from heronry.types.errors import ConfigurationError
from heronry.types.experience import Run
from heronry.types.tables import TableDefinition

INSTALL_LINE = "pip install 'heronry[datasets]'"
PARQUET_SUFFIX = ".parquet"


class DatasetFormat(enum.Enum):
    """A kind of file."""

    PARQUET = "parquet"
    MINARI = "minari"


class RunWriter(AbstractContextManager["RunWriter"], Protocol):
    """Writes runs to a new file or folder; what was begun is taken away when it is left by an exception."""

    num_steps: int
    num_items: int

    def write(self, run: Run) -> None:
        """Add a run."""
        ...


class FormatModule(Protocol):
    """What `heronry.datasets.parquet` and `heronry.datasets.minari` offer."""

    def open_writer(self, path: Path, definition: TableDefinition) -> RunWriter:
        """Return a writer of a table's runs."""
        ...

    def read_definition(self, path: Path) -> TableDefinition:
        """Return the definition of the table that the data came from, or one that suits it."""
        ...

    def read_runs(self, path: Path, definition: TableDefinition) -> Iterator[Run]:
        """Yield the runs; where the data has no items, those that a table of this definition makes of them."""
        ...


def format_of(path: Path) -> DatasetFormat:
    """Return the format that a path speaks of: `.parquet` is a file of that kind, no suffix a Minari folder.

    A folder that is there is Minari's, whatever its name.

    Raises:
      ConfigurationError: a file of another kind, or a path that speaks of one.
    """
    if path.suffix.lower() == PARQUET_SUFFIX:
        return DatasetFormat.PARQUET
    if path.suffix and not path.is_dir():
        allowed = "a name that ends in .parquet, or a folder's without a suffix for Minari, unless --format says which"
        raise ConfigurationError.of("path", str(path), allowed)
    return DatasetFormat.MINARI


def load_format(kind: DatasetFormat) -> FormatModule:
    """Return the module of a format; it brings libraries that only datasets need.

    Raises:
      ConfigurationError: they are not installed; says how to install them.
    """
    try:
        return cast("FormatModule", importlib.import_module(f"heronry.datasets.{kind.value}"))
    except ImportError as error:
        raise ConfigurationError(f"{kind.value} files need more packages ({error}): {INSTALL_LINE}") from error
