"""What a round's contributions are counted in."""

from dataclasses import dataclass
from typing import Protocol

from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.rows import Row
from heronry.params.core.layout import Vector


@dataclass(frozen=True)
class Prepared:
    """A contribution that can be added: nothing about it can fail any more.

    Attributes:
      contribution: what is to be counted.
      scale: the factor of its values, all in one.
      anchor: the factor of the newest values, which are subtracted.
      row: where its values are held, for rules that hold them.
    """

    contribution: Contribution
    scale: float
    anchor: float
    row: Row | None = None


class Accumulator(Protocol):
    """Counts the contributions of one round after the other; owned by one thread.

    At most one contribution is prepared and neither added nor discarded. The newest values are the same vector
    from one `clear` to the next.
    """

    @property
    def num_contributions(self) -> int:
        """Contributions added since the round opened."""

    def prepare(self, contribution: Contribution, newest: Vector) -> Prepared:
        """Do everything that can fail; changes nothing that `mean` sees.

        Raises:
          InvalidContributionError: a component so large that the round's result could overflow.
          ResourceExhaustedError: there is no room to hold the contribution.
        """

    def discard(self, prepared: Prepared) -> None:
        """Let go of what was prepared and will not be added."""

    def add(self, prepared: Prepared) -> None:
        """Count a contribution; cannot fail."""

    def mean(self, newest: Vector, last: Prepared | None = None) -> MeanDifference:
        """Return the rule's result for what was added, and for `last`; changes nothing.

        The result may lie in memory that the next `add` writes to; `clear` leaves it alone.
        """

    def clear(self) -> None:
        """Begin the next round."""

    def close(self) -> None:
        """Let go of files and buffers."""
