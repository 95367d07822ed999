"""Names an environment; apart from what makes it, so that naming one needs no Gymnasium."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from heronry import spec

Engine = Literal["auto", "native", "gymnasium", "envpool", "pettingzoo", "command"]
Isolation = Literal["auto", "none", "process"]


@dataclass(frozen=True)
class WrapperSettings:
    """A callable `module:name` that takes an environment and returns one, and its keyword arguments."""

    factory: str
    kwargs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class EnvironmentSettings:
    """Which environment, what runs it, and how much is borne with.

    Attributes:
      id: a name that the engine knows: of a native game, a registered Gymnasium id, `module:Env-v0`
        to import the module that registers it, an EnvPool task, a PettingZoo module, or
        `module:factory` for a callable. A factory with an argument `num_envs` returns a Gymnasium
        vector environment, any other a single one.
      kwargs: passed to the constructor.
      engine: what runs it; `auto` takes a native game of that id and arguments, else Gymnasium.
      wrappers: applied to each single environment, the first one innermost.
      command: a simulator that is started beside every environment and kept running.
      isolation: `process` keeps environments in processes of their own, `none` in the fleet's;
        `auto` isolates what is not known to behave: factories and commands.
      num_workers: processes of isolated environments, 0: one a core; threads of a native game, 0: one;
        of EnvPool, 0: one a core.
      step_timeout_s, reset_timeout_s: after which an environment counts as hung; in the fleet's own
        process that fails the run.
      max_restarts: of dead or hung environments, before the run fails.
      max_memory_mb: resident memory of one worker, its simulator included, above which it is
        restarted between two episodes; None: unbounded.
      first_index: position of the first lane among the fleet's, where this is a part of them.
    """

    id: str
    kwargs: Mapping[str, object] = field(default_factory=dict)
    engine: Engine = "auto"
    wrappers: tuple[WrapperSettings, ...] = ()
    command: tuple[str, ...] = ()
    isolation: Isolation = "auto"
    num_workers: int = 0
    step_timeout_s: float = 60.0
    reset_timeout_s: float = 120.0
    max_restarts: int = 16
    max_memory_mb: int | None = None
    first_index: int = 0

    @classmethod
    def of_spec(cls, section: "spec.EnvironmentSettings") -> Self:
        """Return what a run spec says."""
        values = {name: getattr(section, name) for name in type(section).model_fields}
        wrappers = tuple(WrapperSettings(w.factory, w.kwargs) for w in section.wrappers)
        return cls(**{**values, "wrappers": wrappers})
