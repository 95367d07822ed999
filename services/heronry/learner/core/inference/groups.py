"""What is remembered of groups of lanes across their streams."""

from dataclasses import dataclass, field

import numpy as np

from heronry.learner.core.inference.batcher import PendingStep
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.inference import InferenceStep, LaneGroup
from heronry.types.tensors import FloatArray

GroupKey = tuple[str, str]
"""Whose group, and its name: what others call theirs does not matter."""


@dataclass(eq=False)
class Group:
    """One group in one start of its fleet.

    Attributes:
      lanes: who they are.
      client_id: whose they are.
      last_sequence: of the last step that was answered; 0: none.
      last_outputs: the answer to it.
      states: of the lanes after it, `[N, S]`; None before the first step.
      pending: the step that waits to be evaluated, or is being.
      has_stream: whether a stream serves it.
    """

    lanes: LaneGroup
    client_id: str = ""
    last_sequence: int = 0
    last_outputs: FloatArray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    states: FloatArray | None = None
    pending: PendingStep | None = None
    has_stream: bool = False

    @property
    def key(self) -> GroupKey:
        """What it is remembered by."""
        return self.client_id, self.lanes.group_id

    def check_sequence(self, sequence: int) -> None:
        """Refuse a step that is neither the one answered last nor the one after.

        A group that nothing is known of may begin anywhere: its service has been restarted.

        Raises:
          InvalidArgumentError: it is out of turn.
        """
        last = self.last_sequence
        if sequence < 1:
            raise InvalidArgumentError.of("step.sequence", sequence, "at least 1")
        if last and sequence not in {last, last + 1}:
            raise InvalidArgumentError.of("step.sequence", sequence, f"{last} or {last + 1}")

    def states_for(self, step: InferenceStep, width: int) -> FloatArray:
        """Return the states that a step begins with `[N, S]`: zeros where an episode begins."""
        fresh = np.zeros((self.lanes.num_lanes, width), np.float32)
        if self.states is None or self.states.shape != fresh.shape:
            return fresh
        if step.begins is None:
            return self.states
        return np.where(step.begins[:, np.newaxis], fresh, self.states)

    def answer(self, sequence: int, outputs: FloatArray, states: FloatArray) -> None:
        """Remember the answer to a step."""
        self.pending = None
        self.last_sequence, self.last_outputs, self.states = sequence, outputs, states


class Groups:
    """All groups of a run; at most `max_groups`, those without a stream that were used last."""

    def __init__(self, max_groups: int) -> None:
        self._max_groups = max_groups
        self._groups: dict[GroupKey, Group] = {}

    def open(self, lanes: LaneGroup, client_id: str) -> Group:
        """Return the client's group of that name; a new one for another start of its fleet.

        Raises:
          SchemaMismatchError: the group has had other lanes in this start.
        """
        known = self._groups.pop((client_id, lanes.group_id), None)
        if known is None or known.lanes.num_starts != lanes.num_starts:
            known = Group(lanes, client_id)
        self._groups[known.key] = known
        if known.lanes != lanes:
            ours, theirs = _described(known.lanes), _described(lanes)
            raise SchemaMismatchError.of("open", theirs, f"{ours} in start {lanes.num_starts} of {lanes.group_id!r}")
        self._forget()
        return known

    def _forget(self) -> None:
        idle = [key for key, group in self._groups.items() if not group.has_stream and group.pending is None]
        # The last is the one that is being opened.
        for key in idle[: max(0, min(len(idle) - 1, len(self._groups) - self._max_groups))]:
            del self._groups[key]


def _described(lanes: LaneGroup) -> str:
    return f"{lanes.num_lanes} lanes of {lanes.element_type.name.lower()} {list(lanes.shape)}"
