"""Errors about a spec that say field, value, what is allowed and the nearest valid key."""

import difflib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from heronry.types.errors import ConfigurationError

Location = tuple[str | int, ...]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be."""
    matches = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def configuration_error(error: ValidationError, model: type[BaseModel]) -> ConfigurationError:
    """Tell the first mistake that pydantic found, in words about the spec."""
    details = error.errors(include_url=False)
    unknown_first = sorted(details, key=lambda d: d["type"] != "extra_forbidden")
    first = unknown_first[0]
    if first["type"] == "extra_forbidden":
        return unknown_key(_path(first["loc"], model), model, algorithm=_tag(first["loc"]))
    if first["type"] == "missing":
        return _missing(_path(first["loc"], model))
    if first["type"] == "value_error":
        return _told_by_validator(first)
    return _wrong_value(first, model)


def unknown_key(path: str, model: type[BaseModel], *, algorithm: str | None = None) -> ConfigurationError:
    """Say that `path` is no key of the spec, and which key is nearest to it."""
    parent, _, name = path.rpartition(".")
    siblings = list(_keys(_section(model, parent.split(".") if parent else [], algorithm)))
    close = nearest(name, siblings)
    prefix = f"{parent}." if parent else ""
    owners = _owners(name, model) if parent == "algorithm" else []
    elsewhere = None if owners else _elsewhere(name, model)
    is_misplaced = elsewhere is not None and elsewhere.endswith(f".{name}")
    guess = f"{prefix}{close}" if close and not is_misplaced else elsewhere
    message = f"unknown key {path!r}"
    if owners:
        guess, message = None, f"{message}, which is of algorithm {', '.join(owners)}"
    if guess:
        message += f"; nearest: {guess!r}"
    allowed = ", ".join(siblings) or "no further keys"
    message += f" (allowed{' in ' + repr(parent) if parent else ''}: {allowed})"
    return ConfigurationError(
        message, details={"field": path, "value": name, "allowed": allowed, "nearest": guess or ""}
    )


def unknown_name(field: str, name: str, known: Sequence[str], also: str = "") -> ConfigurationError:
    """Say that `name` is none of the `known` values of `field`."""
    close = nearest(name, known)
    allowed = ", ".join(known) + also
    hint = f" (nearest: {close!r})" if close else ""
    details = {"field": field, "value": repr(name), "allowed": allowed, "nearest": close or ""}
    return ConfigurationError(f"{field}: got {name!r}, allowed: {allowed}{hint}", details=details)


def _missing(path: str) -> ConfigurationError:
    details = {"field": path, "value": "", "allowed": "a value"}
    return ConfigurationError(f"{path}: no value given, and it has no default", details=details)


def _told_by_validator(mistake: ErrorDetails) -> ConfigurationError:
    message = str(mistake["ctx"]["error"])
    return ConfigurationError(message, details={"field": message.partition(":")[0], "value": "", "allowed": message})


def _wrong_value(mistake: ErrorDetails, model: type[BaseModel]) -> ConfigurationError:
    path = _path(mistake["loc"], model)
    value = mistake["input"]
    if mistake["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path, value = f"{path}.name", value.get("name") if isinstance(value, Mapping) else value
        known = [_tag_of(branch) for branch in _branches(model.model_fields["algorithm"].annotation)]
        return unknown_name(path, str(value), known)
    allowed = _allowed(mistake)
    if mistake["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return ConfigurationError.of(path, value, "a mapping of settings")
    if mistake["type"] == "literal_error":
        return unknown_name(path, str(value), _literals(mistake))
    return ConfigurationError.of(path, value, allowed)


def _allowed(mistake: ErrorDetails) -> str:
    """Say what pydantic expected in words about YAML."""
    if mistake["type"] == "tuple_type":
        return "a list"
    if mistake["type"] == "string_pattern_mismatch":
        return f"a text that matches {mistake['ctx']['pattern']}"
    return mistake["msg"].removeprefix("Input should be ")


def _literals(mistake: ErrorDetails) -> list[str]:
    expected = str(mistake["ctx"]["expected"]).replace(" or ", ", ")
    return [name.strip().strip("'") for name in expected.split(",")]


def _path(location: Location, model: type[BaseModel]) -> str:
    """Drop the tag that pydantic puts into the location of a discriminated union."""
    parts = [str(part) for part in location]
    if len(parts) > 1 and parts[0] == "algorithm" and parts[1] in _tags(model):
        del parts[1]
    return ".".join(parts)


def _tag(location: Location) -> str | None:
    return str(location[1]) if len(location) > 1 and location[0] == "algorithm" else None


def _tags(model: type[BaseModel]) -> list[str]:
    return [_tag_of(branch) for branch in _branches(model.model_fields["algorithm"].annotation)]


def _tag_of(branch: type[BaseModel]) -> str:
    return str(branch.model_fields["name"].default)


def _branches(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 (an annotation is any object)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return [branch for part in typing.get_args(annotation) for branch in _branches(part)]
    return []


def _owners(name: str, model: type[BaseModel]) -> list[str]:
    """Return the algorithms that have a setting of this name."""
    branches = _branches(model.model_fields["algorithm"].annotation)
    return [_tag_of(branch) for branch in branches if name in branch.model_fields]


def _section(model: type[BaseModel], path: Sequence[str], algorithm: str | None) -> list[type[BaseModel]]:
    sections = [model]
    for name in path:
        fields = [section.model_fields[name] for section in sections if name in section.model_fields]
        sections = [branch for field in fields for branch in _branches(field.annotation)]
        if name == "algorithm" and algorithm is not None:
            sections = [s for s in sections if _tag_of(s) == algorithm] or sections
    return sections


def _keys(sections: Iterable[type[BaseModel]]) -> Iterator[str]:
    seen: dict[str, None] = {}
    for section in sections:
        seen.update(dict.fromkeys(section.model_fields))
    yield from seen


def _elsewhere(name: str, model: type[BaseModel]) -> str | None:
    """Look for the name in all sections: `learning_rate` was meant to be `algorithm.learning_rate`."""
    homes = {
        key: f"{top}.{key}"
        for top, field in reversed(model.model_fields.items())
        for key in _keys(_branches(field.annotation))
    }
    close = nearest(name, homes)
    return homes[close] if close else None
