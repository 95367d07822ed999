"""`heronry params`: look into the models of a parameter service, and change them while it serves."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from heronry.cli.output import console_for, print_json
from heronry.types.errors import ConfigurationError

HELP = "Look into the models of a parameter service; change, roll back, export and save them."
app = typer.Typer(name="params", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)

_ADDRESS_HELP = "A parameter service; otherwise that of the mesh that is up."
Address = Annotated[str, typer.Option("--address", help=_ADDRESS_HELP)]
IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Model = Annotated[str, typer.Argument(help="The model.")]
Number = Annotated[int | None, typer.Option("--number", min=1, help="A version by its number in this epoch.")]
Tag = Annotated[str | None, typer.Option("--tag", help="A version by its tag.")]


@app.command("list")
def list_(address: Address = "", is_json: IsJson = False) -> None:
    """List the models: versions, settings, contributions, bytes."""
    from heronry.cli.params_tables import models_fields, show_models  # grpc is slow to load

    fields = models_fields(address)
    show_models(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("show")
def show(model: Model, address: Address = "", is_json: IsJson = False) -> None:
    """Show a model: its round, settings, refusals by name, staleness, tensors."""
    from heronry.cli.params_tables import one_model_fields, show_model  # grpc is slow to load

    fields = one_model_fields(address, model)
    show_model(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("versions")
def versions(model: Model, address: Address = "", is_json: IsJson = False) -> None:
    """List the versions that can be pulled, with their tags."""
    from heronry.cli.params_tables import show_versions, versions_fields  # grpc is slow to load

    fields = versions_fields(address, model)
    show_versions(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("workers")
def workers(model: Model, address: Address = "", is_json: IsJson = False) -> None:
    """List the workers: leases, contributions, staleness, rounds taken part in."""
    from heronry.cli.params_tables import show_workers, workers_fields  # grpc is slow to load

    fields = workers_fields(address, model)
    show_workers(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("set")
def set_(
    model: Model,
    cohort_size: Annotated[int | None, typer.Option(help="Synchronous: contributions that close a round.")] = None,
    quorum: Annotated[int | None, typer.Option(help="Synchronous: fewest that close it at its deadline.")] = None,
    deadline: Annotated[float | None, typer.Option(help="Synchronous: seconds a round is open.")] = None,
    num_extra: Annotated[int | None, typer.Option(help="Synchronous: workers invited above the cohort.")] = None,
    min_workers: Annotated[int | None, typer.Option(help="Synchronous: leases before a cohort is drawn.")] = None,
    late: Annotated[str | None, typer.Option(help="Synchronous: refuse or keep what comes too late.")] = None,
    num_contributions: Annotated[int | None, typer.Option(help="Buffered: contributions that make a version.")] = None,
    max_lead: Annotated[int | None, typer.Option(help="Stale-synchronous: how far ahead a worker may be.")] = None,
    max_staleness: Annotated[int | None, typer.Option(help="Versions a contribution's base may lie behind.")] = None,
    staleness_exponent: Annotated[
        float | None, typer.Option(help="Contributions count (1 + staleness) ** -exponent.")
    ] = None,
    max_norm: Annotated[float | None, typer.Option(help="Largest L2 norm of a contribution; 0: no bound.")] = None,
    max_weight: Annotated[float | None, typer.Option(help="Largest weight of a contribution.")] = None,
    requires_lease: Annotated[bool | None, typer.Option(help="Only workers with a lease may contribute.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the server's optimiser.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of SGD.")] = None,
    beta1: Annotated[float | None, typer.Option(help="Of Adam and Yogi.")] = None,
    beta2: Annotated[float | None, typer.Option(help="Of Adam and Yogi.")] = None,
    epsilon: Annotated[float | None, typer.Option(help="Of Adam, Yogi and Adagrad.")] = None,
    mixing_rate: Annotated[float | None, typer.Option(help="Of mixing.")] = None,
    versions_kept: Annotated[int | None, typer.Option(min=1, help="Versions kept beside the tagged ones.")] = None,
    address: Address = "",
    is_json: IsJson = False,
) -> None:
    """Change figures of a live model; what is not given stays. Mode, rule and optimiser stay in any case."""
    from heronry.cli.params_changes import late_policy, set_figures  # grpc is slow to load
    from heronry.cli.params_tables import show_settings  # as above

    consistency = {
        "cohort_size": cohort_size,
        "quorum": quorum,
        "deadline_s": deadline,
        "num_extra": num_extra,
        "min_workers": min_workers,
        "late": None if late is None else late_policy(late),
        "num_contributions": num_contributions,
        "max_lead": max_lead,
        "max_staleness": max_staleness,
        "staleness_exponent": staleness_exponent,
    }
    optimizer = {
        "learning_rate": learning_rate,
        "momentum": momentum,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
        "rate": mixing_rate,
    }
    limits = _given({"max_norm": max_norm, "max_weight": max_weight, "requires_lease": requires_lease})
    if max_norm == 0:
        limits["max_norm"] = None
    fields = set_figures(address, model, _given(consistency), _given(optimizer), limits, versions_kept)
    console = console_for(is_json=is_json)
    console.print(f"model {model}", markup=False)
    show_settings(console, cast("Mapping[str, object]", fields["settings"]))
    if is_json:
        print_json(fields)


@app.command("rollback")
def rollback(
    model: Model, number: Number = None, tag: Tag = None, address: Address = "", is_json: IsJson = False
) -> None:
    """Publish an earlier version's values again, as a new version; the open round is dropped."""
    from heronry.cli.params_changes import roll_back  # grpc is slow to load

    fields = roll_back(address, model, number, tag)
    _say(f"{model} has the values of {tag or f'version {number}'} as version {_name_of(fields)}", fields, is_json)


