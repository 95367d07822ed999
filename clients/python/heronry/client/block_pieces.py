"""Blocks that are larger than a message, cut into runs of whole steps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from heronry.types.columns import ColumnSpec, successors
from heronry.types.experience import Block
from heronry.wire.options import DEFAULT_MAX_MESSAGE_BYTES

# Beside its values a message has headers of its columns.
MESSAGE_BYTES: Final = DEFAULT_MAX_MESSAGE_BYTES - (64 << 10)
# A service stores the pieces that are there while the next ones travel.
PIECE_BYTES: Final = DEFAULT_MAX_MESSAGE_BYTES // 2
_PRIORITY_BYTES: Final = 8


def steps_of_a_message(columns: Sequence[ColumnSpec], num_lanes: int) -> int:
    """Return how many steps of all lanes a message holds, priorities included; at least 1."""
    step_bytes = num_lanes * (_PRIORITY_BYTES + sum(spec.num_bytes for spec in columns))
    return max(1, MESSAGE_BYTES // step_bytes)


def pieces_of(block: Block, message_bytes: int = MESSAGE_BYTES, piece_bytes: int = PIECE_BYTES) -> Iterator[Block]:
    """Yield a block whole where it has at most `message_bytes`, else runs of its steps, as views.

    A run has at most `piece_bytes`, or is a single step. Each has the priorities of its own steps;
    lanes end with the last one.
    """
    num_steps, num_bytes = block.num_steps, _num_bytes(block)
    if num_bytes <= message_bytes:
        yield block
        return
    steps_each = max(1, piece_bytes * num_steps // num_bytes)
    for first in range(0, num_steps, steps_each):
        rows = slice(first, first + steps_each)
        yield replace(
            block,
            columns={path: array[rows] for path, array in block.columns.items()},
            priorities=None if block.priorities is None else block.priorities[rows],
            lane_ends=block.lane_ends if first + steps_each >= num_steps else None,
        )


def _num_bytes(block: Block) -> int:
    own = 0 if block.priorities is None else block.priorities.nbytes
    shared = successors(block.columns)
    return own + sum(a[-1].nbytes if path in shared else a.nbytes for path, a in block.columns.items())
