"""Runs ⇄ Parquet files: one row a step, exact in both directions.

Columns of the table keep their names. Beside them stand `@run`, `@lane`, `@step`, `@episode`, `@history`, and
a list for each fact of the items that begin at the step: `@item` (their order), `@length`, `@key`,
`@priority`, `@times_sampled`, `@epoch`, `@version`. The table's definition is in the file's metadata.
"""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from heronry.datasets.cells import cell_type, cells_of, values_of
from heronry.datasets.definition_text import definition_from_text, definition_to_text
from heronry.datasets.episodes import EpisodeNumbers, end_columns_of
from heronry.datasets.item_lists import in_order, item_fields, items_of, lists_of
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, InvalidArgumentError, SchemaMismatchError
from heronry.types.experience import Run
from heronry.types.tables import TableDefinition
from heronry.types.tensors import Array

_DEFINITION: Final = b"heronry.table"
_FORMAT: Final = b"heronry.format"
_VERSION: Final = b"1"
_GROUP_BYTES: Final = 32 << 20
_READ_ROWS: Final = 1024
_READ_BYTES: Final = 1 << 20
_PLACES: Final = (("@run", pa.int64()), ("@lane", pa.uint64()), ("@step", pa.int64()), ("@episode", pa.int64()))
_HISTORY: Final = "@history"


class ParquetWriter(AbstractContextManager["ParquetWriter"]):
    """Writes runs to a file that gets its name when all is in; holds one row group, about 32 MiB."""

    def __init__(self, path: Path, definition: TableDefinition) -> None:
        """Open the file.

        Raises:
          InvalidArgumentError: the definition names no columns, or the file is there.
        """
        if not definition.columns:
            raise InvalidArgumentError.of("definition.columns", (), "the table's columns")
        if path.exists():
            raise InvalidArgumentError.of("path", str(path), "a file that does not exist yet")
        if not path.parent.is_dir():
            raise InvalidArgumentError.of("path", str(path), f"in a folder that is there; {str(path.parent)!r} is not")
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._specs = definition.columns
        self._schema = _schema(definition)
        self._writer = _opened(self._partial, self._schema)
        self._episodes = EpisodeNumbers(end_columns_of(definition))
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self.num_runs = self.num_steps = self.num_items = 0

    def write(self, run: Run) -> None:
        """Add a run."""
        history = pa.nulls(run.num_steps, pa.uint8()) if run.history is None else pa.array(run.history)
        arrays = [pa.array(values, kind) for values, (_, kind) in zip(self._places(run), _PLACES, strict=True)]
        arrays += [history, *lists_of(run.items, run.num_steps, self.num_items)]
        arrays += [cells_of(run.columns[spec.path], spec) for spec in self._specs]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self.num_runs += 1
        self.num_steps += run.num_steps
        self.num_items += len(run.items)
        self._pending.append(batch)
        self._pending_bytes += batch.nbytes
        if self._pending_bytes >= _GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write what is left and give the file its name."""
        self._write_group()
        self._writer.close()
        self._partial.rename(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        self._writer.close()
        self._partial.unlink(missing_ok=True)

    def _places(self, run: Run) -> list[Array]:
        steps: Array = np.arange(run.first_step, run.first_step + run.num_steps, dtype=np.int64)
        runs, lanes = np.full(run.num_steps, self.num_runs, np.int64), np.full(run.num_steps, run.lane, np.uint64)
        return [runs, lanes, steps, self._episodes.of(run)]

    def _write_group(self) -> None:
        if self._pending:
            table = pa.Table.from_batches(self._pending, schema=self._schema)
            self._writer.write_table(table, row_group_size=table.num_rows)
        self._pending, self._pending_bytes = [], 0


def open_writer(path: Path, definition: TableDefinition) -> ParquetWriter:
    """Return a writer of a table's runs."""
    return ParquetWriter(path, definition)


def read_definition(path: Path) -> TableDefinition:
    """Return the definition of the table that a file was written from.

    Raises:
      InvalidArgumentError: no such file, or one that heronry did not write.
      DataLossError: the file cannot be read.
    """
    with _open(path) as file:
        metadata = file.schema_arrow.metadata or {}
    if metadata.get(_FORMAT) != _VERSION or _DEFINITION not in metadata:
        raise InvalidArgumentError.of("path", str(path), "a Parquet file that `heronry replay export` has written")
    return definition_from_text(metadata[_DEFINITION])


def read_runs(path: Path, definition: TableDefinition) -> Iterator[Run]:
    """Yield the runs of a file in their order, with their items as they were; holds one at a time.

    Raises:
      InvalidArgumentError, DataLossError: as `read_definition`.
      SchemaMismatchError: the columns are not those of the table's definition.
    """
    specs = read_definition(path).columns
    if set(definition.columns) != set(specs):
        raise SchemaMismatchError.of("columns", _shown(specs), _shown(definition.columns))
    held: list[pa.RecordBatch] = []
    for rows in _rows_of_runs(path):
        if held and held[-1].column("@run")[0] != rows.column("@run")[0]:
            yield _run(held, specs)
            held = []
        held.append(rows)
    if held:
        yield _run(held, specs)


def _rows_of_runs(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows, at most a thousand at a time, never of two runs together."""
    try:
        with _open(path) as file:
            for batch in file.iter_batches(_READ_ROWS, use_threads=False):
                numbers = batch.column("@run").to_numpy()
                borders = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
                yield from (batch.slice(at, end - at) for at, end in itertools.pairwise(borders))
    except (pa.ArrowException, OSError) as error:
        raise DataLossError(f"{path} cannot be read: {error}") from error


def _run(held: list[pa.RecordBatch], specs: tuple[ColumnSpec, ...]) -> Run:
    rows = pa.Table.from_batches(held).combine_chunks().to_batches()[0]
    history = None if rows.column(_HISTORY).null_count else np.asarray(rows.column(_HISTORY).to_numpy(), np.uint8)
    columns = {spec.path: values_of(rows.column(spec.path), spec) for spec in specs}
    items = in_order(*items_of(rows))
    return Run(rows.column("@lane")[0].as_py(), rows.column("@step")[0].as_py(), columns, items, history)


def _shown(specs: tuple[ColumnSpec, ...]) -> str:
    return ", ".join(f"{s.path} {s.element_type.name.lower()}{list(s.shape)}" for s in specs)


def _open(path: Path) -> pyarrow.parquet.ParquetFile:
    if not path.is_file():
        raise InvalidArgumentError.of("path", str(path), "an existing file")
    try:
        # Read in pieces: whole column chunks of a row group would lie in memory otherwise.
        return pyarrow.parquet.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise DataLossError(f"{path} is no whole Parquet file: {error}") from error


def _opened(path: Path, schema: pa.Schema) -> pyarrow.parquet.ParquetWriter:
    try:
        return pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")
    except OSError as error:
        raise InvalidArgumentError.of("path", str(path), f"a file that can be written ({error.strerror})") from error


def _schema(definition: TableDefinition) -> pa.Schema:
    fields = [*_PLACES, (_HISTORY, pa.uint8()), *item_fields()]
    fields += [(spec.path, cell_type(spec)) for spec in definition.columns]
    return pa.schema(fields, metadata={_FORMAT: _VERSION, _DEFINITION: definition_to_text(definition).encode()})