@app.command("tag")
def tag(
    model: Model,
    name: Annotated[str, typer.Argument(metavar="TAG", help="The name; it moves when it is given again.")],
    number: Annotated[int, typer.Option("--number", min=0, help="A version; 0: the newest.")] = 0,
    address: Address = "",
    is_json: IsJson = False,
) -> None:
    """Keep a version under a name."""
    from heronry.cli.params_changes import tag_version  # grpc is slow to load

    fields = tag_version(address, model, name, number)
    _say(f"{name!r} is version {_name_of(fields)} of {model}", fields, is_json)


@app.command("export")
def export(
    model: Model,
    dest: Annotated[
        Path, typer.Argument(help="A folder of this machine: it gets MODEL.safetensors and MODEL.json.")
    ] = Path(),
    number: Number = None,
    tag: Tag = None,
    on_service: Annotated[
        str, typer.Option("--on-service", metavar="DIR", help="Have the service write below its data directory.")
    ] = "",
    address: Address = "",
    is_json: IsJson = False,
) -> None:
    """Write a version, the newest by default, as safetensors and JSON; files of the name are replaced."""
    if on_service and dest != Path():
        raise ConfigurationError.of("--on-service", on_service, "without DEST: the files are written there or here")
    from heronry.cli.params_files import export_here, export_there  # safetensors and grpc are slow to load

    if on_service:
        fields = export_there(address, model, on_service, number, tag)
    else:
        fields = export_here(address, model, dest, number, tag)
    _say(f"{model} -> {fields['path']}", fields, is_json)


@app.command("delete")
def delete(
    model: Model,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    address: Address = "",
    is_json: IsJson = False,
) -> None:
    """Drop a model with its versions, also from what a restart restores."""
    if not is_sure and not sys.stdin.isatty():
        raise ConfigurationError.of("--yes", "not given", "given where nobody can be asked")
    if not is_sure:
        typer.confirm(f"Delete {model} with all its versions?", abort=True, err=True)
    from heronry.cli.params_changes import delete_model  # grpc is slow to load

    fields = delete_model(address, model)
    _say(f"{model} is gone", fields, is_json)


@app.command("save")
def save(
    run_id: Annotated[
        str, typer.Option("--run", help="The run; otherwise that which the service is assigned to.")
    ] = "",
    address: Address = "",
    is_json: IsJson = False,
) -> None:
    """Save a checkpoint of all models where the service keeps them."""
    from heronry.cli.params_files import save_checkpoint  # grpc is slow to load

    fields = save_checkpoint(address, run_id)
    _say(f"{len(cast('Mapping[str, object]', fields['models']))} models -> {fields['path']}", fields, is_json)


def _say(sentence: str, fields: Mapping[str, object], is_json: bool) -> None:
    console_for(is_json=is_json).print(sentence, markup=False)
    if is_json:
        print_json(fields)


def _given(changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in changes.items() if value is not None}


def _name_of(fields: Mapping[str, object]) -> str:
    version = cast("Mapping[str, object]", fields["version"])
    return f"{version['epoch']}.{version['number']}"
