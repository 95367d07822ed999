"""Which environment a run trains on, and what runs it."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, NonNegativeInt, PositiveFloat, PositiveInt

from heronry.spec.section import Section

Factory = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]


class WrapperSettings(Section):
    """A callable `module:name` that takes an environment and returns one."""

    factory: Factory
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    """Passed to it after the environment."""


class EnvironmentSettings(Section):
    """An environment by id, or `module:factory` for a callable that makes one."""

    id: Annotated[str, Field(min_length=1)]
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    """Passed to the environment's constructor."""
    engine: Literal["auto", "native", "gymnasium", "envpool", "pettingzoo", "command"] = "auto"
    """What runs it; `auto` takes heronry's own game of that id where there is one, else Gymnasium."""
    wrappers: tuple[WrapperSettings, ...] = ()
    """Put around each environment, the first one innermost."""
    command: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """A simulator that is started beside each environment, and again when it dies or hangs."""
    isolation: Literal["auto", "none", "process"] = "auto"
    """`process`: environments live in processes of their own, so that one that hangs, exits or leaks costs an
    episode and not the fleet; `auto`: so for factories and commands."""
    num_workers: Annotated[int, Field(ge=0, le=1024)] = 0
    """Processes of isolated environments, 0: one a core; threads of a native game, 0: one; of EnvPool, 0:
    one a core."""
    step_timeout_s: PositiveFloat = 60.0
    """After which a step counts as hung."""
    reset_timeout_s: PositiveFloat = 120.0
    """After which a reset counts as hung."""
    max_restarts: NonNegativeInt = 16
    """Environments that may die or hang before the run fails."""
    max_memory_mb: PositiveInt | None = None
    """Resident memory of a worker process above which it is begun anew; unset: unbounded."""
