"""Checks what a step came to while the next is under way."""

from collections.abc import Sequence

from heronry.environments.checked import CheckedEnvironment
from heronry.environments.faults import LaneFault
from heronry.environments.vector import Pipelined, Step
from heronry.types.tensors import Array


class CheckedPipeline(CheckedEnvironment):
    """A `CheckedEnvironment` that is `Pipelined`: a fault shows when the outcome is asked for, under its own step."""

    def __init__(self, engine: Pipelined, name: str, first_index: int = 0) -> None:
        super().__init__(engine, name, first_index)
        self._pipeline = engine
        # Of the step that was received last, and whether its outcome has been asked for.
        self._number = 0
        self._is_due = False

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; an outcome that nobody asked for is dropped.

        Raises:
          EnvironmentFaultError: as `CheckedEnvironment.reset`.
        """
        self._is_due = False
        return super().reset(seeds)

    def send(self, actions: Array) -> None:
        """Begin a step of every environment.

        Raises:
          EnvironmentFaultError: the engine does not take it.
          InvalidArgumentError: the action space does not hold the actions.
        """
        self._now += 1
        self._is_asked = True
        try:
            self._pipeline.send(actions)
        except BaseException as error:
            self._is_asked = False
            if isinstance(error, LaneFault):
                raise self._named(error) from error
            if self._is_due:
                # Actions that make no sense may come of observations that do not.
                self.outcome()
            raise

    def receive(self) -> Array:
        """Wait for its end; return what to act on next, unchecked.

        Raises:
          EnvironmentFaultError: an environment raised, or showed what its space does not hold.
        """
        try:
            shown = self._pipeline.receive()
        except LaneFault as fault:
            raise self._named(fault) from fault
        finally:
            self._is_asked = False
        self._number, self._is_due = self._now, True
        return shown

    def outcome(self) -> Step:
        """Return the step that was received last.

        Raises:
          EnvironmentFaultError: a reward or an observation is not finite.
        """
        self._is_due = False
        try:
            step = self._pipeline.outcome()
            self._check(step)
        except LaneFault as fault:
            # Nobody will wait any more for the step that may be under way.
            self._is_asked = False
            raise self._named(fault, self._number) from fault
        self._count(step, self._number)
        return step
