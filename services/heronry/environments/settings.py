"""Names an environment; apart from what makes it, so that naming one needs no Gymnasium."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class EnvironmentSettings:
    """Which environment.

    Attributes:
      id: a registered Gymnasium id, `module:Env-v0` to import the module that registers it, or
        `module:factory` for a callable. A factory with an argument `num_envs` returns a Gymnasium
        vector environment, any other a single one.
      kwargs: passed to the constructor.
    """

    id: str
    kwargs: Mapping[str, object] = field(default_factory=dict)
