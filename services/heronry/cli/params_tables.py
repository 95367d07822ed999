"""`heronry params list`, `show`, `versions` and `workers`: what people see."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from heronry.cli.access import Access
from heronry.cli.params_fields import model_fields, shown_value, version_info_fields, worker_fields, workers_wanting
from heronry.cli.params_service import AnyParamsClient, ask_params
from heronry.cli.screen import print_line, print_table
from heronry.types.claims import claim_fields, claim_line

if TYPE_CHECKING:
    from rich.console import Console

Fields = Mapping[str, object]
_HASH_SHOWN = 12
_UNITS, _UNIT = ("B", "kB", "MB", "GB"), 1000
_PARTS = ("consistency", "aggregation", "optimizer", "limits", "shard")


def models_fields(access: Access) -> dict[str, object]:
    """Return the models of a service."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        return {"models": [model_fields(info) for info in await client.list_models()]}

    return ask_params(access, ask)


def one_model_fields(access: Access, model: str) -> dict[str, object]:
    """Return one model."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        info = await client.get_model(model)
        claim = claim_fields(model, await client.get_privacy_status(model))
        wanting = workers_wanting(info, await client.list_workers(model))
        return {**model_fields(info), "workers_wanting": wanting, "privacy": claim}

    return ask_params(access, ask)


def versions_fields(access: Access, model: str) -> dict[str, object]:
    """Return the versions of a model that can be pulled, oldest first."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        versions = await client.list_versions(model)
        return {"model": model, "versions": [version_info_fields(info) for info in versions]}

    return ask_params(access, ask)


def workers_fields(access: Access, model: str) -> dict[str, object]:
    """Return the workers of a model."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        return {"model": model, "workers": [worker_fields(info) for info in await client.list_workers(model)]}

    return ask_params(access, ask)


def show_models(console: "Console", fields: Fields) -> None:
    """Print one line a model."""
    models = _rows(fields, "models")
    columns = ("model", "version", "size", "mode", "rule", "accepted", "refused", "received", "sent")
    print_table(console, columns, [_model_row(model) for model in models], "no models")


def show_model(console: "Console", model: Fields) -> None:
    """Print a model's figures, settings, refusals and staleness, a line each."""
    settings = cast("Fields", model["settings"])
    print_line(console, f"model {model['model']}: version {_version(model)}, {_size(model['bytes'])}")
    print_line(console, f"  round {_round(model)}")
    print_line(
        console,
        f"  contributions: {model['accepted']:,} accepted, {model['refused']:,} refused; "
        f"{_size(model['bytes_received'])} received, {_size(model['bytes_sent'])} sent",
    )
    for name, count in cast("Mapping[str, int]", model["refusals"]).items():
        print_line(console, f"  refused: {count:,} {name}")
    counts = [_bucket(bucket) for bucket in _rows(model, "staleness")]
    if counts:
        print_line(console, f"  versions behind, and how many contributions: {', '.join(counts)}")
    show_settings(console, settings)
    print_line(console, f"  privacy: {claim_line(cast('Fields', model['privacy']))}")
    for name, (kind, shape, role) in cast("Mapping[str, Sequence[object]]", model["tensors"]).items():
        print_line(console, f"  tensor {name}  {kind}{shape} {role}")


def show_settings(console: "Console", settings: Fields) -> None:
    """Print a model's settings, a line each."""
    for part in _PARTS:
        if settings[part] is not None:
            print_line(console, f"  {part}: {_described(cast('Fields', settings[part]))}")
    for group, figures in cast("Mapping[str, Fields]", settings["group_optimizers"]).items():
        print_line(console, f"  optimizer of group {group}: {_described(figures)}")
    kept, lease = settings["versions_kept"], shown_value(settings["needs_lease"])
    print_line(
        console, f"  acknowledgement: {settings['acknowledgement']}; versions kept: {kept}; needs_lease: {lease}"
    )


def show_versions(console: "Console", fields: Fields) -> None:
    """Print one line a version."""
    rows = [
        (
            f"{v['epoch']}.{v['number']}",
            str(v["hash"])[:_HASH_SHOWN],
            str(v["published"]),
            ", ".join(cast("Sequence[str]", v["tags"])),
        )
        for v in _rows(fields, "versions")
    ]
    print_table(console, ("version", "hash", "published", "tags"), rows, "no versions")


def show_workers(console: "Console", fields: Fields) -> None:
    """Print one line a worker; staleness is that of the last contribution, their mean and the largest."""
    rows = [
        (
            str(w["worker"]),
            f"{w['lease_s']:.1f} s",
            f"{w['accepted']:,}",
            f"{w['refused']:,}",
            f"{w['last_staleness']}, {w['mean_staleness']:.2f}, {w['max_staleness']}",
            f"{w['participated']:,} of {w['invited']:,}",
            str(w["lead"]),
        )
        for w in _rows(fields, "workers")
    ]
    print_table(
        console,
        ("worker", "lease", "accepted", "refused", "staleness (last, mean, max)", "rounds", "lead"),
        rows,
        "no workers",
    )


def _model_row(model: Fields) -> tuple[str, ...]:
    settings = cast("Mapping[str, Fields]", model["settings"])
    return (
        str(model["model"]),
        _version(model),
        _size(model["bytes"]),
        str(settings["consistency"]["mode"]),
        str(settings["aggregation"]["rule"]),
        f"{model['accepted']:,}",
        f"{model['refused']:,}",
        _size(model["bytes_received"]),
        _size(model["bytes_sent"]),
    )


def _round(model: Fields) -> str:
    remaining = model["round_remaining_s"]
    until = "" if remaining is None else f", {remaining:.1f} s until its deadline"
    cohort = f" of a cohort of {model['cohort']}" if model["cohort"] else ""
    wanting = cast("Mapping[str, int] | None", model["workers_wanting"])
    if wanting is not None:
        have, need = wanting["have"], wanting["need"]
        more = f"{need - have} more worker{'' if need - have == 1 else 's'} with a lease ({have} of {need})"
        return f"{model['round']} is not open yet: waits for {more if have < need else 'its cohort to be drawn'}"
    return f"{model['round']} is open: {model['pending']} contributions{cohort}{until}"


def _described(figures: Fields) -> str:
    kind, *others = figures.items() if {"mode", "rule", "kind"} & set(figures) else [("", ""), *figures.items()]
    text = ", ".join(f"{name} {shown_value(value)}" for name, value in others)
    return f"{kind[1]}: {text}" if kind[1] and text else f"{kind[1]}{text}"


def _bucket(bucket: Fields) -> str:
    low, high = bucket["from"], bucket["to"]
    return f"{low if low == high else f'{low} to {high}'}: {bucket['contributions']:,}"


def _version(model: Fields) -> str:
    version = cast("Fields", model["version"])
    return f"{version['epoch']}.{version['number']}"


def _size(value: object) -> str:
    amount = float(cast("int", value))
    for unit in _UNITS[:-1]:
        if amount < _UNIT:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _UNIT
    return f"{amount:,.1f} {_UNITS[-1]}"


def _rows(fields: Fields, name: str) -> Sequence[Fields]:
    return cast("Sequence[Fields]", fields[name])
