"""What a consistency mode decides."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from heronry.params.core.conditions import NOTHING, Conditions
from heronry.params.core.rounds import Round
from heronry.params.core.workers import Workers
from heronry.types.consistency import Consistency
from heronry.types.contribution import ContributionHeader


@dataclass(frozen=True)
class Surroundings:
    """What a mode sees of its model.

    Attributes:
      name: of the model.
      workers: its workers.
      chance: draws cohorts.
      base_number: returns the number of the version that the open round moves.
      may_join: tells whether a client may be drawn for the open round.
    """

    name: str
    workers: Workers
    chance: random.Random
    base_number: Callable[[], int]
    may_join: Callable[[str], bool]


@dataclass(frozen=True)
class Due:
    """What time has brought about.

    Attributes:
      closes: the open round is to be closed as it stands.
      conditions: what has changed for those who wait.
    """

    closes: bool = False
    conditions: Conditions = NOTHING


class Mode(Protocol):
    """Decides who may contribute, when a round closes and who waits; owned by the model's thread."""

    @property
    def round_size(self) -> int:
        """Contributions that close a round at once."""

    @property
    def max_staleness(self) -> int:
        """Versions that the base of a contribution may lie behind."""

    @property
    def deadline_s(self) -> float | None:
        """The core clock's time at which `poll` is to be called; None: none is known."""

    @property
    def cohort_size(self) -> int:
        """Workers drawn for the open round."""

    def factor_of(self, staleness: int) -> float:
        """Return what a contribution's difference is multiplied by."""

    def answered_round(self, header: ContributionHeader, opened: Round) -> int:
        """Return the round that a contribution was computed for.

        Raises:
          FailedPreconditionError: that round takes none, or none of this client.
        """

    def begin(self, opened: Round, now_s: float) -> Conditions:
        """Take notice that a round has opened because the one before closed."""

    def count(self, client_id: str, answered_round: int, opened: Round, now_s: float) -> Conditions:
        """Take notice of a contribution that was counted in the round that is, or was, open."""

    def workers_changed(self, opened: Round, now_s: float) -> Conditions:
        """Take notice of a worker that came or went."""

    def poll(self, opened: Round, now_s: float) -> Due:
        """Do what has become due."""

    def postpone(self, opened: Round, now_s: float) -> Conditions:
        """Take notice that a round could not be closed."""

    def invite(self, client_id: str, after: int, opened: Round, now_s: float) -> float | None:
        """Return the time left in the open round for a worker that is invited to it; None without a deadline.

        Raises:
          WouldBlock: the worker is not invited, or no round has opened since `after`.
        """

    def check_lead(self, client_id: str, now_s: float) -> None:
        """Let a worker's pull go on.

        Raises:
          WouldBlock: the worker is too far ahead of the slowest one.
        """

    def resume(self, opened: Round) -> Conditions:
        """Take notice that a round has opened after a restart or a rollback: earlier ones do not count any more."""

    def change(self, settings: Consistency) -> Conditions:
        """Take over other figures of the same mode."""
