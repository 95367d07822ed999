"""That what a benchmark counted is what the table counted."""

from collections.abc import Mapping

from heronry.bench.replay.tables import PATTERNS


class MiscountError(RuntimeError):
    """What was counted is not in the table: there is no figure."""


def check_inserts(
    before: Mapping[str, float], after: Mapping[str, float], *, items: str, num_steps: int, num_lanes: int
) -> None:
    """Check that `num_steps` steps over fresh lanes made as many items, and that each put the oldest out.

    Args:
      before: the table's counters then.
      after: and now.
      items: name of its pattern, of one item a step.
      num_steps: counted by the clients.
      num_lanes: that they wrote anew; the first steps of each complete no item.

    Raises:
      MiscountError: one of them does not hold.
    """
    expected = num_steps - num_lanes * (PATTERNS[items].num_steps - 1)
    inserted = after["num_inserts"] - before["num_inserts"]
    evicted = after["num_deletes"] - before["num_deletes"]
    if inserted != expected:
        raise MiscountError(f"{inserted} items were inserted by {num_steps} steps, not {expected}")
    if evicted != inserted - (after["num_items"] - before["num_items"]) or after["num_items"] < before["num_items"]:
        raise MiscountError(f"{evicted} items were put out by {inserted} others")


def check_full(counters: Mapping[str, float], max_size: int) -> None:
    """Check that a table is full.

    Raises:
      MiscountError: it is not.
    """
    if counters["num_items"] != max_size:
        raise MiscountError(f"the table holds {counters['num_items']} items, not {max_size}")
