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
