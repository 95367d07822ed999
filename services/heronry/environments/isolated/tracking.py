"""Notes what each environment does, so that one that hangs or dies can be named; only workers use it."""

import os
from typing import Any

import gymnasium

from heronry.environments.isolated.exchange import Phase, Progress
from heronry.environments.single import SingleEnvironment

# Numbers of an Enum cost more to look up than to store.
_RESETTING, _STEPPING = int(Phase.RESETTING), int(Phase.STEPPING)


class Tracked(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Passes everything on; says before each call which lane it is for.

    Args:
      environment: of one lane.
      progress: is told.
      lane: among the worker's lanes.
    """

    def __init__(self, environment: SingleEnvironment, progress: Progress, lane: int) -> None:
        super().__init__(environment)
        self._progress = progress
        self._lane = lane
        self._pid = os.getpid()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._progress.begin(_RESETTING, self._lane)
        outcome = self.env.reset(seed=seed, options=options)
        self._leave_if_forked()
        return outcome

    def step(self, action: Any) -> Any:  # noqa: ANN401 - what the environment takes and returns
        self._progress.begin(_STEPPING, self._lane)
        outcome = self.env.step(action)
        self._leave_if_forked()
        return outcome

    def _leave_if_forked(self) -> None:
        """End a child that an environment forked and let return: it would answer in our name."""
        if os.getpid() != self._pid:
            os._exit(0)
