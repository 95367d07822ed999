"""What a learner has done since its run began, restarts included."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from heronry.types.errors import DataLossError


@dataclass(frozen=True)
class Counters:
    """Totals, and the figures of the last update.

    Attributes:
      num_updates: batches learnt from.
      num_gradient_steps: optimiser steps.
      num_steps: environment steps in those batches.
      update_time_s: spent in updates.
      waiting_time_s: spent waiting for batches.
      metrics: of the last update by name; not kept in checkpoints.
    """

    num_updates: int = 0
    num_gradient_steps: int = 0
    num_steps: int = 0
    update_time_s: float = 0.0
    waiting_time_s: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the totals as JSON values."""
        values = asdict(replace(self, metrics={}))
        del values["metrics"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "Counters":
        """Read the totals from JSON values.

        Raises:
          DataLossError: one is missing or no number.
        """
        names = ("num_updates", "num_gradient_steps", "num_steps", "update_time_s", "waiting_time_s")
        for name in names:
            if not isinstance(values.get(name), (int, float)):
                raise DataLossError(f"counters.{name}: got {values.get(name)!r}, allowed: a number")
        return cls(**{name: values[name] for name in names})  # type: ignore[arg-type]  # checked above

    def figures(self) -> dict[str, float]:
        """Return what a heartbeat carries."""
        totals = {
            "updates": float(self.num_updates),
            "gradient_steps": float(self.num_gradient_steps),
            "learnt_steps": float(self.num_steps),
            "update_time_s": self.update_time_s,
            "learner_waiting_time_s": self.waiting_time_s,
        }
        return {**self.metrics, **totals}
