"""A board with round holes that discs lie in, smooth at their edges, in whole numbers alone."""

import numpy as np

from heronry.native.arrays import Bytes, Indices

CELL = 64
_BOARD = (52, 84, 140)
_RIMS = ((38, 62, 106), (176, 58, 52), (206, 160, 44))
_FACES = ((235, 238, 243), (222, 88, 78), (244, 203, 88))
_RIM, _HOLE, _FACE = 8 * 27, 8 * 25, 8 * 21  # radii in eighths of a pixel


def paint_place(frame: Bytes, column: int, row: int, content: int) -> None:
    """Paint a place that holds nothing, 0, the first player's disc, 1, or the second's, 2."""
    picture = np.broadcast_to(np.array(_BOARD), (CELL, CELL, 3))
    picture = _blended(picture, _RIMS[content], _covered(_RIM))
    picture = _blended(picture, _FACES[content], _covered(_FACE if content else _HOLE))
    frame[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = picture


def _covered(radius: int) -> Indices:
    """Return how many of each pixel's sixteen points are within the radius around the middle."""
    points = 2 * np.arange(4 * CELL) + 1 - 4 * CELL
    inside = points[:, None] ** 2 + points**2 <= radius * radius
    return np.asarray(inside.reshape(CELL, 4, CELL, 4).sum(axis=(1, 3), dtype=np.int64))


def _blended(below: Indices, colour: tuple[int, int, int], sixteenths: Indices) -> Indices:
    share = sixteenths[:, :, None]
    return np.asarray((below * (16 - share) + np.array(colour) * share + 8) // 16, np.int64)
