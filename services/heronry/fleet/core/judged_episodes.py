"""Episodes played side by side, each from a seed of its own, whatever engine runs them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv

from heronry.environments.engines import engine_of, is_isolated, lanes_per_environment
from heronry.environments.making import has_vector_entry_point, is_single, make_environment, make_single
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import Bools, Watched
from heronry.fleet.core.judged_lanes import CartPoleEpisodes, Floats, SingleEpisodes, VectorEpisodes
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array


class JudgedEpisodes(Protocol):
    """Lanes with one episode each; what a lane shows after its episode's end means nothing."""

    @property
    def spaces(self) -> tuple[ObservationSpace, ActionSpace]:
        """Of one environment."""
        ...

    @property
    def action_mask(self) -> Bools | None:
        """Which choices are allowed for the observations returned last; None: all."""
        ...

    @property
    def begun_anew(self) -> Bools | None:
        """Lanes whose environment died in the last step: their episodes have begun anew, from other seeds."""
        ...

    @property
    def watched(self) -> Watched | None:
        """What tells how far they are from another thread; None where they have limits of their own, or cannot hang."""
        ...

    def begin(self, seeds: Sequence[int]) -> Array:
        """Begin an episode in each lane from its seed; return `[N, ...]`.

        N is the number of seeds, rounded up to whole environments where an environment has several
        agents: its lanes are adjacent, and begin from the seed of the first.
        """
        ...

    def step(self, actions: Array) -> tuple[Array, Floats, Bools]:
        """Return observations `[N, ...]`, rewards `[N]` and whether each lane's episode ended in this step.

        Raises:
          EnvironmentFaultError: an environment broke its contract in this process, or too many have died.
        """
        ...

    def close(self) -> None:
        """Release the environments."""
        ...


def make_episodes(settings: EnvironmentSettings, num_lanes: int) -> JudgedEpisodes:
    """Return lanes for at least `num_lanes` episodes of one environment.

    With engine `auto`, Gymnasium's ids are judged by Gymnasium even where a native game of that name
    trained the policy: an episode begins exactly as `reset(seed=...)` does there.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError, ConfigurationError: as `make_environment`.
    """
    if settings.engine == "auto" and settings.id in gymnasium.registry:
        settings = replace(settings, engine="gymnasium")
    if is_isolated(settings) or engine_of(settings) != "gymnasium" or _makes_vectors(settings):
        lanes_of_one = lanes_per_environment(settings)
        whole = -(-num_lanes // lanes_of_one) * lanes_of_one
        return VectorEpisodes(make_environment(settings, whole))
    first = make_single(settings)
    if type(first.unwrapped) is CartPoleEnv and not settings.wrappers and has_vector_entry_point(settings):
        arguments: dict[str, Any] = dict(settings.kwargs)  # what they are, the constructor knows
        engine = gymnasium.make_vec(settings.id, num_envs=num_lanes, **arguments).unwrapped
        if type(engine) is CartPoleVectorEnv:
            return CartPoleEpisodes(engine, first.unwrapped)
    return SingleEpisodes([first, *(make_single(settings) for _ in range(num_lanes - 1))], settings.id)


def _makes_vectors(settings: EnvironmentSettings) -> bool:
    """Whether there are no single environments: a factory makes whole vectors."""
    return settings.id not in gymnasium.registry and not is_single(settings)
