"""What a run has spent at moments at which its steps were counted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """What had been spent at one moment of the run; `time_s` is monotonic."""

    time_s: float
    env_steps: int
    cpu_s: float


class CpuClock:
    """CPU time of one instance between its reports, over its restarts."""

    def __init__(self) -> None:
        self._ended_s = 0.0
        self._reported: tuple[float, float] | None = None
        self._pace = 0.0
        self._interval_s = 0.0

    @property
    def reported_s(self) -> float:
        """What was reported last."""
        return 0.0 if self._reported is None else self._reported[1]

    def report(self, time_s: float, cpu_s: float) -> None:
        """Take a process's CPU time; less than before is another process's."""
        if self._reported is not None:
            last_time_s, last_cpu_s = self._reported
            if cpu_s < last_cpu_s:
                self._ended_s += last_cpu_s
                self._interval_s = 0.0
            elif time_s > last_time_s:
                self._interval_s = time_s - last_time_s
                self._pace = (cpu_s - last_cpu_s) / self._interval_s
        self._reported = time_s, cpu_s

    def at(self, time_s: float) -> float:
        """Return the CPU time at a moment after the last report, carried on at the last pace.

        At most as far as the reports lie apart: a process that has fallen silent spends nothing.
        """
        if self._reported is None:
            return self._ended_s
        last_time_s, last_cpu_s = self._reported
        ahead_s = min(max(0.0, time_s - last_time_s), self._interval_s)
        return self._ended_s + last_cpu_s + self._pace * ahead_s


class Meter:
    """Makes marks whose steps, time and CPU time belong together.

    Services report at different moments. A mark is made when a fleet reports new steps, at that
    moment; the CPU time of the others is carried forward to it. A clock read at any other moment would
    be newer than the steps beside it, by up to a heartbeat.
    """

    def __init__(self, num_updates_before: int = 0, env_steps_before: int = 0) -> None:
        """Begin to measure, for a run that has something behind it."""
        self._num_updates_before = num_updates_before
        self._env_steps = env_steps_before
        self._clocks: dict[str, CpuClock] = {}
        self.first_update: Mark | None = None
        self.newest: Mark | None = None

    def spend(self, instance: str, time_s: float, cpu_s: float, process: str = "") -> None:
        """Take the CPU time that an instance reports of its process; one that has no name is its own."""
        clock = self._clocks.setdefault(process or instance, CpuClock())
        # Reports of services in one process may overtake each other.
        if not process or cpu_s >= clock.reported_s:
            clock.report(time_s, cpu_s)

    def count(self, time_s: float, env_steps: int, num_updates: int) -> None:
        """Take the run's totals after a report."""
        if env_steps <= self._env_steps:
            return
        self._env_steps = env_steps
        cpu_s = sum(clock.at(time_s) for clock in self._clocks.values())
        self.newest = Mark(time_s, env_steps, cpu_s)
        if self.first_update is None and num_updates > self._num_updates_before:
            self.first_update = self.newest
