"""`heronry params`: look into the models of a parameter service, and change them while it serves."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from heronry.cli.access import Access, reaches_service
from heronry.cli.output import console_for, print_json
from heronry.cli.params_set import set_
from heronry.cli.screen import print_line
from heronry.cli.usage import MAX_COUNT
from heronry.types.errors import ConfigurationError

HELP = "Look into the models of a parameter service; change, roll back, export and save them."
LONG_HELP = (
    f"{HELP} A model in several shards is reached by --address with the addresses of all, in order, with commas."
)
app = typer.Typer(name="params", help=LONG_HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)

IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Model = Annotated[str, typer.Argument(help="The model.")]
Number = Annotated[
    int | None, typer.Option("--number", min=1, max=MAX_COUNT, help="A version by its number in this epoch.")
]
Tag = Annotated[str | None, typer.Option("--tag", help="A version by its tag.")]


@app.command("list")
@reaches_service
def list_(access: Access, is_json: IsJson = False) -> None:
    """List the models: versions, settings, contributions, bytes."""
    from heronry.cli.params_tables import models_fields, show_models  # grpc is slow to load

    fields = models_fields(access)
    show_models(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("show")
@reaches_service
def show(access: Access, model: Model, is_json: IsJson = False) -> None:
    """Show a model: its round, settings, refusals by name, staleness, tensors."""
    from heronry.cli.params_tables import one_model_fields, show_model  # grpc is slow to load

    fields = one_model_fields(access, model)
    show_model(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("versions")
@reaches_service
def versions(access: Access, model: Model, is_json: IsJson = False) -> None:
    """List the versions that can be pulled, with their tags."""
    from heronry.cli.params_tables import show_versions, versions_fields  # grpc is slow to load

    fields = versions_fields(access, model)
    show_versions(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("workers")
@reaches_service
def workers(access: Access, model: Model, is_json: IsJson = False) -> None:
    """List the workers: leases, contributions, staleness, rounds taken part in."""
    from heronry.cli.params_tables import show_workers, workers_fields  # grpc is slow to load

    fields = workers_fields(access, model)
    show_workers(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


app.command("set")(reaches_service(set_))


@app.command("rollback")
@reaches_service
def rollback(access: Access, model: Model, number: Number = None, tag: Tag = None, is_json: IsJson = False) -> None:
    """Publish an earlier version's values again, as a new version; the open round is dropped."""
    from heronry.cli.params_changes import roll_back  # grpc is slow to load

    fields = roll_back(access, model, number, tag)
    _say(f"{model} has the values of {tag or f'version {number}'} as version {_name_of(fields)}", fields, is_json)


@app.command("tag")
@reaches_service
def tag(
    access: Access,
    model: Model,
    name: Annotated[str, typer.Argument(metavar="TAG", help="The name; it moves when it is given again.")],
    number: Annotated[int, typer.Option("--number", min=0, max=MAX_COUNT, help="A version; 0: the newest.")] = 0,
    is_json: IsJson = False,
) -> None:
    """Keep a version under a name."""
    from heronry.cli.params_changes import tag_version  # grpc is slow to load

    fields = tag_version(access, model, name, number)
    _say(f"{name} is version {_name_of(fields)} of {model}", fields, is_json)


@app.command("export")
@reaches_service
def export(
    access: Access,
    model: Model,
    dest: Annotated[
        Path, typer.Argument(help="A folder of this machine: it gets MODEL.safetensors and MODEL.json.")
    ] = Path(),
    number: Number = None,
    tag: Tag = None,
    on_service: Annotated[
        str, typer.Option("--on-service", metavar="DIR", help="Have the service write below its data directory.")
    ] = "",
    is_json: IsJson = False,
) -> None:
    """Write a version, the newest by default, as safetensors and JSON; files of the name are replaced."""
    if on_service and dest != Path():
        raise ConfigurationError.of("--on-service", on_service, "without DEST: the files are written there or here")
    from heronry.cli.params_files import export_here, export_there  # safetensors and grpc are slow to load

    if on_service:
        fields = export_there(access, model, on_service, number, tag)
    else:
        fields = export_here(access, model, dest, number, tag)
    _say(f"{model} -> {fields['path']}", fields, is_json)


@app.command("delete")
@reaches_service
def delete(
    access: Access,
    model: Model,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    is_json: IsJson = False,
) -> None:
    """Drop a model with its versions, also from what a restart restores."""
    if not is_sure and not sys.stdin.isatty():
        raise ConfigurationError.of("--yes", "not given", "given where nobody can be asked")
    if not is_sure:
        typer.confirm(f"Delete {model} with all its versions?", abort=True, err=True)
    from heronry.cli.params_changes import delete_model  # grpc is slow to load

    fields = delete_model(access, model)
    _say(f"{model} is gone", fields, is_json)


@app.command("save")
@reaches_service
def save(
    access: Access,
    run_id: Annotated[
        str, typer.Option("--run", help="The run; otherwise that which the service is assigned to.")
    ] = "",
    is_json: IsJson = False,
) -> None:
    """Save a checkpoint of all models where the service keeps them."""
    from heronry.cli.params_files import save_checkpoint  # grpc is slow to load

    fields = save_checkpoint(access, run_id)
    _say(f"{len(cast('Mapping[str, object]', fields['models']))} models -> {fields['path']}", fields, is_json)


def _say(sentence: str, fields: Mapping[str, object], is_json: bool) -> None:
    print_line(console_for(is_json=is_json), sentence)
    if is_json:
        print_json(fields)


def _name_of(fields: Mapping[str, object]) -> str:
    version = cast("Mapping[str, object]", fields["version"])
    return f"{version['epoch']}.{version['number']}"
