"""Finds an algorithm by the name in a run spec; torch is imported by `load` alone."""

import difflib
import importlib
from collections.abc import Callable
from typing import Any, cast

from heronry.algorithms.algorithm import Algorithm, AlgorithmContext
from heronry.types.errors import InvalidArgumentError

Factory = Callable[[Any, AlgorithmContext], Algorithm]

_PLACES = {"ppo": ("heronry.algorithms.ppo", "Ppo"), "dqn": ("heronry.algorithms.dqn", "Dqn")}


def names() -> tuple[str, ...]:
    """Return the names of all algorithms."""
    return tuple(_PLACES)


def load(name: str) -> Factory:
    """Return what makes the algorithm from its settings and context; imports torch, which takes seconds.

    Raises:
      InvalidArgumentError: there is no such algorithm; names the nearest.
    """
    if name not in _PLACES:
        nearest = difflib.get_close_matches(name, _PLACES, n=1, cutoff=0.3)
        hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
        raise InvalidArgumentError.of("algorithm.name", name, ", ".join(_PLACES) + hint)
    module, attribute = _PLACES[name]
    return cast(Factory, getattr(importlib.import_module(module), attribute))
