"""Environments in worker processes behind the interface of those in the fleet's own process."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heronry.environments.isolated import messages
from heronry.environments.isolated.crew import Crew, Tell
from heronry.environments.isolated.exchange import Exchange
from heronry.environments.isolated.messages import Fault
from heronry.environments.isolated.output import print_line
from heronry.environments.isolated.process import WorkerProcess
from heronry.environments.restart_budget import RestartBudget
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import Bools, Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.run import EnvironmentFailure
from heronry.types.tensors import Array


def make_isolated(
    settings: EnvironmentSettings,
    num_envs: int,
    *,
    with_pictures: bool = False,
    restarts: RestartBudget | None = None,
    tell: Tell = print_line,
) -> "IsolatedEnvironments":
    """Return `num_envs` lanes in `settings.num_workers` processes, one a core where that is 0.

    Args:
      settings: of each; what the environment's constructor refuses is raised here, by name.
      num_envs: a multiple of `lanes_per_environment(settings)`.
      with_pictures: whether `render` is to work.
      restarts: that others share; None: `settings.max_restarts`.
      tell: gets what the environments print: where from, and the line.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError, ConfigurationError: as `make_environment`.
      EnvironmentFaultError: a constructor raised, hung or died.
    """
    if settings.engine == "command" and not settings.command:
        raise InvalidArgumentError.of("environment.command", [], "a simulator, where it is the engine")
    from heronry.environments.engines import lanes_per_environment  # here, because it brings Gymnasium

    num_agents = lanes_per_environment(settings)
    if num_envs % num_agents:
        raise InvalidArgumentError.of("num_envs", num_envs, f"a multiple of {num_agents}, the agents of {settings.id}")
    num_games = num_envs // num_agents
    num_workers = min(settings.num_workers or len(os.sched_getaffinity(0)), num_games)
    shares = [num_agents * (num_games // num_workers + (i < num_games % num_workers)) for i in range(num_workers)]
    return IsolatedEnvironments(Crew(settings, shares, tell, restarts, with_pictures=with_pictures))


class IsolatedEnvironments:
    """A `VectorEnvironment` whose lanes live in worker processes; one that fails is begun anew with new seeds.

    All workers step at the same time. Rows of a worker that failed in a step are `lost`; after
    `max_restarts` failures the next one is raised.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._num_envs = sum(w.request.num_lanes for w in crew.workers)
        self._is_closed = False

    @property
    def num_envs(self) -> int:
        return self._num_envs

    @property
    def releases_lock(self) -> bool:
        return True

    @property
    def observation_space(self) -> ObservationSpace:
        return self._crew.hello.observation_space

    @property
    def action_space(self) -> ActionSpace:
        return self._crew.hello.action_space

    @property
    def action_mask(self) -> Bools | None:
        if not self.action_space.is_masked:
            return None
        return np.concatenate([w.exchange.action_mask for w in self._crew.workers])

    @property
    def num_restarts(self) -> int:
        """Workers that were begun anew, for failures or for their memory."""
        return self._crew.failures.num_restarts

    @property
    def failures(self) -> tuple[EnvironmentFailure, ...]:
        """The last failures, newest last."""
        return self._crew.failures.last

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes, all workers at once.

        Raises:
          EnvironmentFaultError: a reset failed, and the restarts are spent.
        """
        self._check_open()
        self._crew.history.begin(seeds)
        for worker in self._crew.workers:
            worker.exchange.seeds[:] = seeds[worker.lanes]
        faults = self._crew.ask(messages.RESET)
        self._replace(faults)
        return np.concatenate([w.exchange.observation for w in self._crew.workers])

    def step(self, actions: Array) -> Step:
        """Step every environment once.

        Raises:
          EnvironmentFaultError: an environment failed, and the restarts are spent.
          InvalidArgumentError: the action space does not hold the actions.
        """
        self._check_open()
        shape = (self._num_envs, *self.action_space.shape)
        if actions.shape != shape:
            raise InvalidArgumentError.of("action", f"shape {actions.shape}", f"shape {shape}")
        for worker in self._crew.workers:
            worker.exchange.action[:] = actions[worker.lanes]
        faults = self._crew.ask(messages.STEP)
        lost: Bools | None = None
        if faults:
            lost = np.zeros(self._num_envs, np.bool_)
            for worker in faults:
                lost[worker.lanes] = True
            self._replace(faults)
        step = _assemble([w.exchange for w in self._crew.workers], lost)
        self._crew.history.count(step)
        if self._crew.is_memory_due():
            self._spare_memory(step)
        return step

    def render(self, lane: int) -> npt.NDArray[np.uint8]:
        self._check_open()
        worker = next(w for w in self._crew.workers if w.lanes.start <= lane < w.lanes.stop)
        picture = self._crew.picture(worker, lane - worker.lanes.start)
        if isinstance(picture, Fault):
            self._crew.raise_fault(worker, picture)
        return picture

    def close(self) -> None:
        """End the workers and their simulators; within about 2 s."""
        self._is_closed = True
        self._crew.close()

    def _replace(self, faults: dict[WorkerProcess, Fault]) -> None:
        """Begin failed workers anew; when that is spent nothing is left running."""
        try:
            for position, worker in enumerate(list(self._crew.workers)):
                if worker in faults and faults[worker].error:
                    # Not the environment is at fault, but what it was asked: the actions.
                    self._crew.raise_fault(worker, faults[worker])
                if worker in faults:
                    self._crew.replace(position, faults[worker])
        except BaseException:
            self._is_closed = True
            self._crew.kill()
            raise

    def _spare_memory(self, step: Step) -> None:
        """Begin workers anew that have grown too large and have just ended an episode.

        Episodes of its other lanes are truncated: their last rows are what they say.
        """
        for position, worker in enumerate(list(self._crew.workers)):
            lanes = worker.lanes
            if not (step.terminated[lanes] | step.truncated[lanes]).any():
                continue
            successor = self._crew.spare_memory(position)
            if successor is not None:
                step.truncated[lanes] |= step.mask[lanes] & ~step.terminated[lanes]
                step.observation[lanes] = successor.exchange.observation

    def _check_open(self) -> None:
        if self._is_closed:
            raise FailedPreconditionError("the environments are closed")


def _assemble(shown: Sequence[Exchange], lost: Bools | None) -> Step:
    """Return copies of what the workers have written, without the rows that were lost."""

    def joined(name: str) -> Any:  # noqa: ANN401 - an array of any type
        return np.concatenate([getattr(exchange, name) for exchange in shown])

    step = Step(
        joined("observation"),
        joined("reward"),
        joined("terminated"),
        joined("truncated"),
        joined("next_observation"),
        joined("mask"),
        lost,
    )
    if lost is not None:
        step.reward[lost] = 0.0
        for column in (step.terminated, step.truncated, step.mask):
            column[lost] = False
        step.next_observation[lost] = step.observation[lost]
    return step
