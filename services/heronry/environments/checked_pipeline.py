"""Checks what steps came to when many are over."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from heronry.environments.checked import CheckedEnvironment, check_observations, check_rewards
from heronry.environments.faults import LaneFault
from heronry.environments.vector import Outcomes, Pipelined, Work
from heronry.types.errors import EnvironmentFaultError
from heronry.types.tensors import Array

# Arrays of so many bytes together are sooner joined than looked at one by one.
_FEW_BYTES: Final = 1 << 20


class CheckedPipeline(CheckedEnvironment):
    """A `CheckedEnvironment` that is `Pipelined`: what went wrong first is told, under its own step.

    It shows when outcomes are asked for, or as soon as anything else goes wrong.
    """

    def __init__(self, engine: Pipelined, name: str, first_index: int = 0) -> None:
        super().__init__(engine, name, first_index)
        self._pipeline = engine
        # Of the steps whose outcomes are due: how many, the last one's number, and what they showed, where it may be
        # no number.
        self._num_due = 0
        self._last_due = 0
        self._shown: list[Array] = []

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; outcomes that nobody asked for are dropped.

        Raises:
          EnvironmentFaultError: as `CheckedEnvironment.reset`.
        """
        self._num_due = 0
        self._shown.clear()
        return super().reset(seeds)

    def send(self, actions: Array) -> None:
        """Begin a step of every environment.

        Raises:
          EnvironmentFaultError: the engine does not take it, or a step before went wrong.
          InvalidArgumentError: the action space does not hold the actions.
        """
        self._now += 1
        self._is_asked = True
        try:
            self._pipeline.send(actions)
        except BaseException as error:
            self._is_asked = False
            # Actions that make no sense may come of observations that do not.
            self._settle()
            if isinstance(error, LaneFault):
                raise self._named(error) from error
            raise

    def receive(self) -> Array:
        """Wait for its end; return what to act on next, unchecked.

        Raises:
          EnvironmentFaultError: an environment raised, showed what its space does not hold, or did wrong before.
        """
        try:
            shown = self._pipeline.receive()
        except LaneFault as fault:
            self._settle()
            raise self._named(fault) from fault
        finally:
            self._is_asked = False
        self._num_due += 1
        self._last_due = self._now
        if shown.dtype != np.uint8:
            self._shown.append(shown)
        return shown

    def outcomes(self) -> Outcomes:
        """Return what the steps came to that were received since this was asked for last.

        Raises:
          EnvironmentFaultError: a reward or an observation is not finite; names the first.
        """
        first = self._last_due - self._num_due + 1
        shown, self._shown, self._num_due = self._shown, [], 0
        try:
            outcomes = self._pipeline.outcomes()
        except LaneFault as fault:
            self._is_asked = False
            raise self._named(fault, self._last_due) from fault
        if not np.isfinite(outcomes.reward).all() or not _are_finite(shown):
            # Nobody will wait any more for the step that may be under way.
            self._is_asked = False
            self._raise_first(outcomes, shown, first)
        self._count_steps(outcomes, first)
        return outcomes

    def hung(self, work: Work, limit_s: float) -> EnvironmentFaultError:
        """Return the fault of an environment that has been at this work for longer, or the one before it."""
        try:
            self._settle()
        except EnvironmentFaultError as fault:
            return fault
        return super().hung(work, limit_s)

    def _settle(self) -> None:
        """Check and count what is due."""
        if self._num_due:
            self.outcomes()

    def _raise_first(self, outcomes: Outcomes, shown: list[Array], first: int) -> None:
        """Raise the first fault, and count the steps before it: they tell which step of its episode it is."""
        for row in range(len(outcomes.reward)):
            try:
                check_rewards(outcomes.reward[row])
                if shown:
                    check_observations(shown[row])
            except LaneFault as fault:
                self._count_steps(outcomes, first, row)
                raise self._named(fault, first + row) from fault

    def _count_steps(self, outcomes: Outcomes, first: int, num_steps: int | None = None) -> None:
        """Count steps, of which the first has a number; some of the first, or all."""
        ended = np.logical_or(outcomes.terminated, outcomes.truncated)[:num_steps]
        self._episodes += ended.sum(axis=0)
        rows, lanes = np.nonzero(ended | ~outcomes.mask[:num_steps])
        # Of a lane's rows the last stays.
        self._begun_at[lanes] = first + rows


def _are_finite(observations: list[Array]) -> bool:
    if not observations or len(observations) * observations[0].nbytes > _FEW_BYTES:
        return all(np.isfinite(array).all() for array in observations)
    return bool(np.isfinite(np.concatenate(observations)).all())
