"""What has failed so far, and how much more may."""

from collections import deque
from typing import Final

from heronry.environments.restart_budget import RestartBudget
from heronry.types.errors import EnvironmentFaultError
from heronry.types.run import EnvironmentFailure

_NUM_KEPT: Final = 100


class Failures:
    """Counts failures and restarts of one fleet's environments.

    Args:
      environment: name, for messages.
      budget: of restarts after failures; those that spare memory are free.
    """

    def __init__(self, environment: str, budget: RestartBudget) -> None:
        self._environment = environment
        self._budget = budget
        self._last: deque[EnvironmentFailure] = deque(maxlen=_NUM_KEPT)
        self.num_restarts = 0

    @property
    def last(self) -> tuple[EnvironmentFailure, ...]:
        """The last hundred, newest last."""
        return tuple(self._last)

    def record(self, failure: EnvironmentFailure, episode: int, lines: tuple[str, ...]) -> None:
        """Take a failure down; a restart may follow.

        Args:
          failure: is kept.
          episode: in which it happened.
          lines: that the worker printed last.

        Raises:
          EnvironmentFaultError: the restarts are spent.
        """
        self._last.append(failure)
        if self._budget.spend():
            return
        restarts = f"environment.max_restarts: {self._budget.most}, spent"
        raise EnvironmentFaultError.of(
            self._environment,
            f"{failure.reason} ({restarts}){printed(lines)}",
            index=failure.environment_index,
            seed=failure.seed,
            episode=episode,
            step=failure.step,
        )


def printed(lines: tuple[str, ...]) -> str:
    """Return what a worker printed last as the tail of a message."""
    return "".join(f"\n  | {line}" for line in ("it printed last:", *lines)) if lines else ""
