"""When candidates are evaluated, on which seeds, and when the run has reached its target."""

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heronry.spec import EvaluationSettings
from heronry.types.run import EvaluationSummary
from heronry.types.version import ParameterVersion

# Selection and judging draw from ranges that never meet; a run's seed moves both by a whole range, in
# which 32-bit seeds still fit.
SELECTION_BASE = 1_000_000
JUDGING_BASE = 50_000_000
_EPISODES_AT_MOST = 10_000
_RANGE = 100_000_000
_NUM_RANGES = 40


class Verdict(enum.Enum):
    """What an evaluation means for the run."""

    GO_ON = "go_on"
    CONFIRM = "confirm"
    REACHED = "reached"


@dataclass(frozen=True)
class Candidate:
    """A version with all selection episodes it has played."""

    version: ParameterVersion
    num_episodes: int
    mean_return: float
    sum_squares: float
    num_passes: int
    env_steps: int

    @property
    def sd_return(self) -> float:
        """Standard deviation of the returns, of the population."""
        return math.sqrt(max(0.0, self.sum_squares / self.num_episodes - self.mean_return**2))

    @property
    def summary(self) -> EvaluationSummary:
        """The candidate as others see it."""
        return EvaluationSummary(self.version, self.num_episodes, self.mean_return, self.sd_return, self.env_steps)

    def plus(self, returns: Sequence[float]) -> "Candidate":
        """Return the candidate after more episodes; the passes stay as they are."""
        total = self.num_episodes + len(returns)
        mean = (self.mean_return * self.num_episodes + sum(returns)) / total
        squares = self.sum_squares + sum(r * r for r in returns)
        return Candidate(self.version, total, mean, squares, self.num_passes, self.env_steps)


class EvaluationPlan:
    """Chooses candidates and tells when one has passed often enough in a row.

    A candidate that passes is evaluated again at once on fresh seeds, so that the version which ends the run
    is the very one that passed all of them; the best is compared by the mean over all its episodes.
    """

    def __init__(
        self,
        settings: EvaluationSettings,
        target_return: float | None,
        seed: int,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        state = state or {}
        self._settings = settings
        self._bar = None if target_return is None else target_return + settings.margin
        self._offset = seed % _NUM_RANGES * _RANGE
        self._num_selections = int(state.get("num_selections", 0))
        self._num_judgings = int(state.get("num_judgings", 0))
        self._last: tuple[int, int] = (0, 0)
        self._rest_until_s = -math.inf
        self.candidate: Candidate | None = None
        self.best = _candidate_from(state.get("best"))
        self.has_reached_target = bool(state.get("has_reached_target", False))

    def wants(self, newest: ParameterVersion, now_s: float) -> bool:
        """Tell whether the newest version is due for evaluation."""
        if now_s < self._rest_until_s:
            return False
        epoch, number = self._last
        if newest.epoch != epoch and epoch:
            return True
        return newest.number - number >= self._settings.every_updates

    def selection_seed(self) -> int:
        """Return the first seed of the next selection evaluation; episodes take it and those after it."""
        rounds = (JUDGING_BASE - SELECTION_BASE) // _EPISODES_AT_MOST
        seed = self._offset + SELECTION_BASE + self._num_selections % rounds * _EPISODES_AT_MOST
        self._num_selections += 1
        return seed

    def judging_seed(self) -> int:
        """Return the first seed of a judgement; no two judgements of a run share one."""
        rounds = (_RANGE - JUDGING_BASE) // _EPISODES_AT_MOST
        seed = self._offset + JUDGING_BASE + self._num_judgings % rounds * _EPISODES_AT_MOST
        self._num_judgings += 1
        return seed

    def skip(self, version: ParameterVersion, now_s: float) -> None:
        """Pass over a candidate that could not be evaluated."""
        self._rest(version, now_s, 0.0)

    def record(
        self, version: ParameterVersion, returns: Sequence[float], env_steps: int, now_s: float, took_s: float = 0.0
    ) -> Verdict:
        """Take the returns of a selection evaluation that was over at `now_s` and took `took_s`."""
        self._rest(version, now_s, took_s)
        before = self.candidate
        if before is None or not before.version.has_values_of(version):
            before = Candidate(version, 0, 0.0, 0.0, 0, env_steps)
        passed = self._bar is not None and sum(returns) / len(returns) >= self._bar
        after = before.plus(returns)
        passes = before.num_passes + 1 if passed else 0
        self.candidate = Candidate(
            version, after.num_episodes, after.mean_return, after.sum_squares, passes, after.env_steps
        )
        return self._verdict(self.candidate)

    def settle(self) -> bool:
        """Let a candidate whose confirmation will not be played be the best; returns whether it is."""
        candidate = self.candidate
        if candidate is None or self.best is None:
            self.best = self.best or candidate
        elif not self.best.version.has_values_of(candidate.version) and candidate.mean_return > self.best.mean_return:
            self.best = candidate
        return candidate is not None and self.best == candidate

    def forget_best(self) -> None:
        """Select anew: the values of the best version are gone, and with them what they had reached."""
        self.best = self.candidate = None
        self.has_reached_target = False

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "num_selections": self._num_selections,
            "num_judgings": self._num_judgings,
            "has_reached_target": self.has_reached_target,
            "best": _candidate_to(self.best),
        }

    def _rest(self, version: ParameterVersion, now_s: float, took_s: float) -> None:
        pause_s = took_s * (1.0 / self._settings.max_share - 1.0)
        self._last = version.epoch, version.number
        self._rest_until_s = now_s + max(self._settings.min_interval_s, pause_s)

    def _verdict(self, candidate: Candidate) -> Verdict:
        if 0 < candidate.num_passes < self._settings.passes:
            return Verdict.CONFIRM
        is_best = self.best is None or candidate.mean_return >= self.best.mean_return
        if candidate.num_passes:
            # It has been confirmed; a single lucky mean of an earlier version does not outweigh that.
            self.best, self.has_reached_target = candidate, True
            return Verdict.REACHED
        if is_best or (self.best is not None and self.best.version.has_values_of(candidate.version)):
            self.best = candidate
        return Verdict.GO_ON


def _candidate_to(candidate: Candidate | None) -> dict[str, Any] | None:
    if candidate is None:
        return None
    version = candidate.version
    return {
        "epoch": version.epoch,
        "number": version.number,
        "content_hash": version.content_hash.hex(),
        "num_episodes": candidate.num_episodes,
        "mean_return": candidate.mean_return,
        "sum_squares": candidate.sum_squares,
        "num_passes": candidate.num_passes,
        "env_steps": candidate.env_steps,
    }


def _candidate_from(values: Mapping[str, Any] | None) -> Candidate | None:
    if values is None:
        return None
    version = ParameterVersion(values["epoch"], values["number"], bytes.fromhex(values["content_hash"]))
    return Candidate(
        version,
        values["num_episodes"],
        values["mean_return"],
        values["sum_squares"],
        values["num_passes"],
        values["env_steps"],
    )
