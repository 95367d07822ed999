"""Composite spaces as a list of leaves: in the order of a Dict's keys and a Tuple's positions, depth first."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium

Space = gymnasium.Space[Any]
Path = tuple[str | int, ...]


class Part(NamedTuple):
    """A space without parts of its own, and where it stands in the whole."""

    path: Path
    space: Space


def parts_of(space: Space, path: Path = ()) -> list[Part]:
    """Return the leaves of a space; of one that is not composite, itself."""
    if isinstance(space, gymnasium.spaces.Dict):
        return [part for name, inner in space.spaces.items() for part in parts_of(inner, (*path, name))]
    if isinstance(space, gymnasium.spaces.Tuple):
        return [part for i, inner in enumerate(space.spaces) for part in parts_of(inner, (*path, i))]
    return [Part(path, space)]


def at(value: Any, path: Path) -> Any:  # noqa: ANN401 - nested values of any environment
    """Return what stands at a path."""
    for step in path:
        value = value[step]
    return value


def assemble(space: Space, leaves: Iterator[Any]) -> Any:  # noqa: ANN401 - nested values of any environment
    """Return a value of the space, made of its leaves in order."""
    if isinstance(space, gymnasium.spaces.Dict):
        return {name: assemble(inner, leaves) for name, inner in space.spaces.items()}
    if isinstance(space, gymnasium.spaces.Tuple):
        return tuple(assemble(inner, leaves) for inner in space.spaces)
    return next(leaves)


def name_of(root: str, path: Path) -> str:
    """Return how a leaf is called in messages: `observation['camera'][0]`."""
    return root + "".join(f"[{step!r}]" for step in path)
