"""One suite over both twins of the change from planes to pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.native.backend import Loops
from heronry.native.interleave import channels_last
from heronry.types.errors import SchemaMismatchError

_SIDES = st.tuples(st.integers(0, 3), st.integers(1, 7), st.integers(1, 9), st.integers(1, 40))


@given(hnp.arrays(np.uint8, _SIDES))
def test_it_is_the_transposition_of_the_axes(loops: Loops, pictures: np.ndarray) -> None:
    np.testing.assert_array_equal(channels_last(pictures, loops=loops), pictures.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("num_channels", [1, 2, 3, 4, 12])
def test_stacked_frames_of_an_emulator_keep_their_pixels(loops: Loops, num_channels: int) -> None:
    pictures = np.random.default_rng(1).integers(256, size=(3, num_channels, 84, 84), dtype=np.uint8)

    result = channels_last(pictures, loops=loops)

    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, np.moveaxis(pictures, 1, -1))


def test_pictures_with_gaps_are_accepted(loops: Loops) -> None:
    pictures = np.arange(2 * 3 * 4 * 10, dtype=np.uint8).reshape(2, 3, 4, 10)[..., ::2]

    np.testing.assert_array_equal(channels_last(pictures, loops=loops), pictures.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("shape,dtype", [((2, 3, 4), np.uint8), ((2, 3, 4, 5), np.float32)])
def test_other_shapes_and_types_are_refused_by_name(loops: Loops, shape: tuple[int, ...], dtype: type) -> None:
    with pytest.raises(SchemaMismatchError, match="pictures"):
        channels_last(np.zeros(shape, dtype), loops=loops)
