"""Rounds of aggregation."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.params.core.aggregation.accumulator import Accumulator, Prepared
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.buffers import MergedBuffers
from heronry.types.contribution import CountedContribution
from heronry.types.tensors import Array


@dataclass(frozen=True, order=True)
class Place:
    """Where a record lies: the journal's sequence and the record's index in it."""

    sequence: int
    index: int


@dataclass(frozen=True)
class Entry:
    """A contribution that passed every check: what its round counts and the journal keeps.

    Replaying it needs no base version any more, only the values of the version before the round.

    Attributes:
      answered_round: the round it was computed for; an earlier one than it counts in when it came late.
      num_bytes: of the contribution as it was sent.
    """

    client_id: str
    request_id: str
    contribution: Contribution
    others: Mapping[str, Array]
    staleness: int
    answered_round: int
    time_s: float
    num_bytes: int = 0

    @property
    def counted(self) -> CountedContribution:
        """Its place in a round, without its values."""
        return CountedContribution(self.client_id, self.request_id, self.contribution.factor, self.contribution.weight)


class Round:
    """The open aggregation of a model: what was counted, in order."""

    def __init__(self, round_id: int, accumulator: Accumulator, buffers: MergedBuffers) -> None:
        """Open a round on an empty accumulator."""
        self.round_id = round_id
        self.accumulator = accumulator
        self.buffers = buffers
        self.contributions: list[CountedContribution] = []
        self.contributors: set[str] = set()
        self.began: Place | None = None

    @property
    def num_contributions(self) -> int:
        """Contributions counted so far."""
        return len(self.contributions)

    def add(self, entry: Entry, prepared: Prepared, buffers: MergedBuffers, place: Place | None) -> None:
        """Count what was prepared; `place` is where its record lies, None when nothing was written."""
        self.accumulator.add(prepared)
        self.buffers = buffers
        self.contributions.append(entry.counted)
        if entry.answered_round == self.round_id:
            self.contributors.add(entry.client_id)
        if self.began is None:
            self.began = place
