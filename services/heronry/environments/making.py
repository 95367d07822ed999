"""Makes environments by whichever engine runs them."""

from dataclasses import replace

from heronry.environments.checked import CheckedEnvironment
from heronry.environments.checked_pipeline import CheckedPipeline
from heronry.environments.engines import engine_of, is_isolated, lanes_per_environment
from heronry.environments.gymnasium_engine import has_vector_entry_point, is_single, make_gymnasium, make_single
from heronry.environments.restart_budget import RestartBudget
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError

__all__ = ["has_vector_entry_point", "is_single", "make_environment", "make_one", "make_single", "read_spaces"]


def make_environment(
    settings: EnvironmentSettings,
    num_envs: int,
    *,
    with_pictures: bool = False,
    restarts: RestartBudget | None = None,
) -> VectorEnvironment:
    """Return `num_envs` lanes, in this process or in workers.

    Args:
      settings: what, and how.
      num_envs: a multiple of `lanes_per_environment(settings)`.
      with_pictures: whether `render` is to work; where it costs time, it does without otherwise.
      restarts: that others share; None: `settings.max_restarts`.

    Raises:
      EnvironmentNotFoundError: the engine has nothing of that name; names the nearest.
      InvalidArgumentError: arguments do not fit, or spaces are not supported.
      ConfigurationError: the engine is not installed.
    """
    if is_isolated(settings):
        from heronry.environments.isolated import make_isolated  # here, because it makes environments itself

        return make_isolated(settings, num_envs, with_pictures=with_pictures, restarts=restarts)
    if engine_of(settings) == "native":
        from heronry.environments.native_engine import NativeEnvironment  # here, because it loads the native games

        _refuse_wrappers(settings)
        return NativeEnvironment(settings.id, num_envs, settings.kwargs, num_threads=max(1, settings.num_workers))
    if engine_of(settings) == "envpool":
        from heronry.environments.envpool_engine import make_pool  # here, because it is optional

        _refuse_wrappers(settings)
        pool = make_pool(settings, num_envs, with_pictures=with_pictures)
        return CheckedPipeline(pool, settings.id, settings.first_index)
    engine = _engine(settings, num_envs, with_pictures=with_pictures)
    return CheckedEnvironment(engine, settings.id, settings.first_index)


def _engine(settings: EnvironmentSettings, num_envs: int, *, with_pictures: bool) -> VectorEnvironment:
    """Return lanes whose faults are not named yet."""
    if engine_of(settings) == "pettingzoo":
        from heronry.environments.pettingzoo_making import make_games  # here, because it is optional

        return make_games(settings, num_envs, with_pictures=with_pictures)
    return make_gymnasium(settings, num_envs, with_pictures=with_pictures)


def make_one(settings: EnvironmentSettings, *, with_pictures: bool = False) -> VectorEnvironment:
    """Return a single environment: one lane, or as many as it has agents.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError, ConfigurationError: as `make_environment`.
    """
    one = replace(settings, num_workers=1)
    return make_environment(one, lanes_per_environment(one), with_pictures=with_pictures)


def read_spaces(settings: EnvironmentSettings) -> tuple[ObservationSpace, ActionSpace]:
    """Return what one lane shows and accepts; makes one environment to see it.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError, ConfigurationError: as `make_environment`.
    """
    environment = make_one(settings)
    try:
        return environment.observation_space, environment.action_space
    finally:
        environment.close()


def _refuse_wrappers(settings: EnvironmentSettings) -> None:
    if settings.wrappers:
        given = [wrapper.factory for wrapper in settings.wrappers]
        raise InvalidArgumentError.of("environment.wrappers", given, f"none with engine {engine_of(settings)!r}")
