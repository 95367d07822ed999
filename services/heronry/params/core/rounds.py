"""Rounds of aggregation, and the memory of what was counted in them."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from heronry.params.core.aggregation import Difference, WeightedSum
from heronry.params.core.buffers import MergedBuffers
from heronry.types.contribution import Acknowledgement
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.tensors import Array, TensorSpec

RequestKey = tuple[str, str]


@dataclass(frozen=True)
class Round:
    """One aggregation; counting a contribution makes a new one, so that a refusal leaves no trace."""

    round_id: int
    sum: WeightedSum
    buffers: MergedBuffers

    @classmethod
    def opened(cls, round_id: int, others: tuple[TensorSpec, ...]) -> "Round":
        """Return an empty round."""
        return cls(round_id, WeightedSum(), MergedBuffers(others))

    @property
    def num_contributions(self) -> int:
        """Contributions counted so far."""
        return self.sum.num_contributions

    def check_open(self, round_id: int) -> None:
        """Refuse a contribution that answers another round; 0 answers whichever is open.

        Raises:
          FailedPreconditionError: the round named is closed or not yet open.
        """
        if round_id not in {0, self.round_id}:
            details = {"field": "round_id", "value": str(round_id), "allowed": f"{self.round_id}, 0"}
            raise FailedPreconditionError(
                f"round_id: got {round_id}, allowed: {self.round_id} (open) or 0", details=details
            )

    def plus(self, difference: Difference, others: dict[str, Array], weight: float) -> "Round":
        """Return the round with one more contribution."""
        share = self.sum.share_of(weight)
        return replace(self, sum=self.sum.plus(difference, weight), buffers=self.buffers.plus(others, share))

    def next(self) -> "Round":
        """Return the empty round that follows this one."""
        return Round.opened(self.round_id + 1, self.buffers.tensors)


class RequestMemory:
    """Remembers the last requests that were counted, so that none counts twice. Lookups are O(1)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._answers: OrderedDict[RequestKey, Acknowledgement] = OrderedDict()

    def find(self, client_id: str, request_id: str) -> Acknowledgement | None:
        """Return the answer given before, marked as not counted again; None for a new request.

        Raises:
          InvalidArgumentError: the request id is empty.
        """
        if not request_id:
            raise InvalidArgumentError.of("request_id", request_id, "an id of the sender's choice, not empty")
        answer = self._answers.get((client_id, request_id))
        return None if answer is None else replace(answer, counted=False)

    def remember(self, client_id: str, request_id: str, answer: Acknowledgement) -> None:
        """Keep an answer; the oldest is forgotten beyond the capacity."""
        self._answers[client_id, request_id] = answer
        while len(self._answers) > self._capacity:
            self._answers.popitem(last=False)

    def restamp(self, epoch: int) -> None:
        """Move the versions in all answers to another epoch."""
        for key, answer in self._answers.items():
            self._answers[key] = replace(answer, version=replace(answer.version, epoch=epoch))

    def entries(self) -> list[tuple[RequestKey, Acknowledgement]]:
        """Return everything remembered, oldest first."""
        return list(self._answers.items())
