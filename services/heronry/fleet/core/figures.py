"""What a fleet has done for a run, as it reports it."""

from collections import Counter, deque
from collections.abc import Callable

import numpy as np

from heronry.fleet.core.episodes import EpisodeStatistics
from heronry.fleet.core.unroll import Unroll
from heronry.types.run import EnvironmentFailure, FleetStatistics
from heronry.types.version import ParameterVersion

_WINDOW_S = 5.0


class FleetFigures:
    """Counts unrolls; for one thread at a time.

    Args:
      run_id, environment: of the run.
      num_envs: lanes of its unrolls.
      clock: monotonic seconds.
    """

    def __init__(self, run_id: str, environment: str, num_envs: int, clock: Callable[[], float]) -> None:
        self.num_steps = 0
        self.waiting_time_s = 0.0
        self.first_step_time_s: float | None = None
        self.num_unrolls = 0
        self.num_unrolls_too_old = 0
        self.engine = ""
        self.policy = ""
        self.num_restarts = 0
        self.failures: tuple[EnvironmentFailure, ...] = ()
        self._run_id = run_id
        self._environment = environment
        self._num_envs = num_envs
        self._clock = clock
        self._episodes = EpisodeStatistics(num_envs)
        self._lags: Counter[int] = Counter()
        self._behaviour_version: ParameterVersion | None = None
        self._environment_time_s = 0.0
        self._inference_time_s = 0.0
        # Steps taken until each recent instant; the first entry is the start.
        self._recent: deque[tuple[float, int]] = deque([(clock(), 0)])

    def add(self, unroll: Unroll, behaviour: ParameterVersion, newest: ParameterVersion) -> None:
        """Count an unroll that `behaviour` acted in while `newest` was the newest version known."""
        columns = unroll.columns
        ended = np.logical_or(columns["terminated"], columns["truncated"])
        if unroll.cut is not None:
            self._episodes.cut(unroll.cut)
        mask = columns["mask"].astype(np.bool_, copy=False)
        self._episodes.add(columns["reward"].astype(np.float32, copy=False), ended, mask, unroll.given_up)
        self.num_steps += unroll.num_steps
        self._environment_time_s += unroll.environment_time_s
        self._inference_time_s += unroll.inference_time_s
        self._behaviour_version = behaviour
        # Versions of two epochs cannot be compared: the first unroll after a restore counts as current.
        is_comparable = behaviour.epoch == newest.epoch
        self._lags[max(0, newest.number - behaviour.number) if is_comparable else 0] += 1
        self._recent.append((self._clock(), self.num_steps))
        self._forget_old()

    def note_environments(self, num_restarts: int, failures: tuple[EnvironmentFailure, ...]) -> None:
        """Take what the environments tell of those that died."""
        self.num_restarts = num_restarts
        self.failures = failures

    def cut_episodes(self) -> None:
        """Forget the episodes that are open: all environments begin anew."""
        self._episodes.cut()

    def statistics(self) -> FleetStatistics:
        """Return everything."""
        return FleetStatistics(
            run_id=self._run_id,
            environment=self._environment,
            num_environments=self._num_envs,
            num_steps=self.num_steps,
            steps_per_second=self._steps_per_second(),
            num_episodes=self._episodes.num_episodes,
            mean_return=self._episodes.mean_return,
            mean_length=self._episodes.mean_length,
            behaviour_version=self._behaviour_version,
            policy_lag=dict(self._lags),
            environment_time_s=self._environment_time_s,
            inference_time_s=self._inference_time_s,
            waiting_time_s=self.waiting_time_s,
            engine=self.engine,
            policy=self.policy,
            num_restarts=self.num_restarts,
            failures=self.failures,
            num_unrolls=self.num_unrolls,
            num_unrolls_too_old=self.num_unrolls_too_old,
        )

    def figures(self) -> dict[str, float]:
        """Return what heartbeats carry; `mean_return` only once an episode has ended."""
        figures = {
            "env_steps": float(self.num_steps),
            "episodes": float(self._episodes.num_episodes),
            "steps_per_s": self._steps_per_second(),
        }
        if self._episodes.num_episodes:
            figures["mean_return"] = self._episodes.mean_return
            figures["mean_length"] = self._episodes.mean_length
        if self._lags:
            figures["mean_lag"] = sum(lag * count for lag, count in self._lags.items()) / self._lags.total()
            figures["max_lag"] = float(max(self._lags))
        return figures

    def _steps_per_second(self) -> float:
        """Over the last seconds, up to now: a fleet that stands still falls to 0."""
        now = self._clock()
        # A copy that stays as it is: metrics are scraped in a thread of their own.
        recent = list(self._recent)
        since, steps_before = max((entry for entry in recent if entry[0] <= now - _WINDOW_S), default=recent[0])
        elapsed_s = now - since
        return (self.num_steps - steps_before) / elapsed_s if elapsed_s > 0 else 0.0

    def _forget_old(self) -> None:
        horizon = self._clock() - _WINDOW_S
        # One entry before the horizon stays: it is where the window's steps are counted from.
        while len(self._recent) > 1 and self._recent[1][0] <= horizon:
            self._recent.popleft()
