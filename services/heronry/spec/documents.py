"""Run specs as people write them: bundled by name, or YAML files with settings per algorithm."""

import functools
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from heronry.spec.mistakes import unknown_name
from heronry.spec.overrides import apply_overrides, merge, parse_overrides, parse_value
from heronry.spec.run_spec import RunSpec
from heronry.types.errors import ConfigurationError

_ALGORITHMS = ("ppo", "dqn", "external")


def bundled_names() -> tuple[str, ...]:
    """Name the specs that come with heronry."""
    files = resources.files("heronry.spec").joinpath("bundled").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


def resolve(
    name_or_path: str | Path,
    algorithm: str | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    seed: int | None = None,
) -> RunSpec:
    """Return the run spec that a bundled name or a YAML file stands for.

    A document may hold `algorithms: {ppo: {...}, dqn: {...}}`; the entry of the chosen algorithm (the
    first when none is chosen) is laid over the rest, then the overrides, then the seed.

    Args:
      name_or_path: `cartpole`, `my/run.yaml`.
      algorithm: which entry of `algorithms`; None: the document's own, or its first.
      overrides: `{"fleet.num_envs": 16}` (strings are read as YAML) or `["fleet.num_envs=16"]`.
      seed: replaces the document's.

    Raises:
      ConfigurationError: an unknown name, key or value; names the nearest valid one.
    """
    document = load_document(name_or_path)
    values = choose_algorithm(document, algorithm)
    values = apply_overrides(values, _as_mapping(overrides))
    if seed is not None:
        values["seed"] = seed
    return RunSpec.from_dict(values)


def load_document(name_or_path: str | Path) -> dict[str, Any]:
    """Read a bundled spec or a file into a mapping."""
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return _parsed(_text_of(path), str(path))
    if str(name_or_path) not in bundled_names():
        raise unknown_name("spec", str(name_or_path), bundled_names(), also=", or the path of a YAML file")
    text = resources.files("heronry.spec").joinpath("bundled", f"{name_or_path}.yaml").read_text(encoding="utf-8")
    return _parsed(text, str(name_or_path))


def choose_algorithm(document: Mapping[str, Any], algorithm: str | None) -> dict[str, Any]:
    """Lay the settings of one algorithm over the document's common ones."""
    values = {key: value for key, value in document.items() if key != "algorithms"}
    layers = document.get("algorithms") or {}
    if not isinstance(layers, Mapping):
        raise ConfigurationError.of("algorithms", layers, "a mapping from algorithm to settings")
    own = values.get("algorithm")
    if algorithm is not None:
        _check_offered(algorithm, layers, own)
    name = algorithm or (own.get("name") if isinstance(own, Mapping) else None) or next(iter(layers), "ppo")
    if isinstance(own, Mapping) and own.get("name", name) != name:
        # Settings of another algorithm mean nothing to this one.
        del values["algorithm"]
    layer = layers.get(name) or {}
    if not isinstance(layer, Mapping):
        raise ConfigurationError.of(f"algorithms.{name}", layer, "a mapping of settings")
    values = merge(values, layer)
    if isinstance(values.get("algorithm", {}), Mapping):
        values = merge(values, {"algorithm": {"name": name}})
    return values


def _check_offered(algorithm: str, layers: Mapping[str, Any], own: object) -> None:
    """Refuse an algorithm that the document has no settings for, if it has settings per algorithm."""
    declared = own.get("name") if isinstance(own, Mapping) else None
    offered = [*layers, *([declared] if declared and declared not in layers else [])] if layers else [*_ALGORITHMS]
    if algorithm not in offered and not (algorithm == "external" and layers):
        raise unknown_name("algorithm.name", algorithm, offered)


def _as_mapping(overrides: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    if not isinstance(overrides, Mapping):
        return parse_overrides(overrides)
    return {k: parse_value(k, v) if isinstance(v, str) else v for k, v in overrides.items()}


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError.of("spec", str(path), "an existing file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError.of("spec", str(path), f"a readable YAML file ({error})") from error


def _parsed(text: str, origin: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_loader())  # noqa: S506 (a SafeLoader that also refuses repeated keys)
    except yaml.YAMLError as error:
        raise ConfigurationError.of("spec", origin, f"valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(document, dict):
        raise ConfigurationError.of("spec", origin, "a YAML mapping of settings")
    return document


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    """Make a loader that refuses a key given twice, which YAML would silently overwrite."""

    class Loader(yaml.SafeLoader):
        pass

    def construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if twice is not None:
            raise ConfigurationError.of(str(twice), "given twice", "each key once")
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_mapping)
    return Loader
