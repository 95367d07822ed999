"""Rounds whose contributions are held until the close."""

from heronry.params.core.aggregation.accumulator import Prepared
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.held_rows import HeldRows
from heronry.params.core.aggregation.overflow import check_term, largest_term
from heronry.params.core.aggregation.robust_rules import RobustRule
from heronry.params.core.aggregation.row_order import in_order
from heronry.params.core.aggregation.row_reader import RowReader
from heronry.params.core.aggregation.rows import Row
from heronry.params.core.aggregation.vectors import new_vector
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout, Vector


class HeldContributions:
    """Holds a round's contributions and applies a robust rule to them.

    Memory: what `HeldRows` holds, `SCRATCH_BYTES` while the rule reads, and the result. The result is the same in
    any order of arrival, bit for bit, and wherever the contributions are held.
    """

    def __init__(
        self, layout: ParameterLayout, round_size: int, pool: BufferPool, held: HeldRows, rule: RobustRule
    ) -> None:
        self._layout = layout
        self._pool = pool
        self._bound = largest_term(layout.dtype, round_size)
        self._held = held
        self._rule = rule
        self._rows: list[Row] = []

    @property
    def num_contributions(self) -> int:
        """Contributions added since the round opened."""
        return len(self._rows)

    def clear(self) -> None:
        """Begin the next round."""
        self._rows = []
        self._held.clear()

    def close(self) -> None:
        """Let go of the file."""
        self.clear()

    def prepare(self, contribution: Contribution, newest: Vector) -> Prepared:
        """Hold the contribution's values; see `Accumulator.prepare`."""
        check_term(contribution.largest * abs(contribution.scale), self._bound)
        row = self._held.hold(contribution)
        return Prepared(contribution, contribution.scale, contribution.anchor, row)

    def discard(self, prepared: Prepared) -> None:
        """Let go of the contribution's values."""
        self._held.release(_row(prepared))

    def add(self, prepared: Prepared) -> None:
        """Count a contribution that is held already."""
        self._rows.append(_row(prepared))

    def mean(self, newest: Vector, last: Prepared | None = None) -> MeanDifference:
        """Return the rule's result for what was added and for `last`; see `Accumulator.mean`."""
        rows = self._rows if last is None else [*self._rows, _row(last)]
        if not rows:
            raise ValueError("the mean of no contributions")
        reader = RowReader(self._held, in_order(self._held, rows, newest), newest)
        if len(rows) == 1 and rows[0].values is not None:
            return MeanDifference(rows[0].values, reader.anchor, reader.scale)
        return self._rule.result(reader, lambda: new_vector(self._layout, self._pool))


def _row(prepared: Prepared) -> Row:
    if prepared.row is None:
        raise ValueError("a contribution that another kind of accumulator prepared")
    return prepared.row
