"""How much a Q-learning fleet explores."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpsilonSchedule:
    """Chance of a random action: falls linearly from `initial` to `final` over `decay_steps` environment steps."""

    initial: float
    final: float
    decay_steps: int

    def at(self, env_steps: int) -> float:
        """Return epsilon after that many steps of this fleet."""
        fraction = min(1.0, env_steps / self.decay_steps)
        return self.initial + fraction * (self.final - self.initial)


@dataclass(frozen=True)
class Pace:
    """Environment steps that a run of Q-learning takes for its updates: the table's limiter holds it to them.

    Attributes:
      before_first: steps before the first update.
      per_update: steps for each update.
    """

    before_first: int
    per_update: float

    def steps_after(self, num_updates: int) -> int:
        """Return about how many steps a run with so many updates has behind it."""
        return self.before_first + int(num_updates * self.per_update) if num_updates > 0 else 0
