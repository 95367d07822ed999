"""Notices environments of the fleet's own process that do not come back."""

from collections.abc import Callable, Iterable
from typing import Final

from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment, Watched, Work
from heronry.types.errors import EnvironmentFaultError

_LONGEST_PERIOD_S: Final = 1.0


class Watchdog:
    """Looks now and then at what environments are doing, from another thread than theirs.

    Nothing can end one that hangs in this process; its fault says at least which one it is.

    Args:
      environments: those that live in processes of their own have limits of their own.
      settings: limits of a step and a reset; where an engine does not tell which it does, the longer one counts.
      clock: monotonic seconds.
    """

    def __init__(
        self,
        environments: Iterable[VectorEnvironment | Watched],
        settings: EnvironmentSettings,
        clock: Callable[[], float],
    ) -> None:
        self._step_s, self._reset_s = settings.step_timeout_s, settings.reset_timeout_s
        self._clock = clock
        self._environments: list[Watched] = []
        # What each of them was seen at, and since when.
        self._seen: list[tuple[Work | None, float]] = []
        self.period_s = min(self._step_s / 4, self._reset_s / 4, _LONGEST_PERIOD_S)
        for environment in environments:
            self.watch(environment)

    def watch(self, environment: VectorEnvironment | Watched) -> None:
        """Look at one more from now on, if it lives in this process."""
        if isinstance(environment, Watched):
            self._environments.append(environment)
            self._seen.append((None, self._clock()))

    def look(self) -> EnvironmentFaultError | None:
        """Return the fault of an environment that has been at the same work for too long."""
        now = self._clock()
        for i, environment in enumerate(self._environments):
            work, (before, since_s) = environment.work, self._seen[i]
            if work is None or work != before:
                self._seen[i] = work, now
                continue
            limit_s = self._limit_s(work)
            if now - since_s > limit_s:
                return environment.hung(work, limit_s)
        return None

    def _limit_s(self, work: Work) -> float:
        if work.lane is None:
            return max(self._step_s, self._reset_s)
        return self._reset_s if work.is_reset else self._step_s
