"""What a run has done, summed over the services and their restarts."""

from collections.abc import Mapping
from typing import Any

# Counted from zero by each process: summed. `updates` and the like are the learner's own totals, which it
# keeps in its checkpoint: the largest counts. Everything else is a gauge.
SUMMED = frozenset({"env_steps", "episodes", "dropped_unrolls"})
HIGHEST = frozenset({"updates", "gradient_steps", "barrier_updates"})


class RunningTotal:
    """Sum of a counter over instances whose own count falls to zero at a restart; never falls itself."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._ended = float(state["ended"]) if state else 0.0
        self._counts: dict[str, tuple[int, float]] = {}
        for instance, (incarnation, count) in state["counts"].items() if state else ():
            self._counts[instance] = (int(incarnation), float(count))

    def report(self, instance: str, incarnation: int, count: float) -> None:
        """Take an instance's count; a new incarnation, or a count that fell, began again at zero."""
        known, last = self._counts.get(instance, (incarnation, 0.0))
        if incarnation < known:
            return
        if incarnation > known or count < last:
            self._ended += last
        self._counts[instance] = (incarnation, count)

    @property
    def value(self) -> float:
        """The sum."""
        return self._ended + sum(count for _, count in self._counts.values())

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"ended": self._ended, "counts": {name: list(pair) for name, pair in self._counts.items()}}


class Progress:
    """The figures of one run.

    `restore` takes up what a coordinator before this one had counted, so that neither a fleet's death
    nor the coordinator's own makes a total fall.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        sums = state.get("sums", {})
        self._sums = {name: RunningTotal(sums.get(name)) for name in SUMMED}
        self._highest: dict[str, float] = {name: float(v) for name, v in state.get("highest", {}).items()}
        self._gauges: dict[str, dict[str, float]] = {}
        self.first_step_time_s: float | None = state.get("first_step_time_s")

    def report(
        self, instance: str, incarnation: int, figures: Mapping[str, float], first_step_time_s: float | None
    ) -> None:
        """Take one service's report on the run."""
        for name, value in figures.items():
            if name in SUMMED:
                self._sums[name].report(instance, incarnation, value)
            elif name in HIGHEST:
                self._highest[name] = max(value, self._highest.get(name, 0.0))
            else:
                self._gauges.setdefault(name, {})[instance] = value
        if first_step_time_s is not None and first_step_time_s < (self.first_step_time_s or float("inf")):
            self.first_step_time_s = first_step_time_s

    def forget(self, instance: str) -> None:
        """Drop a dead instance's gauges; what it had counted stays."""
        for values in self._gauges.values():
            values.pop(instance, None)

    def total(self, name: str) -> int:
        """Return a counter; 0 when nobody reported it."""
        if name in self._sums:
            return int(self._sums[name].value)
        return int(self._highest.get(name, 0.0))

    def gauge(self, name: str) -> float | None:
        """Return the mean of a gauge over the services that report it."""
        values = [value for value in self._gauges.get(name, {}).values() if value == value]
        return sum(values) / len(values) if values else None

    def figures(self) -> dict[str, float]:
        """Return all counters and gauges by name."""
        totals = {name: float(self.total(name)) for name in sorted(SUMMED | HIGHEST)}
        gauges = {name: self.gauge(name) for name in sorted(self._gauges)}
        return {**totals, **{name: value for name, value in gauges.items() if value is not None}}

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "sums": {name: total.state() for name, total in self._sums.items()},
            "highest": dict(self._highest),
            "first_step_time_s": self.first_step_time_s,
        }
