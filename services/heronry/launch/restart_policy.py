"""When a process that died is started again, and when that has no sense any more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """Backoff doubling from `first_delay_s` to `max_delay_s`; a life of `healthy_s` forgets the deaths before it.

    `max_early_deaths` deaths in a row, each younger than `healthy_s`, end it: such a process fails
    at its start, and starting it once more would only hide why.
    """

    first_delay_s: float = 0.1
    max_delay_s: float = 5.0
    healthy_s: float = 5.0
    max_early_deaths: int = 5

    def delay_s(self, num_early_deaths: int) -> float:
        """Return the wait before the next start, after that many early deaths in a row."""
        return min(self.max_delay_s, self.first_delay_s * 2.0 ** max(0, num_early_deaths - 1))

    def gives_up(self, num_early_deaths: int) -> bool:
        """Tell whether that many early deaths in a row are too many."""
        return num_early_deaths >= self.max_early_deaths
