"""Blocks that are too large for one message."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heronry.fleet.core.unroll import pieces_of


def columns_of(num_steps, num_lanes):
    shown = np.arange(num_steps * num_lanes * 3, dtype=np.float32).reshape(num_steps, num_lanes, 3)
    return {"observation": shown, "mask": np.ones((num_steps, num_lanes), np.bool_)}


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 600))
def test_pieces_follow_each_other_and_none_is_too_large(num_steps, num_lanes, max_bytes):
    columns = columns_of(num_steps, num_lanes)
    bytes_a_step = 13 * num_lanes

    pieces = list(pieces_of(columns, max_bytes))

    for name, column in columns.items():
        np.testing.assert_array_equal(np.concatenate([piece[name] for piece in pieces]), column)
    for piece in pieces:
        size = sum(array.nbytes for array in piece.values())
        assert size <= max(max_bytes, bytes_a_step)


def test_a_block_that_fits_is_one_piece():
    columns = columns_of(8, 2)

    (piece,) = pieces_of(columns, 1 << 20)

    assert np.shares_memory(piece["observation"], columns["observation"])
    assert len(piece["mask"]) == 8
