"""Puts steps of several groups together, by size or deadline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heronry.learner.core.inference.policies import Policy
from heronry.types.inference import InferenceStep
from heronry.types.tensors import Array, FloatArray

if TYPE_CHECKING:
    from heronry.learner.core.inference.groups import Group


@dataclass(frozen=True, eq=False)
class PendingStep:
    """A step that is to be evaluated.

    Attributes:
      group: whose lanes it is of.
      step: what came.
      policy: that acts.
      arrived_s: when it came.
    """

    group: "Group"
    step: InferenceStep
    policy: Policy
    arrived_s: float

    @property
    def sequence(self) -> int:
        """Of the step, in its group."""
        return self.step.sequence

    @property
    def num_rows(self) -> int:
        """Lanes of the step."""
        return len(self.step.observations)


@dataclass(frozen=True, eq=False)
class Batch:
    """Steps that one version evaluates at once.

    Attributes:
      steps: in the order of their rows.
      observations: `[B, ...]`, all rows.
      states: `[B, S]` before them.
    """

    steps: Sequence[PendingStep]
    observations: Array
    states: FloatArray

    @property
    def policy(self) -> Policy:
        """The version."""
        return self.steps[0].policy

    @property
    def num_rows(self) -> int:
        """Rows of all steps."""
        return len(self.observations)

    def split(self, rows: FloatArray) -> list[FloatArray]:
        """Return each step's part of `[B, ...]`."""
        ends = np.cumsum([step.num_rows for step in self.steps])
        return np.split(rows, ends[:-1])


class Batcher:
    """Steps in the order of their arrival.

    A batch is due when the rows reach the size, when the first step has waited long enough, or when
    nobody else is expected.
    """

    def __init__(self, max_rows: int, max_wait_s: float) -> None:
        self._max_rows = max_rows
        self._max_wait_s = max_wait_s
        self._waiting: list[PendingStep] = []
        self._num_rows = 0
        # They are due in any case: when they were all that waited, nobody else was expected.
        self._due: set[PendingStep] = set()

    @property
    def due_s(self) -> float | None:
        """When the first step will have waited long enough; None when none waits."""
        return self._waiting[0].arrived_s + self._max_wait_s if self._waiting else None

    def add(self, step: PendingStep) -> None:
        """Line a step up."""
        self._waiting.append(step)
        self._num_rows += step.num_rows

    def discard(self, step: PendingStep) -> bool:
        """Drop a step that nobody waits for any more; False when it is being evaluated."""
        if step not in self._waiting:
            return False
        self._waiting.remove(step)
        self._due.discard(step)
        self._num_rows -= step.num_rows
        return True

    def is_due(self, now_s: float, *, is_anybody_expected: bool) -> bool:
        """Tell whether to evaluate now."""
        if not self._waiting:
            return False
        if not is_anybody_expected:
            self._due = set(self._waiting)
        first = self._waiting[0]
        is_late = now_s >= first.arrived_s + self._max_wait_s
        return is_late or first in self._due or self._num_rows >= self._max_rows

    def take(self) -> Batch:
        """Return the next batch: the first step and those of its version that fit, the longest waiting first."""
        policy = self._waiting[0].policy
        taken: list[PendingStep] = []
        left: list[PendingStep] = []
        num_rows = 0
        for step in self._waiting:
            # A step that is larger than the size by itself is evaluated alone.
            fits = not taken or num_rows + step.num_rows <= self._max_rows
            if step.policy is policy and fits:
                taken.append(step)
                num_rows += step.num_rows
            else:
                left.append(step)
        self._waiting = left
        self._due.difference_update(taken)
        self._num_rows -= num_rows
        return _batch(taken)


def _batch(steps: Sequence[PendingStep]) -> Batch:
    width = steps[0].policy.forward.width
    # Copied also where there is one only: what came in a message cannot be written to, which native code minds.
    observations = np.concatenate([s.step.observations for s in steps])
    return Batch(steps, observations, np.concatenate([s.group.states_for(s.step, width) for s in steps]))
