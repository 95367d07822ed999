"""Small pictures: boxes and thick lines with round ends, smooth at their edges; as the native ones."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Bytes

Reals = npt.NDArray[np.floating[Any]]
Colour = tuple[int, int, int]
Point = tuple[float, float]


class Canvas:
    """Paints a frame. Points are in pixels, from the left and from the top; a pixel's middle is at one half."""

    def __init__(self, frame: Bytes) -> None:
        self._frame = frame

    def fill(self, colour: Colour) -> None:
        """Paint everything."""
        self._frame[:] = colour

    def box(self, low: Point, high: Point, colour: Colour) -> None:
        """Paint a box; its corners need not lie on pixels."""

        def cover(x: Reals, y: Reals) -> Reals:
            return _overlap(x, low[0], high[0]) * _overlap(y, low[1], high[1])

        self._each(low, high, cover, colour)

    def disc(self, middle: Point, radius: float, colour: Colour) -> None:
        """Paint a disc."""
        self.line(middle, middle, radius, colour)

    def line(self, start: Point, end: Point, radius: float, colour: Colour) -> None:
        """Paint a line, twice the radius thick."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        square = dx * dx + dy * dy

        def cover(x: Reals, y: Reals) -> Reals:
            px, py = x - start[0], y - start[1]
            along = np.clip((px * dx + py * dy) / square, 0.0, 1.0) if square > 0.0 else 0.0
            qx, qy = px - along * dx, py - along * dy
            return np.asarray(np.clip(radius + 0.5 - np.sqrt(qx * qx + qy * qy), 0.0, 1.0))

        low = (min(start[0], end[0]) - radius - 1.0, min(start[1], end[1]) - radius - 1.0)
        high = (max(start[0], end[0]) + radius + 1.0, max(start[1], end[1]) + radius + 1.0)
        self._each(low, high, cover, colour)

    def _each(self, low: Point, high: Point, cover: Callable[[Reals, Reals], Reals], colour: Colour) -> None:
        height, width, _ = self._frame.shape
        left, right = _pixels(low[0], high[0], width)
        top, bottom = _pixels(low[1], high[1], height)
        if left >= right or top >= bottom:
            return
        x, y = np.arange(left, right) + 0.5, np.arange(top, bottom)[:, None] + 0.5
        part = self._frame[top:bottom, left:right]
        below = part.astype(np.float64)
        mixed = below + (np.array(colour, np.float64) - below) * cover(x, y)[..., None] + 0.5
        part[:] = mixed.astype(np.uint8)


def _pixels(low: float, high: float, size: int) -> tuple[int, int]:
    return min(max(math.floor(low), 0), size), min(max(math.ceil(high), 0), size)


def _overlap(middle: Reals, low: float, high: float) -> Reals:
    return np.asarray(np.clip(np.minimum(middle + 0.5, high) - np.maximum(middle - 0.5, low), 0.0, 1.0))
