"""EnvPool's environments: C++ Atari, MuJoCo, classic control and more, stepped on its own threads."""

import warnings
from collections.abc import Sequence
from typing import Any

from heronry.environments.faults import LaneFault
from heronry.environments.pictures import Picture, picture_of, refuse_picture
from heronry.environments.pool import Pool
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import Bools, Outcomes, Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.spec.environments import check_envpool
from heronry.types.errors import EnvironmentFaultError, InvalidArgumentError
from heronry.types.tensors import Array

# EnvPool's seeds are int32; a negative one is as good as any.
_SEED_MODULUS = 2**31


class EnvPoolEnvironment:
    """A `Pipelined` environment over a pool; it is made when it is reset, because that is when its seeds are known.

    Its autoreset mode is NEXT_STEP.
    """

    def __init__(self, settings: EnvironmentSettings, num_envs: int, *, with_pictures: bool = False) -> None:
        import envpool  # here, because it takes a second and is optional

        self._make = envpool.make_gymnasium
        self._id = settings.id
        self._num_envs = num_envs
        self._arguments: dict[str, Any] = dict(settings.kwargs)  # what they are, the pool knows
        if settings.num_workers:
            self._arguments.setdefault("num_threads", settings.num_workers)
        if with_pictures:
            self._arguments.setdefault("render_mode", "rgb_array")
        # The spaces need a pool; one lane is the cheapest.
        self._pool = self._pool_of([0], 1)
        try:
            self._pool.begin({})
        except LaneFault as fault:
            raise EnvironmentFaultError.in_making(settings.id, fault.what) from fault
        spaces = self._pool.observation_space, self._pool.action_space
        self._observation_space: ObservationSpace = spaces[0]
        self._action_space: ActionSpace = spaces[1]

    @property
    def num_envs(self) -> int:
        return self._num_envs

    @property
    def releases_lock(self) -> bool:
        return True

    @property
    def action_mask(self) -> Bools | None:
        return self._pool.action_mask

    @property
    def observation_space(self) -> ObservationSpace:
        return self._observation_space

    @property
    def action_space(self) -> ActionSpace:
        return self._action_space

    def reset(self, seeds: Sequence[int]) -> Array:
        """Make a pool in which every lane has its own seed, modulo 2**31."""
        self._pool.close()
        self._pool = self._pool_of([int(seed) % _SEED_MODULUS for seed in seeds], self._num_envs)
        return self._pool.begin({})

    def step(self, actions: Array) -> Step:
        return self._pool.step(actions)

    def send(self, actions: Array) -> None:
        self._pool.send(actions)

    def receive(self) -> Array:
        return self._pool.receive()

    def outcomes(self) -> Outcomes:
        return self._pool.outcomes()

    def render(self, lane: int) -> Picture:
        engine: Any = self._pool.engine  # with arguments that Gymnasium's have not
        if engine.render_mode != "rgb_array":
            raise refuse_picture(self._id, f"its render mode is {engine.render_mode!r}")
        return picture_of(lambda: engine.render(env_ids=[lane])[0], self._id)

    def close(self) -> None:
        self._pool.close()

    def _pool_of(self, seeds: list[int], num_envs: int) -> Pool:
        with warnings.catch_warnings():
            # Bounds in double precision, cast to single: told for each pool, and harmless.
            warnings.simplefilter("ignore")
            try:
                engine: Any = self._make(self._id, num_envs=num_envs, seed=seeds, **self._arguments)
            except (AssertionError, TypeError, ValueError, KeyError, RuntimeError) as error:
                message = f"arguments of the pool ({type(error).__name__}: {error})"
                raise InvalidArgumentError.of("environment.kwargs", self._arguments, message) from error
            return Pool(engine)


def make_pool(settings: EnvironmentSettings, num_envs: int, *, with_pictures: bool = False) -> EnvPoolEnvironment:
    """Return EnvPool's environments of a task.

    Raises:
      ConfigurationError: EnvPool is not installed.
      EnvironmentNotFoundError: it has no such task; names the nearest.
      InvalidArgumentError: arguments that do not fit, or several players in one environment.
    """
    check_envpool(settings.id)
    for name in ("num_envs", "batch_size", "seed", "env_seed"):
        if name in settings.kwargs:
            raise InvalidArgumentError.of("environment.kwargs", name, "arguments that the fleet does not set itself")
    return EnvPoolEnvironment(settings, num_envs, with_pictures=with_pictures)
