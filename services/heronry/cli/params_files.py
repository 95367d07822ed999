"""`heronry params export` and `save`: models as files, here or where the service is."""

from pathlib import Path

from heronry.cli.access import Access
from heronry.cli.params_fields import version_fields
from heronry.cli.params_service import AnyParamsClient, ask_params
from heronry.launch.layout import make_writable
from heronry.params.core.durability.export import export_version
from heronry.params.core.versions import Published
from heronry.types.errors import ConfigurationError


def export_here(access: Access, model: str, dest: Path, number: int | None, tag: str | None) -> dict[str, object]:
    """Write one version to `dest/MODEL.safetensors` and `dest/MODEL.json`; files of these names are replaced.

    Raises:
      ConfigurationError: the folder cannot be made or written, or other than a file has one of the names.
    """
    if dest.exists() and not dest.is_dir():
        raise ConfigurationError.of("DEST", str(dest), "a folder, or a name that is free; a file has it")
    make_writable(dest, "DEST")
    for path in (dest / f"{model}.safetensors", dest / f"{model}.json"):
        if path.is_dir():
            raise ConfigurationError.of("DEST", str(dest), f"a folder in which {path.name} is no folder")

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        parameters = await client.pull(model, number=number, tag=tag)
        times = {info.version.number: info.publish_time_s for info in await client.list_versions(model)}
        published = Published(parameters.version, parameters.flat, times.get(parameters.version.number, 0.0))
        path = export_version(dest, ".", model, parameters.schema, published, {})
        return {"model": model, "path": str(path), "version": version_fields(parameters.version)}

    return ask_params(access, ask)


def export_there(access: Access, model: str, directory: str, number: int | None, tag: str | None) -> dict[str, object]:
    """Have the service write one version below its data directory."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        return {"model": model, "path": await client.export_version(model, directory, tag=tag, number=number)}

    return ask_params(access, ask)


def save_checkpoint(access: Access, run_id: str) -> dict[str, object]:
    """Have the service write a checkpoint of all its models."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        saved = await client.save_checkpoint(run_id)
        path = saved if isinstance(saved, str) else ", ".join(saved)
        models = await client.list_models()
        return {"path": path, "models": {info.model: version_fields(info.version) for info in models}}

    return ask_params(access, ask)
