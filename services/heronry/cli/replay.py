"""`heronry replay`: look into replay tables, and move them to files and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heronry.cli.access import Access, reaches_service
from heronry.cli.output import console_for, print_json
from heronry.cli.usage import MAX_COUNT
from heronry.types.errors import ConfigurationError

if TYPE_CHECKING:
    from heronry.datasets import DatasetFormat

HELP = "Look into the tables of a replay service; move them to files and back; save them."
app = typer.Typer(name="replay", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)

IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Format = Annotated[
    str, typer.Option("--format", help="parquet or minari; otherwise by the name: .parquet or a folder.")
]


@app.command("inspect")
@reaches_service
def inspect(
    access: Access,
    table: Annotated[str, typer.Argument(help="A table; all when left out.")] = "",
    folder: Annotated[
        Path | None, typer.Option("--dir", help="A table's folder on disk, read without a service and left as it is.")
    ] = None,
    is_json: IsJson = False,
) -> None:
    """Show tables: items, bytes, limiter and who waits, writers, what is durable."""
    if folder is not None and (access.address or table):
        raise ConfigurationError.of("--dir", str(folder), "without TABLE and --address: a folder is one table's")
    if folder is not None:
        from heronry.cli.replay_folder import folder_fields, show_folder  # NumPy and the tables' core

        fields = folder_fields(folder)
        show_folder(console_for(is_json=is_json), fields)
    else:
        from heronry.cli.replay_tables import show_tables, tables_fields  # grpc is slow to load

        fields = tables_fields(access, table)
        show_tables(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("export")
@reaches_service
def export(
    access: Access,
    table: Annotated[str, typer.Argument(help="The table.")],
    dest: Annotated[Path, typer.Argument(help="A new .parquet file, or a new folder for a Minari dataset.")],
    max_items: Annotated[
        int, typer.Option("--max-items", min=0, max=MAX_COUNT, help="Most items, the oldest; 0: all.")
    ] = 0,
    format_name: Format = "",
    is_json: IsJson = False,
) -> None:
    """Write a table's steps and items to a file; the table stays as it is."""
    kind = _format(format_name, dest)
    from heronry.cli.replay_files import export_table  # grpc is slow to load

    fields = export_table(access, table, dest, kind, max_items)
    console_for(is_json=is_json).print(
        f"{fields['items']:,} items over {fields['steps']:,} steps of table {table!r} -> {dest}", markup=False
    )
    if is_json:
        print_json(fields)


@app.command("import")
@reaches_service
def import_(
    access: Access,
    table: Annotated[str, typer.Argument(help="The table; made from the file's definition when it is not there.")],
    src: Annotated[Path, typer.Argument(help="A .parquet file of `heronry replay export`, or a Minari dataset.")],
    format_name: Format = "",
    is_json: IsJson = False,
) -> None:
    """Read steps and items from a file into a table."""
    kind = _format(format_name, src)
    from heronry.cli.replay_files import import_table  # grpc is slow to load

    fields = import_table(access, table, src, kind)
    made = ", which is new" if fields["created"] else ""
    console_for(is_json=is_json).print(
        f"{fields['items']:,} items over {fields['steps']:,} steps -> table {table!r}{made}", markup=False
    )
    if is_json:
        print_json(fields)


@app.command("snapshot")
@reaches_service
def snapshot(access: Access, table: Annotated[str, typer.Argument(help="The table.")], is_json: IsJson = False) -> None:
    """Save a table on the service's disk while it is served."""
    from heronry.cli.replay_files import save_table  # grpc is slow to load

    fields = save_table(access, table)
    console_for(is_json=is_json).print(
        f"{fields['items']:,} items, {fields['bytes']:,} bytes -> {fields['path']}", markup=False
    )
    if is_json:
        print_json(fields)


def _format(name: str, path: Path) -> "DatasetFormat":
    from heronry.datasets import DatasetFormat, format_of  # only for files

    if not name:
        return format_of(path)
    try:
        return DatasetFormat(name)
    except ValueError:
        raise ConfigurationError.of("--format", name, ", ".join(kind.value for kind in DatasetFormat)) from None
