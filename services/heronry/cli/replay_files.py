"""What `heronry replay export`, `import` and `snapshot` do."""

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from heronry.cli.access import Access
from heronry.cli.replay_service import ask_replay
from heronry.client.replay import ReplayClient
from heronry.datasets import DatasetFormat, load_format
from heronry.types.columns import column_specs
from heronry.types.errors import ConfigurationError, InvalidArgumentError, TableNotFoundError
from heronry.types.tables import TableDefinition


def export_table(access: Access, table: str, dest: Path, kind: DatasetFormat, max_items: int) -> dict[str, object]:
    """Write a table's runs as they come; return what was written."""
    files = load_format(kind)

    async def ask(client: ReplayClient) -> dict[str, object]:
        definition = (await client.get_table(table)).definition
        async with aclosing(client.export(table, max_items=max_items)) as runs:
            first = await anext(runs, None)
            if first is not None:
                # A table without declared columns has those of its first writer.
                definition = replace(definition, columns=definition.columns or column_specs(first.columns, 1))
            with files.open_writer(dest, definition) as writer:
                if first is not None:
                    writer.write(first)
                async for run in runs:
                    writer.write(run)
        return {"path": str(dest), "format": kind.value, "items": writer.num_items, "steps": writer.num_steps}

    return ask_replay(access, ask)


def import_table(access: Access, table: str, src: Path, kind: DatasetFormat) -> dict[str, object]:
    """Insert the runs of a file as they are read; return what was inserted."""
    files = load_format(kind)
    found = replace(files.read_definition(src), table=table)

    async def ask(client: ReplayClient) -> dict[str, object]:
        definition, created = await _ensure(client, found)
        runs = files.read_runs(src, replace(definition, columns=definition.columns or found.columns))
        try:
            done = await client.import_runs(table, runs)
        except InvalidArgumentError as error:
            if error.details.get("field", "").startswith("items.") and found.pattern != definition.pattern:
                raise _other_pattern(found, definition) from error
            raise
        return {"table": table, "created": created, "items": done.num_items, "steps": done.num_steps}

    return ask_replay(access, ask)


def save_table(access: Access, table: str) -> dict[str, object]:
    """Have a snapshot written; return what it holds."""

    async def ask(client: ReplayClient) -> dict[str, object]:
        saved = await client.save_snapshot(table)
        return {
            "table": table,
            "path": saved.path,
            "items": saved.num_items,
            "bytes": saved.num_bytes,
            "stall_s": saved.stall_s,
        }

    return ask_replay(access, ask)


def _other_pattern(found: TableDefinition, definition: TableDefinition) -> ConfigurationError:
    """Return the error of items that the table's pattern does not allow."""
    text = "; ".join(definition.differences(found))
    message = f"the file's items are of another pattern than those of table {definition.table!r}, where {text}"
    details = {"field": "pattern", "value": repr(found.pattern), "allowed": repr(definition.pattern)}
    return ConfigurationError(message, details=details)


async def _ensure(client: ReplayClient, definition: TableDefinition) -> tuple[TableDefinition, bool]:
    try:
        return (await client.get_table(definition.table)).definition, False
    except TableNotFoundError:
        await client.create_table(definition)
        return definition, True
