"""`heronry params export` and `save`: models as files, here or where the service is."""

from pathlib import Path

from heronry.cli.params_fields import version_fields
from heronry.cli.params_service import ask_params
from heronry.client.params import ParamsClient
from heronry.params.core.durability.export import export_version
from heronry.params.core.versions import Published


def export_here(address: str, model: str, dest: Path, number: int | None, tag: str | None) -> dict[str, object]:
    """Write one version to `dest/MODEL.safetensors` and `dest/MODEL.json`; files of these names are replaced."""

    async def ask(client: ParamsClient) -> dict[str, object]:
        parameters = await client.pull(model, number=number, tag=tag)
        times = {info.version: info.publish_time_s for info in await client.list_versions(model)}
        published = Published(parameters.version, parameters.flat, times.get(parameters.version, 0.0))
        path = export_version(dest, ".", model, parameters.schema, published, {})
        return {"model": model, "path": str(path), "version": version_fields(parameters.version)}

    return ask_params(address, ask)


def export_there(address: str, model: str, directory: str, number: int | None, tag: str | None) -> dict[str, object]:
    """Have the service write one version below its data directory."""

    async def ask(client: ParamsClient) -> dict[str, object]:
        return {"model": model, "path": await client.export_version(model, directory, tag=tag, number=number)}

    return ask_params(address, ask)


def save_checkpoint(address: str, run_id: str) -> dict[str, object]:
    """Have the service write a checkpoint of all its models."""

    async def ask(client: ParamsClient) -> dict[str, object]:
        path = await client.save_checkpoint(run_id)
        models = await client.list_models()
        return {"path": path, "models": {info.model: version_fields(info.version) for info in models}}

    return ask_params(address, ask)
