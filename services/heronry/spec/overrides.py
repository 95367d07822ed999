"""`--set a.b=value`: single settings over a spec."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from heronry.types.errors import ConfigurationError


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Read `key=value` pairs; values are YAML, so `[64, 64]`, `null` and `1e-3` mean what they seem to.

    Raises:
      ConfigurationError: no `=`, an empty key, or a value that is no YAML.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not all(key.strip().split(".")):
            raise ConfigurationError.of("--set", assignment, "section.key=value")
        overrides[key.strip()] = parse_value(key.strip(), text)
    return overrides


def parse_value(key: str, text: str) -> Any:  # noqa: ANN401 (a YAML value is any object)
    """Read one YAML value."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError.of(key, text, "a YAML value") from error
    # YAML 1.1 takes `1e-3` for a string because it has no dot.
    return _number(value) if isinstance(value, str) else value


def apply_overrides(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with each dotted key replaced; neither input is modified."""
    result = merge({}, values)
    for key, value in overrides.items():
        layer: Any = value
        for name in reversed(key.split(".")):
            layer = {name: layer}
        result = merge(result, layer)
    return result


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `above` over `below`: mappings are merged key by key, anything else is replaced."""
    result: dict[str, Any] = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(value, Mapping):
            result[key] = merge(under if isinstance(under, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def _number(text: str) -> float | str:
    try:
        return float(text) if "e" in text.lower() else text
    except ValueError:
        return text
